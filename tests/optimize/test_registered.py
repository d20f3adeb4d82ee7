"""Matrices that know the stages of their pipeline: every bit kept, no more LUTs and registers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from products import outputs, product, register_bits

import edgetrig
from circuits import random_codes, random_programs
from edgetrig.circuit import Op, check, fixed_input, trace
from edgetrig.errors import CircuitError
from edgetrig.optimize import (
    constant_matrices,
    delays_of,
    for_hardware,
    luts_and_registers,
    optimize,
    registered,
    stage_delay,
)

FAMILY = "UltraScale+"


@settings(max_examples=20)
@given(data=st.data(), effort=st.integers(0, 1), stage=st.integers(1, 4))
def test_every_bit_is_kept(data, effort, stage):
    circuit = data.draw(random_programs()).circuit
    codes = random_codes(circuit, 8)
    changed = constant_matrices(circuit, effort=effort, stage=stage)
    check(changed)
    assert outputs(changed, codes) == outputs(circuit, codes)


@settings(max_examples=20)
@given(data=st.data(), effort=st.integers(0, 1), stage=st.integers(3, 5))
def test_every_bit_is_kept_in_sums_of_three(data, effort, stage):
    circuit = data.draw(random_programs()).circuit
    codes = random_codes(circuit, 8)
    changed = constant_matrices(circuit, effort=effort, stage=stage, ternary=True)
    check(changed)
    assert outputs(changed, codes) == outputs(circuit, codes)


@settings(max_examples=10)
@given(rows=st.integers(8, 40), seed=st.integers(0, 99), stage=st.integers(1, 4))
def test_matrices_are_products(rows, seed, stage):
    traced = product(rows, 6, seed)
    events = random_codes(traced, 10)
    for ternary in (False, True)[: 1 + (stage >= 3)]:
        made = optimize(traced, stage=stage, ternary=ternary, checked=True)
        assert outputs(made, events) == outputs(traced, events)


@settings(max_examples=10)
@given(
    rows=st.integers(1, 24),
    columns=st.integers(1, 6),
    seed=st.integers(0, 99),
    stage=st.integers(3, 5),
    wide=st.integers(2, 2000),
)
def test_sums_of_three_of_wide_and_negative_coefficients(rows, columns, seed, stage, wide):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-wide, wide + 1, (rows, columns))
    codes[:, 0] = -np.abs(codes[:, 0])  # a column that nothing makes positive
    offset = rng.integers(-100, 101, columns)
    port = fixed_input("x", rows, signed=seed % 2, integer=6, fraction=0)
    traced = trace(lambda x: x @ codes + offset, port)
    events = random_codes(traced, 10)
    made = optimize(traced, stage=stage, ternary=True, checked=True)
    assert outputs(made, events) == outputs(traced, events)


@pytest.mark.parametrize("effort", [0, 1])
def test_a_dense_matrix_takes_fewer_registers(effort):
    traced = product(64, 64, 2)
    circuit = optimize(traced, effort=effort)
    first = for_hardware(circuit, FAMILY, clock_ns=2.9, latency=3)
    made = registered(traced, circuit, FAMILY, clock_ns=2.9, latency=3, effort=effort)
    assert register_bits(made) < 0.9 * register_bits(first)
    assert luts_and_registers(made, FAMILY) < luts_and_registers(first, FAMILY)
    assert made.latency == 3
    assert stage_delay(made, delays_of(FAMILY)) <= 2.9


def test_a_crowded_matrix_takes_fewer_registers_and_luts_with_sums_of_three():
    traced = product(96, 80, 4)
    pipelined = [
        for_hardware(optimize(traced, stage=3, ternary=ternary), FAMILY, clock_ns=2.9, latency=3)
        for ternary in (False, True)
    ]
    luts = [luts_and_registers(form, FAMILY) - register_bits(form) for form in pipelined]
    assert register_bits(pipelined[1]) < 0.9 * register_bits(pipelined[0])
    assert luts[1] < luts[0]
    assert stage_delay(pipelined[1], delays_of(FAMILY)) < 2.95


def test_sums_of_three_where_the_family_has_them():
    traced = product(48, 24, 6)
    circuit = optimize(traced)
    for family, three in ((FAMILY, True), ("ECP5", False)):
        first = for_hardware(circuit, family, clock_ns=1.0, latency=3)
        made = registered(traced, circuit, family, clock_ns=1.0, latency=3)
        assert luts_and_registers(made, family) <= luts_and_registers(first, family)
        assert (made.count(Op.ADD3) > 0) == three


@pytest.mark.parametrize(("rows", "columns"), [(20, 12), (40, 6)])
@pytest.mark.parametrize("latency", [0, 2, None])
def test_never_more_in_all(rows, columns, latency):
    traced = product(rows, columns, 3)
    circuit = optimize(traced)
    first = for_hardware(circuit, FAMILY, clock_ns=2.5, latency=latency)
    made = registered(traced, circuit, FAMILY, clock_ns=2.5, latency=latency)
    assert luts_and_registers(made, FAMILY) <= luts_and_registers(first, FAMILY)
    assert made.latency == first.latency


def test_few_registers_are_left_as_they_are():
    design = edgetrig.compile(product(20, 20, 1), clock_ns=10.0)
    first = for_hardware(design.circuit, FAMILY, clock_ns=10.0)
    assert str(design.pipelined) == str(first)


def test_a_negative_stage_is_refused():
    with pytest.raises(CircuitError, match="a stage of -1 adders: use 0 or more"):
        constant_matrices(product(2, 2, 0), stage=-1)


def test_a_stage_too_short_for_sums_of_three_is_refused():
    with pytest.raises(CircuitError, match="sums of three in stages of 2 adders: use 3 or more"):
        constant_matrices(product(2, 2, 0), stage=2, ternary=True)
