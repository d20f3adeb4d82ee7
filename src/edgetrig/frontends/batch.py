"""Arrays of plain floats with a hidden event axis: layers run on thousands of events at once.

`Batch` answers to the same NumPy functions as `edgetrig.circuit.Array`, and its shape leaves out
the events as well, so that whatever is written for one event of exact values runs on many events
of floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import MOVES

Values = NDArray[Any]
Function = Callable[..., Any]


class Batch(NDArrayOperatorsMixin):
    """The values of an array in many events.

    Parameters
    ----------
    values
        Shape (events, *shape): floats or truth values; whole numbers become floats.
    """

    __slots__ = ("values",)

    def __init__(self, values: ArrayLike) -> None:
        array = np.asarray(values)
        self.values: Values = array.astype(np.float64) if array.dtype.kind in "iu" else array

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, without the event axis."""
        return self.values.shape[1:]

    @property
    def ndim(self) -> int:
        """Number of axes, without the event axis."""
        return self.values.ndim - 1

    @property
    def size(self) -> int:
        """Number of elements of one event."""
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.values.dtype

    @property
    def T(self) -> Batch:  # noqa: N802 - NumPy's name
        """The transposed array."""
        return self.transpose()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a batch of scalars has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Batch]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Batch:
        return self.moved(lambda v: v[index])

    def __repr__(self) -> str:
        return f"Batch(events={self.events}, shape={self.shape})"

    def __bool__(self) -> bool:
        raise TypeError("a batch has one truth value an event; use np.where, not if")

    def __array__(self, *args: object, **kwargs: object) -> Values:
        raise TypeError("a batch is no single array: this NumPy function does not take it")

    __hash__ = None  # type: ignore[assignment]  # == makes a Batch, as with NumPy

    # As `circuit.Array`: `x += y` makes a new batch and names it x.
    __iadd__ = NDArrayOperatorsMixin.__add__
    __isub__ = NDArrayOperatorsMixin.__sub__
    __imul__ = NDArrayOperatorsMixin.__mul__
    __imatmul__ = NDArrayOperatorsMixin.__matmul__
    __itruediv__ = NDArrayOperatorsMixin.__truediv__

    def map(self, function: Callable[[Values], Values]) -> Batch:
        """Apply a function of one number to every element."""
        return Batch(function(self.values))

    def moved(self, function: Callable[[Values], Any]) -> Batch:
        """Apply something that only moves elements: what it does to their numbers, it does here."""
        numbers = np.asarray(function(np.arange(self.size).reshape(self.shape)))
        flat = self.values.reshape(self.events, self.size)
        return Batch(np.take(flat, numbers, axis=1))

    def reshape(self, *shape: Any) -> Batch:
        """Return the elements in another shape."""
        wanted = shape[0] if len(shape) == 1 and not np.isscalar(shape[0]) else shape
        like = np.broadcast_to(np.int8(0), self.shape).reshape(tuple(wanted))
        return Batch(self.values.reshape(self.events, *like.shape))

    def transpose(self, *axes: Any) -> Batch:
        """Return the array with its axes permuted."""
        given = axes[0] if len(axes) == 1 and not np.isscalar(axes[0]) else axes or None
        order = range(self.ndim)[::-1] if given is None else normalize_axis_tuple(given, self.ndim)
        if len(order) != self.ndim:
            raise ValueError("axes do not match the array")
        return Batch(self.values.transpose(0, *(axis + 1 for axis in order)))

    def ravel(self) -> Batch:
        """Return the elements in one axis."""
        return self.reshape(-1)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Batch:
        """Sum over axes."""
        return cast(Batch, np.sum(self, axis=axis, keepdims=keepdims))

    def max(self, axis: Any = None, keepdims: bool = False) -> Batch:
        """Largest element along axes."""
        return cast(Batch, np.max(self, axis=axis, keepdims=keepdims))

    def min(self, axis: Any = None, keepdims: bool = False) -> Batch:
        """Smallest element along axes."""
        return cast(Batch, np.min(self, axis=axis, keepdims=keepdims))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply a NumPy universal function, or reduce with it, in every event."""
        given = _given(kwargs)
        if method == "reduce":
            return _reduction(ufunc.reduce)(inputs[0], **{"axis": 0} | given)
        if method != "__call__" or given:
            return NotImplemented
        if ufunc is np.matmul:
            return _matmul(*inputs)
        arrays = _aligned(inputs)
        if ufunc in _ON_BITS:
            whole = [a if a.dtype == bool else a.astype(np.int64) for a in arrays]
            return Batch(ufunc(*whole))
        return Batch(ufunc(*(_number(a) for a in arrays)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Apply any other NumPy function in every event."""
        known = _FUNCTIONS.get(function)
        if known is None:
            return NotImplemented
        return known(*args, **_given(kwargs))


_ON_BITS = frozenset(
    {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift}
)


def _given(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Drop arguments that say nothing (``axis=None`` does)."""
    return {
        name: value
        for name, value in kwargs.items()
        if value is not np._NoValue and (value is not None or name == "axis")
    }


def _number(values: Values) -> Values:
    """Return truth values as the numbers 0 and 1, as circuits have them."""
    return values.astype(np.float64) if values.dtype == bool else values


def _aligned(inputs: Sequence[Any], rank: int = 0) -> list[Values]:
    """Return arrays that broadcast event by event; ``rank`` is the least number of axes."""
    given = [v if isinstance(v, Batch) else np.asarray(v) for v in inputs]
    rank = max([rank, *(v.ndim for v in given)])
    return [
        v.values.reshape(v.events, *(1,) * (rank - v.ndim), *v.shape) if isinstance(v, Batch) else v
        for v in given
    ]


def _repeated(inputs: Sequence[Any]) -> list[Values]:
    """Return arrays that all have the event axis."""
    events = next(v.events for v in inputs if isinstance(v, Batch))
    return [
        _number(v.values) if isinstance(v, Batch) else np.broadcast_to(v, (events, *np.shape(v)))
        for v in inputs
    ]


def _matmul(x: Any, y: Any) -> Batch:
    if isinstance(x, Batch) and not isinstance(y, Batch) and np.ndim(y) <= 2:
        if x.ndim == 0:
            raise ValueError("matmul of a scalar")
        rows = np.ascontiguousarray(_number(x.values)).reshape(-1, x.shape[-1])
        return Batch((rows @ y).reshape(x.events, *x.shape[:-1], *np.shape(y)[1:]))
    left, right = np.ndim(x) == 1, np.ndim(y) == 1
    x = x[None, :] if left else x
    y = y[:, None] if right else y
    result = np.matmul(*(_number(v) for v in _aligned((x, y))))
    result = result[..., 0] if right else result
    if left:
        result = result[..., 0] if right else result[..., 0, :]
    return Batch(result)


def _dot(x: Any, y: Any) -> Any:
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return x * y
    if np.ndim(x) > 2 or np.ndim(y) > 2:
        raise ValueError("np.dot of more than two axes: use np.einsum")
    return x @ y


def _einsum(subscripts: str, *operands: Any) -> Batch:
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    names = left.split(",")
    if not arrow or "." in subscripts:
        raise ValueError(f"einsum {subscripts!r}: write every index and the result, as 'ij,jk->ik'")
    event = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in subscripts)
    operand_names = [
        event + name if isinstance(operand, Batch) else name
        for name, operand in zip(names, operands, strict=True)
    ]
    arrays = [_number(v.values) if isinstance(v, Batch) else np.asarray(v) for v in operands]
    equation = f"{','.join(operand_names)}->{event}{out}"
    return Batch(np.einsum(equation, *arrays, optimize=True))


def _reduction(function: Function) -> Function:
    def reduce(x: Batch, axis: Any = None, **kwargs: Any) -> Batch:
        axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
        return Batch(function(_number(x.values), axis=tuple(a + 1 for a in axes), **kwargs))

    return reduce


def _along(function: Function) -> Function:
    """Return a function along one axis, or along all elements in one row."""

    def apply(x: Batch, axis: int | None = None) -> Batch:
        if axis is None:
            x, axis = x.ravel(), 0
        return Batch(function(x.values, axis=normalize_axis_index(axis, x.ndim) + 1))

    return apply


def _sort(x: Batch, axis: int | None = -1) -> Batch:
    result: Batch = _along(np.sort)(x, axis)
    return result


def _concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Batch:
    if axis is None:
        arrays, axis = [np.ravel(v) for v in arrays], 0
    first = next(v for v in arrays if isinstance(v, Batch))
    axis = normalize_axis_index(axis, first.ndim) + 1
    return Batch(np.concatenate(_repeated(arrays), axis=axis))


def _stack(arrays: Sequence[Any], axis: int = 0) -> Batch:
    first = next(v for v in arrays if isinstance(v, Batch))
    axis = normalize_axis_index(axis, first.ndim + 1) + 1
    return Batch(np.stack(_repeated(arrays), axis=axis))


def _where(condition: Any, x: Any, y: Any) -> Batch:
    chosen, first, second = _aligned((condition, x, y))
    return Batch(np.where(chosen, first, second))


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Any:
    low, high = kwargs.get("min", a_min), kwargs.get("max", a_max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _pad(x: Batch, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Batch:
    widths = np.broadcast_to(pad_width, (x.ndim, 2))
    extra = {"constant_values": constant_values} if mode == "constant" else {}
    return Batch(np.pad(x.values, [(0, 0), *map(tuple, widths)], mode=mode, **extra))


def _chosen(x: Batch, numbers: Values) -> Batch:
    return x.moved(lambda _: numbers)


def _mover(function: Function) -> Function:
    return lambda x, *args, **kwargs: x.moved(lambda v: function(v, *args, **kwargs))


def _splitter(function: Function) -> Function:
    def split(x: Batch, *args: Any, **kwargs: Any) -> list[Batch]:
        parts = function(np.arange(x.size).reshape(x.shape), *args, **kwargs)
        return [_chosen(x, part) for part in parts]

    return split


_FUNCTIONS: dict[Any, Function] = {
    np.sum: _reduction(np.sum),
    np.mean: _reduction(np.mean),
    np.prod: _reduction(np.prod),
    np.max: _reduction(np.max),
    np.min: _reduction(np.min),
    np.any: _reduction(np.any),
    np.all: _reduction(np.all),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
    np.argmax: _along(np.argmax),
    np.argmin: _along(np.argmin),
    np.sort: _sort,
    np.where: _where,
    np.clip: _clip,
    np.dot: _dot,
    np.einsum: _einsum,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.pad: _pad,
    np.split: _splitter(np.split),
    np.array_split: _splitter(np.array_split),
    **{function: _mover(function) for function in MOVES},
    # Without a copy of the events:
    np.reshape: lambda x, shape: x.reshape(shape),
    np.transpose: lambda x, axes=None: x.transpose() if axes is None else x.transpose(axes),
    np.ravel: lambda x: x.ravel(),
}
