"""Look-ups, as truth tables in both languages."""

import numpy as np
import pytest

from edgetrig.circuit import Builder, Input, Op, Output, Table
from edgetrig.rtl import verilog
from edgetrig.verify import evaluate, lint, simulate
from simulators import simulators

RANGES = [(0, 1), (0, 6), (-3, 2), (-1, 0), (5, 9), (-9, -4), (100, 163), (-70, 70), (0, 299),
          (2**40 - 3, 2**40 + 4), (-(2**50) - 1, -(2**50) + 1)]  # fmt: skip


def look_ups(ranges):
    """One look-up a range of indices, in tables that are a little longer."""
    lo, hi = (np.array([r[k] for r in ranges]) for k in (0, 1))
    builder = Builder()
    port = Input("x", lo, hi, np.zeros(len(ranges), int))
    rows, chance = builder.input(0, port), np.random.default_rng(0)
    results = []
    for row, (low, high) in zip(rows, ranges, strict=True):
        number = builder.table(Table(low - 1, chance.integers(-90, 200, high - low + 3)))
        results.append(int(builder.append(Op.TABLE, row, p=number)))
    return builder.finish([port], [Output("y", np.array(results), np.zeros(len(results), int))])


@simulators("verilator", "icarus", "ghdl", "nvc")
def test_every_entry_of_tables_near_and_far_from_zero(simulator):
    circuit = look_ups(RANGES)
    assert lint(verilog(circuit)) == ""
    events = max(high - low for low, high in RANGES) + 1
    codes = np.stack([np.resize(np.arange(low, high + 1), events) for low, high in RANGES], axis=1)
    expected = np.array(evaluate(str(circuit), codes.tolist()), object)
    assert (simulate(circuit, codes, simulator=simulator) == expected).all()


@pytest.mark.parametrize(("low", "high", "bits"), [(100, 131, 5), (2**40, 2**40 + 7, 3)])
def test_indices_far_from_zero_are_told_apart_by_their_low_bits(low, high, bits):
    """Before, the table of a 41-bit index had 2**41 entries."""
    files = verilog(look_ups([(low, high)]))
    (module,) = (text for name, text in files.items() if "table" in name)
    assert f"input wire [{bits - 1}:0] index" in module
