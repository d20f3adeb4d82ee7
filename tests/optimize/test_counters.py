"""Sums through counters: every bit kept, weights and signs included, and fewer LUTs by estimate."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes, random_programs
from edgetrig.circuit import Input, Op, check, fixed_input, trace
from edgetrig.optimize import counters, optimize
from edgetrig.optimize.bit_heap import Bit, BitHeap
from edgetrig.optimize.compression import plan
from edgetrig.optimize.row_costs import row_luts
from edgetrig.verify import evaluate


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


@st.composite
def narrow_sums(draw):
    """Sums of values of few bits with any weights, and a constant."""
    size = draw(st.integers(5, 20))
    ends = st.tuples(st.integers(-4, 4), st.integers(1, 12))
    lo = np.array([draw(ends) for _ in range(size)])
    port = Input("x", lo[:, 0], lo.sum(axis=1), np.zeros(size, int))
    weights = np.array(draw(st.lists(st.integers(-6, 6), min_size=size, max_size=size)))
    bias = draw(st.integers(-40, 40))
    return trace(lambda x: (x * weights).sum() + bias, port)


@given(
    circuit=narrow_sums()
    | narrow_sums().map(optimize)
    | random_circuits(max_rows=40)
    | random_programs().map(lambda program: optimize(program.circuit))
)
def test_counters_keep_every_bit(circuit):
    changed = counters(circuit)
    check(changed)
    codes = random_codes(circuit, 24)
    assert outputs(changed, codes) == outputs(circuit, codes)


def test_ones_are_counted_six_at_a_time():
    port = Input("x", np.zeros(36, int), np.ones(36, int), np.zeros(36, int))
    circuit = optimize(trace(lambda x: x.sum(), port))
    changed = counters(circuit)
    tables = changed.count(Op.TABLE)
    assert tables >= 6 + 3
    assert changed.count(Op.ADD) > 0
    assert row_luts(changed).sum() < row_luts(circuit).sum()
    # All counters of six plain bits share one table.
    assert len(changed.tables) < tables
    codes = np.random.default_rng(0).integers(0, 2, (200, 36))
    codes[:37] = np.arange(36) < np.arange(37)[:, None]
    assert outputs(changed, codes) == [[int(sum(event))] for event in codes]


def test_a_constant_hides_in_a_counter():
    port = Input("x", np.zeros(6, int), np.ones(6, int), np.zeros(6, int))
    changed = counters(trace(lambda x: x.sum() + 1, port))
    (table,) = changed.tables
    assert table.values.tolist() == [int(k).bit_count() + 1 for k in range(64)]
    # The bits of its index side by side, and those of its count: no sum.
    assert changed.count(Op.ADD) == 5 + 2


def test_a_sum_of_two_wide_values_stays():
    circuit = optimize(trace(lambda x: x[0] + x[1], fixed_input("x", 2, integer=9, fraction=0)))
    assert counters(circuit) is circuit


@given(
    heights=st.lists(st.integers(0, 30), min_size=1, max_size=7),
    constant=st.integers(0, 127),
)
def test_two_bits_of_each_weight_are_left_at_most(heights, constant):
    columns = [[Bit(0, 8 * k + n, 0) for n in range(high)] for k, high in enumerate(heights)]
    heap = BitHeap(columns, constant % (1 << len(heights)))
    luts = heap.compress()
    assert max(map(len, heap.columns)) <= 2
    assert len(heap.rows()) <= 2
    # Nothing is counted for less than a LUT a bit, but what the modulus drops.
    assert luts >= 0
    assert all(len(counter.bits) <= 6 for counter in heap.counters)


def test_columns_come_out_even():
    """24 bits of weight 1 and 22 of weight 2 took twelve counters and three chains, 54 LUTs."""
    luts, _ = plan((24, 22, 2, 0, 0, 0), 40)
    assert luts <= 48 - 6 + 1


def test_a_condition_is_counted_where_it_chooses_between_constants():
    port = Input("x", np.zeros(12, int), np.ones(12, int), np.zeros(12, int))
    circuit = trace(lambda x: np.where(x > 0, 0, 1).sum(), port)
    changed = optimize(counters(circuit))
    assert changed.count(Op.SELECT) == 0
    codes = np.random.default_rng(0).integers(0, 2, (100, 12))
    assert outputs(changed, codes) == [[12 - int(sum(event))] for event in codes]
