"""Every pass keeps every bit: random circuits before and after, judged by the plain reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes, random_programs
from edgetrig.circuit import Builder, Input, Op, Output, check, fixed_input, trace
from edgetrig.optimize import DELAYS, PASSES, delays_of, optimize, pipeline, stage_delay
from edgetrig.verify import evaluate

DISTINCT = sorted(set(PASSES), key=lambda run: run.__name__)


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


@pytest.mark.parametrize("run", DISTINCT, ids=lambda run: run.__name__)
@given(data=st.data())
def test_pass_keeps_every_bit(run, data):
    circuit = data.draw(random_circuits(max_rows=40))
    codes = random_codes(circuit, 12)
    changed = run(circuit)
    check(changed)
    assert outputs(changed, codes) == outputs(circuit, codes)


@given(data=st.data())
def test_all_passes_keep_every_bit_of_wide_circuits(data):
    circuit = data.draw(random_circuits(max_rows=25, wide=True))
    codes = random_codes(circuit, 8)
    assert outputs(optimize(circuit, checked=True), codes) == outputs(circuit, codes)


@given(data=st.data())
def test_all_passes_keep_every_bit_of_numpy_programs(data):
    circuit = data.draw(random_programs()).circuit
    codes = random_codes(circuit, 12)
    assert outputs(optimize(circuit, checked=True), codes) == outputs(circuit, codes)


@given(
    data=st.data(),
    family=st.sampled_from(sorted(DELAYS)),
    clock=st.floats(1.6, 20.0),
    latency=st.integers(1, 9),
)
def test_pipelines_keep_every_bit_and_their_promise(data, family, clock, latency):
    circuit = data.draw(random_circuits(max_rows=40))
    codes = random_codes(circuit, 6)
    delays = delays_of(family)
    expected = outputs(circuit, codes)
    by_clock = pipeline(circuit, delays, clock_ns=clock)
    check(by_clock)
    assert outputs(by_clock, codes) == expected
    longest = float(delays.of(circuit).max(initial=0)) + delays.register
    assert stage_delay(by_clock, delays) <= max(clock, longest) + 1e-6
    by_latency = pipeline(circuit, delays, latency=latency)
    check(by_latency)
    assert outputs(by_latency, codes) == expected
    lo, hi = (column[by_latency.output_rows] for column in (by_latency.rows.lo, by_latency.rows.hi))
    if (lo != hi).any():
        assert by_latency.latency == latency


def test_optimized_circuits_hold_no_equal_rows():
    def function(x):
        return np.stack([x * 3 + 1, x * 3 + 1, 1 + x * 3])

    circuit = optimize(trace(function, fixed_input("x", 4, integer=3, fraction=2)))
    columns = [getattr(circuit.rows, name).tolist() for name in ("op", "a", "b", "c", "p", "lo")]
    rows = list(zip(*columns, strict=True))
    assert len(set(rows)) == len(rows)
    assert circuit.count(Op.ADD, Op.SUB) <= 8


def test_a_sum_that_is_always_zero():
    circuit = trace(lambda x: np.stack([x - x, x + 0]), fixed_input("x", (), integer=2, fraction=0))
    codes = [[-4], [3]]
    assert outputs(optimize(circuit, checked=True), codes) == outputs(circuit, codes)


def test_a_threshold_far_beyond_its_value():
    def function(x):
        return np.stack([(x >> 50) * 2**50 < 2**61, x // 2**50 >= 2**11])

    port = fixed_input("x", (), integer=55, fraction=0)
    circuit = trace(function, port)
    codes = [[-(2**55)], [0], [2**55 - 1]]
    assert outputs(optimize(circuit, checked=True), codes) == outputs(circuit, codes)


def test_many_comparisons_are_one_array_program():
    circuit = trace(lambda x: np.maximum(x, 3) > 5, fixed_input("x", 20_000, integer=4, fraction=0))
    changed = optimize(circuit)
    assert changed.count(Op.SELECT) == 0
    assert changed.count(Op.LT) == 20_000


def test_wiring_beside_an_operation_longer_than_the_clock():
    def function(x):
        return np.stack([x + x, x - (x & 7)])

    delays = delays_of("7 series")
    circuit = trace(function, fixed_input("x", (), signed=0, integer=3, fraction=0))
    builder = Builder()
    port = circuit.inputs[0]
    x = builder.input(0, port)
    minus = builder.append(Op.NEG, builder.append(Op.LOW, x, p=3))
    rows = [builder.append(Op.ADD, x, minus), builder.append(Op.ADD, x, x)]
    output = Output("y", np.array(rows), np.zeros(2, np.int64))
    for before in (circuit, builder.finish([port], [output])):
        after = pipeline(before, delays, clock_ns=1.61)
        check(after)
        assert outputs(after, [[0], [5], [7]]) == outputs(before, [[0], [5], [7]])


def test_a_wrap_of_a_very_wide_value_stays():
    builder = Builder()
    top = np.array([(1 << 200) - 1], object)
    port = Input("x", top * 0, top, np.zeros(1, np.int64))
    low = builder.append(Op.LOW, builder.input(0, port), p=100)
    circuit = builder.finish([port], [Output("y", low, np.zeros(1, np.int64))])
    codes = [[(1 << 150) + 5], [7]]
    assert outputs(optimize(circuit, checked=True), codes) == [[5], [7]]
