"""Bits of equal weights counted by generalised parallel counters, until few rows are left.

Six bits of one weight have a count of three bits, each a 6-input LUT; so have five bits of one
weight with one of twice that weight. Either takes three LUTs and leaves three bits fewer, however
narrow the numbers are that the bits belong to (Kumm and Zipf, MBMV 2014; Preusser, FPL 2017).
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import NamedTuple

COUNTER_LUTS = 3
"""LUTs of a counter: one for each bit of its count."""


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

    def compress(self) -> None:
        """Count bits until no counter saves as many LUTs as it takes."""
        for bits in self.columns:
            bits.sort()
        for ones, twos in ((6, 0), (5, 1)):
            while (column := self._full(ones, twos)) is not None:
                self._count(column, ones, twos)

    def _full(self, ones: int, twos: int) -> int | None:
        """Return the column of enough bits whose bits are there first."""
        found = [
            (column[ones - 1].level, k)
            for k, column in enumerate(self.columns)
            if len(column) >= ones and self._height(k + 1) >= twos
        ]
        return min(found)[1] if found else None

    def _height(self, column: int) -> int:
        return len(self.columns[column]) if column < len(self.columns) else 0

    def _count(self, column: int, ones: int, twos: int) -> None:
        taken = self._take(column, ones)
        above = self._take(column + 1, twos) if twos else []
        constant = 0 if twos else self.constant >> column & 1
        self.constant -= constant << column
        bits = (*taken, *above)
        level = max(bit.level for bit in bits) + 1
        self.counters.append(Counter(bits, (1,) * len(taken) + (2,) * len(above), constant))
        for place in range(3):
            if column + place < len(self.columns):
                bit = Bit(level, -len(self.counters), place)
                insort(self.columns[column + place], bit)

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
