"""What LUTs and carry cells Yosys makes of sums, comparisons and tables on each family.

The shapes are those of Yosys' own maps from sums to cells (``arith_map`` and ``cmp2lut`` of each
family) and of the LUTs that ABC may join; the rigs of ``benchmarks/mapping_costs.py`` show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.errors import Error
from edgetrig.optimize.rows import Ints


@dataclass(frozen=True)
class Fabric:
    """The carry chains and joined LUTs of one family.

    Parameters
    ----------
    carry_bits
        Bits of a carry cell.
    carry_luts
        LUTs within a carry cell. Where LUTs have four inputs these add; where there are none
        within, the LUTs that add stand beside the chain.
    first_cells
        Cells that do nothing but bring the first carry in.
    fewest_bits
        Bits of the shortest chain; shorter sums and comparisons are LUTs.
    fewest_bits_with_constant
        The same of a comparison with a constant.
    joined_inputs
        Inputs of what Yosys makes of LUTs of four inputs joined by multiplexers, which it counts
        apart; 4 where it joins none.
    """

    carry_bits: int
    carry_luts: int = 0
    first_cells: int = 0
    fewest_bits: int = 3
    fewest_bits_with_constant: int = 5
    joined_inputs: int = 4

    def cells(self, bits: Ints) -> Ints:
        """Return the cells of sums of so many bits; 0 where LUTs make them."""
        cells = self.first_cells + -(-bits // self.carry_bits)
        return np.where(bits < self.fewest_bits, 0, cells)

    def sum_luts(self, bits: Ints) -> Ints:
        """Return the LUTs of sums of so many bits where the chain's own LUTs add."""
        short = bits + (bits > _FULL_LUTS)
        own = self.cells(bits) * self.carry_luts if self.carry_luts else bits
        return np.where(bits < self.fewest_bits, short, own)

    def comparison_cells(self, bits: Ints, signed: NDArray[np.bool_]) -> Ints:
        """Return the cells of comparisons by order of so many bits.

        The LUT behind the chain that has the answer looks at signs itself, and at a last bit that
        fills no cell. Not on Nexus: there all carries are read by way of their sums.
        """
        if self.first_cells:
            return self.first_cells + -(-bits // self.carry_bits)
        return (bits - signed) // self.carry_bits


_FULL_LUTS: Final = 3
"""Bits of a sum that take a LUT each, without chain; one more bit takes two."""

FABRICS: Final[Mapping[str, Fabric]] = MappingProxyType(
    {
        "UltraScale+": Fabric(carry_bits=4),
        "UltraScale": Fabric(carry_bits=4),
        "7 series": Fabric(carry_bits=4),
        "ECP5": Fabric(carry_bits=2, carry_luts=2, fewest_bits=5, joined_inputs=7),
        "Nexus": Fabric(carry_bits=2, carry_luts=2, first_cells=1, fewest_bits=5, joined_inputs=5),
        "Gowin": Fabric(carry_bits=1, carry_luts=1, fewest_bits_with_constant=3, joined_inputs=7),
        "iCE40": Fabric(carry_bits=1),
    }
)
"""By family name (`edgetrig.optimize.DELAYS`)."""


def fabric_of(family: str) -> Fabric:
    """Return a family's fabric.

    Raises
    ------
    Error
        If the family is unknown.
    """
    if family not in FABRICS:
        known = ", ".join(FABRICS)
        raise Error(f"no fabric for family {family!r}; known are {known}")
    return FABRICS[family]


def compared_bits(circuit: Circuit) -> tuple[Ints, NDArray[np.bool_]]:
    """Return how many bits each comparison by order looks at, and whether one is a sign.

    With a constant, those from the limit's lowest 1 on; 0 where the answer is one bit, or whether
    any bit of a number without sign is 1.
    """
    rows, width, constant = circuit.rows, circuit.widths, circuit.constant
    bits = np.zeros(len(rows), np.int64)
    signed = np.asarray((rows.lo[rows.a] < 0) | (rows.lo[rows.b] < 0), np.bool_)
    for row in np.flatnonzero(rows.op == Op.LT).tolist():
        a, b = int(rows.a[row]), int(rows.b[row])
        if constant[a] or constant[b]:
            read, limit = (a, int(rows.lo[b])) if constant[b] else (b, int(rows.lo[a]) + 1)
            read, limit = _above_constant_bits(circuit, read, limit)
            signed[row] = rows.lo[read] < 0
            if rows.lo[read] < limit <= rows.hi[read] and limit:
                lowest = (limit & -limit).bit_length() - 1
                one = limit >> lowest == 1 and not signed[row]
                bits[row] = 0 if one else width[read] - lowest
        else:
            bits[row] = max(int(width[k]) + (signed[row] and rows.lo[k] >= 0) for k in (a, b))
    return bits, signed


def _above_constant_bits(circuit: Circuit, read: int, limit: int) -> tuple[int, int]:
    """Return what ``read < limit`` asks where the lowest bits are constant, as in ``2 * a + 1``."""
    rows = circuit.rows
    if (
        rows.op[read] == Op.ADD
        and rows.p[read]
        and circuit.constant[rows.a[read]] != circuit.constant[rows.b[read]]
    ):
        first, low = (rows.a, rows.b) if rows.p[read] < 0 else (rows.b, rows.a)
        places, added = abs(int(rows.p[read])), int(rows.lo[low[read]])
        if circuit.constant[low[read]] and 0 <= added < 1 << places:
            return int(first[read]), -(-(limit - added) >> places)
    return read, limit
