"""A forest's comparisons moved in front of the scaling of its features, without any rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.trees.forest import LARGEST, Forest

_BISECTIONS: Final = 65
"""Steps until two neighbours among all float64 numbers are left."""


@dataclass(frozen=True)
class Prepared:
    """Columns that a forest compares, each of which rises with one column of the events.

    Parameters
    ----------
    names
        Of the events' columns.
    sources
        The column that each prepared column is made of.
    function
        From events to prepared columns, as the library computes it of float64.
    scaled
        Which prepared columns are not plain columns.
    filled
        In which prepared columns missing values are filled in.
    """

    names: tuple[str, ...]
    sources: NDArray[np.int64]
    function: Callable[[Floats], Floats]
    scaled: NDArray[np.bool_]
    filled: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """Number of prepared columns."""
        return len(self.sources)


def moved(forest: Forest, preparation: Prepared) -> Forest:
    """Return the forest that decides on events as `forest` does on prepared ones.

    Parameters
    ----------
    forest
        The model behind the preparation.
    preparation
        What is done to events.

    Returns
    -------
    Forest
        Its thresholds are float64: for each split the last value that goes left (the first that
        does not, where the model compares by ``<``), found by bisection through the library's own
        arithmetic. So ties are decided as the pipeline decides them.

    Raises
    ------
    ModelError
        If the forest splits by categories of a column that is scaled.
    """
    if len(forest.features) != preparation.width:
        raise ModelError(
            f"has {preparation.width} prepared columns for a model of {len(forest.features)}"
        )
    if any(preparation.scaled[forest.feature[node]] for node in forest.categories):
        raise ModelError("splits by categories of a column that is scaled; leave it as it is")
    numeric = forest.feature >= 0
    numeric[list(forest.categories)] = False
    threshold, missing_left = forest.threshold.copy(), forest.missing_left.copy()
    node = np.flatnonzero(numeric)
    column = forest.feature[node]
    for part in _apart(preparation):
        mine = np.isin(column, part)
        if not mine.any():
            continue
        here, own = node[mine], column[mine]
        last, first, missing = _edges(forest, preparation, own, forest.threshold[here])
        threshold[here] = last if forest.inclusive else first
        missing_left[here] = np.where(preparation.filled[own], missing, missing_left[here])
    sources = np.where(forest.feature < 0, -1, preparation.sources[forest.feature])
    return replace(
        forest,
        feature=sources.astype(np.int32),
        threshold=threshold,
        missing_left=missing_left,
        features=preparation.names,
        narrow_inputs=False,
    ).check()


def _apart(preparation: Prepared) -> Iterator[NDArray[np.int64]]:
    """Yield prepared columns in groups, each made of different columns of the events."""
    sources = preparation.sources
    before = [int((sources[:k] == source).sum()) for k, source in enumerate(sources)]
    for turn in range(max(before) + 1):
        yield np.flatnonzero(np.array(before) == turn)


def _edges(
    forest: Forest,
    preparation: Prepared,
    column: NDArray[np.int32],
    limit: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return, by split, the largest value that goes left, the next one, and whether NaN does."""
    # Columns are prepared independently of each other: a row has one split of each.
    own = np.unique(column)
    order = np.argsort(column, kind="stable")
    counts = np.bincount(column, minlength=preparation.width)
    row = np.empty(len(column), np.int64)
    row[order] = np.arange(len(column)) - np.repeat(np.cumsum(counts) - counts, counts)[: len(row)]
    limits = np.zeros((int(counts.max(initial=0)), preparation.width))
    limits[row, column] = limit

    def goes_left(x: NDArray[np.float64]) -> NDArray[np.bool_]:
        events = np.zeros((len(x), len(preparation.names)))
        events[:, preparation.sources[own]] = x[:, own]
        prepared = preparation.function(events)
        with np.errstate(over="ignore", invalid="ignore"):
            at = prepared.astype(np.float32) if forest.narrow_inputs else prepared
            return np.asarray(at <= limits if forest.inclusive else at < limits)

    low, high = (_swapped(np.full(limits.shape, end).view(np.int64)) for end in (-LARGEST, LARGEST))
    for _ in range(_BISECTIONS):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        left = goes_left(_swapped(middle).view(np.float64))
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    last, first = (_swapped(edge).view(np.float64) for edge in (low, high))
    # Where even the ends go to one side, all other values do.
    first = np.where(goes_left(np.full(limits.shape, -LARGEST)), first, -LARGEST)
    last = np.where(goes_left(np.full(limits.shape, LARGEST)), LARGEST, last)
    missing = goes_left(np.where(preparation.filled, np.nan, np.zeros(limits.shape)))
    return last[row, column], first[row, column], missing[row, column]


def _swapped(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return float64 bit patterns as integers that rise with the numbers, or the way back."""
    return np.where(bits < 0, bits ^ np.int64(0x7FFF_FFFF_FFFF_FFFF), bits)
