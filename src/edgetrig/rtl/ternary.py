"""Explicit ternary adders: every ADD3 row is an instance of one of two cells.

On AMD devices a sum that registers alone read, be it through wires, takes one LUT a bit: the cell
``add3``. A sum that logic reads takes two, as many as two binary adders but one carry chain,
because a slice has one way out for two signals (see ``cells/add3.v``): the cell ``carry_save`` and
a plain sum of its results. Written as ``a + b + c``, Yosys would merge it with the sums around it
and make 8 % more LUTs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

from edgetrig.circuit import Op, read_by_registers
from edgetrig.rtl.net import Net

AMD_CELLS: Final = ("add3", "lut6")
"""Cells that have a form in the primitives of AMD devices."""
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
    cell
        ``add3`` if registers alone read the sum, else ``carry_save``.
    """

    first: int
    passed: int
    cell: str


def ternary_adders(net: Net) -> dict[int, Ternary]:
    """Return the ADD3 rows with what they are instances of, in order.

    A row narrower than the lowest bits of two of its operands has nothing to add: it is not among
    them.
    """
    rows = [row for row in net.logic if net.op[row] == Op.ADD3]
    if not rows:
        return {}
    circuit = net.circuit
    registered = read_by_registers(circuit.rows.op, circuit.rows.operands, circuit.output_rows)
    zeros = _low_zeros(net)
    placed = {row: _placed(net, row, zeros, bool(registered[row])) for row in rows}
    return {row: adder for row, adder in placed.items() if adder.first < net.width[row]}


def cell_name(net: Net, cell: str) -> str:
    """Name the module of a cell."""
    return f"{net.top}_{cell}"


def cell_text(net: Net, file: str) -> str:
    """Return a file of the folder ``cells``, under the design's own name for the cell."""
    text = resources.files("edgetrig.rtl").joinpath("cells", file).read_text()
    return text.replace("edgetrig_", f"{net.top}_")


def amd_cell(top: str, cell: str, part: str) -> str:
    """Return the VHDL of a cell in the primitives of an AMD part."""
    text = resources.files("edgetrig.rtl").joinpath("cells", f"{cell}_amd.vhd").read_text()
    bits = "4" if carry_cell(part) == "CARRY4" else "8"
    chosen = text.replace("chain : positive := 8", f"chain : positive := {bits}")
    return chosen.replace("edgetrig_", f"{top}_")


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


def amd_defines(part: str) -> tuple[str, ...]:
    """Return the defines by which the Verilog takes an AMD part's primitives; none for others."""
    chain = carry_cell(part)
    return (f"EDGETRIG_{chain}", "EDGETRIG_LUT6") if chain else ()


def _placed(net: Net, row: int, zeros: dict[int, int], registered: bool) -> Ternary:
    """Leave out the bits below the second operand, unless the lowest is subtracted."""
    operands = [net.a[row], net.b[row], net.c[row]]
    subtracted = operands[3 - net.p[row] :]
    low, second, _ = sorted(zeros[r] for r in operands)
    passed = next(r for r in operands if zeros[r] == low)
    first = low if any(zeros[r] == low for r in subtracted) else second
    return Ternary(first, passed, "add3" if registered else "carry_save")


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
