"""Turn-on curves: how often a seed fires, against a true quantity of the events."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError, MenuError
from edgetrig.printed import Printed
from edgetrig.trigger.menu.efficiency import (
    COVERAGE,
    clopper_pearson,
    weighted_efficiency,
    weighted_interval,
)

Columns = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Result = TypeVar("Result")

MOST_BINS: Final = 10_000
LARGEST_WEIGHT: Final = 1e100
_USUAL_BINS: Final = 20


@dataclass(frozen=True)
class TurnOn(Printed):
    """Events in bins of a quantity, and how many of them fired a seed, before its prescale.

    Parameters
    ----------
    seed
        Name of the seed.
    variable
        Name of the quantity's column.
    edges
        Bins' edges, shape (bins + 1,), in the quantity's unit. An event belongs to the bin with
        ``low < value <= high``; those outside are not counted. (So an object that is not there,
        whose pt is 0, is in no bin where they begin at 0.)
    passed, total
        Events that fired the seed, and all, shape (bins,).
    weights
        Shape (4, bins): sums of the weights of events that fired the seed and of all, and of the
        squares of both; None where all count alike.
    """

    seed: str
    variable: str
    edges: Floats
    passed: Integers
    total: Integers
    weights: Floats | None = None

    @property
    def efficiency(self) -> Floats:
        """Fraction of each bin's events that fired the seed; NaN where there are none."""
        if self.weights is not None:
            return self._weighed(weighted_efficiency, *self.weights[:2])
        with np.errstate(invalid="ignore"):
            return np.asarray(self.passed / self.total, np.float64)

    def interval(self, coverage: float = COVERAGE) -> tuple[Floats, Floats]:
        """Return the ends of the intervals; see `clopper_pearson` and `weighted_interval`."""
        if self.weights is not None:
            return self._weighed(weighted_interval, *self.weights, coverage)
        return clopper_pearson(self.passed, self.total, coverage)

    def _weighed(self, function: Callable[..., Result], *arguments: Any) -> Result:
        try:
            return function(*arguments)
        except DataError as error:
            raise DataError(f"{self.seed} against {self.variable}: {error}") from error

    def __add__(self, other: TurnOn) -> TurnOn:
        same = (self.seed, self.variable) == (other.seed, other.variable)
        if not same or not np.array_equal(self.edges, other.edges):
            raise MenuError("turn-on curves of different seeds, variables or bins cannot be added")
        weights = [w for w in (self.weights, other.weights) if w is not None]
        if len(weights) == 1:
            raise MenuError("turn-on curves with and without weights cannot be added")
        return replace(
            self,
            passed=self.passed + other.passed,
            total=self.total + other.total,
            weights=weights[0] + weights[1] if weights else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers; None for the efficiency of a bin without events."""
        low, high = self.interval()
        return {
            "seed": self.seed,
            "variable": self.variable,
            "edges": self.edges.tolist(),
            "passed": self.passed.tolist(),
            "total": self.total.tolist(),
            "efficiency": [None if math.isnan(e) else e for e in self.efficiency.tolist()],
            "low": low.tolist(),
            "high": high.tolist(),
            "weighted": self.weights is not None,
        }

    def __str__(self) -> str:
        lines = [f"{self.variable:>21}    events  {self.seed}"]
        edges = self.edges.tolist()
        bins = zip(edges, edges[1:], self.total, self.efficiency, *self.interval(), strict=False)
        for left, right, total, efficiency, low, high in bins:
            value = f"{efficiency:6.1%}  ({low:.1%} to {high:.1%})" if total else "     -"
            lines.append(f"{left:9g} to {right:8g} {total:9,}  {value}")
        return "\n".join(lines)


def measure_turn_on(
    decide: Callable[[Columns], NDArray[np.generic]],
    blocks: Iterable[Columns],
    seeds: Iterable[str],
    seed: str,
    variable: str,
    edges: ArrayLike,
    within: Mapping[str, tuple[float, float]] | None = None,
    weight: str | None = None,
) -> TurnOn:
    """Count a turn-on curve in blocks of events; memory holds one block.

    Parameters
    ----------
    decide
        From columns to decisions of shape (events, seeds), as for `count_fired`.
    blocks
        Columns by name: codes, and `variable` with one number an event.
    seeds
        Names of the seeds decided on, in their order.
    seed, variable, edges
        As for `TurnOn`.
    within
        Ranges by column, ends included; only events in all of them count.
    weight
        Column of the events' weights; all count alike if left out.

    Raises
    ------
    MenuError
        If there is no such seed.
    DataError
        If the edges do not rise, or a column is missing or not one finite number an event.
    """
    names = list(seeds)
    if seed not in names:
        raise MenuError(f"no seed '{seed}' among {', '.join(names[:12])}")
    bins = checked_edges(edges)
    ranges = dict(within or {})
    size = len(bins) - 1
    passed, total = np.zeros(size, np.int64), np.zeros(size, np.int64)
    weights = None if weight is None else np.zeros((4, size))
    for block in blocks:
        place = np.searchsorted(bins, numbers_of(block, variable), side="left") - 1
        chosen = (place >= 0) & (place < size)
        for column, (low, high) in ranges.items():
            values = numbers_of(block, column)
            chosen &= (values >= low) & (values <= high)
        fired = chosen & np.asarray(decide(block), np.bool_)[:, names.index(seed)]
        total += np.bincount(place[chosen], minlength=size)
        passed += np.bincount(place[fired], minlength=size)
        if weight is not None and weights is not None:
            each = weights_of(block, weight)
            parts = [(some, each[some] ** power) for power in (1, 2) for some in (fired, chosen)]
            weights += [np.bincount(place[some], x, minlength=size) for some, x in parts]
    return TurnOn(seed, variable, bins, passed, total, weights)


def checked_edges(edges: ArrayLike) -> Floats:
    """Return bins' edges as an array.

    Raises
    ------
    DataError
        If they are not two or more finite numbers that rise.
    """
    bins = np.asarray(edges, np.float64)
    if bins.ndim != 1 or not 2 <= len(bins) <= MOST_BINS + 1:
        raise DataError(f"bins need 2 to {MOST_BINS + 1} edges")
    if not np.isfinite(bins).all() or not (np.diff(bins) > 0).all():
        raise DataError("the edges of bins must be finite and rise")
    return bins


def usual_edges(values: ArrayLike) -> Floats:
    """Return 20 equal bins with round edges that hold nearly all numbers.

    Parameters
    ----------
    values
        Finite numbers. Bins begin at 0, or lie around it where some are negative; zeros, which are
        objects that are not there, do not count.

    Raises
    ------
    DataError
        If all are 0.
    """
    numbers = np.asarray(values, np.float64).ravel()
    numbers = numbers[numbers != 0]
    if not len(numbers):
        raise DataError("no bins can be chosen: all values are 0; give the bins")
    signed = bool((numbers < 0).any())
    largest = float(np.quantile(np.abs(numbers), 0.98))
    least = (2 if signed else 1) * largest / _USUAL_BINS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(m * power for m in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 20) if m * power >= least)
    first = -_USUAL_BINS // 2 if signed else 0
    return np.array([float(f"{(first + k) * step:.12g}") for k in range(_USUAL_BINS + 1)])


def numbers_of(block: Columns, column: str) -> Floats:
    """Return a column of one finite number an event as float64.

    Raises
    ------
    DataError
        If it is missing or no such column; the line names it.
    """
    if column not in block:
        raise DataError(f"no column '{column}' in the events")
    values = np.asarray(block[column])
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise DataError(
            f"column '{column}' has the shape {values.shape} and the type {values.dtype};"
            " one number an event is needed"
        )
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        event = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise DataError(f"column '{column}', event {event} of its block: {numbers[event]}")
    return numbers


def weights_of(block: Columns, column: str) -> Floats:
    """Return a column of weights.

    Raises
    ------
    DataError
        As `numbers_of`, or if one is so large that sums of squares have no meaning.
    """
    weights = numbers_of(block, column)
    large = np.abs(weights) > LARGEST_WEIGHT
    if large.any():
        event = int(np.flatnonzero(large)[0])
        raise DataError(f"column '{column}', event {event} of its block: weight {weights[event]:g}")
    return weights
