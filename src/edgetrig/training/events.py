"""What events may train: features and labels that have a meaning for the networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError

SMALLEST: Final = 2.0**-20
"""Smallest standard deviation of a feature: Keras divides by none below 1e-7."""

_LARGEST: Final = 2.0**40  # its square is far from the end of float32
_RESOLVED: Final = 2.0**-16  # of the values: float32 then has steps of 2^-8 of the deviation


def checked_events(
    features: ArrayLike, labels: ArrayLike, classes: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features and labels as arrays, once they can train.

    Raises
    ------
    DataError
        If they have another shape or type, NaN or infinity, a label of no class, events of one
        class alone, or a feature that float32 cannot resolve.
    """
    x, y = np.asarray(features), np.asarray(labels)
    if x.ndim != 2 or x.shape[1] == 0 or x.dtype.kind not in "fiub":
        raise DataError(f"features have shape {x.shape}; (events, features) numbers are needed")
    if y.shape != (len(x),) or y.dtype.kind not in "iub":
        raise DataError(
            f"labels are {y.dtype} of shape {y.shape}; one integer for each of {len(x)} events"
            " is needed"
        )
    bad = np.flatnonzero(~np.isfinite(x.astype(np.float32)).all(axis=0))
    if len(bad):
        raise DataError(f"feature column {bad[0]} contains NaN or infinity; remove these events")
    if len(set(classes)) < max(len(classes), 2):
        raise DataError(f"classes={tuple(classes)}: two or more different names are needed")
    check_classes(y, len(classes))
    _check_scales(x)
    return x.astype(np.float32), y.astype(np.int64)


def check_classes(labels: NDArray[Any], classes: int) -> None:
    """Demand labels of known classes, and events of two of them.

    Raises
    ------
    DataError
        If a label is none of the classes, or all are of one: there is nothing to tell apart.
    """
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise DataError(
            f"labels run from {labels.min()} to {labels.max()}, but there are {classes} classes"
        )
    if labels.size and (labels == labels[0]).all():
        raise DataError(f"all events are of class {int(labels[0])}; give events of another too")


def _check_scales(x: NDArray[Any]) -> None:
    """Demand features whose spread the networks can resolve.

    Keras divides by no deviation below 1e-7, its numbers are float32, and the finest step of an
    input that is learned is 2^-8 of its deviation. Beyond that a feature would be lost silently.

    Raises
    ------
    DataError
        If a column's standard deviation is too small or too large, alone or for its values.
    """
    for number, values in enumerate(x.T):
        if not len(values) or values.min() == values.max():
            continue
        column = values.astype(np.float64)
        spread = column.std()
        if not SMALLEST <= spread <= _LARGEST:
            raise DataError(
                f"feature column {number} has a standard deviation of {spread:.3g};"
                f" choose a unit in which it is {SMALLEST:.1g} to {_LARGEST:.1g},"
                " and remove outliers"
            )
        if spread < _RESOLVED * np.abs(column).max():
            raise DataError(
                f"feature column {number} varies by {spread:.3g} around {column.mean():.6g}, too"
                " little for float32; subtract a constant from it"
            )
