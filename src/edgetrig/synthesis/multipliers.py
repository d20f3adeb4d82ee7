"""How many multiplier blocks a product takes, as Yosys cuts it up for each family.

Measured with Yosys 0.70 on products of 2 to 40 bits. On Xilinx devices the counts are exact; on
ECP5 and Nexus they are up to 36 bits. On Gowin a product of 22 to 27 by 10 to 21 bits takes one
block more than is said here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, live_rows

_XILINX: Final = {"UltraScale+": 27, "UltraScale": 27, "7 series": 25}
"""Bits of a DSP's wider operand, its sign included."""


def blocks(circuit: Circuit, family: str) -> NDArray[np.int64]:
    """Return the multiplier blocks of each row, shape (rows,); 0 where LUTs multiply.

    Parameters
    ----------
    circuit
        The circuit; rows that no output needs take none.
    family
        Name of the device family. On iCE40 Yosys makes all products of LUTs.
    """
    rows, counts = circuit.rows, np.zeros(len(circuit), np.int64)
    live = live_rows(rows.operands, circuit.output_rows) & ~circuit.constant
    for row in np.flatnonzero(live & (rows.op == Op.MUL)).tolist():
        operands = [int(rows.a[row]), int(rows.b[row])]
        if circuit.constant[operands].any():
            continue
        width = int(circuit.widths[row])
        a, b = (min(int(circuit.widths[k]), width) for k in operands)
        signed = [bool(rows.lo[k] < 0) for k in operands]
        counts[row] = _blocks(family, a, b, width, signed)
    return counts


def _blocks(family: str, a: int, b: int, width: int, signed: list[bool]) -> int:
    """Return the blocks of a product of `a` by `b` bits of which `width` are wanted."""
    least = min(a, b)
    if family in _XILINX and least >= 2 and width >= 9:
        short, long = sorted((a + (not signed[0]), b + (not signed[1])))
        return _signed_pieces(long, _XILINX[family]) * _signed_pieces(short, 18)
    if family == "ECP5" and least >= 2:
        return _pieces(a, 18, 2) * _pieces(b, 18, 2)
    if family == "Nexus" and least >= 4:
        return _pieces(a, 36, 4) * _pieces(b, 36, 4)
    if family == "Gowin" and least >= 4:
        size = 36 if least >= 22 else 18
        return _pieces(a, size, 4) * _pieces(b, size, 4)
    return 0


def _signed_pieces(bits: int, most: int) -> int:
    """Return the pieces of an operand: one of up to `most` bits, others of 17 and a zero sign."""
    return 1 + max(0, -(-(bits - most) // 17))


def _pieces(bits: int, size: int, least: int) -> int:
    """Return the pieces of `size` bits; what is left is one where it has `least` bits."""
    return max(1, bits // size + (bits % size >= least))
