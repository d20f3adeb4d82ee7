"""Which NumPy functions trace, and into what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from edgetrig.circuit import arithmetic as ar
from edgetrig.circuit.array import Array, as_array
from edgetrig.circuit.builder import Builder
from edgetrig.circuit.circuit import Ints
from edgetrig.circuit.ops import Op
from edgetrig.errors import CircuitError

Function = Callable[..., Any]


def call_ufunc(
    builder: Builder, ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]
) -> Array:
    """Trace ``ufunc(*inputs)``, or its ``reduce`` over axes."""
    function = _UFUNCS.get(ufunc)
    if function is None:
        raise CircuitError(
            f"np.{ufunc.__name__} has no exact hardware form; use edgetrig.circuit.lookup for a"
            " function of one quantised number"
        )
    given = _given(kwargs)
    with _one_line(ufunc.__name__):
        arrays = [as_array(builder, value) for value in inputs]
        if method == "__call__" and not given:
            return function(*arrays)  # type: ignore[no-any-return]
        if method == "reduce" and ufunc in _REDUCTIONS:
            return _ufunc_reduce(ufunc, arrays[0], **given)
    how = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    raise CircuitError(f"{how}({', '.join(f'{name}=...' for name in given)}) cannot be traced")


def call_function(builder: Builder, function: Function, args: Any, kwargs: dict[str, Any]) -> Any:
    """Trace a NumPy function that is not a ufunc."""
    traced = _FUNCTIONS.get(function)
    if traced is None:
        raise CircuitError(f"np.{function.__name__} cannot be traced into a circuit")
    with _one_line(function.__name__):
        return traced(builder, *args, **_given(kwargs))


def _given(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Drop arguments that say nothing (``axis=None`` does)."""
    return {
        name: value
        for name, value in kwargs.items()
        if value is not np._NoValue and (value is not None or name == "axis")
    }


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Turn a misfit of shapes or arguments into an error that names the function."""
    try:
        yield
    except CircuitError:
        raise
    except (TypeError, ValueError, IndexError) as error:
        what = str(error).partition("\n")[0].replace("_", " ").strip()
        raise CircuitError(f"np.{name} cannot be traced with these arguments: {what}") from error


# ---- reductions: balanced trees over neighbours, so that the order (and ties) are kept ----------


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


def _ufunc_reduce(ufunc: np.ufunc, x: Array, axis: Any = 0, keepdims: bool = False) -> Array:
    return reduce(_UFUNCS[ufunc], ar.truth(x) if ufunc in _LOGICAL else x, axis, keepdims)


def _sum(builder: Builder, x: Array, axis: Any = None, **kwargs: Any) -> Array:
    return reduce(ar.add, x, axis, **kwargs)


def _mean(builder: Builder, x: Array, axis: Any = None, **kwargs: Any) -> Array:
    total = reduce(ar.add, x, axis, **kwargs)
    count = x.size // max(total.size, 1)
    if count & (count - 1):
        raise CircuitError(
            f"a mean over {count} elements is not exact in binary: multiply the sum by a constant"
            " such as round(2**16 / n) / 2**16 instead"
        )
    return ar.multiply(total, as_array(builder, 1.0 / count))


def _argbest(better: Function) -> Function:
    def traced(builder: Builder, x: Array, axis: Any = None) -> Array:
        if axis is None:
            x, axis = x.ravel(), 0
        if x.size == 0:
            raise CircuitError("the best of no elements has no position")
        moved = _moveaxis(builder, x, axis, 0)
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


def _sort(builder: Builder, x: Array, axis: int | None = -1) -> Array:
    """Sort by Batcher's odd-even merge network (Knuth, TAOCP 3, 5.2.2, algorithm M)."""
    if axis is None:
        x, axis = x.ravel(), 0
    items = _moveaxis(builder, x, axis, 0)
    rows, fraction = items.rows.copy(), items.fraction.copy()
    for low, distance in sorting_network(len(items)):
        high = low + distance
        first, second = (
            Array(builder, rows[k], fraction[k], boolean=x.boolean) for k in (low, high)
        )
        swap = ar.less(second, first)
        for place, value in (
            (low, ar.select(swap, second, first)),
            (high, ar.select(swap, first, second)),
        ):
            rows[place], fraction[place] = value.rows, value.fraction
    return _moveaxis(builder, Array(builder, rows, fraction, boolean=x.boolean), 0, axis)


def sorting_network(count: int) -> Iterator[tuple[Ints, int]]:
    """Yield the network's steps: which positions are compared with those a distance above."""
    step = 1 << max((count - 1).bit_length() - 1, 0)
    positions = np.arange(count)
    p = step if count > 1 else 0
    while p > 0:
        q, r, d = step, 0, p
        while True:
            below = positions[: max(count - d, 0)]
            yield below[below & p == r], d
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


# ---- contractions -------------------------------------------------------------------------------


def matmul(x: Array, y: Array) -> Array:
    """Return x @ y with NumPy's rules for vectors and stacks of matrices."""
    left, right = x.ndim == 1, y.ndim == 1
    x = x[None, :] if left else x
    y = y[:, None] if right else y
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise CircuitError(f"matmul of shapes {x.shape} and {y.shape} does not fit")
    result = reduce(ar.add, ar.multiply(x[..., :, :, None], y[..., None, :, :]), -2)
    if right:
        result = result[..., 0]
    if left:
        result = result[..., 0, :] if not right else result[..., 0]
    return result


def _dot(builder: Builder, x: Any, y: Any) -> Array:
    x, y = as_array(builder, x), as_array(builder, y)
    if x.ndim == 0 or y.ndim == 0:
        return ar.multiply(x, y)
    if x.ndim > 2 or y.ndim > 2:
        raise CircuitError("np.dot of more than two axes: use np.einsum")
    return matmul(x, y)


def _einsum(builder: Builder, subscripts: str, *operands: Any) -> Array:
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    names = left.split(",")
    if not arrow or "." in left or len(names) != len(operands):
        raise CircuitError(
            f"einsum {subscripts!r}: write every index and the result, as 'ij,jk->ik'"
        )
    arrays = [as_array(builder, operand) for operand in operands]
    total, have = _diagonal(arrays[0], names[0])
    for number in range(1, len(arrays)):
        array, index = _diagonal(arrays[number], names[number])
        later = set("".join(names[number + 1 :]) + out)
        every = have + "".join(c for c in index if c not in have)
        product = ar.multiply(_expand(total, have, every), _expand(array, index, every))
        have = "".join(c for c in every if c in later)
        total = _contract(product, every, have)
    return _contract(total, have, out)


def _diagonal(array: Array, index: str) -> tuple[Array, str]:
    if len(set(index)) != len(index) or len(index) != array.ndim:
        raise CircuitError(f"einsum index {index!r} does not fit an array of shape {array.shape}")
    return array, index


def _expand(array: Array, index: str, every: str) -> Array:
    ordered = [c for c in every if c in index]
    array = array.transpose([index.index(c) for c in ordered])
    return array[tuple(slice(None) if c in index else None for c in every)]


def _contract(array: Array, index: str, out: str) -> Array:
    gone = tuple(k for k, c in enumerate(index) if c not in out)
    if gone:
        array = reduce(ar.add, array, gone)
    kept = [c for c in index if c in out]
    return array.transpose([kept.index(c) for c in out]) if kept else array


# ---- moving elements ----------------------------------------------------------------------------


def concatenate(builder: Builder, arrays: Sequence[Any], axis: int | None = 0) -> Array:
    """Join arrays along an axis."""
    parts = [as_array(builder, array) for array in arrays]
    return Array(
        builder,
        np.concatenate([part.rows for part in parts], axis=axis),
        np.concatenate([part.fraction for part in parts], axis=axis),
        boolean=all(part.boolean for part in parts),
    )


def stack(builder: Builder, arrays: Sequence[Any], axis: int = 0) -> Array:
    """Join arrays along a new axis."""
    parts = [as_array(builder, array) for array in arrays]
    return Array(
        builder,
        np.stack([part.rows for part in parts], axis=axis),
        np.stack([part.fraction for part in parts], axis=axis),
        boolean=all(part.boolean for part in parts),
    )


def _moveaxis(builder: Builder, x: Array, source: int, destination: int) -> Array:
    return x.like(lambda v: np.moveaxis(v, source, destination))


def _mover(function: Function) -> Function:
    """Trace a function that only moves elements of its first argument."""

    def traced(builder: Builder, x: Any, *args: Any, **kwargs: Any) -> Array:
        return as_array(builder, x).like(lambda v: function(v, *args, **kwargs))

    return traced


def _splitter(function: Function) -> Function:
    def traced(builder: Builder, x: Array, *args: Any, **kwargs: Any) -> list[Array]:
        rows = function(x.rows, *args, **kwargs)
        fraction = function(x.fraction, *args, **kwargs)
        return [
            Array(builder, r, f, boolean=x.boolean) for r, f in zip(rows, fraction, strict=True)
        ]

    return traced


def _pad(
    builder: Builder, x: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0
) -> Array:
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


def _where(builder: Builder, condition: Any, x: Any, y: Any) -> Array:
    return ar.select(*(as_array(builder, v) for v in (condition, x, y)))


def _clip(builder: Builder, x: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Array:
    low, high = kwargs.get("min", a_min), kwargs.get("max", a_max)
    result = as_array(builder, x)
    if low is not None:
        result = ar.maximum(result, as_array(builder, low))
    if high is not None:
        result = ar.minimum(result, as_array(builder, high))
    return result


def _sign(x: Array) -> Array:
    zero = as_array(x.builder, 0)
    return ar.subtract(ar.less(zero, x), ar.less(x, zero))


_UFUNCS: dict[Any, Function] = {
    np.add: ar.add,
    np.subtract: ar.subtract,
    np.multiply: ar.multiply,
    np.matmul: matmul,
    np.negative: ar.negative,
    np.positive: lambda x: x,
    np.absolute: ar.absolute,
    np.fabs: ar.absolute,
    np.square: ar.square,
    np.power: ar.power,
    np.divide: ar.divide,
    np.floor_divide: lambda x, y: ar.floor(ar.divide(x, y)),
    np.left_shift: lambda x, y: ar.shift(x, y, 1),
    np.right_shift: lambda x, y: ar.shift(x, y, -1),
    np.sign: _sign,
    np.maximum: ar.maximum,
    np.minimum: ar.minimum,
    np.fmax: ar.maximum,
    np.fmin: ar.minimum,
    np.less: ar.less,
    np.greater: lambda x, y: ar.less(y, x),
    np.less_equal: lambda x, y: ar.logical_not(ar.less(y, x)),
    np.greater_equal: lambda x, y: ar.logical_not(ar.less(x, y)),
    np.equal: ar.equal,
    np.not_equal: lambda x, y: ar.logical_not(ar.equal(x, y)),
    np.logical_not: ar.logical_not,
    np.logical_and: lambda x, y: ar.bitwise(Op.AND)(ar.truth(x), ar.truth(y)),
    np.logical_or: lambda x, y: ar.bitwise(Op.OR)(ar.truth(x), ar.truth(y)),
    np.logical_xor: lambda x, y: ar.bitwise(Op.XOR)(ar.truth(x), ar.truth(y)),
    np.bitwise_and: ar.bitwise(Op.AND),
    np.bitwise_or: ar.bitwise(Op.OR),
    np.bitwise_xor: ar.bitwise(Op.XOR),
    np.invert: ar.invert,
    np.floor: ar.floor,
    np.ceil: lambda x: ar.negative(ar.floor(ar.negative(x))),
}
_LOGICAL = frozenset({np.logical_and, np.logical_or, np.logical_xor})
_BITWISE = frozenset({np.bitwise_and, np.bitwise_or, np.bitwise_xor})
_REDUCTIONS = frozenset({np.add, np.multiply, np.maximum, np.minimum}) | _LOGICAL | _BITWISE

_FUNCTIONS: dict[Any, Function] = {
    np.sum: _sum,
    np.mean: _mean,
    np.prod: lambda builder, x, axis=None, **kw: reduce(ar.multiply, x, axis, **kw),
    np.max: lambda builder, x, axis=None, **kw: reduce(ar.maximum, x, axis, **kw),
    np.min: lambda builder, x, axis=None, **kw: reduce(ar.minimum, x, axis, **kw),
    np.any: lambda builder, x, axis=None, **kw: _ufunc_reduce(np.logical_or, x, axis, **kw),
    np.all: lambda builder, x, axis=None, **kw: _ufunc_reduce(np.logical_and, x, axis, **kw),
    np.shape: lambda builder, x: x.shape,
    np.ndim: lambda builder, x: x.ndim,
    np.size: lambda builder, x: x.size,
    np.argmax: _argbest(ar.less),
    np.argmin: _argbest(lambda x, y: ar.less(y, x)),
    np.sort: _sort,
    np.where: _where,
    np.clip: _clip,
    np.dot: _dot,
    np.einsum: _einsum,
    np.concatenate: concatenate,
    np.stack: stack,
    np.pad: _pad,
    np.split: _splitter(np.split),
    np.array_split: _splitter(np.array_split),
    **{
        function: _mover(function)
        for function in (
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
    },
}
