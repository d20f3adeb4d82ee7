"""The GPU engine computes what the printed circuit says; here JAX runs it on the processor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import random_circuits, random_codes
from edgetrig.circuit import Builder, Circuit, Input, Op, Output, fixed_input, quantize, trace
from edgetrig.emulate import Emulator, gpu
from edgetrig.errors import DataError, ToolError
from edgetrig.verify.reference import evaluate

jax = pytest.importorskip("jax")


@settings(max_examples=8)
@given(random_circuits(registers=True), st.integers(0, 99))
def test_random_circuits(circuit: Circuit, seed: int) -> None:
    codes = random_codes(circuit, 9, seed)
    expected = evaluate(str(circuit), codes.tolist())
    assert Emulator(circuit).codes(codes, engine="gpu", threads=1).tolist() == expected


@pytest.mark.parametrize("bits", [30, 31, 32, 61])
def test_shifts_at_word_corners(bits: int) -> None:
    builder = Builder()
    port = Input("x", np.array([-(1 << bits)]), np.array([(1 << bits) - 1]), np.zeros(1, np.int64))
    (row,) = builder.input(0, port)
    rows = [
        builder.append(op, row, p=p)
        for op in (Op.SHR, Op.LOW, Op.LOWS)
        for p in (1, 30, 31, 32, 33, 62, 63, 70)
        if op != Op.LOW or p <= min(bits, 62)
    ]
    circuit = builder.finish([port], [Output("y", np.array(rows), np.zeros(len(rows), int))])
    codes = random_codes(circuit, 30)
    expected = evaluate(str(circuit), codes.tolist())
    assert Emulator(circuit).codes(codes, engine="gpu").tolist() == expected


def test_a_network_with_floats() -> None:
    weights = np.random.default_rng(1).integers(-8, 9, (6, 5)) / 8

    def function(x):
        return quantize(np.maximum(x @ weights, 0), 0, 3, 3, "RND", "SAT") @ weights[:5]

    emulator = Emulator(trace(function, fixed_input("x", 6, integer=3, fraction=4)))
    x = np.random.default_rng(2).normal(0, 4, (70_000, 6))
    expected = emulator.predict(x, engine="interpreted")
    assert np.array_equal(emulator.predict(x, engine="gpu"), expected)
    assert np.array_equal(emulator.predict(x[:3], engine="gpu"), expected[:3])
    assert emulator.predict(x[:0], engine="gpu").shape == (0, 5)
    x[66_000, 2] = np.nan
    with pytest.raises(DataError, match=r"event 66000: input x\[2\] is nan"):
        emulator.predict(x, engine="gpu")
    # 64 bits are switched on for the emulator alone.
    assert jax.numpy.asarray([1 << 40 if jax.config.jax_enable_x64 else 1]).dtype == np.int32


def test_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = trace(lambda x: x * 3 - 1, fixed_input("x", 2, integer=3, fraction=4))
    codes = random_codes(circuit, 70)
    expected = evaluate(str(circuit), codes.tolist())
    for memory in (1, 1 << 10):
        monkeypatch.setattr(gpu, "_BYTES", memory)
        assert Emulator(circuit).codes(codes, engine="gpu").tolist() == expected


def test_a_device_that_is_missing_or_full(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = trace(lambda x: x * 2, fixed_input("x", 2, integer=3, fraction=4))
    codes = np.zeros((1, 2), np.int64)

    def fail(*given):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory\nin a buffer")

    emulator = Emulator(circuit)
    emulator.codes(codes, engine="gpu")
    monkeypatch.setattr(emulator._engines["gpu"], "_function", fail)
    with pytest.raises(ToolError, match=r"gpu.*RESOURCE_EXHAUSTED: out of memory; use another"):
        emulator.codes(codes, engine="gpu")
    monkeypatch.setattr(jax, "devices", fail)
    with pytest.raises(ToolError, match="use another engine"):
        Emulator(circuit).codes(codes, engine="gpu")


def test_without_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jax", None)
    circuit = trace(lambda x: x * 2, fixed_input("x", 2, integer=3, fraction=4))
    with pytest.raises(ToolError, match=r"pip install 'edgetrig\[gpu\]'"):
        Emulator(circuit).codes(np.zeros((1, 2), np.int64), engine="gpu")
