"""Which events train, which steer, which judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError
from edgetrig.training.settings import check_seed

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Event numbers of three disjoint sets, each in random order."""

    train: Indices
    validation: Indices
    test: Indices


def split(
    labels: ArrayLike,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
) -> Split:
    """Split events into training, validation and test sets with equal shares of every class.

    The same labels, seed and fractions always give the same sets.

    Parameters
    ----------
    labels
        (events,) class of every event.
    seed
        Seed of the shuffle, of 32 bits.
    fractions
        Shares of the three sets; they sum to 1 and none is negative.

    Raises
    ------
    DataError
        If the fractions are not such shares, the labels are not one-dimensional or NaN, or the seed
        is none.
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        raise DataError(f"labels have shape {values.shape}; one number an event is needed")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise DataError(f"event {np.isnan(values).argmax()} has the label NaN; remove such events")
    check_seed(seed)
    # NaN neither: it compares with nothing.
    if not (len(fractions) == 3 and min(fractions) >= 0 and abs(sum(fractions) - 1) <= 1e-9):
        raise DataError(f"fractions {fractions} are not three shares that sum to 1")
    random = np.random.default_rng(seed)
    parts: list[list[Indices]] = [[], [], []]
    for label in np.unique(values):
        events = random.permutation(np.flatnonzero(values == label))
        ends = np.rint(np.cumsum(fractions[:2]) * len(events)).astype(np.int64)
        for part, chosen in zip(parts, np.split(events, ends), strict=True):
            part.append(chosen)
    empty = np.zeros(0, np.int64)
    return Split(*(random.permutation(np.concatenate([empty, *part])) for part in parts))
