"""Counters in pipelined matrices of many terms: exact, proved, in time, fewer registers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from products import outputs, product, register_bits

from circuits import random_codes
from edgetrig.circuit import Builder, Input, Op, Output, check, fixed_input, trace
from edgetrig.optimize import (
    delays_of,
    for_hardware,
    luts_and_registers,
    optimize,
    pipeline,
    registered,
    row_luts,
    stage_delay,
)
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.ranges import prove_ranges
from edgetrig.verify.proof.rewrites import prove_rewrites

FAMILY = "UltraScale+"


@settings(max_examples=10)
@given(
    rows=st.integers(20, 60),
    columns=st.integers(1, 4),
    seed=st.integers(0, 99),
    stage=st.integers(3, 5),
    signed=st.booleans(),
)
def test_crowded_columns_are_counted_exactly(rows, columns, seed, stage, signed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-2000, 2001, (rows, columns))
    codes[:, 0] = -np.abs(codes[:, 0])
    offset = rng.integers(-100, 101, columns)
    traced = trace(
        lambda x: x @ codes + offset, fixed_input("x", rows, signed=signed, integer=6, fraction=0)
    )
    made = optimize(traced, stage=stage, ternary=True, checked=True)
    assert made.count(Op.XOR) > 0
    events = random_codes(traced, 10)
    assert outputs(made, events) == outputs(traced, events)


def test_counted_sums_are_proved_by_their_forms(tmp_path):
    traced = product(110, 3, 1)
    made = optimize(traced, stage=3, ternary=True)
    assert made.count(Op.XOR) > 0
    staged = pipeline(made, delays_of(FAMILY), clock_ns=3.0)
    memory = Memory(tmp_path)
    ranges = prove_ranges(traced, memory), prove_ranges(staged, memory)
    assert not ranges[1].open
    events = [[int(v) for v in event] for event in random_codes(traced, 8)]
    assert set(prove_rewrites(traced, staged, ranges, events, 0).outputs) == {"form"}


def test_a_crowded_matrix_takes_fewer_registers_and_luts_with_counters():
    traced = product(128, 96, 4)
    first = for_hardware(optimize(traced), FAMILY, clock_ns=2.95, latency=3)
    made = registered(traced, optimize(traced), FAMILY, clock_ns=2.95, latency=3)
    assert made.count(Op.XOR) > 0
    assert register_bits(made) < 0.65 * register_bits(first)
    luts = [luts_and_registers(form, FAMILY) - register_bits(form) for form in (made, first)]
    assert luts[0] < luts[1]
    assert stage_delay(made, delays_of(FAMILY)) <= 2.95


def counter(words, inverted=()):
    """Return how many of some words have a one in each place, in full adders."""
    builder = Builder()
    port = Input("x", np.full(words, -128), np.full(words, 127), np.zeros(words, int))
    inputs = builder.input(0, port).tolist()
    minus = int(builder.constant(-1))
    inputs = [
        int(builder.append(Op.XOR, row, minus)) if k in inverted else row
        for k, row in enumerate(inputs)
    ]

    def add(a, b, c):
        either = builder.append(Op.XOR, a, b)
        carry = builder.append(
            Op.OR, builder.append(Op.AND, a, b), builder.append(Op.AND, either, c)
        )
        return builder.append(Op.XOR, either, c), carry

    ones, twos = inputs[0], []
    for k in range(1, words, 2):
        ones, carry = add(ones, *inputs[k : k + 2])
        twos.append(carry)
    two, four = add(*twos) if len(twos) == 3 else (twos[0], twos[-1])
    rows = np.array([ones, two, four])
    return builder.finish([port], [Output("y", rows, np.zeros(3, int))])


@pytest.mark.parametrize("inverted", [(), (1, 4)])
def test_full_adders_of_six_bits_are_one_level_of_luts(inverted):
    # An input of a counter of seven is 0.
    circuit = counter(5, inverted)
    assert row_luts(circuit, FAMILY).sum() == pytest.approx(3 * 8, rel=0.1)
    delays = delays_of(FAMILY)
    assert stage_delay(circuit, delays) == pytest.approx(delays.lut + delays.net + delays.register)
    slow = delays_of("ECP5")  # of four inputs a LUT
    assert stage_delay(circuit, slow) >= 2 * (slow.lut + slow.net)


def test_seven_words_are_more_than_a_lut_reads():
    delays = delays_of(FAMILY)
    assert stage_delay(counter(7), delays) > 2 * (delays.lut + delays.net)


@settings(max_examples=10)
@given(latency=st.integers(1, 4), inverted=st.sets(st.integers(0, 4), max_size=5))
def test_registers_never_cut_a_lut(latency, inverted):
    circuit = counter(5, inverted)
    delays = delays_of(FAMILY)
    made = pipeline(circuit, delays, latency=latency)
    check(made)
    assert stage_delay(made, delays) == pytest.approx(delays.lut + delays.net + delays.register)
    assert register_bits(made) <= latency * 5 * 8


def test_an_inversion_that_two_stages_read_stays_in_their_luts():
    builder = Builder()
    port = Input("x", np.full(3, -128), np.full(3, 127), np.zeros(3, int))
    x, y, z = builder.input(0, port).tolist()
    inverted = builder.append(Op.XOR, x, builder.constant(-1))
    early = builder.append(Op.XOR, inverted, y)
    late = builder.append(Op.ADD, builder.append(Op.ADD, early, z), y)
    rows = np.array([builder.append(Op.AND, builder.append(Op.XOR, inverted, late), late)])
    circuit = builder.finish([port], [Output("y", rows, np.zeros(1, int))])
    delays = delays_of(FAMILY)
    for latency in (2, 3):
        made = pipeline(circuit, delays, latency=latency)
        events = random_codes(circuit, 10)
        assert outputs(made, events) == outputs(circuit, events)
        read = made.rows.a[made.rows.op == Op.REG]
        constants = made.constant[made.rows.a] | made.constant[made.rows.b]
        assert not ((made.rows.op == Op.XOR) & constants)[read].any()
