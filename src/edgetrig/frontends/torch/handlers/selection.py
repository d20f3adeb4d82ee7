"""Choosing elements: the greatest, sorted orders, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import selection
from edgetrig.frontends.torch.handlers.reduction import over
from edgetrig.frontends.torch.operation import Call, Weight, is_constant
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
    last = _last(results, dim, keepdim)
    return last[0] if whole else last


def kth_value(call: Call, x: Value, k: int, dim: int = -1, keepdim: bool = False) -> list[Value]:
    """Return the k-th least element along an axis and its position."""
    array = exact(x)
    return _last(selection.top_k(array, k, dim, largest=False), dim, keepdim)


def _last(results: Sequence[Any], dim: int, keepdim: bool) -> list[Any]:
    last = [np.moveaxis(v, dim, 0)[-1] for v in results]
    return [np.expand_dims(v, dim) for v in last] if keepdim else last


def embedding(call: Call, weight: Weight, indices: Value, *_: Any, **__: Any) -> Value:
    """Rows of a table."""
    return selection.embedding(indices, weight.values, call.precision)


def one_hot(call: Call, x: Value, num_classes: int = -1) -> Value:
    """1 at each index, 0 elsewhere."""
    if num_classes < 0:
        raise ValueError("one_hot needs num_classes")
    return selection.one_hot(x, num_classes)


def gather(call: Call, x: Value, dim: int, index: Value, sparse_grad: bool = False) -> Value:
    """Elements along an axis at computed places, one for each element of the index."""
    return selection.chosen_along(call.operand(x, "kernel"), exact(index), dim)


def index_select(call: Call, x: Value, dim: int, index: Value) -> Value:
    """Elements along an axis at computed places."""
    return selection.chosen(call.operand(x, "kernel"), exact(index), dim)


def take_along_dim(call: Call, x: Value, indices: Value, dim: int) -> Value:
    """`gather` by its other name."""
    return gather(call, x, dim, indices)


def index(call: Call, x: Value, indices: list[Value]) -> Value:
    """``x[:, index]``: computed places along one axis; ``x[events, index]`` along the next one."""
    array = call.operand(x, "kernel")
    first = indices[0]
    if len(indices) > 1 and isinstance(first, Weight) and not first.values.any():
        array, indices = array[0], indices[1:]  # the events' axis, which has one
    given = [axis for axis, each in enumerate(indices) if each is not None]
    if len(given) != 1 or is_constant(indices[given[0]]):
        raise ValueError("picks elements by several indices that depend on the event; use gather")
    result = selection.chosen(array, exact(indices[given[0]]), given[0])
    return result.reshape(call.shape)


HANDLERS: Final[Mapping[str, Function]] = {
    "max": _best(selection.argmax, np.max, np.maximum),
    "min": _best(selection.argmin, np.min, np.minimum),
    "argmax": _position(selection.argmax),
    "argmin": _position(selection.argmin),
    "topk": top_k,
    "sort": sort,
    "argsort": _sorted_positions,
    "median": median,
    "kthvalue": kth_value,
    "embedding": embedding,
    "one_hot": one_hot,
    "gather": gather,
    "take_along_dim": take_along_dim,
    "index_select": index_select,
    "index": index,
}
"""By ATen's names."""
