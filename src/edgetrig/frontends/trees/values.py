"""Numbers and lists out of parsed files, which may hold anything, with a clear line where not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError

OUTPUT_LIMIT: Final = 1 << 16
"""Most classes or targets of a model."""

FEATURE_LIMIT: Final = 1 << 16
"""Most input features of a model."""


def member(parent: Any, *names: str) -> Any:
    """Return ``parent[names[0]][names[1]]...``.

    Raises
    ------
    ModelError
        If one of them is missing.
    """
    here = parent
    for name in names:
        if not isinstance(here, Mapping) or name not in here:
            raise ModelError(f"{'.'.join(names)!r} is missing; the file is damaged")
        here = here[name]
    return here


def optional(parent: Any, name: str, default: Any) -> Any:
    """Return ``parent[name]``, or `default` where it is missing or null.

    Raises
    ------
    ModelError
        If `parent` is no object.
    """
    if not isinstance(parent, Mapping):
        raise ModelError(f"what should hold {name!r} is not an object; the file is damaged")
    found = parent.get(name)
    return default if found is None else found


def items(values: Any, name: str) -> list[Any]:
    """Return a list that `values` must be.

    Raises
    ------
    ModelError
        If it is something else.
    """
    if not isinstance(values, list):
        raise ModelError(f"{name!r} is not a list; the file is damaged")
    return values


def numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Return a list of numbers as float64, shape (n,).

    Raises
    ------
    ModelError
        If it is anything else.
    """
    if isinstance(values, bytes):  # a typed array of unsigned bytes
        return np.frombuffer(values, np.uint8).astype(np.float64)
    try:
        column = np.asarray(values)
        if column.ndim == 1 and (column.dtype.kind in "biuf" or not column.size):
            return column.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        pass
    raise ModelError(f"{name!r} is not a list of numbers; the file is damaged")


def integers(values: Any, name: str) -> NDArray[np.int64]:
    """Return a list of integers below 2^53 as int64, shape (n,).

    Raises
    ------
    ModelError
        If it is anything else.
    """
    column = numbers(values, name)
    if not (np.abs(column) < 1 << 53).all() or (column != np.floor(column)).any():
        raise ModelError(f"{name!r} is not a list of integers; the file is damaged")
    return column.astype(np.int64)


def number(value: Any, name: str) -> float:
    """Return a finite number, which files also write as text.

    Raises
    ------
    ModelError
        If it is not finite or no number.
    """
    try:
        parsed = float(value)
    except (ValueError, TypeError, OverflowError):
        parsed = np.nan
    if not np.isfinite(parsed):
        raise ModelError(f"{name!r} is {str(value)[:40]!r}, not a finite number")
    return parsed


def integer(value: Any, name: str) -> int:
    """Return an integer from 0 to 2^31 - 1, which files also write as text.

    Raises
    ------
    ModelError
        If it is not one.
    """
    parsed = number(value, name)
    if parsed != int(parsed) or not 0 <= parsed < 1 << 31:
        raise ModelError(f"{name!r} is {str(value)[:40]!r}, not a count")
    return int(parsed)


def narrow(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float32 numbers that were written as decimals, exactly as float64."""
    with np.errstate(over="ignore"):
        return column.astype(np.float32).astype(np.float64)
