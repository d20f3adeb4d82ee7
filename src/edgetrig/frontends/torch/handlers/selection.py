"""Choosing elements: the greatest, sorted orders, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import selection
from edgetrig.frontends.torch.handlers.reduction import over
from edgetrig.frontends.torch.operation import Call, Weight
from edgetrig.frontends.values import Value, exact

Function = Callable[..., Any]


def _best(position: Function, reduction: Function, pairwise: Function) -> Function:
    """Return the handler of ``max`` or ``min`` in its three forms."""

    def handler(
        call: Call, x: Value, dim: int | None = None, keepdim: bool = False, other: Value = None
    ) -> Any:
        if other is not None:
            return pairwise(call.operand(x, "bound"), call.operand(other, "bound"))
        array = exact(x)
        if dim is None:
            return over(reduction)(call, array)
        values = reduction(array, axis=dim, keepdims=keepdim)
        return [values, position(array, dim, keepdim)]

    return handler


def _position(function: Function) -> Function:
    def handler(call: Call, x: Value, dim: int | None = None, keepdim: bool = False) -> Value:
        return function(exact(x), dim, keepdim)

    return handler


def top_k(
    call: Call,
    x: Value,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
) -> list[Value]:
    """Return the k greatest elements and their positions, the first of equals first."""
    return [*selection.top_k(exact(x), k, dim, largest)]


def sort(
    call: Call, x: Value, dim: int = -1, descending: bool = False, stable: bool | None = None
) -> list[Value]:
    """All elements in order and their positions, stably."""
    array = exact(x)
    return [*selection.top_k(array, array.shape[dim], dim, largest=descending)]


def _sorted_positions(
    call: Call, x: Value, dim: int = -1, descending: bool = False, stable: bool = True
) -> Value:
    return selection.argsort(exact(x), dim, descending)


def median(call: Call, x: Value, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the lower median and its position."""
    array = exact(x)
    whole = dim is None
    if dim is None:
        array, dim = array.reshape(-1), 0
    count = (array.shape[dim] - 1) // 2 + 1
    results = selection.top_k(array, count, dim, largest=False)
    last = [np.take(np.moveaxis(v, dim, 0), count - 1, axis=0) for v in results]
    if whole:
        return last[0]
    return [np.expand_dims(v, dim) for v in last] if keepdim else last


def embedding(call: Call, weight: Weight, indices: Value, *_: Any, **__: Any) -> Value:
    """Rows of a table."""
    return selection.embedding(indices, weight.values, call.precision)


def one_hot(call: Call, x: Value, num_classes: int = -1) -> Value:
    """1 at each index, 0 elsewhere."""
    if num_classes < 0:
        raise ValueError("one_hot needs num_classes")
    return selection.one_hot(x, num_classes)


HANDLERS: Final[Mapping[str, Function]] = {
    "max": _best(selection.argmax, np.max, np.maximum),
    "min": _best(selection.argmin, np.min, np.minimum),
    "argmax": _position(selection.argmax),
    "argmin": _position(selection.argmin),
    "topk": top_k,
    "sort": sort,
    "argsort": _sorted_positions,
    "median": median,
    "embedding": embedding,
    "one_hot": one_hot,
}
"""By ATen's names."""
