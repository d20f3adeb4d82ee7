"""Every operation's meaning, and the interval rule of each, on all operands of a few bits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import integers, random_circuits, random_codes
from edgetrig.circuit import (
    OPERANDS,
    Builder,
    Circuit,
    Input,
    Op,
    Output,
    Table,
    check,
    tighten,
    width,
    widths,
)
from edgetrig.verify.reference import evaluate

ENTRIES = (5, -3, 0, 7, 7, -8, 100, 1)


def _low(value: int, bits: int) -> int:
    return sum(1 << k for k in range(bits) if value >> k & 1)


MEANING = {
    (Op.ADD, 0): lambda a, b: a + b,
    (Op.ADD, 2): lambda a, b: a + 4 * b,
    (Op.ADD, -3): lambda a, b: 8 * a + b,
    (Op.SUB, 0): lambda a, b: a - b,
    (Op.SUB, 1): lambda a, b: a - 2 * b,
    (Op.SUB, -1): lambda a, b: 2 * a - b,
    (Op.ADD3, 0): lambda a, b, c: a + b + c,
    (Op.ADD3, 1): lambda a, b, c: a + b - c,
    (Op.ADD3, 2): lambda a, b, c: a - b - c,
    (Op.NEG, 0): lambda a: -a,
    (Op.MUL, 0): lambda a, b: a * b,
    (Op.SHL, 3): lambda a: a * 8,
    (Op.SHR, 1): lambda a: (a - a % 2) // 2,
    (Op.SHR, 70): lambda a: -1 if a < 0 else 0,
    (Op.LOW, 2): lambda a: _low(a, 2),
    (Op.LOW, 40): lambda a: _low(a, 40),
    (Op.LOWS, 1): lambda a: -(a & 1),
    (Op.LOWS, 2): lambda a: _low(a + 2, 2) - 2,
    (Op.LOWS, 90): lambda a: a,
    (Op.LT, 0): lambda a, b: int(a < b),
    (Op.EQ, 0): lambda a, b: int(a == b),
    (Op.AND, 0): lambda a, b: a & b,
    (Op.OR, 0): lambda a, b: a | b,
    (Op.XOR, 0): lambda a, b: a ^ b,
    (Op.TABLE, 0): lambda a: ENTRIES[a + 4],
    (Op.REG, 0): lambda a: a,
}
RANGES = [(lo, hi) for lo in range(-4, 4) for hi in range(lo, 4)]


def one_operation(op: Op, p: int, *ends: tuple[int, int]) -> Circuit:
    """Return a circuit of one operation on inputs of the given intervals."""
    builder = Builder()
    lo, hi = (integers([end[k] for end in ends]) for k in (0, 1))
    port = Input("x", lo, hi, np.zeros(len(ends), np.int64))
    operands = builder.input(0, port).tolist()
    if op == Op.TABLE:
        p = builder.table(Table(-4, np.array(ENTRIES)))
    row = builder.append(op, *operands, p=p)
    output = Output("y", row.reshape(1), np.zeros(1, np.int64))
    return builder.finish([port], [output])


def test_all_operations_are_here():
    tested = {op for op, _ in MEANING} | {Op.INPUT, Op.CONST, Op.SELECT}
    assert tested == set(Op)
    assert len(OPERANDS) == len(Op)


@pytest.mark.parametrize(("op", "p"), MEANING)
def test_meaning_and_interval(op, p):
    """The reference agrees with the definition; the interval is what the values reach."""
    meaning = MEANING[op, p]
    exact = op not in (Op.AND, Op.OR, Op.XOR)
    for ends in product(RANGES if OPERANDS[op] == 1 else RANGES[::3], repeat=OPERANDS[op]):
        circuit = one_operation(op, p, *ends)
        events = list(product(*(range(lo, hi + 1) for lo, hi in ends)))
        results = [meaning(*event) for event in events]
        assert evaluate(str(circuit), events) == [[value] for value in results]
        lo, hi = int(circuit.rows.lo[-1]), int(circuit.rows.hi[-1])
        assert lo <= min(results)
        assert max(results) <= hi
        if exact and (op != Op.LOW or p < 40):
            assert (lo, hi) == (min(results), max(results)) or op in (Op.LOW, Op.LOWS)
        check(circuit)


@pytest.mark.parametrize("scale", [0, 70])
def test_a_constant_keeps_no_bit_that_the_other_lacks(scale):
    """It kept the interval [0, 1] of `2 & bit`, which is always 0; Verilator warned of it."""
    for mask, most in product(range(-8, 8), range(8)):
        ends = (mask << scale, mask << scale), (0, most << scale)
        circuit = one_operation(Op.AND, 0, *ends)
        reached = max(mask & value for value in range(1 << most.bit_length()))
        assert circuit.rows.lo[-1] == 0
        assert circuit.rows.hi[-1] <= reached << scale | (1 << scale) - 1
        check(circuit)


def test_select():
    circuit = one_operation(Op.SELECT, 0, (0, 1), (-3, 2), (5, 9))
    assert evaluate(str(circuit), [[0, 1, 7], [1, 1, 7]]) == [[7], [1]]
    assert (circuit.rows.lo[-1], circuit.rows.hi[-1]) == (-3, 9)
    for known, ends in ((0, (5, 9)), (1, (-3, 2))):
        circuit = one_operation(Op.SELECT, 0, (known, known), (-3, 2), (5, 9))
        assert (circuit.rows.lo[-1], circuit.rows.hi[-1]) == ends


BRANCHES = {
    "x": lambda builder, x, y: x,
    "y": lambda builder, x, y: y,
    "-x": lambda builder, x, y: builder.append(Op.NEG, x),
    "-y": lambda builder, x, y: builder.append(Op.NEG, y),
    "x/2": lambda builder, x, y: builder.append(Op.SHR, x, p=1),
    "y/2": lambda builder, x, y: builder.append(Op.SHR, y, p=1),
    "4x": lambda builder, x, y: builder.append(Op.SHL, x, p=2),
}


@pytest.mark.parametrize("how", ["plain", "negated", "registered", "of halves", "wide"])
@pytest.mark.parametrize(("then", "other"), list(product(BRANCHES, BRANCHES)))
def test_a_choice_knows_what_was_compared(then, other, how):
    """Select(x < y, ...) has the exact interval of its values, for x and y of any interval."""
    for ends in [((-4, 3), (-2, 6)), ((0, 5), (2, 3)), ((-3, 4), (-3, 4)), ((1, 7), (-5, 2))]:
        builder = Builder()
        lo, hi = (np.array([end[k] for end in ends]) for k in (0, 1))
        port = Input("x", lo, hi, np.zeros(2, np.int64))
        x, y = builder.input(0, port)
        if how == "wide":
            x = builder.append(Op.SHL, x, p=70)
        halves = (builder.append(Op.SHR, [x, y], p=1)) if how == "of halves" else (x, y)
        condition = builder.append(Op.LT, *halves)
        if how == "registered":
            condition, x, y = builder.append(Op.REG, [condition, x, y])
        choices = [BRANCHES[name](builder, x, y) for name in (then, other)]
        if how == "negated":
            condition = builder.append(Op.XOR, condition, builder.constant(1))
        row = builder.append(Op.SELECT, condition, *choices)
        circuit = builder.finish([port], [Output("z", row.reshape(1), np.zeros(1, np.int64))])
        check(circuit)
        events = list(product(*(range(a, b + 1) for a, b in ends)))
        results = [value for (value,) in evaluate(str(circuit), events)]
        found = int(circuit.rows.lo[row]), int(circuit.rows.hi[row])
        assert found[0] <= min(results)
        assert max(results) <= found[1]
        if how not in ("of halves", "wide"):
            assert found == (min(results), max(results))


@pytest.mark.parametrize("op", [Op.ADD, Op.SUB, Op.MUL, Op.LT, Op.EQ, Op.AND, Op.OR, Op.XOR])
def test_both_operands_the_same(op):
    builder = Builder()
    port = Input("x", np.array([-3]), np.array([5]), np.zeros(1, np.int64))
    row = builder.input(0, port)
    outputs = [Output("y", builder.append(op, row, row), np.zeros(1, np.int64))]
    circuit = builder.finish([port], outputs)
    results = [v for (v,) in evaluate(str(circuit), [[k] for k in range(-3, 6)])]
    refined = tighten(circuit)
    assert refined.rows.lo[-1] <= min(results)
    assert max(results) <= refined.rows.hi[-1]
    if op in (Op.SUB, Op.LT, Op.EQ):
        assert refined.constant[-1]
    if op == Op.MUL:
        assert (refined.rows.lo[-1], refined.rows.hi[-1]) == (0, 25)


@given(random_circuits(max_rows=40), st.integers(0, 99))
def test_values_stay_in_their_intervals(circuit, seed):
    check(circuit)
    assert circuit.rows.lo.dtype == np.int64
    evaluate(str(circuit), random_codes(circuit, 40, seed), check_intervals=True)


@given(random_circuits(max_rows=40, wide=True), st.integers(0, 99))
def test_wide_values_stay_in_their_intervals(circuit, seed):
    check(circuit)
    evaluate(str(circuit), random_codes(circuit, 20, seed), check_intervals=True)


@given(random_circuits(registers=True), st.integers(0, 99))
def test_pipelined_values_stay_in_their_intervals(circuit, seed):
    check(circuit)
    evaluate(str(circuit), random_codes(circuit, 20, seed), check_intervals=True)


@given(random_circuits(max_rows=40) | random_circuits(wide=True) | random_circuits(registers=True))
def test_tighten_is_sound_and_final(circuit):
    tight = tighten(circuit)
    check(tight)
    codes = random_codes(circuit, 20)
    assert evaluate(str(tight), codes, check_intervals=True) == evaluate(str(circuit), codes)
    assert np.all(np.asarray(tight.rows.lo >= circuit.rows.lo, bool))
    assert np.all(np.asarray(tight.rows.hi <= circuit.rows.hi, bool))
    again = tighten(tight)
    assert np.array_equal(again.rows.lo, tight.rows.lo)
    assert np.array_equal(again.rows.hi, tight.rows.hi)


@given(
    st.lists(st.tuples(st.sampled_from((Op.ADD, Op.SUB)), st.integers(0, 99), st.integers(0, 99),
                       st.integers(-30, 30)), min_size=1, max_size=12)
)  # fmt: skip
def test_sums_near_the_machine_word(steps):
    """Sums whose coefficients come near 2**61, where a product of two could leave 64 bits."""
    builder = Builder()
    port = Input(
        "x",
        np.array([0, -1, 2**40, -(2**30)]),
        np.array([1, 1, 2**40 + 1, 2**30]),
        np.zeros(4, np.int64),
    )
    rows = builder.input(0, port).tolist()
    for op, *drawn, shift in steps:
        a, b = (k % len(rows) for k in drawn)
        ends = [max(abs(int(v)) for v in builder.interval(np.array(k))) for k in (a, b)]
        small = (ends[0] << max(-shift, 0)) + (ends[1] << max(shift, 0)) < 1 << 61
        rows.append(int(builder.append(op, a, b, p=shift if small else 0)))
    circuit = tighten(builder.finish([port], [Output("y", np.array(rows), np.zeros(len(rows)))]))
    corners = list(product(*zip(port.lo.tolist(), port.hi.tolist(), strict=True)))
    results = np.array(evaluate(str(circuit), corners, check_intervals=True), object)
    # Inputs are independent, so corners reach every sum's ends. One bit more than 61, and plain
    # intervals are all that is promised.
    if max(abs(int(v)) for v in (*circuit.rows.lo, *circuit.rows.hi)) < 1 << 61:
        assert results.min(axis=0).tolist() == circuit.rows.lo.tolist()
        assert results.max(axis=0).tolist() == circuit.rows.hi.tolist()


def test_linear_intervals_see_what_cancels():
    builder = Builder()
    port = Input("x", np.array([-8]), np.array([7]), np.zeros(1, np.int64))
    x = builder.input(0, port)
    eight = builder.append(Op.SHL, x, p=3)
    seven = builder.append(Op.SUB, eight, x)
    nothing = builder.append(Op.SUB, seven, builder.append(Op.MUL, x, builder.constant([7])))
    circuit = builder.finish([port], [Output("y", nothing, np.zeros(1, np.int64))])
    assert (circuit.rows.lo[seven], circuit.rows.hi[seven]) == (-71, 64)
    tight = tighten(circuit)
    assert (tight.rows.lo[seven], tight.rows.hi[seven]) == (-56, 49)
    assert tight.constant[nothing]


def test_width_by_definition():
    assert [width(0, n) for n in (0, 1, 2, 3, 4, 255, 256)] == [0, 1, 2, 2, 3, 8, 9]
    assert [width(-n, 0) for n in (1, 2, 3, 4, 5)] == [1, 2, 3, 3, 4]
    assert width(-128, 127) == 8
    assert width(-1, 127) == 8
    assert width(-(2**100), 2**100) == 102


@given(
    st.lists(st.tuples(*2 * [st.integers(-(2**62), 2**62) | st.integers(-300, 300)]), min_size=1)
)
def test_widths_are_width(pairs):
    lo, hi = (np.array(v) for v in zip(*map(sorted, pairs), strict=True))
    assert widths(lo, hi).tolist() == [width(a, b) for a, b in zip(lo, hi, strict=True)]
    for low, high in ((object, object), (np.int64, object), (object, np.int64)):
        assert widths(lo.astype(low), hi.astype(high)).tolist() == widths(lo, hi).tolist()


def test_width_of_one_end_beyond_64_bits():
    lo, hi = np.zeros(1, np.int64), np.array([2**86 - 1], object)
    assert widths(lo, hi).tolist() == [86]


def test_a_choice_of_a_shifted_negative_is_cut_at_its_own_scale():
    builder = Builder()
    port = Input("x", np.array([-32]), np.array([31]), np.array([0]))
    x = builder.input(0, port)
    below = builder.append(Op.LT, x, builder.constant([0]))
    minus = builder.append(Op.SHL, builder.append(Op.NEG, x), p=1)
    twice = builder.append(Op.SHL, x, p=1)
    chosen = builder.append(Op.SELECT, below, minus, twice)
    circuit = builder.finish([port], [Output("y", chosen, np.array([0]))])
    assert (circuit.rows.lo[chosen[0]], circuit.rows.hi[chosen[0]]) == (0, 64)
    codes = [[x] for x in range(-32, 32)]
    assert evaluate(str(circuit), codes, check_intervals=True) == [[2 * abs(x)] for (x,) in codes]


@given(
    st.integers(-2, 2),
    st.integers(-20, 20),
    st.permutations(range(6)),
    st.booleans(),
    st.sampled_from([None, Op.SHL, Op.SHR]),
)
def test_choices_between_differences_stay_in_their_intervals(apart, limit, order, below, moved):
    builder = Builder()
    port = Input("x", np.array([-4, -3]), np.array([3, 5]), np.zeros(2, np.int64))
    x, y = builder.input(0, port)
    there = builder.append(Op.SUB, x, y, p=apart)
    back = builder.append(Op.SUB, y, x, p=-apart)
    ends = (there, builder.constant(limit)) if below else (builder.constant(limit), there)
    arms = [there, back, builder.append(Op.SUB, y, x, p=apart), builder.append(Op.NEG, there), x, y]
    chosen = [arms[k] for k in order[:2]]
    if moved:
        chosen[0] = builder.append(moved, chosen[0], p=1)
    row = builder.append(Op.SELECT, builder.append(Op.LT, *ends), *chosen)
    circuit = builder.finish([port], [Output("y", row, np.zeros(1, np.int64))])
    codes = [[a, b] for a in range(-4, 4) for b in range(-3, 6)]
    evaluate(str(circuit), codes, check_intervals=True)
    if not (moved or limit) and {*order[:2]} == {0, 1} and order[0] == below:  # |x - y|
        assert circuit.rows.lo[circuit.output_rows[0]] == 0
