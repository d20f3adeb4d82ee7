"""NumPy functions that only move elements: they make no row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from edgetrig.circuit.array import Array, as_array
from edgetrig.circuit.builder import Builder
from edgetrig.errors import CircuitError

MOVES: Final[tuple[Callable[..., Any], ...]] = (
    np.reshape,
    np.transpose,
    np.ravel,
    np.squeeze,
    np.expand_dims,
    np.broadcast_to,
    np.moveaxis,
    np.swapaxes,
    np.take,
    np.flip,
    np.roll,
    np.repeat,
    np.tile,
    np.diagonal,
)
"""Functions that move or repeat elements of their first argument, whatever these are."""


def concatenate(builder: Builder, arrays: Sequence[Any], axis: int | None = 0) -> Array:
    """Join arrays along an axis."""
    return _joined(builder, arrays, partial(np.concatenate, axis=axis))


def stack(builder: Builder, arrays: Sequence[Any], axis: int = 0) -> Array:
    """Join arrays along a new axis."""
    return _joined(builder, arrays, partial(np.stack, axis=axis))


def _joined(builder: Builder, arrays: Sequence[Any], join: Callable[..., Any]) -> Array:
    parts = [as_array(builder, array) for array in arrays]
    return Array(
        builder,
        join([part.rows for part in parts]),
        join([part.fraction for part in parts]),
        boolean=all(part.boolean for part in parts),
    )


def moveaxis(builder: Builder, x: Array, source: int, destination: int) -> Array:
    """Return the array with one axis at another place."""
    return x.like(lambda v: np.moveaxis(v, source, destination))


def mover(function: Callable[..., Any]) -> Callable[..., Any]:
    """Trace a function that only moves elements of its first argument."""

    def traced(builder: Builder, x: Any, *args: Any, **kwargs: Any) -> Array:
        return as_array(builder, x).like(lambda v: function(v, *args, **kwargs))

    return traced


def splitter(function: Callable[..., Any]) -> Callable[..., Any]:
    """Trace a function that cuts its first argument into parts."""

    def traced(builder: Builder, x: Array, *args: Any, **kwargs: Any) -> list[Array]:
        rows = function(x.rows, *args, **kwargs)
        fraction = function(x.fraction, *args, **kwargs)
        return [
            Array(builder, r, f, boolean=x.boolean) for r, f in zip(rows, fraction, strict=True)
        ]

    return traced


def pad(
    builder: Builder, x: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0
) -> Array:
    """Add elements at the ends of axes: a constant, or those that are there."""
    array = as_array(builder, x)
    if mode in ("edge", "reflect", "symmetric", "wrap"):  # these only repeat elements
        return array.like(lambda v: np.pad(v, pad_width, mode=mode))
    if mode != "constant":
        raise CircuitError(f"np.pad with mode={mode!r} cannot be traced")
    fill = as_array(builder, constant_values)
    if fill.shape:
        raise CircuitError("np.pad: one constant value only")
    rows = np.pad(array.rows, pad_width, constant_values=int(fill.rows))
    fraction = np.pad(array.fraction, pad_width, constant_values=int(fill.fraction))
    return Array(builder, rows, fraction)
