"""Matrices multiplied as a whole compute what the printed circuit says, on every processor."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import random_circuits, random_codes
from edgetrig.circuit import Circuit, Input, quantize, trace
from edgetrig.emulate import code_cache, matrices, straight
from edgetrig.emulate.compiled import CompiledEngine
from edgetrig.emulate.machine import Machine, host
from edgetrig.emulate.matrices import Matrix
from edgetrig.emulate.packs import BYTES, WORDS
from edgetrig.emulate.ports import Inputs
from edgetrig.verify.reference import evaluate

TRIPLE = host().triple
FEATURES = {"x86-64": "+sse2", "x86-64-v3": "+avx2", "x86-64-v4": "+avx512bw"}
MACHINES = [host()] + [
    Machine(TRIPLE, level)
    for level, feature in FEATURES.items()
    if feature in host().features.split(",")
]


@pytest.fixture(autouse=True, scope="module")
def always() -> Iterator[None]:
    """Make matrices of whatever can be one, and keep no such code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(straight, "_PRODUCT", -1e9)
        patch.setattr(matrices, "_FEWEST_TERMS", 1)
        patch.setattr(matrices, "_PACK_WORK", -3.9)
        patch.setattr(code_cache, "read", lambda name: None)
        patch.setattr(code_cache, "write", lambda *given: None)
        yield


def assert_same_bits(circuit: Circuit, codes: np.ndarray, machine: Machine) -> None:
    engine = CompiledEngine(circuit, Inputs(circuit), machine)
    out = np.empty((len(codes), len(circuit.output_rows)), np.int64)
    engine.codes(engine.memory(), codes, out, 0)
    assert out.tolist() == evaluate(str(circuit), codes.tolist())


def made(circuit: Circuit, machine: Machine) -> list[Matrix]:
    return straight._lower(circuit, machine)[1]


@settings(max_examples=40)
@given(
    random_circuits(max_rows=60), st.integers(0, 99), st.sampled_from(MACHINES), st.integers(1, 9)
)
def test_random_circuits(circuit: Circuit, seed: int, machine: Machine, events: int) -> None:
    assert_same_bits(circuit, random_codes(circuit, events, seed), machine)


@settings(max_examples=40)
@given(st.integers(0, 1 << 30), st.sampled_from(MACHINES))
def test_random_layers(seed: int, machine: Machine) -> None:
    chance = np.random.default_rng(seed)
    sizes = chance.integers(1, 21, chance.integers(2, 5)).tolist()
    # Bytes and words with and without a sign, what fits neither, and some with a narrow interval.
    ends = [(-128, 127), (0, 255), (0, 63), (-3, 255), (-(1 << 15), (1 << 15) - 1), (0, 1 << 16)]
    low, high = np.array(ends)[chance.integers(0, len(ends), sizes[0])].T
    port = Input("x", low, high, np.zeros(sizes[0], np.int64))
    layers = [
        chance.integers(-most, most, (n, m)) * (chance.random((n, m)) < chance.random())
        for n, m in pairwise(sizes)
        for most in [int(chance.choice([2, 32, 129, 1 << 15, 1 << 17]))]
    ]

    def network(x):
        for weights in layers:
            x = x @ weights.astype(float) + chance.integers(-99, 99, weights.shape[1])
            if weights is not layers[-1]:
                x = quantize(np.maximum(x, 0), 0, int(chance.integers(5, 18)), 0, "RND", "SAT")
        return x

    circuit = trace(network, port)
    assert_same_bits(circuit, random_codes(circuit, 40, seed), machine)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.cpu)
@pytest.mark.parametrize(
    ("ends", "most"), [((-128, 127), 127), ((0, 255), 128), ((-(1 << 15), (1 << 15) - 1), 1 << 10)]
)
def test_products_at_the_ends(machine: Machine, ends: tuple[int, int], most: int) -> None:
    rows, columns = 20, 11
    weights = np.full((rows, columns), -most)
    weights[:, 1] = most - 1
    weights[::2, 2] = most - 1
    weights[:, 3] = np.random.default_rng(0).integers(-most, most, rows)
    port = Input("x", np.full(rows, ends[0]), np.full(rows, ends[1]), np.zeros(rows, np.int64))
    circuit = trace(lambda x: x @ weights.astype(float), port)
    codes = np.random.default_rng(1).choice(ends, (50, rows))
    codes[0], codes[1] = ends
    assert_same_bits(circuit, codes, machine)
    fewest = BYTES if machine.multiplies_four_bytes and ends[1] < 1 << 8 else WORDS
    assert {matrix.packing for matrix in made(circuit, machine)} == {fewest}


def test_outputs_and_rests_of_sums() -> None:
    """A sum that is an output and read again, and one with a term that no lane can hold."""
    low, high = np.array([-128] * 8 + [-(1 << 20)]), np.array([127] * 8 + [1 << 20])
    port = Input("x", low, high, np.zeros(9, np.int64))
    weights = np.random.default_rng(3).integers(-99, 99, (8, 6)).astype(float)

    def function(x):
        y = x[:8] @ weights
        return {"y": y, "z": np.maximum(y + x[8] * 5, 0), "given": x}

    circuit = trace(function, port)
    for machine in MACHINES:
        assert made(circuit, machine)
        assert_same_bits(circuit, random_codes(circuit, 70), machine)
