"""Pipelines keep every bit, their clock period and latency, with the fewest register bits."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes
from edgetrig.circuit import Builder, Op, Output, check, fixed_input, trace
from edgetrig.errors import CircuitError
from edgetrig.optimize import DELAYS, Delays, delays_of, pipeline, stage_delay
from edgetrig.optimize.registers import least_registers
from edgetrig.optimize.stages import Flow, latest, soonest
from edgetrig.verify import evaluate

UNIT = Delays(lut=1.0, net=0.0, carry=0.0, carry_bit=0.0, register=0.0)
"""An adder takes 1, so that a clock period counts adders in a row."""


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


def register_bits(circuit):
    return int(circuit.widths[circuit.rows.op == Op.REG].sum())


@st.composite
def flows(draw, most_rows=8, most_delay=3):
    """Small graphs of rows with whole delays, in whatever shape, with their budget and latency."""
    operands, inputs = [], []
    for row in range(draw(st.integers(1, most_rows))):
        read = draw(st.lists(st.integers(0, row - 1), max_size=3)) if row else []
        operands.append([*read, -1, -1, -1][:3])
        inputs.append(not read)
    count = len(operands)
    delay = draw(st.lists(st.integers(0, most_delay), min_size=count, max_size=count))
    bits = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
    leaves = [draw(st.booleans()) or row == count - 1 for row in range(count)]
    flow = Flow(
        np.array(operands, np.int32),
        np.where(inputs, 0.0, np.array(delay, float)),
        np.array(bits, np.int64),
        np.array(inputs),
        np.array(leaves),
    )
    budget = float(draw(st.integers(max(1, most_delay), 6)))
    latency = int(soonest(flow, budget).max()) + 1 + draw(st.integers(0, 1))
    return flow, budget, latency


def is_legal(flow, stage, budget, latency):
    """Say from the definition whether a placement keeps order and time."""
    time = [0.0] * len(stage)
    for row, operands in enumerate(flow.operands.tolist()):
        read = [k for k in operands if k >= 0]
        if any(stage[k] > stage[row] for k in read):
            return False
        before = max((time[k] for k in read if stage[k] == stage[row]), default=0.0)
        time[row] = before + flow.delay[row]
        if time[row] > (budget if stage[row] < latency else 0.0):
            return False
    return all(s == 0 for s in stage[flow.is_input])


def fewest_bits(flow, budget, latency):
    """Try every placement."""
    ranges = [(0,) if fixed else range(latency + 1) for fixed in flow.is_input]
    placements = (np.array(stage) for stage in itertools.product(*ranges))
    return min(
        flow.register_bits(stage, latency)
        for stage in placements
        if is_legal(flow, stage, budget, latency)
    )


@given(flows(most_rows=6))
def test_no_placement_has_fewer_register_bits(drawn):
    flow, budget, latency = drawn
    stage = least_registers(flow, latency, budget)
    assert is_legal(flow, stage, budget, latency)
    assert flow.register_bits(stage, latency) == fewest_bits(flow, budget, latency)


@given(flows(most_rows=40), st.sampled_from((0, 1, 1000)))
def test_placements_are_legal_and_better_than_soon_or_late(drawn, most_pairs):
    flow, budget, latency = drawn
    stage = least_registers(flow, latency, budget, most_pairs)
    assert is_legal(flow, stage, budget, latency)
    bits = flow.register_bits(stage, latency)
    assert bits <= flow.register_bits(soonest(flow, budget), latency)
    if most_pairs == 1000:
        assert bits <= flow.register_bits(latest(flow, budget, latency), latency)


@given(
    data=st.data(),
    family=st.sampled_from(sorted(DELAYS)),
    clock=st.floats(4.0, 20.0),
    spare=st.integers(0, 3),
)
def test_clock_and_latency_together(data, family, clock, spare):
    circuit = data.draw(random_circuits(max_rows=40, wide=True))
    codes = random_codes(circuit, 6)
    delays = delays_of(family)
    fastest = pipeline(circuit, delays, clock_ns=clock)
    check(fastest)
    assume(not fastest.constant[fastest.output_rows].all())
    latency = fastest.latency + spare
    slower = pipeline(circuit, delays, clock_ns=clock, latency=latency)
    check(slower)
    assert outputs(slower, codes) == outputs(circuit, codes)
    longest = float(delays.of(circuit).max(initial=0)) + delays.register
    assert stage_delay(slower, delays) <= max(clock, longest) + 1e-6
    assert slower.latency == latency


def test_a_wide_sum_is_registered_behind_its_narrow_result():
    def function(x):
        return np.maximum(x.sum(), 0) < 40

    circuit = trace(function, fixed_input("x", 8, integer=7, fraction=0))
    late = pipeline(circuit, UNIT, clock_ns=6.0)
    assert late.latency == 1
    assert register_bits(late) == 1


def test_zeros_of_a_shift_take_no_registers():
    circuit = trace(lambda x: (x + 1) << 20, fixed_input("x", (), integer=3, fraction=0))
    after = pipeline(circuit, UNIT, latency=3)
    check(after)
    assert register_bits(after) == 4 + 4 + 5
    assert outputs(after, [[-8], [7]]) == outputs(circuit, [[-8], [7]])


def test_a_shift_read_early_and_late_is_made_twice():
    builder = Builder()
    port = fixed_input("x", (), integer=3, fraction=0)
    x = builder.input(0, port)
    y = builder.append(Op.SHL, builder.append(Op.SHL, x, p=4), p=4)
    chain = builder.append(Op.ADD, y, x)
    for _ in range(5):
        chain = builder.append(Op.ADD, chain, chain)
    last = builder.append(Op.ADD, chain, y)
    circuit = builder.finish(
        [port], [Output("z", np.array(last).reshape(1), np.zeros(1, np.int64))]
    )
    after = pipeline(circuit, UNIT, clock_ns=1.0)
    check(after)
    assert after.latency == 7
    assert outputs(after, [[-8], [7]]) == outputs(circuit, [[-8], [7]])
    kept = after.widths[after.rows.op == Op.REG]
    assert (kept == 4).sum() == 6  # x waits for the last sum, without zeros


def test_constant_rows_need_no_registers():
    circuit = trace(
        lambda x: np.stack([x * 0 + 5, x & 0]), fixed_input("x", (), integer=3, fraction=0)
    )
    after = pipeline(circuit, UNIT, latency=2)
    check(after)
    assert after.count(Op.REG) == 0
    assert outputs(after, [[1]]) == outputs(circuit, [[1]])


def test_too_few_cycles_for_the_clock_give_the_shortest_stages():
    circuit = trace(lambda x: x.sum(), fixed_input("x", 8, integer=7, fraction=0))
    delays = delays_of("UltraScale+")
    shortest = pipeline(circuit, delays, latency=2)
    assert stage_delay(shortest, delays) > 1.0
    given = pipeline(circuit, delays, clock_ns=1.0, latency=2)
    assert stage_delay(given, delays) == stage_delay(shortest, delays)
    assert given.latency == 2


def test_what_cannot_be_pipelined_is_said_in_a_line():
    circuit = trace(lambda x: x.sum(), fixed_input("x", 8, integer=7, fraction=0))
    for arguments, words in (
        ({}, "give a clock period or a latency"),
        ({"latency": 0}, "use 1 or more"),
        ({"clock_ns": 0.0}, "leaves no time"),
    ):
        with pytest.raises(CircuitError, match=words):
            pipeline(circuit, UNIT, **arguments)
    with pytest.raises(CircuitError, match="registers already"):
        pipeline(pipeline(circuit, UNIT, latency=2), UNIT, latency=2)


def test_an_operation_longer_than_the_clock_has_a_stage_of_its_own():
    slow = replace(UNIT, carry_bit=1.0)
    circuit = trace(lambda x: x.sum(), fixed_input("x", 4, integer=7, fraction=0))
    after = pipeline(circuit, slow, clock_ns=4.0)
    check(after)
    assert after.latency == 2
    assert stage_delay(after, slow) == float(slow.of(circuit).max())
