"""The vocabulary of random programs: NumPy functions that run on symbols and on exact fractions.

A step is data (a name, the values it reads, settings that JSON can hold), so that a program can be
printed, saved and run again. Each function here takes symbolic arrays, which it traces, or arrays
of exact numbers (dtype object) and of truth values (dtype bool), on which NumPy itself computes.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Array, lookup, quantize
from edgetrig.fuzz.fixed import ap_fixed

Function = Callable[..., Any]


def exact(value: Any) -> NDArray[Any]:
    """Return an object array of exact numbers, or an array of truth values."""
    array = np.asarray(value)
    return array if array.dtype == bool else array.astype(object)


def run_step(name: str, values: list[Any], settings: dict[str, Any]) -> Any:
    """Apply a step to symbolic arrays, or to exact ones."""
    if all(isinstance(value, Array) for value in values):
        return STEPS[name](*values, **settings)
    return exact(STEPS[name](*(exact(value) for value in values), **settings))


def _constant(numbers: Any, beside: Any) -> NDArray[Any]:
    """Return numbers as a user writes them, or as exact fractions beside exact values."""
    if isinstance(beside, Array):
        return np.asarray(numbers)
    array = np.array(numbers, object)
    return np.array([Fraction(v) for v in array.ravel()], object).reshape(array.shape)


def _whole(x: Any) -> Any:
    """Return exact numbers that are whole as Python integers, which have bits."""
    if isinstance(x, Array) or x.dtype == bool:
        return x
    return np.array([int(v) for v in x.ravel()], object).reshape(x.shape)


def _truth(x: Any) -> Any:
    return x if isinstance(x, Array) else x.astype(bool)


def _with_constant(function: Function) -> Function:
    def apply(x: Any, constant: Any, left: bool = False) -> Any:
        known = _constant(constant, x)
        return function(known, x) if left else function(x, known)

    return apply


def _quantize(x: Any, signed: Any, integer: Any, fraction: Any, modes: list[str]) -> Any:
    if isinstance(x, Array):
        return quantize(x, signed, integer, fraction, *modes)  # type: ignore[arg-type]
    convert = np.frompyfunc(
        lambda *number: ap_fixed(Fraction(number[0]), *number[1:], *modes), 4, 1
    )
    return convert(x, *(np.asarray(v, object) for v in (signed, integer, fraction)))


TABULATED: Final[dict[str, Callable[[NDArray[np.float64]], Any]]] = {
    "square": lambda v: v * v,
    "reciprocal": lambda v: 1 / (np.abs(v) + 1),
    "line": lambda v: 0.75 * v - 1,
    "step": lambda v: np.where(v > 0.5, 3.0, -2.0),
}


def _lookup(x: Any, function: str, kind: list[Any]) -> Any:
    tabulated = TABULATED[function]
    if isinstance(x, Array):
        return lookup(x, tabulated, *kind)
    values = [Fraction(float(tabulated(np.array(float(v))))) for v in x.ravel()]
    return np.array([ap_fixed(v, *kind) for v in values], object).reshape(x.shape)


def _index(x: Any, slices: list[list[int | None]]) -> Any:
    return x[tuple(slice(*ends) for ends in slices)]


UNARY: Final[dict[str, Function]] = {
    "negative": np.negative,
    "positive": np.positive,
    "absolute": np.absolute,
    "fabs": lambda x: np.fabs(x) if isinstance(x, Array) else np.abs(x),
    "square": np.square,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "relu": lambda x: np.maximum(x, 0),
}
BINARY: Final[dict[str, Function]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
}
COMPARING: Final[dict[str, Function]] = {
    "less": np.less,
    "greater": np.greater,
    "less_equal": np.less_equal,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
}
LOGICAL: Final[dict[str, Function]] = {
    "logical_and": lambda x, y: np.logical_and(_truth(x), _truth(y)),
    "logical_or": lambda x, y: np.logical_or(_truth(x), _truth(y)),
    "logical_xor": lambda x, y: np.logical_xor(_truth(x), _truth(y)),
}
BITWISE: Final[dict[str, Function]] = {
    "bitwise_and": lambda x, y: np.bitwise_and(_whole(x), _whole(y)),
    "bitwise_or": lambda x, y: np.bitwise_or(_whole(x), _whole(y)),
    "bitwise_xor": lambda x, y: np.bitwise_xor(_whole(x), _whole(y)),
}
REDUCING: Final[dict[str, Function]] = {
    "sum": np.sum,
    "prod": np.prod,
    "mean": lambda x, **how: np.mean(x, **how) if isinstance(x, Array) else _mean(x, **how),
    "max": np.max,
    "min": np.min,
    "add.reduce": np.add.reduce,
    "multiply.reduce": np.multiply.reduce,
    "maximum.reduce": np.maximum.reduce,
    "minimum.reduce": np.minimum.reduce,
}
ARG_REDUCING: Final[dict[str, Function]] = {"argmax": np.argmax, "argmin": np.argmin}
TRUTH_REDUCING: Final[dict[str, Function]] = {
    "any": lambda x, **how: np.any(_truth(x), **how),
    "all": lambda x, **how: np.all(_truth(x), **how),
    "logical_xor.reduce": lambda x, **how: np.logical_xor.reduce(_truth(x), **how),
}
MOVING: Final[dict[str, Function]] = {
    "ravel": np.ravel,
    "transpose": np.transpose,
    "squeeze": np.squeeze,
    "expand_dims": np.expand_dims,
    "reshape": np.reshape,
    "broadcast_to": np.broadcast_to,
    "moveaxis": np.moveaxis,
    "swapaxes": np.swapaxes,
    "take": np.take,
    "flip": np.flip,
    "roll": np.roll,
    "repeat": np.repeat,
    "tile": np.tile,
    "diagonal": np.diagonal,
    "index": _index,
    "split": lambda x, parts, piece: np.split(x, parts)[piece],
    "array_split": lambda x, parts, piece: np.array_split(x, parts)[piece],
    "pad": lambda x, width, mode: np.pad(x, width, mode=mode),
}


def _mean(x: NDArray[Any], **how: Any) -> Any:
    """Return an exact mean: NumPy's own divides by a float."""
    total = np.asarray(np.sum(x, **how), object)
    count = x.size // max(total.size, 1)
    return total * Fraction(1, count)


def _choose(c: Any, x: Any, y: Any) -> Any:
    return np.where(_truth(c), x, y)


STEPS: Final[dict[str, Function]] = {
    **UNARY,
    **BINARY,
    **COMPARING,
    **LOGICAL,
    **BITWISE,
    **REDUCING,
    **ARG_REDUCING,
    **TRUTH_REDUCING,
    **MOVING,
    **{f"{name}.constant": _with_constant(f) for name, f in {**BINARY, **COMPARING}.items()},
    **{
        f"{name}.first": lambda x, y, f=function: f(x, y.reshape(-1)[0])
        for name, function in {**BINARY, **COMPARING}.items()
    },
    **{
        f"{name}.outer": lambda x, y, f=function: f(
            x.reshape(-1)[:3, None], y.reshape(-1)[None, :2]
        )
        for name, function in BINARY.items()
    },
    "bitwise_and.constant": _with_constant(BITWISE["bitwise_and"]),
    "bitwise_or.constant": _with_constant(BITWISE["bitwise_or"]),
    "bitwise_xor.constant": _with_constant(BITWISE["bitwise_xor"]),
    "invert": lambda x: np.invert(_whole(x)),
    "logical_not": lambda x: np.logical_not(_truth(x)),
    "number": lambda x: x * 1,
    "power": lambda x, exponent: x**exponent,
    "divide": lambda x, by: np.divide(x, by) if isinstance(x, Array) else x * (1 / Fraction(by)),
    "floor_divide": lambda x, by: np.floor_divide(x, _constant(by, x)),
    "left_shift": lambda x, bits: np.left_shift(_whole(x), bits),
    "right_shift": lambda x, bits: np.right_shift(_whole(x), bits),
    "matmul": np.matmul,
    "matmul.constant": _with_constant(np.matmul),
    "dot.constant": _with_constant(np.dot),
    "einsum": lambda x, y, subscripts: np.einsum(subscripts, x, y),
    "einsum.constant": lambda x, constant, subscripts: np.einsum(
        subscripts, x, _constant(constant, x)
    ),
    "clip": lambda x, low, high: np.clip(x, _constant(low, x), _constant(high, x)),
    "sort": np.sort,
    "where": _choose,
    "where.first": lambda c, x, y: _choose(c, x.reshape(-1)[0], y.reshape(-1)[-1]),
    "concatenate": lambda *parts: np.concatenate([part.reshape(-1) for part in parts]),
    "stack": lambda x, y, axis: np.stack([x, y], axis=axis),
    "quantize": _quantize,
    "lookup": _lookup,
}
"""All steps by name; the settings of each are what its function takes beside the values."""
