"""Columns of numbers as the features and labels of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.physics.tables.source import Columns


def stack(file: Path, block: Columns, names: Sequence[str], row: int) -> NDArray[Any]:
    """Return feature columns as one array; ``row`` is the first one in the file."""
    arrays = []
    for name in names:
        array = block[name]
        if array.dtype.kind not in "fiub":
            raise DataError(
                f"{file}: column {name!r} is not numeric ({array.dtype}); choose other columns"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = int(np.argwhere(~np.isfinite(array))[0][0])
            value = array[where].ravel()[~np.isfinite(array[where].ravel())][0]
            raise DataError(
                f"{file}: column {name!r}, row {row + where}: {value}; fill or drop such rows"
            )
        if array.shape != block[names[0]].shape:
            raise DataError(
                f"{file}: column {name!r} has {_per_row(array)} a row but {names[0]!r} has "
                f"{_per_row(block[names[0]])}; name columns of one shape"
            )
        arrays.append(array)
    kind = np.result_type(np.float32, *[array.dtype for array in arrays])
    if len(arrays) == 1 and arrays[0].ndim > 1:
        return arrays[0].astype(kind)
    return np.stack(arrays, axis=-1, dtype=kind)


def _per_row(array: NDArray[Any]) -> str:
    count = math.prod(array.shape[1:])
    return f"{count} number" + ("s" if count != 1 else "")


def codes_of(
    file: Path, name: str, labels: NDArray[Any]
) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Return labels as class numbers, and the names of classes given as text."""
    if labels.ndim != 1:
        raise DataError(
            f"{file}: label {name!r} has {_per_row(labels)} a row; a class number or name is needed"
        )
    if labels.dtype.kind in "US":
        classes, codes = np.unique(labels.astype(str), return_inverse=True)
        return codes.astype(np.int64), tuple(str(item) for item in classes)
    if labels.dtype.kind not in "fiub":
        raise DataError(f"{file}: label {name!r} is neither whole numbers nor text")
    if labels.dtype.kind == "f":
        bad = labels != np.floor(labels)  # also true for nan; inf is caught below
        bad |= ~np.isfinite(labels)
        if bad.any():
            where = int(np.argmax(bad))
            raise DataError(
                f"{file}: label {name!r}, row {where}: {labels[where]} is not a whole number"
            )
    return labels.astype(np.int64), None
