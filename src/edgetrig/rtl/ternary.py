"""Explicit ternary adders: an ADD3 row whose sum only registers read, as an instance of a cell.

On AMD devices such a row takes one LUT a bit. A sum that logic reads would take two, as many as two
binary adders, because a slice has one way out for two signals (see ``cells/add3.v``); it stays an
expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from edgetrig.circuit import Op
from edgetrig.rtl.net import Net

_CELL = "edgetrig_add3"
_ALL = 1 << 30  # low zeros of 0


@dataclass(frozen=True)
class Ternary:
    """How a ternary adder lies in the bits of its row.

    Parameters
    ----------
    first
        The lowest bit of the adder; below it at most one operand has bits, which pass through.
    passed
        That operand: a row.
    """

    first: int
    passed: int


def ternary_adders(net: Net) -> dict[int, Ternary]:
    """Return the rows that are instances of the cell: ADD3 read by registers alone."""
    candidates = {row for row in net.logic if net.op[row] == Op.ADD3}
    registered = set()
    for row in net.live:
        read = candidates.intersection(net.operands(row))
        if net.op[row] == Op.REG:
            registered |= read
        else:
            candidates -= read
    chosen = (candidates & registered) - set(net.circuit.output_rows.tolist())
    zeros = _low_zeros(net) if chosen else {}
    placed = {row: _placed(net, row, zeros) for row in sorted(chosen)}
    return {row: adder for row, adder in placed.items() if adder.first < net.width[row]}


def cell_name(net: Net) -> str:
    """Name the module of the ternary adder."""
    return f"{net.top}_add3"


def cell_text(net: Net, file: str) -> str:
    """Return a file of the folder ``cells``, under the design's own name for the cell."""
    text = resources.files("edgetrig.rtl").joinpath("cells", file).read_text()
    return text.replace(_CELL, cell_name(net))


def carry_cell(part: str) -> str:
    """Return the primitive that holds the carry chain of an AMD part; empty for any other part.

    Parameters
    ----------
    part
        Part or family name, for instance ``"xcvu13p-flga2577-2-e"``.
    """
    name = part.lower()
    if re.match(r"xc7|(artix|kintex|virtex|spartan|zynq)7", name):
        return "CARRY4"
    return "CARRY8" if re.match(r"xc([akvz]?u|k26)", name) else ""


def _placed(net: Net, row: int, zeros: dict[int, int]) -> Ternary:
    """Leave out the bits below the second operand, unless the lowest is subtracted."""
    operands = [net.a[row], net.b[row], net.c[row]]
    subtracted = operands[3 - net.p[row] :]
    low, second, _ = sorted(zeros[r] for r in operands)
    passed = next(r for r in operands if zeros[r] == low)
    first = low if any(zeros[r] == low for r in subtracted) else second
    return Ternary(first, passed)


def _low_zeros(net: Net) -> dict[int, int]:
    """Return for each live row how many of its lowest bits are known to be 0, by its shifts."""
    zeros: dict[int, int] = {}
    for row in net.live:
        a, p = net.a[row], net.p[row]
        if net.constant(row):
            value = net.lo[row]
            zeros[row] = (value & -value).bit_length() - 1 if value else _ALL
        elif net.op[row] == Op.SHL:
            zeros[row] = zeros[a] + p
        elif net.op[row] in (Op.REG, Op.NEG):
            zeros[row] = zeros[a]
        else:
            zeros[row] = 0
    return zeros
