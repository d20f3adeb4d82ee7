"""Which counters turn columns of bits into a sum in the fewest LUTs.

Columns are taken from the lowest weight up. Each is counted down to one bit or, from some column
on, to two, which a carry chain adds. Six bits of one weight, or five and one of twice that weight,
have a count of three bits: three LUTs for three bits fewer. What smaller counters a column needs to
come out even is waste, and which ones it needs depends on what the columns below have passed on:
the least is found by dynamic programming over the heights of columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

_MOST = 7
"""The largest count of three bits."""
_HIGH = 24
"""Bits of a column above which only counters of six are tried."""


class Shape(NamedTuple):
    """A counter: bits of its column, bits of the next one, and the constant 0 or 1 it adds."""

    ones: int
    twos: int = 0
    constant: int = 0

    @property
    def bits(self) -> int:
        """Bits of its count."""
        return (self.ones + 2 * self.twos + self.constant).bit_length()


class Step(NamedTuple):
    """What happens to one column.

    Parameters
    ----------
    shapes
        Its counters, in order.
    flipped
        Whether its last bit ``b``, with the constant, becomes ``not b`` and ``b`` one column up.
    """

    shapes: tuple[Shape, ...]
    flipped: bool = False


def plan(heights: Sequence[int], constant: int) -> tuple[int, tuple[Step, ...]]:
    """Return the LUTs of counters and of the chain behind them, and a step for every column.

    Parameters
    ----------
    heights
        Bits of each column, from weight 1 up; the sum is modulo the power of two behind the last.
    constant
        A number to be added, from 0 up.
    """
    size = len(heights)
    high = (*heights, 0, 0, 0)

    @cache
    def best(k: int, own: int, above: int, next_above: int, chained: bool) -> tuple[int, object]:
        """Return the LUTs from column `k` on, and the steps as nested pairs."""
        if k == size:
            return 0, None
        found: tuple[int, object] = (-1, None)
        for step, left in _steps(own, constant >> k & 1, above, last=k == size - 1):
            chain = chained or left == 2
            counts = [shape.bits for shape in step.shapes]
            passed = sum(bits > 1 for bits in counts) + step.flipped
            beyond, others = best(
                k + 1,
                above + passed - sum(shape.twos for shape in step.shapes),
                next_above + sum(bits > 2 for bits in counts),
                high[k + 3],
                chain,
            )
            luts = sum(min(bits, size - k) for bits in counts) + chain + beyond
            if found[0] < 0 or luts < found[0]:
                found = luts, (step, others)
        return found

    luts, chosen = best(0, *high[:3], False)
    steps = []
    while isinstance(chosen, tuple):
        step, chosen = chosen
        steps.append(step)
    return luts, tuple(steps)


def _steps(own: int, constant: int, above: int, *, last: bool) -> Iterator[tuple[Step, int]]:
    """Yield ways to count a column, and what is left of it: two at most, the constant included."""
    fewest = max(0, -(-(own - _HIGH) // 5))
    for sixes in range(fewest, max(own - 1, 0) // 5 + 1):
        twos = 0 if last else above + sixes
        for fives in range((own - 5 * sixes - 1) // 4 + 1 if twos and own else 1):
            full = [Shape(6)] * sixes + [Shape(5, 1)] * fives
            rest = own - 5 * sixes - 4 * fives
            if constant and sixes:
                full[0] = Shape(6, 0, 1)
            open_constant = constant if not sixes else 0
            for small in _small(rest, open_constant, twos):
                left = rest - (small.ones - 1 if small else 0)
                still = open_constant - (small.constant if small else 0)
                shapes = (*full, small) if small else tuple(full)
                if left + still <= 2:
                    yield Step(shapes), left + still
                if still and left == 1:
                    yield Step(shapes, True), 1


def _small(rest: int, constant: int, above: int) -> Iterator[Shape | None]:
    """Yield the counters that a column may end with, or None."""
    yield None
    for ones in range(2, min(rest, 5) + 1):
        for twos in range(min(above, (_MOST - ones) // 2) + 1):
            for added in {0, constant}:
                if ones + 2 * twos + added <= _MOST:
                    yield Shape(ones, twos, added)
