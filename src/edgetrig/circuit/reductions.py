"""Reductions: balanced trees over neighbours, so that the order (and ties) are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from edgetrig.circuit import arithmetic as ar
from edgetrig.circuit.array import Array, as_array
from edgetrig.circuit.builder import Builder
from edgetrig.circuit.moves import concatenate, moveaxis
from edgetrig.errors import CircuitError

Function = Callable[..., Any]


def reduce(function: Function, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Combine all elements along axes with a function of two arrays."""
    given = tuple(range(x.ndim)) if axis is None else axis
    axes = tuple(sorted(normalize_axis_tuple(given, x.ndim)))
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = tuple(x.shape[a] for a in kept)
    items = x.transpose((*axes, *kept)).reshape((-1, *shape))
    if len(items) == 0:
        raise CircuitError("a reduction over no elements has no value")
    result = tree(function, items)[0]
    if keepdims:
        return result.reshape([1 if a in axes else n for a, n in enumerate(x.shape)])
    return result


def tree(function: Function, items: Array) -> Array:
    """Combine neighbours along the first axis until one is left."""
    while len(items) > 1:
        pairs = len(items) // 2
        left, right = items[0 : 2 * pairs : 2], items[1 : 2 * pairs : 2]
        items = concatenate(items.builder, [function(left, right), items[2 * pairs :]])
    return items


def mean(builder: Builder, x: Array, axis: Any = None, **kwargs: Any) -> Array:
    """Return the mean of a power of two of elements."""
    total = reduce(ar.add, x, axis, **kwargs)
    count = x.size // max(total.size, 1)
    if count & (count - 1):
        raise CircuitError(
            f"a mean over {count} elements is not exact in binary: multiply the sum by a constant"
            " such as round(2**16 / n) / 2**16 instead"
        )
    return ar.multiply(total, as_array(builder, 1.0 / count))


def argbest(better: Function) -> Function:
    """Return the position of the best element: of the first one where several are."""

    def traced(builder: Builder, x: Array, axis: Any = None) -> Array:
        if axis is None:
            x, axis = x.ravel(), 0
        if x.size == 0:
            raise CircuitError("the best of no elements has no position")
        moved = moveaxis(builder, x, axis, 0)
        shape = (len(moved), *([1] * (moved.ndim - 1)))
        index = as_array(builder, np.arange(len(moved)).reshape(shape)).broadcast_to(moved.shape)
        while len(moved) > 1:
            pairs = len(moved) // 2
            (x0, x1), (i0, i1) = ([v[k : 2 * pairs : 2] for k in (0, 1)] for v in (moved, index))
            later = better(x0, x1)  # strictly better, so that the first of equals wins
            moved = concatenate(builder, [ar.select(later, x1, x0), moved[2 * pairs :]])
            index = concatenate(builder, [ar.select(later, i1, i0), index[2 * pairs :]])
        return index[0]

    return traced
