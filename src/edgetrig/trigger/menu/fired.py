"""One histogram: how many events fired which set of seeds, and what they weigh.

Histograms of parts of the data add up to that of all, so the parts may be counted anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.turn_on import weights_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Weight(NamedTuple):
    """What some events weigh."""

    total: float
    """Sum of their weights."""

    squares: float
    """Sum of the squares of their weights."""


@dataclass
class Fired:
    """How many events fired which set of seeds, before prescales, and what they weigh.

    Parameters
    ----------
    seeds
        How many seeds there are.
    counts
        Events by set of seeds, as packed bits.
    weights
        What they weigh, likewise; as much as they are where all count alike.
    """

    seeds: int
    counts: dict[bytes, int] = field(default_factory=dict)
    weights: dict[bytes, Weight] = field(default_factory=dict)

    def add(self, decisions: NDArray[np.generic], weights: Floats | None = None) -> None:
        """Count decisions, of shape (events, seeds), with weights of shape (events,)."""
        packed = np.packbits(np.asarray(decisions, np.bool_), axis=1)
        whole = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
        if weights is None:
            sets, numbers = np.unique(whole, return_counts=True)
            sums = squares = numbers
        else:
            sets, which, numbers = np.unique(whole, return_inverse=True, return_counts=True)
            sums, squares = (np.bincount(which, weights**power) for power in (1, 2))
        columns = (column.tolist() for column in (numbers, sums, squares))
        for pattern, number, total, square in zip(sets, *columns, strict=True):
            self._count(pattern.tobytes(), number, Weight(float(total), float(square)))

    def _count(self, key: bytes, number: int, weight: Weight) -> None:
        before = self.weights.get(key, Weight(0.0, 0.0))
        self.counts[key] = self.counts.get(key, 0) + number
        self.weights[key] = Weight(before.total + weight.total, before.squares + weight.squares)

    def __add__(self, other: Fired) -> Fired:
        if self.seeds != other.seeds:
            raise MenuError(f"histograms of {self.seeds} and {other.seeds} seeds cannot be added")
        both = Fired(self.seeds, dict(self.counts), dict(self.weights))
        for key, number in other.counts.items():
            both._count(key, number, other.weights[key])
        return both

    def scaled(self, factor: float) -> Fired:
        """Return the same events with so many times their weights."""
        weights = {
            k: Weight(w.total * factor, w.squares * factor**2) for k, w in self.weights.items()
        }
        return Fired(self.seeds, dict(self.counts), weights)

    @property
    def events(self) -> int:
        """Events counted."""
        return sum(self.counts.values())

    @property
    def weight(self) -> Weight:
        """What all of them weigh."""
        _, totals, squares = self.patterns()
        return Weight(float(totals.sum()), float(squares.sum()))

    def patterns(self) -> tuple[Bools, Floats, Floats]:
        """Return the sets of seeds, shape (sets, seeds); sums of each's weights and squares."""
        keys = sorted(self.counts)
        packed = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), (self.seeds + 7) // 8)
        bits = np.unpackbits(packed, axis=1, count=self.seeds).astype(np.bool_)
        totals, squares = np.array([self.weights[key] for key in keys], np.float64).T
        return bits, totals, squares


def count_fired(
    decide: Callable[[Mapping[str, NDArray[np.generic]]], NDArray[np.generic]],
    blocks: Iterable[Mapping[str, NDArray[np.generic]]],
    seeds: int,
    types: Iterable[ObjectType] = (),
    weight: str | None = None,
) -> Fired:
    """Count which seeds fire in blocks of events; memory holds one block.

    Parameters
    ----------
    decide
        From columns of codes to decisions of shape (events, seeds): ``predict`` of the menu's
        design.
    blocks
        Columns of codes by name.
    seeds
        How many seeds there are.
    types
        Object types whose codes are checked.
    weight
        Column of the events' weights; all count alike if left out.

    Raises
    ------
    DataError
        If a column is missing, of the wrong shape, or holds a code outside its field, or a weight
        is not finite or above 1e100.
    """
    fired = Fired(seeds)
    for block in blocks:
        for kind in types:
            kind.check(block)
        fired.add(decide(block), None if weight is None else weights_of(block, weight))
    if not fired.counts:
        raise DataError("no events to count")
    return fired
