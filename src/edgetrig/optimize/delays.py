"""How long each operation takes on a family of devices: what pipelining places registers by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.errors import Error

_LUT_INPUTS = 6


@dataclass(frozen=True)
class Delays:
    """Delays of one family, in ns.

    Parameters
    ----------
    lut
        Through a LUT.
    net
        From a cell to the next, routing included (an average: placement decides).
    carry
        Into and out of a carry chain.
    carry_bit
        Along a carry chain, a bit.
    register
        Clock to output plus setup of a register, taken off every clock period.
    """

    lut: float
    net: float
    carry: float
    carry_bit: float
    register: float

    def of(self, circuit: Circuit) -> NDArray[np.float64]:
        """Return the delay of every row, shape (rows,)."""
        rows, width = circuit.rows, circuit.widths.astype(np.float64)
        operand = np.where(rows.operands >= 0, width[rows.operands], 0).max(axis=1, initial=0)
        step = self.lut + self.net
        adder = step + self.carry + self.carry_bit * width
        comparison = step + self.carry + self.carry_bit * operand
        constant = np.asarray(rows.lo == rows.hi, np.bool_)
        # A comparison with a constant needs no carry chain: a tree of LUTs, the sign bit for 0.
        against = constant[rows.a] | constant[rows.b]
        zero = np.asarray((rows.lo[rows.b] == 0) & (rows.hi[rows.b] == 0), np.bool_)
        tree = step * np.maximum(np.ceil(np.log(np.maximum(operand, 1)) / np.log(_LUT_INPUTS)), 1)
        comparison = np.where(against, np.where(zero & (rows.op == Op.LT), 0.0, tree), comparison)
        table = step * np.maximum(operand - _LUT_INPUTS + 1, 1)
        product = adder * np.maximum(np.ceil(np.log2(np.maximum(operand, 2))), 1)
        delay = np.zeros(len(rows))
        for ops, value in (
            ((Op.ADD, Op.SUB, Op.NEG), adder),
            # Three operands: a row of LUTs makes two of them for the adder's own.
            ((Op.ADD3,), adder + step),
            ((Op.MUL,), product),
            ((Op.LT, Op.EQ), comparison),
            ((Op.SELECT, Op.AND, Op.OR, Op.XOR), np.full(len(rows), step)),
            ((Op.TABLE,), table),
        ):
            mask = np.isin(rows.op, ops)
            delay[mask] = value[mask]
        delay[constant] = 0.0
        return delay


DELAYS: Final[dict[str, Delays]] = {
    # UltraScale+ speed grade 2: cell delays as in its data sheet (DS923), net from published
    # reports of trigger designs (about half of a path is routing).
    "UltraScale+": Delays(lut=0.10, net=0.40, carry=0.15, carry_bit=0.015, register=0.15),
    "UltraScale": Delays(lut=0.13, net=0.48, carry=0.18, carry_bit=0.018, register=0.20),
    "7 series": Delays(lut=0.12, net=0.60, carry=0.35, carry_bit=0.025, register=0.45),
    # From nextpnr's reports, two thirds of a path being routing.
    "ECP5": Delays(lut=0.24, net=1.10, carry=0.45, carry_bit=0.035, register=0.55),
    "Nexus": Delays(lut=0.22, net=1.00, carry=0.40, carry_bit=0.030, register=0.50),
    "Gowin": Delays(lut=0.35, net=1.10, carry=0.45, carry_bit=0.040, register=0.55),
    "iCE40": Delays(lut=0.40, net=1.60, carry=0.60, carry_bit=0.130, register=0.90),
}
"""By family name; estimates, to be confirmed by place and route."""


def delays_of(family: str) -> Delays:
    """Return a family's delays.

    Raises
    ------
    Error
        If the family is unknown.
    """
    if family not in DELAYS:
        raise Error(f"no delays for family {family!r}; known are {', '.join(DELAYS)}")
    return DELAYS[family]
