"""Interpolation between neighbours: a matrix for each axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats


def interpolated(x: Any, places: Floats, axis: int, precision: Precision = AS_IS) -> Any:
    """Return an exact array, along an axis, at places between its elements.

    Parameters
    ----------
    x
        Exact values or constants.
    places
        Positions of the new elements among the old ones, those outside at the edge.
    axis
        Not counted from the end.
    precision
        Rounds the shares of the neighbours, as "kernel_" and the axis.
    """
    size = x.shape[axis]
    places = np.clip(np.asarray(places, np.float64), 0, size - 1)
    first = np.floor(places).astype(np.int64)
    share = places - first
    matrix = np.zeros((size, len(places)))
    column = np.arange(len(places))
    np.add.at(matrix, (first, column), 1 - share)
    np.add.at(matrix, (np.minimum(first + 1, size - 1), column), share)
    kernel = precision.weight(matrix, f"kernel_{axis}")
    return np.moveaxis(np.moveaxis(x, axis, -1) @ kernel, -1, axis)
