"""How long each operation takes on a family of devices: what pipelining places registers by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.errors import Error
from edgetrig.optimize.bit_nets import side_by_side
from edgetrig.optimize.word_logic import word_logic


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
    lut_inputs
        Inputs of a LUT.
    table_inputs
        Inputs of the largest table that LUTs joined by their multiplexers hold in one level.
    multiplier
        Through a multiplier block, which takes products of two different wide values; 0 where
        products are taken as adders.
    """

    lut: float
    net: float
    carry: float
    carry_bit: float
    register: float
    lut_inputs: int = 6
    table_inputs: int = 8
    multiplier: float = 0.0

    def of(self, circuit: Circuit) -> NDArray[np.float64]:
        """Return the delay of every row, shape (rows,)."""
        rows, width = circuit.rows, circuit.widths.astype(np.float64)
        operand = np.where(rows.operands >= 0, width[rows.operands], 0).max(axis=1, initial=0)
        step = self.lut + self.net
        adder = step + self.carry + self.carry_bit * (width - _passed_bits(circuit))
        adder[side_by_side(circuit)] = 0.0
        comparison = step + self.carry + self.carry_bit * operand
        constant = np.asarray(rows.lo == rows.hi, np.bool_)
        # A comparison with a constant needs no carry chain: a tree of LUTs, the sign bit for 0.
        against = constant[rows.a] | constant[rows.b]
        zero = np.asarray((rows.lo[rows.b] == 0) & (rows.hi[rows.b] == 0), np.bool_)
        levels = np.ceil(np.log(np.maximum(operand, 1)) / np.log(self.lut_inputs))
        tree = step * np.maximum(levels, 1)
        comparison = np.where(against, np.where(zero & (rows.op == Op.LT), 0.0, tree), comparison)
        table = step * np.maximum(operand - self.table_inputs + 1, 1)
        product = adder * np.maximum(np.ceil(np.log2(np.maximum(operand, 2))), 1)
        if self.multiplier:
            block = self.net + self.multiplier
            product = np.where(_fits_multiplier(circuit), block, product)
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
        delay[word_logic(circuit, self.lut_inputs).inside] = 0.0
        return delay


def _fits_multiplier(circuit: Circuit) -> NDArray[np.bool_]:
    """Return which products fit a DSP48E2 of 27 x 18 signed bits and are too wide for LUTs."""
    rows = circuit.rows
    unsigned = np.asarray((rows.lo[rows.a] >= 0) & (rows.lo[rows.b] >= 0), np.int64)
    sizes = np.sort(np.stack([circuit.widths[rows.a], circuit.widths[rows.b]]), axis=0) + unsigned
    wide = (sizes[0] > 8) & (sizes[0] <= 18) & (sizes[1] <= 27)
    fits: NDArray[np.bool_] = wide & (rows.a != rows.b)
    return fits


def _passed_bits(circuit: Circuit) -> NDArray[np.int64]:
    """Return how many low bits of each sum are those of one operand, with no carry among them."""
    rows, p = circuit.rows, circuit.rows.p.astype(np.int64)
    passed = np.where(rows.op == Op.ADD, np.abs(p), np.where(rows.op == Op.SUB, p, 0))
    return np.clip(passed, 0, circuit.widths - 1)


DELAYS: Final[dict[str, Delays]] = {
    # No open tool routes these. The LUT and the net in front of it are as in a path of
    # RapidWright's UltraScale+ timing model (0.09 and 0.40 ns: its pull request 1273); about half
    # of a path is routing, as AMD's UG949 expects; carry chains and registers are guesses, the
    # older families the same made slower (a 7 series path of 14 levels has 70 % routing of 8.4 ns:
    # m-labs/VexRiscv-verilog pull request 19). Take them as good to 30 %. The multiplier is one
    # between registers of its own, at 544 MHz (DS923 1.20, speed grade -2, without MREG).
    "UltraScale+": Delays(
        lut=0.10, net=0.40, carry=0.15, carry_bit=0.015, register=0.15, multiplier=1.69
    ),
    "UltraScale": Delays(lut=0.13, net=0.48, carry=0.18, carry_bit=0.018, register=0.20),
    "7 series": Delays(lut=0.12, net=0.60, carry=0.35, carry_bit=0.025, register=0.45),
    # Fitted to routed circuits by benchmarks/calibrate_delays.py, which states the error; the
    # LUT alone is the device database's. Not so iCE40: a guess from a few routed networks.
    "ECP5": Delays(0.24, 1.12, 0.00, 0.027, 0.62, lut_inputs=4, table_inputs=6),
    "Nexus": Delays(0.22, 0.36, 0.18, 0.033, 0.54, lut_inputs=4, table_inputs=6),
    "Gowin": Delays(0.35, 0.99, 0.14, 0.034, 0.17, lut_inputs=4, table_inputs=6),
    "iCE40": Delays(0.40, 1.60, 0.60, 0.130, 0.90, lut_inputs=4, table_inputs=4),
}
"""By family name: estimates; `edgetrig.synthesis.route` measures where it can."""


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
