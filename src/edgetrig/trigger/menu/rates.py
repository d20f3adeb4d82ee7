"""What a menu lets through: rates with errors, what each seed adds, and who overlaps with whom.

Every figure follows from one histogram of which seeds fired together (`fired`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from edgetrig.errors import DataError
from edgetrig.printed import Printed
from edgetrig.trigger.menu.efficiency import Floats, weighted_efficiency, weighted_interval
from edgetrig.trigger.menu.fired import Fired
from edgetrig.trigger.menu.menu import Menu


class Efficiency(NamedTuple):
    """Fractions of events kept, each of shape (seeds + 1,): by each seed, and by the menu."""

    value: Floats
    low: Floats
    """Lower ends of the intervals (`edgetrig.trigger.menu.weighted_interval`)."""

    high: Floats


@dataclass(frozen=True)
class Rates(Printed):
    """Rates of a menu, in kHz, each with its statistical error.

    With prescales, an event counts with the probability that it is kept, seeds being independent.

    Parameters
    ----------
    menu
        Its prescales and normalisation.
    fired
        Counted on events that are a fair sample of all crossings of filled bunches (zero bias).
    khz_of_all
        Rate of a seed that all events pass: that of all crossings of filled bunches if left out.
        For a process it is cross section times luminosity (`edgetrig.trigger.menu.khz_of`).

    Raises
    ------
    DataError
        If the weights do not sum to more than 0.
    """

    menu: Menu
    fired: Fired
    khz_of_all: float | None = None

    def __post_init__(self) -> None:
        weight = self.fired.weight.total if self.fired.counts else 0.0
        if not weight > 0:
            raise DataError(f"events with a total weight of {weight:g} have no rate")

    @cached_property
    def _kept(self) -> tuple[Floats, Floats, Floats]:
        """Probability that each seed keeps an event of each set; sums of the sets' weights."""
        bits, totals, squares = self.fired.patterns()
        return bits * self._share, totals, squares

    @property
    def _share(self) -> Floats:
        """Which share of a seed's events its prescale keeps."""
        return np.array([float(1 / s.prescale) if s.prescale else 0.0 for s in self.menu.seeds])

    @property
    def all_khz(self) -> float:
        """Rate of a seed that all events pass."""
        return self.menu.khz_of_all if self.khz_of_all is None else self.khz_of_all

    @cached_property
    def _scale(self) -> float:
        """Rate of an event of weight 1."""
        return self.all_khz / self.fired.weight.total

    def _rate(self, kept: Floats) -> tuple[Floats, Floats]:
        """Return rate and error for probabilities of shape (sets, ...)."""
        _, totals, squares = self._kept
        return self._scale * (totals @ kept), self._scale * np.sqrt(squares @ kept**2)

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
    def limit(self) -> Floats:
        """Upper end of the central 68 % interval of a rate of which no event was seen, by seed."""
        return self._limit * self._share

    @property
    def total_limit(self) -> float:
        """Upper end of that interval for the whole menu, if no event was seen that it keeps."""
        return self._limit * float(1 - np.prod(1 - self._share))

    @property
    def _limit(self) -> float:
        whole = self.fired.weight
        _, high = weighted_interval(0.0, whole.total, 0.0, whole.squares)
        return float(high) * self.all_khz

    @property
    def cumulative(self) -> tuple[Floats, Floats]:
        """Rate of this seed and all before it together."""
        return self._rate(np.asarray(1 - np.cumprod(1 - self._kept[0], axis=1), np.float64))

    def together(self, seeds: Sequence[int]) -> tuple[float, float]:
        """Return the rate of some seeds together, by their numbers, and its error."""
        kept = 1 - np.prod(1 - self._kept[0][:, list(seeds)], axis=1)
        rate, error = self._rate(kept)
        return float(rate), float(error)

    @property
    def added(self) -> Floats:
        """What each seed adds to all before it."""
        added = np.diff(self.cumulative[0], prepend=0.0)
        return np.where(np.abs(added) < 1e-12 * self.all_khz, 0.0, added)  # not -0.00

    @property
    def total(self) -> tuple[float, float]:
        """Rate of the whole menu, and its error."""
        rate, error = self.cumulative
        return float(rate[-1]), float(error[-1])

    @property
    def verdict(self) -> str:
        """How the whole menu stands to its budget: ``... the budget``."""
        rate, budget = self.total[0], self.menu.budget_khz
        if not rate and self.total_limit > budget:
            return "too few events to judge"
        return "within" if rate <= budget else "OVER"

    @property
    def overlap(self) -> Floats:
        """Rate of events that both seeds keep, shape (seeds, seeds); each seed's own between."""
        kept, totals, _ = self._kept
        rate = kept.T @ (kept * totals[:, None])
        np.fill_diagonal(rate, totals @ kept)
        return np.asarray(rate * self._scale)

    def efficiency(self, signal: Fired) -> Efficiency:
        """Return the fraction of a signal's events kept, by each seed and by the menu.

        Raises
        ------
        DataError
            If the signal's weights do not sum to more than 0.
        """
        kept, totals, squares = Rates(self.menu, signal)._kept
        kept = np.column_stack([kept, 1 - np.prod(1 - kept, axis=1)])
        whole = signal.weight
        passed, passed_squares = totals @ kept, squares @ kept**2
        every = np.full(len(passed), whole.total), np.full(len(passed), whole.squares)
        low, high = weighted_interval(passed, every[0], passed_squares, every[1])
        return Efficiency(weighted_efficiency(passed, every[0]), low, high)

    def __str__(self) -> str:
        together = (self.cumulative[0], self.added, self.limit)
        columns = zip(self.menu.seeds, *self.seed, *self.pure, *together, strict=True)
        width = max(len(seed.name) for seed in self.menu.seeds)
        title = f"{'seed':{width}}  prescale       rate kHz        pure kHz  cumulative   adds"
        lines = [title]
        for seed, rate, error, *pure, cumulative, added, limit in columns:
            own, alone = f"{rate:8.2f} +- {error:5.2f}", f"{pure[0]:8.2f} +- {pure[1]:4.2f}"
            if limit and not rate:
                own = f"< {limit:.2f}"
            if limit and not pure[0]:
                alone = f"< {limit:.2f}"
            lines.append(
                f"{seed.name:{width}}  {float(seed.prescale):8g} {own:>17}"
                f" {alone:>16} {cumulative:10.2f} {added:6.2f}"
            )
        if any("  < " in line for line in lines):
            lines.append("<: no event passed; upper end of the central 68 % interval")
        rate, error = self.total
        words = f"{rate:.2f} +- {error:.2f}"
        if self.total_limit and not rate:
            words = f"< {self.total_limit:.2f}"
        lines.append(
            f"total {words} kHz: {self.verdict} the budget of {self.menu.budget_khz:g} kHz"
        )
        return "\n".join(lines)
