"""Which NumPy functions trace, and into what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from edgetrig.circuit import arithmetic as ar
from edgetrig.circuit.array import Array, as_array
from edgetrig.circuit.builder import Builder
from edgetrig.circuit.contractions import dot, einsum, matmul
from edgetrig.circuit.moves import MOVES, concatenate, mover, pad, splitter, stack
from edgetrig.circuit.ops import Op
from edgetrig.circuit.reductions import argbest, mean, reduce
from edgetrig.circuit.sorting import sort
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


def _ufunc_reduce(ufunc: np.ufunc, x: Array, axis: Any = 0, keepdims: bool = False) -> Array:
    return reduce(_UFUNCS[ufunc], ar.truth(x) if ufunc in _LOGICAL else x, axis, keepdims)


def _sum(builder: Builder, x: Array, axis: Any = None, **kwargs: Any) -> Array:
    return reduce(ar.add, x, axis, **kwargs)


def _where(builder: Builder, condition: Any, x: Any, y: Any) -> Array:
    return ar.select(*(as_array(builder, v) for v in (condition, x, y)))


def _clip(builder: Builder, x: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Array:
    low, high = kwargs.pop("min", a_min), kwargs.pop("max", a_max)
    if kwargs:
        raise TypeError(f"{next(iter(kwargs))}= is none of its arguments here")
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
    np.mean: mean,
    np.prod: lambda builder, x, axis=None, **kw: reduce(ar.multiply, x, axis, **kw),
    np.max: lambda builder, x, axis=None, **kw: reduce(ar.maximum, x, axis, **kw),
    np.min: lambda builder, x, axis=None, **kw: reduce(ar.minimum, x, axis, **kw),
    np.any: lambda builder, x, axis=None, **kw: _ufunc_reduce(np.logical_or, x, axis, **kw),
    np.all: lambda builder, x, axis=None, **kw: _ufunc_reduce(np.logical_and, x, axis, **kw),
    np.shape: lambda builder, x: x.shape,
    np.ndim: lambda builder, x: x.ndim,
    np.size: lambda builder, x: x.size,
    np.argmax: argbest(ar.less),
    np.argmin: argbest(lambda x, y: ar.less(y, x)),
    np.sort: sort,
    np.where: _where,
    np.clip: _clip,
    np.dot: dot,
    np.einsum: einsum,
    np.concatenate: concatenate,
    np.stack: stack,
    np.pad: pad,
    np.split: splitter(np.split),
    np.array_split: splitter(np.array_split),
    **{function: mover(function) for function in MOVES},
}
