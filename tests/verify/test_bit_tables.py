"""Counters, sums and thresholds in tables are proved by what their entries say, and only then."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from edgetrig.circuit import Input, Op, Table, fixed_input, lookup, quantize, tighten, trace
from edgetrig.errors import VerificationError
from edgetrig.optimize import (
    counters,
    delays_of,
    forms_without_cones,
    optimize,
    pipeline,
    table_forms,
    ternary_sums,
    threshold_tables,
)
from edgetrig.verify import evaluate
from edgetrig.verify.proof import prove
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.ranges import prove_ranges
from edgetrig.verify.proof.rewrites import prove_rewrites

WEIGHTS = np.array([1, 2, -1, 3, 1, 1, -2, 1, 1, 1, 1, -1])
TERMS = Input("x", np.zeros(12, int), np.full(12, 3), np.zeros(12, int))
LIMITS = 512 * np.arange(-5, 17) + 5
VALUE = Input("x", np.array([-3000]), np.array([9000]), np.zeros(1, int))
NARROW = Input(
    "x", np.array([-2, 0, 0, -128, -2, 0]), np.array([1, 3, 1, 127, 1, 3]), np.zeros(6, int)
)
SHARES = np.array([[5, 2], [0, -3], [-3, -7], [-6, -7], [-5, 5], [2, 6]])


def total(x):
    return (x * WEIGHTS).sum() + 7


def below(x):
    return x < LIMITS


def sums(x):
    return x @ SHARES + 3


def sums_in_tables(x):
    """The same, but for one term through tables whose indices hold the others side by side."""
    low = quantize(x, 0, 2, 0, "TRN", "WRAP")

    def sum_of(index, a, b, c=0):
        def entries(code):
            code = np.int64(code)
            return ((code & 3 ^ 2) - 2) * a + (code >> 2 & 3) * b + (code >> 4) * c

        return lookup(index, entries, 1, 7, 0)

    first, second = low[0] + 4 * x[1] + 16 * x[2], low[4] + 4 * x[5]
    return np.stack(
        [
            sum_of(first, *share[:3]) + sum_of(second, *share[4:]) + x[3] * share[3] + 3
            for share in SHARES.T.tolist()
        ]
    )


def clipped(x):
    """No row of the traced circuit is the sum that counters count: it has a factor of four."""
    return np.maximum((x * (4 * WEIGHTS)).sum() + 26, 0)


def ways(traced, circuit, codes, folder):
    """How each output is proved, with so few vectors that they cannot show what is wrong."""
    memory = Memory(folder)
    ranges = prove_ranges(traced, memory), prove_ranges(circuit, memory)
    return prove_rewrites(traced, circuit, ranges, codes, 1.0).outputs


def test_counters_and_thresholds_are_proved_down_to_the_verilog(tmp_path):
    for traced in (trace(total, TERMS), trace(below, VALUE)):
        circuit = counters(threshold_tables(optimize(traced)))
        assert circuit.count(Op.TABLE)
        staged = pipeline(circuit, delays_of("UltraScale+"), latency=2)
        proof = prove(staged, traced, folder=tmp_path)
        assert proof.complete


@pytest.mark.parametrize(
    ("program", "port", "in_tables", "code"),
    [
        (total, TERMS, counters, [0] * 12),
        (clipped, TERMS, counters, [0] * 12),
        (below, VALUE, threshold_tables, [-3000]),
        (sums, NARROW, lambda _: optimize(trace(sums_in_tables, NARROW)), [0] * 6),
    ],
)
def test_a_wrong_entry_anywhere_is_never_proved(program, port, in_tables, code, tmp_path):
    traced = trace(program, port)
    circuit = in_tables(optimize(traced))
    assert circuit.tables
    assert set(ways(traced, circuit, [code], tmp_path)) <= {"form", "solver"}
    rng = np.random.default_rng(1)
    codes = rng.integers(port.lo, port.hi + 1, (1000, port.lo.size)).tolist()
    if port.lo.size == 1:
        codes = [[value] for value in range(int(port.lo[0]), int(port.hi[0]) + 1)]
    right = evaluate(str(traced), codes)
    for number, table in enumerate(circuit.tables):
        values = table.values.copy()
        values[rng.integers(1, len(values))] ^= 1
        tables = list(circuit.tables)
        tables[number] = Table(table.start, values)
        wrong = tighten(circuit.replace(tables=tuple(tables)))
        with suppress(VerificationError):
            if "tested" not in ways(traced, wrong, [code], tmp_path):  # an entry that nothing reads
                assert evaluate(str(wrong), codes) == right


def narrow_network(seed):
    """Two layers of few bits, whose clips and roundings become tables with parts of sums."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(-3, 4, (8, 6)), rng.integers(-3, 4, (6, 3))

    def program(x):
        hidden = quantize(np.maximum(x @ first + 3, 0) / 4, 0, 3, 0, "RND", "SAT")
        hidden = quantize(hidden, 0, 2, 0, "TRN", "SAT")
        return quantize(np.maximum(hidden @ second - 1, 0) / 2, 0, 3, 0, "TRN", "SAT")

    return trace(program, fixed_input("x", 8, integer=2, fraction=0))


@pytest.mark.parametrize("seed", range(3))
def test_tables_inside_sums_are_proved_by_way_of_the_circuit_without_them(seed, tmp_path):
    traced = narrow_network(seed)
    circuit, family = optimize(traced), "UltraScale+"
    memory, between = Memory(tmp_path), forms_without_cones(circuit, family)
    ranges = prove_ranges(traced, memory)
    hints = [(hint, prove_ranges(hint, memory)) for hint in between]
    codes = np.random.default_rng(seed).integers(-4, 4, (64, 8)).tolist()
    for form in table_forms(circuit, family)[1:]:
        staged = ternary_sums(pipeline(form, delays_of(family), clock_ns=2.0), family, 2.0)
        both = ranges, prove_ranges(staged, memory)
        outputs = prove_rewrites(traced, staged, both, codes, 20.0, hints).outputs
        assert set(outputs) <= {"form", "solver"}


def test_a_wrong_entry_inside_a_sum_is_not_proved_by_way_of_a_hint(tmp_path):
    traced = narrow_network(0)
    circuit, memory = optimize(traced), Memory(tmp_path)
    form = table_forms(circuit, "UltraScale+")[-1]
    rng = np.random.default_rng(5)
    codes = rng.integers(-4, 4, (200, 8)).tolist()
    right, shown = evaluate(str(traced), codes), 0
    ranges, hints = prove_ranges(traced, memory), [(circuit, prove_ranges(circuit, memory))]
    for number, table in enumerate(form.tables[:3]):
        values = table.values.copy()
        values[rng.integers(len(values))] ^= 1
        tables = list(form.tables)
        tables[number] = Table(table.start, values)
        wrong = tighten(form.replace(tables=tuple(tables)))
        both = ranges, prove_ranges(wrong, memory)
        outputs = prove_rewrites(traced, wrong, both, codes[:1], 1.0, hints).outputs
        differ = (np.array(right) != np.array(evaluate(str(wrong), codes))).any(axis=0)
        assert {outputs[k] for k in np.flatnonzero(differ)} <= {"tested"}
        shown += differ.any()
    assert shown


def rounded_to_even_then_clipped(x):
    """The clip looks at the sum in front of the rounding, the rounding at a bit of the sum."""
    hidden = quantize(x @ SHARES / 4, 0, 2, 1, "RND_CONV", "SAT")
    return quantize(hidden, 0, 1, 0, "TRN", "SAT") @ np.array([[3, -1], [2, 5]])


def test_roundings_to_even_whose_clips_pass_them_are_proved(tmp_path):
    """Cut at the rounded value, the question forgets that the clip looks at the same sum."""
    port = fixed_input("x", 6, integer=3, fraction=0)
    traced = trace(rounded_to_even_then_clipped, port)
    codes = np.random.default_rng(1).integers(-8, 8, (64, 6)).tolist()
    assert set(ways(traced, optimize(traced), codes, tmp_path)) <= {"form", "solver"}


def test_what_a_hint_says_is_not_believed(tmp_path):
    """The hint is the wrong circuit itself; two vectors do not show that it is wrong."""
    port = Input("x", np.zeros(2, int), np.full(2, 8191), np.zeros(2, int))
    traced = trace(lambda x: np.maximum(x[0], x[1]), port)
    wrong = trace(lambda x: np.maximum(x[0], x[1]) + ((x[0] == 1234) & (x[1] == 4321)), port)
    memory = Memory(tmp_path)
    ranges = prove_ranges(traced, memory), prove_ranges(wrong, memory)
    hints = [(wrong, ranges[1])]
    outputs = prove_rewrites(traced, wrong, ranges, [[1, 2], [5, 3]], 5.0, hints).outputs
    assert outputs == ["tested"]


def test_circuits_of_narrower_inputs_are_refused(tmp_path):
    wide, narrow = (Input("x", np.array([0]), np.array([hi]), np.array([0])) for hi in (9, 8))
    traced, hint = (trace(lambda x: np.minimum(x, 8), port) for port in (wide, narrow))
    memory = Memory(tmp_path)
    ranges = prove_ranges(traced, memory), prove_ranges(hint, memory)
    for circuit, between in ((hint, ()), (traced, [(hint, ranges[1])])):
        with pytest.raises(VerificationError, match=r"input element 0: .* takes 0 to 8, .* 0 to 9"):
            prove_rewrites(traced, circuit, (ranges[0], ranges[0]), [[1]], 1.0, between)


def test_bits_in_other_places_are_never_proved(tmp_path):
    for program, port, rewrite, code in (
        (total, TERMS, counters, [0] * 12),
        (below, VALUE, threshold_tables, [-3000]),
    ):
        traced = trace(program, port)
        circuit = rewrite(optimize(traced))
        for row in np.flatnonzero(circuit.rows.op == Op.SHR).tolist()[::3]:
            p = circuit.rows.p.copy()
            p[row] += 1
            wrong = tighten(circuit.replace(rows=replace(circuit.rows, p=p)))
            with suppress(VerificationError):
                assert set(ways(traced, wrong, [code], tmp_path)) != {"form"}
