"""Look-ups, as truth tables in both languages."""

import numpy as np
import pytest

from edgetrig.circuit import Builder, Input, Op, Output, Table
from edgetrig.rtl import verilog
from edgetrig.synthesis import _yosys, synthesize
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


def test_a_truth_table_that_five_of_six_bits_decide_is_a_cell():
    entries, more = np.arange(64), np.arange(300)
    parity = np.array([int(k).bit_count() & 1 for k in more])
    for values, cells in (
        (parity[:64], 1),
        (entries >> 5, 0),
        (parity[:64] ^ entries & 1, 1),
        (parity[:64] ^ parity[entries & 3], 0),
        (parity[:64] + 2 * (entries & 1), 1),
        (parity[:128], 2),
        (parity[:256], 2),  # of the four truth tables of each bit two are equal
        (parity[:64].repeat(4), 0),
        (np.where(more < 64, parity, 0)[:128], 1),
    ):
        files = verilog(look_up(np.asarray(values)))
        (module,) = (text for name, text in files.items() if "table" in name)
        assert module.count("trigger_lut6 #(") == cells
        assert ("trigger_lut6.v" in files) == (cells > 0)


def test_a_cell_stays_one_lut_of_the_layer_that_asks():
    circuit = look_up(np.array([int(k).bit_count() for k in range(64)]), "counted")
    cost = synthesize(circuit)
    assert (cost.lut, cost.inverters, cost.depth) == (3, 0, 1)
    assert cost.by_layer == {"counted": {"lut": 3}}
    assert synthesize(circuit, "ecp5").lut > 3


def test_a_larger_table_is_not_taken_apart_behind_other_logic():
    """Before, two distances and a table behind each took 281 LUTs, now 131."""
    chance = np.random.default_rng(2)
    builder = Builder()
    port = Input("x", np.zeros(3, int), np.array([127, 127, 1]), np.zeros(3, int))
    a, b, which = builder.input(0, port)
    index = builder.append(Op.SELECT, which, a, b)
    number = builder.table(Table(0, chance.integers(0, 16, 128)))
    row = builder.append(Op.TABLE, index, p=number)
    circuit = builder.finish([port], [Output("y", row, np.zeros(1, int))])
    # A choice for each of six bits, two truth tables for each result; the last choice joins theirs.
    assert synthesize(circuit).lut == 6 + 4 * 3


def test_the_cell_of_a_device_is_the_table():
    """SAT over all inputs, with Yosys' own model of the primitive."""
    text = verilog(look_up(np.array([int(k).bit_count() & 1 for k in range(64)])))["trigger_lut6.v"]
    files = {f"{name}.v": text.replace("trigger_lut6", name) for name in ("plain", "mapped")}
    script = [
        "read_verilog plain.v",
        "read_verilog -DEDGETRIG_LUT6 mapped.v",
        "read_verilog +/xilinx/cells_sim.v",
        "chparam -set INIT 64'h8d2f61e3507ac94b plain mapped",
        "hierarchy",
        "proc",
        "flatten",
        "miter -equiv -flatten plain mapped miter",
        "tee -a proof.txt sat -verify -prove trigger 0 miter",
    ]
    [proof] = _yosys.run(files, script, ["proof.txt"])
    assert "SAT proof finished - no model found: SUCCESS!" in proof


def look_up(values, layer=""):
    """One look-up at any index of a table."""
    builder = Builder((layer,))
    port = Input("x", np.array([0]), np.array([len(values) - 1]), np.array([0]))
    number = builder.table(Table(0, np.asarray(values, np.int64)))
    row = builder.append(Op.TABLE, builder.input(0, port), p=number, origin=0)
    return builder.finish([port], [Output("y", row, np.zeros(1, int))])
