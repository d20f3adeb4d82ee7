"""Bits of equal weights counted by generalised parallel counters, until two rows are left.

Six bits of one weight have a count of three bits, each a 6-input LUT; so have five bits of one
weight with one of twice that weight. Either takes three LUTs and leaves three bits fewer, however
narrow the numbers are that the bits belong to (Kumm and Zipf, MBMV 2014; Preusser, FPL 2017).
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import NamedTuple

from edgetrig.optimize.compression import Shape, plan


class Bit(NamedTuple):
    """A bit of a sum.

    Parameters
    ----------
    level
        How many counters lie in front of it.
    source
        The row it is a bit of; for a bit of a count, -1 minus the counter's number.
    place
        Which bit.
    inverted
        Whether it counts where it is 0.
    """

    level: int
    source: int
    place: int
    inverted: bool = False


@dataclass(frozen=True)
class Counter:
    """The number of ones among some bits, with weights, and a constant; at most 7.

    Parameters
    ----------
    bits
        At most six.
    weights
        1 or 2 for each.
    constant
        0 or 1.
    """

    bits: tuple[Bit, ...]
    weights: tuple[int, ...]
    constant: int


@dataclass
class BitHeap:
    """A sum of bits by weight, modulo a power of two.

    Parameters
    ----------
    columns
        The bits of weight ``2**k``, for each k; while counting, those that are there first lead.
    constant
        A number to be added, from 0 up.
    """

    columns: list[list[Bit]]
    constant: int
    counters: list[Counter] = field(default_factory=list)

    def compress(self) -> int:
        """Count bits until two of each weight are left at most; return the LUTs of all.

        Those of the counters, and of the sum of what is left (`edgetrig.optimize.compression`).
        """
        for bits in self.columns:
            bits.sort()
        luts, steps = plan([len(bits) for bits in self.columns], self.constant)
        for column, step in enumerate(steps):
            for shape in step.shapes:
                self._count(column, shape)
            if step.flipped:
                self._flip(column)
        return luts

    def _count(self, column: int, shape: Shape) -> None:
        taken = self._take(column, shape.ones)
        above = self._take(column + 1, shape.twos) if shape.twos else []
        self.constant -= shape.constant << column
        bits = (*taken, *above)
        level = max(bit.level for bit in bits) + 1
        weights = (1,) * len(taken) + (2,) * len(above)
        self.counters.append(Counter(bits, weights, shape.constant))
        for place in range(min(shape.bits, len(self.columns) - column)):
            insort(self.columns[column + place], Bit(level, -len(self.counters), place))

    def _flip(self, column: int) -> None:
        """Make ``not b`` and ``2 * b`` of a column's only bit ``b`` and the constant 1."""
        [bit] = self.columns[column]
        self.columns[column] = [bit._replace(inverted=not bit.inverted)]
        if column + 1 < len(self.columns):
            insort(self.columns[column + 1], bit)
        self.constant -= 1 << column

    def _take(self, column: int, count: int) -> list[Bit]:
        taken = self.columns[column][:count]
        del self.columns[column][:count]
        return taken

    def rows(self) -> list[dict[int, Bit | None]]:
        """Return what is left as numbers to add: by weight a bit, or None where it is always 1."""
        count = max(map(len, self.columns), default=0)
        numbers: list[dict[int, Bit | None]] = [
            {k: column[number] for k, column in enumerate(self.columns) if number < len(column)}
            for number in range(count)
        ]
        for k in range(self.constant.bit_length()):
            if self.constant >> k & 1:
                free = next((number for number in numbers if k not in number), None)
                if free is None:
                    numbers.append(free := {})
                free[k] = None
        return numbers
