"""What callers give: anything that can be an array, and arrays to write results to."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.errors import DataError


def array_like(values: Any, name: str) -> Any:
    """Return what has NumPy's types and can be sliced as it is, anything else as an array.

    Raises
    ------
    DataError
        If it is no array, or some of its values are masked; `name` says what it is.
    """
    if not (hasattr(values, "shape") and isinstance(getattr(values, "dtype", None), np.dtype)):
        try:
            values = np.asarray(values)
        except (TypeError, ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{name}: an array of numbers is needed ({reason})") from error
    if np.ma.isMaskedArray(values):
        if np.ma.is_masked(values):
            raise DataError(f"{name}: values are masked, fill them or leave these events out")
        return values.data
    return values


def result(out: Any, shape: tuple[int, ...], kind: np.dtype[Any]) -> Any:
    """Return the array to write to, a new one if there is none.

    Raises
    ------
    DataError
        If the array given is not of that shape and type, or cannot be written.
    """
    if out is None:
        return np.empty(shape, kind)
    if not isinstance(out, np.ndarray):
        raise DataError(f"out is a {type(out).__name__}, a NumPy array is needed")
    if out.shape != shape or out.dtype != kind:
        raise DataError(
            f"out has the shape {out.shape} and type {out.dtype}, {shape} and {kind} are needed"
        )
    if not out.flags.writeable:
        raise DataError("out is read-only")
    return out
