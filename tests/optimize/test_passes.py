"""Every pass keeps every bit: random circuits before and after, judged by the plain reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes, random_programs
from edgetrig.circuit import Op, check, fixed_input, trace
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
