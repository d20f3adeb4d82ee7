"""Carry chains of each family: the cells that Yosys 0.70 makes of single rows."""

import numpy as np
import pytest

from edgetrig.circuit import Builder, Input, Op, Output
from edgetrig.errors import Error
from edgetrig.optimize import carry_cells, fabric_of, row_luts, work

FAMILIES = ("ECP5", "Nexus", "Gowin", "iCE40")


def one_row(op, bits, *, signed=False, constant=None, p=0):
    """One operation on values of so many bits."""
    builder = Builder()
    lo, hi = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    port = Input("x", np.full(2, lo), np.full(2, hi), np.zeros(2, int))
    x = builder.input(0, port)
    other = x[1] if constant is None else builder.constant(constant)
    row = builder.append(op, x[0], other, p=p) if op != Op.NEG else builder.append(op, x[0])
    return builder.finish([port], [Output("y", np.array([row]), np.zeros(1, int))])


def cells(circuit, family):
    return int(carry_cells(circuit, family, work(circuit, family)).sum())


# Measured: ECP5, Nexus, Gowin.
@pytest.mark.parametrize(
    ("circuit", "measured"),
    [
        (one_row(Op.ADD, 2), (0, 0, 3)),
        (one_row(Op.ADD, 3), (0, 0, 4)),
        (one_row(Op.ADD, 4), (3, 4, 5)),
        (one_row(Op.ADD, 11), (6, 7, 12)),
        (one_row(Op.SUB, 12, signed=True), (7, 8, 13)),
        (one_row(Op.NEG, 12, signed=True), (7, 8, 13)),
        (one_row(Op.ADD, 8, signed=True, constant=91), (5, 6, 9)),
        (one_row(Op.LT, 4), (0, 0, 4)),
        (one_row(Op.LT, 5), (2, 4, 5)),
        (one_row(Op.LT, 12), (6, 7, 12)),
        (one_row(Op.LT, 12, signed=True), (5, 7, 11)),
        (one_row(Op.LT, 4, constant=11), (0, 0, 4)),
        (one_row(Op.LT, 8, constant=181), (4, 5, 8)),
        (one_row(Op.LT, 8, signed=True, constant=37), (3, 5, 7)),
        (one_row(Op.LT, 8, signed=True, constant=36), (2, 4, 5)),
        (one_row(Op.LT, 8, constant=64), (0, 0, 0)),
        (one_row(Op.LT, 8, signed=True, constant=0), (0, 0, 0)),
    ],
)
def test_chains_have_the_cells_that_were_measured(circuit, measured):
    assert tuple(cells(circuit, family) for family in FAMILIES[:3]) == measured


@pytest.mark.parametrize(
    ("circuit", "measured"),
    [
        (one_row(Op.ADD, 2), 2),
        (one_row(Op.ADD, 11), 11),
        (one_row(Op.LT, 12), 12),
        (one_row(Op.LT, 12, signed=True), 11),
        (one_row(Op.LT, 4, constant=11), 0),
        (one_row(Op.LT, 8, constant=181), 7),
        (one_row(Op.LT, 8, signed=True, constant=37), 6),
    ],
)
def test_ice40_has_no_carry_behind_a_sum_or_in_front_of_a_limit(circuit, measured):
    assert cells(circuit, "iCE40") == measured


def test_what_is_subtracted_from_a_constant_stands_above_its_low_bits():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([15]), np.zeros(1, int))
    row = builder.append(Op.SUB, builder.constant(3), builder.input(0, port)[0], p=3)
    circuit = builder.finish([port], [Output("y", np.array([row]), np.zeros(1, int))])
    assert [cells(circuit, family) for family in FAMILIES[:3]] == [3, 4, 5]


def test_low_bits_that_are_constant_are_not_compared():
    builder = Builder()
    port = Input("x", np.array([-128]), np.array([127]), np.zeros(1, int))
    odd = builder.append(Op.ADD, builder.input(0, port)[0], builder.constant(1), p=-1)
    row = builder.append(Op.LT, odd, builder.constant(97))  # x < 48: four bits
    circuit = builder.finish([port], [Output("y", np.array([row]), np.zeros(1, int))])
    assert [cells(circuit, family) for family in ("ECP5", "Nexus", "iCE40")] == [0, 0, 0]


def test_ice40_takes_inverters_for_what_it_subtracts():
    added, subtracted = one_row(Op.ADD, 8), one_row(Op.SUB, 8)
    assert work(added, "iCE40")["subtracted"].sum() == 0
    assert work(subtracted, "iCE40")["subtracted"].sum() == 8
    assert row_luts(subtracted, "iCE40").sum() > row_luts(added, "iCE40").sum() + 6


def test_ice40_joins_logic_to_the_sum_that_it_reads():
    def circuit(op):
        builder = Builder()
        port = Input("x", np.zeros(3, int), np.full(3, 255), np.zeros(3, int))
        x = builder.input(0, port)
        row = builder.append(op, builder.append(Op.ADD, *x[:2]), x[2])
        return builder.finish([port], [Output("y", np.array([row]), np.zeros(1, int))])

    assert row_luts(circuit(Op.XOR), "iCE40").sum() < 11  # measured: 9
    assert row_luts(circuit(Op.XOR), "Gowin").sum() > 15  # measured: 17


def test_an_unknown_family_has_no_fabric():
    with pytest.raises(Error, match="no fabric for family 'Z80'"):
        fabric_of("Z80")
