"""Arithmetic, comparisons and logic, element by element with broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from edgetrig.frontends.layers.inner import tabulated
from edgetrig.frontends.onnx.node import Argument, Node, argument, array, constant
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.scales.quotients import remainder, whole_quotient
from edgetrig.frontends.scales.requantize import rounded
from edgetrig.frontends.scales.scaled import (
    Known,
    Scaled,
    add_known,
    bounded_shape,
    numbers,
    one_scale,
    scaled,
    shape_of,
    times_known,
)
from edgetrig.frontends.scales.summed import Summed, summed
from edgetrig.frontends.scales.tabled import applied
from edgetrig.frontends.values import Raw, Value, exact, rearranged


def _fit(*values: Value | Known) -> tuple[int, ...]:
    return bounded_shape(np.broadcast_shapes(*(shape_of(v) for v in values)))


def plus(node: Node, x: Value | Known, y: Value | Known) -> Value:
    """Return x + y; whole numbers of one scale are added as such."""
    _fit(x, y)
    if isinstance(x, Known):
        x, y = y, x
    if isinstance(y, Known):
        return add_known(x, node.constants(y, "bias"))
    if isinstance(x, Scaled) or isinstance(y, Scaled):
        return summed(one_scale(x, ()), one_scale(y, ()))
    return exact(x) + exact(y)


def add(node: Node, x: Argument, y: Argument) -> Results:
    """ONNX' ``Add``."""
    return [plus(node, x, y)]


def subtract(node: Node, x: Argument, y: Argument) -> Results:
    """ONNX' ``Sub``."""
    if isinstance(y, Known):
        return [add_known(x, -node.constants(y, "bias"))]
    return [plus(node, x, times_known(y, -1.0))]


def times(node: Node, x: Value | Known, y: Value | Known) -> Value:
    """Return x * y; scales are multiplied aside."""
    _fit(x, y)
    if isinstance(x, Known):
        x, y = y, x
    if isinstance(y, Known):
        factor = node.constants(y, "scale")
        return exact(x) * factor if node.whole else times_known(x, factor)
    if isinstance(x, Scaled) or isinstance(y, Scaled):
        a, b = one_scale(x, ()), one_scale(y, ())
        if a.pure and b.pure:
            return scaled(a.array * b.array, a.scale * b.scale)
    return exact(x) * exact(y)


def multiply(node: Node, x: Argument, y: Argument) -> Results:
    """ONNX' ``Mul``."""
    return [times(node, x, y)]


def divide(node: Node, x: Argument, y: Argument) -> Results:
    """ONNX' ``Div``; whole numbers by constant whole numbers alone, towards zero."""
    _fit(x, y)
    if not isinstance(y, Known):
        return [_over_value(node, x, y)]
    divisor = numbers(y.real)
    if not divisor.all():
        raise ValueError("it divides by zero")
    if y.scale is None and y.values.dtype.kind in "iu":
        return [whole_quotient(exact(x), divisor, "TRN_ZERO")]
    return [times_known(x, node.precision.weight(1 / divisor, "scale"))]


def _over_value(node: Node, x: Value | Known, y: Value) -> Value:
    """Return x / y by a table of y: of one number over it, or of its reciprocal."""
    if node.whole:
        raise ValueError("it divides whole numbers by computed ones; use floats")
    if isinstance(x, Known) and x.values.size == 1:
        factor = float(x.real.reshape(()))
        divided = applied("division", lambda v: factor / v, y, node.precision)
        return rearranged(divided, lambda v: np.broadcast_to(v, _fit(x, y)))
    inverse = tabulated("reciprocal", np.reciprocal, exact(y), "inverse", node.precision)
    return times(node, x, inverse)


def negative(node: Node, x: Value) -> Results:
    """ONNX' ``Neg``."""
    return [times_known(x, -1.0)]


def homogeneous(function: Callable[[Any], Any]) -> Callable[..., Results]:
    """Return an operator with ``f(s x) = s f(x)`` for positive s, which scales pass through."""

    def handler(node: Node, x: Value) -> Results:
        if isinstance(x, Scaled) and x.pure:
            return [scaled(function(x.array), x.scale)]
        return [function(exact(x))]

    return handler


def plain(function: Callable[..., Any]) -> Callable[..., Results]:
    """Return an operator on exact arrays and constants."""

    def handler(node: Node, *values: Argument) -> Results:
        _fit(*values)
        return [function(*(array(v, node) for v in values))]

    return handler


def variadic(function: Callable[[Any, Any], Any]) -> Callable[..., Results]:
    """Return an operator on any number of values: ``Max``, ``Min``; one common scale stays."""

    def two(x: Value | Known, y: Value | Known) -> Value:
        _fit(x, y)
        if isinstance(x, Scaled) and isinstance(y, Scaled) and x.pure and y.pure:
            shape = np.broadcast_shapes(x.shape, y.shape)
            if (np.broadcast_to(x.scale, shape) == np.broadcast_to(y.scale, shape)).all():
                return scaled(function(x.array, y.array), x.scale)
        return function(array(x), array(y))

    def handler(node: Node, *values: Argument) -> Results:
        return [reduce(two, (v for v in values if v is not None))]

    return handler


def total(node: Node, *values: Argument) -> Results:
    """ONNX' ``Sum`` of any number of values."""
    return [reduce(lambda x, y: plus(node, x, y), (v for v in values if v is not None))]


def average(node: Node, *values: Argument) -> Results:
    """ONNX' ``Mean`` of any number of values."""
    return [times_known(total(node, *values)[0], 1 / len(values))]


def power(node: Node, x: Value, exponent: Value | Known) -> Results:
    """ONNX' ``Pow`` with one constant exponent: exact for whole ones, else a table."""
    p = float(constant(exponent, "exponent").ravel()[0])
    if shape_of(exponent) not in ((), (1,)):
        raise ValueError("its exponent must be one number")
    if p in range(1, 5):
        if isinstance(x, Scaled) and x.pure:
            return [scaled(x.array ** int(p), x.scale ** int(p))]
        return [exact(x) ** int(p)]
    return [applied(f"power {p:g}", lambda v: np.power(v, p), x, node.precision)]


def clip(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Clip``."""
    x = arguments[0]
    bounds = []
    for index, (name, default) in enumerate((("min", -np.inf), ("max", np.inf)), 1):
        given = argument(arguments, index)
        if given is None:
            bounds.append(node.number(name, default))
        else:
            bounds.append(float(constant(given, name).ravel()[0]))
    low, high = (v if abs(v) < 1e38 else np.copysign(np.inf, v) for v in bounds)
    passes = low in (0, -np.inf) and high == np.inf
    if isinstance(x, Summed) or (isinstance(x, Scaled) and not (x.pure and passes)):
        return [x.clipped(low, high)]
    return homogeneous(lambda v: _clipped(v, low, high))(node, x)


def _clipped(v: Any, low: float, high: float) -> Any:
    v = np.maximum(v, low) if np.isfinite(low) else v
    return np.minimum(v, high) if np.isfinite(high) else v


def bits(function: Callable[[Any, Any], Any]) -> Callable[..., Results]:
    """Return an operator on the bits of whole numbers."""
    return lambda node, x, y: plain(function)(node, _whole(x), _whole(y))


def bits_flipped(node: Node, x: Value) -> Results:
    """ONNX' ``BitwiseNot``."""
    if node.type == "uint64":
        raise ValueError("it flips 64 bits; use a type of up to 32 bits")
    return [-1 - exact(_whole(x))]


def bits_shifted(node: Node, x: Value, places: Argument) -> Results:
    """ONNX' ``BitShift`` by constant numbers of places."""
    shifts = constant(places, "number of places").astype(np.float64)
    if node.text("direction", "") == "LEFT":
        return [exact(x) * 2.0**shifts]
    return [np.floor(exact(x) * 2.0**-shifts)]


def _whole(x: Argument) -> Argument:
    """Return bits as they are stored, of a constant those of its sign too."""
    return Known(x.values.astype(np.float64)) if isinstance(x, Known) else x


def rest(node: Node, x: Value, y: Argument) -> Results:
    """ONNX' ``Mod`` by constants: the rest has the divisor's sign, with ``fmod`` the dividend's."""
    _fit(x, y)
    divisor = numbers(constant(y, "divisor"))
    mode = "TRN_ZERO" if node.integer("fmod", 0) else "TRN"
    return [remainder(exact(x), divisor, mode)]


def never(node: Node, x: Value) -> Results:
    """ONNX' ``IsNaN`` and ``IsInf``: hardware has neither."""
    return [Known(np.zeros(shape_of(x), np.bool_))]


def cast_like(node: Node, x: Value, like: Argument) -> Results:
    """ONNX' ``CastLike`` a constant."""
    if constant(like, "type").dtype.kind == "f":
        return [x]
    return _to_whole(x)


def cast(node: Node, x: Value) -> Results:
    """ONNX' ``Cast``: to whole numbers towards zero, to truth values, or nothing at all."""
    to = node.integer("to", 1)
    if to in (1, 10, 11, 16):  # float, float16, double, bfloat16
        if to in (10, 16) and not isinstance(x, Known):
            raise ValueError("it casts to 16-bit floats; export the model in float32")
        return [x]
    return [exact(x) != 0] if to == 9 else _to_whole(x)


def _to_whole(x: Value) -> Results:
    if isinstance(x, Raw):  # what reads it says how many bits it needs
        return [x]
    return [rounded(exact(x), "TRN_ZERO")]


def sign(node: Node, x: Value) -> Results:
    """ONNX' ``Sign``."""
    v = x.array if isinstance(x, Scaled) and x.pure else exact(x)
    return [np.where(v > 0, 1.0, np.where(v < 0, -1.0, 0.0))]


def is_(function: Callable[[Any, Any], Any]) -> Callable[..., Results]:
    """Return an operator on truth values."""
    return plain(lambda x, y: function(x != 0, y != 0))


def where(node: Node, condition: Value, x: Argument, y: Argument) -> Results:
    """ONNX' ``Where``."""
    _fit(condition, x, y)
    return [np.where(array(condition), array(x, node), array(y, node))]


def rounding(mode: str) -> Callable[..., Results]:
    """Return the operator that rounds to whole numbers."""
    return lambda node, x: [rounded(exact(x), mode)]
