"""What a menu lets through: rates with errors, what each seed adds, and who overlaps with whom.

Every figure follows from one histogram: how many events fired which set of seeds. Histograms of
parts of the data add up to that of all, exactly, so the parts may be counted anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.menu import Menu

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass
class Fired:
    """How many events fired which set of seeds, before prescales.

    Parameters
    ----------
    seeds
        How many seeds there are.
    counts
        Events by set of seeds, as packed bits.
    """

    seeds: int
    counts: dict[bytes, int] = field(default_factory=dict)

    def add(self, decisions: NDArray[np.generic]) -> None:
        """Count decisions, of shape (events, seeds)."""
        packed = np.packbits(np.asarray(decisions, np.bool_), axis=1)
        whole = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
        patterns, numbers = np.unique(whole, return_counts=True)
        for pattern, number in zip(patterns, numbers.tolist(), strict=True):
            key = pattern.tobytes()
            self.counts[key] = self.counts.get(key, 0) + number

    def __add__(self, other: Fired) -> Fired:
        if self.seeds != other.seeds:
            raise MenuError(f"histograms of {self.seeds} and {other.seeds} seeds cannot be added")
        total = dict(self.counts)
        for key, number in other.counts.items():
            total[key] = total.get(key, 0) + number
        return Fired(self.seeds, total)

    @property
    def events(self) -> int:
        """Events counted."""
        return sum(self.counts.values())

    def patterns(self) -> tuple[Bools, Floats]:
        """Return the sets of seeds, shape (sets, seeds), and how many events fired each."""
        keys = sorted(self.counts)
        packed = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), (self.seeds + 7) // 8)
        bits = np.unpackbits(packed, axis=1, count=self.seeds).astype(np.bool_)
        return bits, np.array([self.counts[key] for key in keys], np.float64)


def count_fired(
    decide: Callable[[Mapping[str, NDArray[np.generic]]], NDArray[np.generic]],
    blocks: Iterable[Mapping[str, NDArray[np.generic]]],
    seeds: int,
    types: Iterable[ObjectType] = (),
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

    Raises
    ------
    DataError
        If a column is missing, of the wrong shape, or holds a code outside its field.
    """
    fired = Fired(seeds)
    for block in blocks:
        for kind in types:
            kind.check(block)
        fired.add(decide(block))
    if not fired.counts:
        raise DataError("no events to count")
    return fired


@dataclass(frozen=True)
class Rates:
    """Rates of a menu, in kHz, each with its statistical error.

    With prescales, an event counts with the probability that it is kept, seeds being independent.

    Parameters
    ----------
    menu
        Its prescales and normalisation.
    fired
        Counted on events that are a fair sample of all crossings of filled bunches (zero bias).
    """

    menu: Menu
    fired: Fired

    @cached_property
    def _kept(self) -> tuple[Floats, Floats]:
        """Probability that each seed keeps an event of each set, and the sets' events."""
        bits, numbers = self.fired.patterns()
        inverse = [float(1 / s.prescale) if s.prescale else 0.0 for s in self.menu.seeds]
        return bits * np.array(inverse), numbers

    def _rate(self, kept: Floats) -> tuple[Floats, Floats]:
        """Return rate and error for probabilities of shape (sets, ...)."""
        numbers = self._kept[1]
        scale = self.menu.khz_of_all / self.fired.events
        return scale * (numbers @ kept), scale * np.sqrt(numbers @ kept**2)

    @property
    def seed(self) -> tuple[Floats, Floats]:
        """Each seed's own rate and error."""
        return self._rate(self._kept[0])

    @property
    def pure(self) -> tuple[Floats, Floats]:
        """Rate of events that no other seed keeps."""
        kept = self._kept[0]
        lost: Floats = 1 - kept
        before = np.cumprod(np.concatenate([np.ones((len(lost), 1)), lost[:, :-1]], 1), 1)
        after = np.cumprod(np.concatenate([np.ones((len(lost), 1)), lost[:, :0:-1]], 1), 1)
        return self._rate(np.asarray(kept * before * after[:, ::-1], np.float64))

    @property
    def cumulative(self) -> tuple[Floats, Floats]:
        """Rate of this seed and all before it together."""
        return self._rate(np.asarray(1 - np.cumprod(1 - self._kept[0], axis=1), np.float64))

    @property
    def added(self) -> Floats:
        """What each seed adds to all before it."""
        return np.diff(self.cumulative[0], prepend=0.0)

    @property
    def total(self) -> tuple[float, float]:
        """Rate of the whole menu, and its error."""
        rate, error = self.cumulative
        return float(rate[-1]), float(error[-1])

    @property
    def overlap(self) -> Floats:
        """Rate of events that both seeds keep, shape (seeds, seeds); each seed's own between."""
        kept, numbers = self._kept
        rate = kept.T @ (kept * numbers[:, None])
        np.fill_diagonal(rate, numbers @ kept)
        return np.asarray(rate * self.menu.khz_of_all / self.fired.events)

    def efficiency(self, signal: Fired) -> tuple[Floats, float]:
        """Return the fraction of a signal's events kept, by each seed and by the menu."""
        rates = Rates(self.menu, signal)
        scale = self.menu.khz_of_all
        return rates.seed[0] / scale, rates.total[0] / scale

    def __str__(self) -> str:
        columns = zip(
            self.menu.seeds, *self.seed, *self.pure, self.cumulative[0], self.added, strict=True
        )
        width = max(len(seed.name) for seed in self.menu.seeds)
        title = f"{'seed':{width}}  prescale       rate kHz        pure kHz  cumulative   adds"
        lines = [title]
        for seed, rate, error, pure, pure_error, cumulative, added in columns:
            lines.append(
                f"{seed.name:{width}}  {float(seed.prescale):8g} {rate:8.2f} +- {error:5.2f}"
                f" {pure:8.2f} +- {pure_error:4.2f} {cumulative:10.2f} {added:6.2f}"
            )
        rate, error = self.total
        budget = self.menu.budget_khz
        verdict = "within" if rate <= budget else "OVER"
        lines.append(f"total {rate:.2f} +- {error:.2f} kHz: {verdict} the budget of {budget:g} kHz")
        return "\n".join(lines)
