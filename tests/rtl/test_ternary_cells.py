"""Ternary adders: rows that become cells, and the LUTs and carry chains inside the cells."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from circuits import random_codes
from edgetrig.circuit import Builder, Input, Op, Output
from edgetrig.rtl import carry_cell, verilog
from edgetrig.synthesis import _yosys, synthesize
from edgetrig.verify import evaluate, lint, simulate

CELL = "trigger_add3.v"
LOGIC_CELL = "trigger_carry_save.v"


def sums(shapes, *, registered=True, latched=True, negated=False):
    """One ADD3 row a shape: (widths, shifts, signed, p) of its three operands.

    Between registers, or without them; `negated` ones go through a negation too.
    """
    builder = Builder()
    bits = np.array([w for widths, _, _, _ in shapes for w in widths])
    signed = np.repeat([s for _, _, s, _ in shapes], 3)
    lo = np.where(signed, -(2 ** (bits - 1)), 0)
    hi = np.where(signed, 2 ** (bits - 1) - 1, 2**bits - 1)
    port = Input("x", lo, hi, np.zeros(len(bits), int))
    rows = builder.input(0, port)
    if latched:
        rows = builder.append(Op.REG, rows)
    totals = []
    for k, (_, shifts, _, p) in enumerate(shapes):
        operands = [
            builder.append(Op.SHL, row, p=shift) if shift else row
            for row, shift in zip(rows[3 * k : 3 * k + 3], shifts, strict=True)
        ]
        total = builder.append(Op.ADD3, *operands, p=p)
        totals.append(builder.append(Op.REG, total) if registered else total)
        if negated:
            again = builder.append(Op.NEG, builder.append(Op.ADD3, *operands, p=p))
            totals.append(builder.append(Op.REG, again) if registered else again)
    result = np.array(totals, np.int64)
    return builder.finish([port], [Output("y", result, np.zeros(len(result), int))])


def triples(least, most):
    return st.lists(st.integers(least, most), min_size=3, max_size=3)


SHAPES = st.tuples(triples(1, 9), triples(0, 6), st.booleans(), st.integers(0, 2))


@settings(max_examples=3, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(SHAPES, min_size=30, max_size=30))
def test_cells_are_the_sums_of_the_reference(shapes):
    # Every sum twice: in front of registers, and in front of logic.
    circuit = sums(shapes, negated=True)
    files = verilog(circuit)
    assert {CELL, LOGIC_CELL} <= set(files)
    assert lint(files) == ""
    codes = random_codes(circuit, 300)
    expected = np.array(evaluate(str(circuit), codes.tolist(), check_intervals=True), object)
    assert (simulate(circuit, codes) == expected).all()


def test_the_layer_of_a_cell_is_its_rows():
    builder = Builder(("first", "second"))
    port = Input("x", np.full(4, -128), np.full(4, 127), np.zeros(4, int))
    x = builder.append(Op.REG, builder.input(0, port), origin=0)
    first = builder.append(Op.ADD3, x[:2], x[1:3], x[2:], p=1, origin=0)
    second = builder.append(Op.ADD3, first[0], first[1], x[0], origin=1)
    held = builder.append(Op.REG, second, origin=1)
    cost = synthesize(builder.finish([port], [Output("y", held, np.array([0]))]))
    assert set(cost.by_layer) == {"first", "second"}
    assert cost.by_layer["first"]["carry"] == 2 * 3
    assert cost.by_layer["second"]["carry"] == 4


def test_only_sums_that_registers_alone_read_are_cells():
    shape = ((8, 8, 8), (0, 0, 0), True, 0)
    assert LOGIC_CELL not in verilog(sums([shape]))
    assert CELL not in verilog(sums([shape], registered=False, latched=False))
    builder = Builder()
    port = Input("x", np.full(3, -8), np.full(3, 7), np.zeros(3, int))
    x = builder.append(Op.REG, builder.input(0, port))
    total = builder.append(Op.ADD3, *x)
    held = builder.append(Op.REG, np.array([total, builder.append(Op.NEG, total)]))
    circuit = builder.finish([port], [Output("y", held, np.zeros(2, int))])
    assert CELL not in verilog(circuit)


def test_low_bits_of_one_operand_pass_the_cell_by():
    stage = verilog(sums([((8, 8, 8), (0, 3, 5), False, 1)]))["trigger_stage1.v"]
    assert "assign v8[2:0] = r3[2:0];" in stage
    assert ".WIDTH(11), .SUBTRACTED(1)" in stage


@pytest.mark.parametrize("chain", ["CARRY4", "CARRY8"])
def test_the_cell_of_a_device_equals_the_plain_sum(chain):
    """SAT over all inputs, with Yosys' own models of the primitives."""
    text = verilog(sums([((8, 8, 8), (0, 0, 0), True, 0)]))[CELL]
    files = {f"{name}.v": text.replace("trigger_add3", name) for name in ("plain", "mapped")}
    script = [
        "read_verilog plain.v",
        f"read_verilog -DEDGETRIG_{chain} mapped.v",
        "read_verilog +/xilinx/cells_sim.v",
    ]
    for width in (1, 2, 3, 4, 5, 7, 8, 9):
        for subtracted in (0, 1, 2):
            parameters = f"-set WIDTH {width} -set SUBTRACTED {subtracted}"
            script += [
                "design -push-copy",
                f"chparam {parameters} plain mapped",
                "hierarchy",  # makes the primitives with the parameters they are given
                "proc",
                "flatten",
                "miter -equiv -flatten plain mapped miter",
                "tee -a proofs.txt sat -verify -prove trigger 0 miter",
                "design -pop",
            ]
    [proofs] = _yosys.run(files, script, ["proofs.txt"])
    assert proofs.count("SAT proof finished - no model found: SUCCESS!") == 24


def test_a_registered_sum_of_three_is_one_lut_a_bit():
    circuit = sums([((8, 8, 8), (0, 0, 0), True, 1)] * 3)
    cost = synthesize(circuit)
    assert (cost.lut, cost.inverters, cost.carry) == (3 * 10, 0, 3 * 4)  # a CARRY8 is two CARRY4
    assert cost.depth == 3  # majority, parity, chain
    assert not cost.other
    assert cost.by_layer == {"": {"lut": 30, "carry": 12, "ff": cost.ff}}


def test_a_sum_of_three_for_logic_is_two_luts_a_bit_and_one_chain():
    circuit = sums([((12, 12, 12), (0, 0, 0), True, 1)] * 3, registered=False, latched=False)
    cost = synthesize(circuit)
    assert 3 * 2 * 12 - 6 <= cost.lut + cost.inverters <= 3 * 2 * 14
    assert cost.carry == 3 * 4
    assert cost.depth == 3


def test_every_amd_family_has_its_carry_chain():
    names = {
        "CARRY4": ("xc7a35t-1", "XC7K325T", "xc7z020", "artix7"),
        "CARRY8": ("xcvu13p-flga2577-2-e", "xcku040", "xczu9eg", "xcau25p", "xcu250", "xck26"),
        "": ("xcvc1902", "ecp5", "ice40", "gowin", "AGFB014R24A2E2V"),
    }
    for chain, parts in names.items():
        assert {carry_cell(part) for part in parts} == {chain}
