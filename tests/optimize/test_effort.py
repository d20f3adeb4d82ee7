"""The search for smaller sums: the same everywhere, never larger, and every bit kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgetrig
from circuits import random_codes, random_programs
from edgetrig.circuit import ADDERS, check, fixed_input, save, trace
from edgetrig.design import Design
from edgetrig.errors import CircuitError
from edgetrig.optimize import constant_matrices, optimize
from edgetrig.verify import evaluate


def product(rows, columns, seed=0):
    codes = np.random.default_rng(seed).integers(-31, 32, (rows, columns))
    return trace(lambda x: x @ codes, fixed_input("x", rows, integer=7, fraction=0))


def bits_of(circuit):
    """Return the result bits of all sums but those that are an operand's as they are."""
    bits = circuit.widths - np.abs(circuit.rows.p)
    return int(bits[np.isin(circuit.rows.op, ADDERS)].sum())


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


def test_more_effort_takes_fewer_bits():
    circuit = product(12, 12)
    bits = [bits_of(constant_matrices(circuit, effort=k)) for k in (0, 1, 3)]
    assert bits[0] > bits[1] >= bits[2]


def test_the_number_of_cores_changes_nothing(monkeypatch):
    def function(x):
        return np.stack([np.abs(x[:8] @ codes), np.abs(x[8:] @ codes.T)])

    codes = np.random.default_rng(3).integers(-15, 16, (8, 8))
    circuit = trace(function, fixed_input("x", 16, integer=4, fraction=2))
    first = str(constant_matrices(circuit))
    for cores in (1, 3):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert str(constant_matrices(circuit)) == first


@pytest.mark.parametrize(("stage", "ternary"), [(0, False), (3, False), (3, True)])
def test_attempts_at_once_change_nothing(monkeypatch, stage, ternary):
    circuit = product(32, 24)
    found = set()
    for cores in (1, 2, 3, 16):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        found.add(str(constant_matrices(circuit, effort=2, stage=stage, ternary=ternary)))
    assert len(found) == 1


@settings(max_examples=20)
@given(data=st.data(), effort=st.integers(0, 2), depth=st.integers(-1, 2))
def test_every_bit_is_kept(data, effort, depth):
    circuit = data.draw(random_programs()).circuit
    codes = random_codes(circuit, 8)
    changed = constant_matrices(circuit, depth, effort=effort)
    check(changed)
    assert outputs(changed, codes) == outputs(circuit, codes)


@settings(max_examples=20)
@given(
    rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 99), bias=st.booleans()
)
def test_matrices_are_products(rows, columns, seed, bias):
    codes = np.random.default_rng(seed).integers(-200, 201, (rows, columns))
    codes[np.random.default_rng(seed).random(codes.shape) < 0.3] = 0
    offset = codes[0] * 3 if bias else 0
    port = fixed_input("x", rows, signed=seed % 2, integer=6, fraction=0)
    traced = trace(lambda x: x @ codes + offset, port)
    events = random_codes(traced, 20)
    assert outputs(optimize(traced, checked=True), events) == outputs(traced, events)


def test_equal_matrices_get_equal_sums():
    codes = np.random.default_rng(5).integers(-31, 32, (6, 6))
    circuit = trace(lambda x: x @ codes, fixed_input("x", (4, 6), integer=5, fraction=0))
    once = constant_matrices(trace(lambda x: x @ codes, fixed_input("x", 6, integer=5, fraction=0)))
    solved = constant_matrices(circuit)
    assert bits_of(solved) == 4 * bits_of(once)


def test_negative_effort_is_refused():
    with pytest.raises(CircuitError, match="effort of -1: use 0 or more"):
        constant_matrices(product(2, 2), effort=-1)


def test_designs_keep_their_effort(tmp_path):
    file = tmp_path / "top.edgetrig"
    edgetrig.compile(product(2, 2), effort=7).save(file)
    assert Design.load(file).target.effort == 7


def test_designs_of_before_there_was_an_effort(tmp_path):
    file = tmp_path / "top.edgetrig"
    target = ["xcvu13p", 5.0, None]
    save(product(2, 2), file, notes={"name": "a", "classes": [], "notes": [], "target": target})
    assert Design.load(file).target.effort == 1
