"""A fast estimate of LUTs, flip-flops, carry cells, DSPs and depth from the rows alone.

Each row is so much work of a kind (`edgetrig.optimize.work`), at the measured prices of the
family; ``benchmarks/calibrate_estimate.py`` says how far off it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, live_rows
from edgetrig.optimize import (
    TERNARY_FAMILIES,
    carry_cells,
    delays_of,
    lut_cover,
    prices_of,
    work,
)
from edgetrig.printed import Printed
from edgetrig.synthesis.families import family_of
from edgetrig.synthesis.multipliers import blocks


@dataclass(frozen=True)
class Estimate(Printed):
    """An estimate, not a measurement.

    Parameters
    ----------
    part
        The part asked for.
    lut
        LUTs, inverters, and LUTs within carry cells (two in a CCU2, one in an ALU).
    ff, carry, dsp, depth
        As in `Cost`. A product that takes DSPs counts no LUTs, the sums of one of several included.
    by_layer
        LUTs of each origin.
    """

    part: str
    lut: int
    ff: int
    carry: int
    dsp: int
    depth: int
    by_layer: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and text."""
        return asdict(self)

    def __str__(self) -> str:
        dsp = f"{self.dsp:,} DSP, " if self.dsp else ""
        return (
            f"estimate for {self.part} (not measured): about {self.lut:,} LUT, {self.ff:,} FF, "
            f"{self.carry:,} carry cells, {dsp}depth {self.depth}"
        )


def estimate(circuit: Circuit, part: str = "xcvu13p") -> Estimate:
    """Estimate a circuit's cost from its rows, in milliseconds.

    Parameters
    ----------
    circuit
        The circuit.
    part
        A part (`PARTS`).

    Raises
    ------
    Error
        If the part is unknown.
    """
    family = family_of(part).name
    rows, prices = circuit.rows, prices_of(family)
    done, dsps = work(circuit, family), blocks(circuit, family)
    done["product"][dsps > 0] = 0
    luts = np.zeros(len(circuit))
    for kind, amount in done.items():
        luts += prices.luts[kind] * amount
    by_layer = np.bincount(rows.origin, weights=luts, minlength=len(circuit.origins))
    live = live_rows(rows.operands, circuit.output_rows)
    levels = _levels(circuit, family, done)
    levels[dsps > 0] = 1
    return Estimate(
        part=part,
        lut=round(float(luts.sum())),
        ff=int(circuit.widths[live & (rows.op == Op.REG)].sum()),
        carry=int(carry_cells(circuit, family, done).sum()),
        dsp=int(dsps.sum()),
        depth=round(float(lut_cover(circuit, family, levels).depth.max(initial=0))),
        by_layer={
            name: round(count)
            for name, count in zip(circuit.origins, by_layer.tolist(), strict=True)
            if count
        },
    )


def _levels(
    circuit: Circuit, family: str, done: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the levels that each row with cells of its own adds to a path."""
    rows, delays = circuit.rows, delays_of(family)
    levels = np.zeros(len(circuit))
    levels[np.isin(rows.op, (Op.ADD, Op.SUB, Op.NEG, Op.LT))] = prices_of(family).sum_levels
    levels[rows.op == Op.ADD3] = prices_of(family).sum_levels + 1
    levels[done["ternary"] > 0] -= family in TERNARY_FAMILIES
    # A chain ends in a LUT for every two partial products, one behind the other.
    narrower = np.minimum(circuit.widths[rows.a], circuit.widths[rows.b])
    levels[rows.op == Op.MUL] = 1 + np.ceil(np.log2(narrower + 1))[rows.op == Op.MUL]
    beyond = np.maximum(circuit.widths[rows.a] - delays.table_inputs, 0)
    levels[rows.op == Op.TABLE] = (1 + np.ceil(beyond / 2))[rows.op == Op.TABLE]
    return levels
