"""Counters, sums and thresholds in tables are proved by what their entries say, and only then."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from edgetrig.circuit import Input, Op, Table, tighten, trace
from edgetrig.errors import VerificationError
from edgetrig.optimize import counters, delays_of, optimize, pipeline, threshold_tables
from edgetrig.optimize.cones import small_cones
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
    ("program", "port", "rewrite", "code"),
    [
        (total, TERMS, counters, [0] * 12),
        (clipped, TERMS, counters, [0] * 12),
        (below, VALUE, threshold_tables, [-3000]),
        (sums, NARROW, small_cones, [0] * 6),
    ],
)
def test_a_wrong_entry_anywhere_is_never_proved(program, port, rewrite, code, tmp_path):
    traced = trace(program, port)
    circuit = rewrite(optimize(traced))
    assert circuit.tables
    assert set(ways(traced, circuit, [code], tmp_path)) == {"form"}
    rng = np.random.default_rng(1)
    for number, table in enumerate(circuit.tables):
        values = table.values.copy()
        values[rng.integers(1, len(values))] ^= 1
        tables = list(circuit.tables)
        tables[number] = Table(table.start, values)
        wrong = tighten(circuit.replace(tables=tuple(tables)))
        with suppress(VerificationError):
            assert set(ways(traced, wrong, [code], tmp_path)) != {"form"}


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
