"""Quantisers of QONNX (``Quant``, ``BipolarQuant``, ``Trunc``) and of ONNX."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.onnx.node import Argument, Node, argument, constant
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.scales.quantized import quantized, whole
from edgetrig.frontends.scales.requantize import Whole, requantized, rounded
from edgetrig.frontends.scales.scaled import (
    Float64s,
    Known,
    Scaled,
    numbers,
    parts,
    scaled,
    shape_of,
)
from edgetrig.frontends.values import Value, exact

_ROUNDING: Final = {
    "ROUND": "RND_CONV",
    "HALF_EVEN": "RND_CONV",
    "HALF_TO_EVEN": "RND_CONV",
    "FLOOR": "TRN",
    "CEIL": "CEIL",
    "UP": "UP",
    "DOWN": "TRN_ZERO",
    "ROUND_TO_ZERO": "TRN_ZERO",
    "TRUNC": "TRN_ZERO",
    "HALF_UP": "RND_INF",
    "HALF_DOWN": "RND_ZERO",
}
"""QONNX' names; UP and DOWN, also of halves, are away from zero and towards it."""

_MOST_BITS: Final = 32


def quant(node: Node, x: Argument, scale: Argument, zero: Argument, bits: Argument) -> Results:
    """QONNX' ``Quant`` (also called ``IntQuant``)."""
    signed, narrow = node.integer("signed", 1), node.integer("narrow", 0)
    width = constant(bits, "bit width").astype(np.float64)
    steps, offset = _scale(scale), constant(zero, "zero point").astype(np.float64)
    if signed and (width == 1).all():
        if offset.any():
            raise ValueError("one signed bit with a zero point is not supported")
        return [_bipolar(x, steps)]
    low, high = _range(width, signed, narrow)
    return [quantized(x, Whole(steps, offset, low, high, _mode(node)))]


def _mode(node: Node, default: str = "ROUND") -> str:
    name = node.text("rounding_mode", default).upper()
    if name not in _ROUNDING:
        raise ValueError(f"rounding_mode {name!r} is not supported; use {', '.join(_ROUNDING)}")
    return _ROUNDING[name]


def _range(
    width: Float64s, signed: int, narrow: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return smallest and largest whole number; the width may be no whole number itself."""
    if (width < 1).any() or (width > _MOST_BITS).any():
        raise ValueError(f"a width of {width.ravel()[0]:g} bits; use 1 to {_MOST_BITS}")
    if signed:
        half = 2.0 ** (width - 1)
        low, high = -half + narrow, half - 1
    else:
        low, high = np.zeros_like(width), 2.0**width - 1 - narrow
    return np.ceil(low).astype(np.int64), np.floor(high).astype(np.int64)


def _scale(value: Argument) -> Float64s:
    scale = numbers(np.asarray(constant(value, "scale"), np.float32))
    if not (scale > 0).all():
        raise ValueError("a scale is not positive")
    if not ((scale > 2.0**-_MOST_BITS) & (scale < 2.0**_MOST_BITS)).all():
        raise ValueError(f"a scale is not between 2**-{_MOST_BITS} and 2**{_MOST_BITS}")
    return scale


def bipolar_quant(node: Node, x: Argument, scale: Argument) -> Results:
    """QONNX' ``BipolarQuant``: the scale where x is 0 or more, else its negative."""
    return [_bipolar(x, _scale(scale))]


def _bipolar(x: Argument, scale: Float64s) -> Value | Known:
    if isinstance(x, Known):
        signs = np.where(x.real >= 0, 1.0, -1.0)
        return Known(signs, np.broadcast_to(scale, signs.shape))
    one = np.ones(())
    below = quantized(x, Whole(one, one * 0, np.int64(-1), np.int64(0), "TRN"))  # type: ignore[arg-type]
    return scaled(exact(below) * 2 + 1, scale)


def trunc(node: Node, x: Argument, scale: Argument, zero: Argument, *rest: Argument) -> Results:
    """QONNX' ``Trunc``: drop low bits of whole numbers (version 1: the scale stays)."""
    steps, offset = _scale(scale), constant(zero, "zero point").astype(np.float64)
    width = constant(argument(rest, 0), "input bit width").astype(np.float64)
    mode = _mode(node, "FLOOR")
    codes = _whole_steps(x, steps, offset, width)
    if len(rest) == 2:
        dropped = width - constant(rest[1], "output bit width").astype(np.float64)
        result = rounded(codes * 2.0**-dropped, mode)
        return [scaled(result - offset, steps)]
    out_scale, out_width = _scale(rest[1]), constant(argument(rest, 2), "output bit width")
    dropped = np.rint(np.log2(out_scale / steps))
    low, high = _range(
        out_width.astype(np.float64), node.integer("signed", 1), node.integer("narrow", 0)
    )
    result = np.minimum(np.maximum(rounded(codes * 2.0**-dropped, mode), low), high)
    return [scaled(result - offset * 2.0**-dropped, out_scale)]


def _whole_steps(x: Argument, scale: Float64s, zero: Float64s, width: Float64s) -> Any:
    """Return ``round(x / scale + zero)``; mostly x is made of such steps already."""
    value = parts(x)
    ratio = value.scale / scale
    if value.pure and isinstance(x, Scaled) and (np.abs(ratio - 1) < 2.0**-20).all():
        return value.array + zero
    if not isinstance(x, Scaled) and (np.frexp(scale)[0] == 0.5).all():
        return rounded(value.array / scale + zero, "RND_CONV")
    reach = np.ldexp(1, width.astype(np.int32)).astype(np.int64)
    return requantized(value, Whole(scale, zero, -reach, reach, "RND_CONV"))


def quantize_linear(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``QuantizeLinear``: whole numbers, the zero point added after rounding."""
    x, scale, zero = arguments[0], arguments[1], argument(arguments, 2)
    steps, offset, low, high = linear_type(node, x, scale, zero)
    return [_codes(x, steps, offset, low, high)]


def _codes(x: Argument, steps: Float64s, offset: Float64s, low: int, high: int) -> Value | Known:
    bottom, top = (np.asarray(v - offset, np.int64) for v in (low, high))
    codes = whole(x, Whole(steps, np.zeros_like(steps), bottom, top, "RND_CONV"))
    if isinstance(codes, Known):
        # A constant has its type, which a `Clip` behind it must share.
        return Known((codes.values + offset).astype(np.min_scalar_type(low if low < 0 else high)))
    return codes + offset


def linear_type(
    node: Node, x: Argument, scale: Argument, zero: Argument
) -> tuple[Float64s, Float64s, int, int]:
    """Return scale and zero point in shapes that meet x, and the range of its type."""
    steps = _scale(scale)
    offset = np.zeros(())
    name = str(node.attributes.get("output_dtype_name", "uint8"))
    if isinstance(zero, Known):
        offset, name = zero.values.astype(np.float64), zero.values.dtype.name
    low, high = _limits(name)
    return _along(node, steps, x), _along(node, offset, x), low, high


def _limits(name: str) -> tuple[int, int]:
    signed = name.startswith("int")
    digits = name.removeprefix("u").removeprefix("int")
    if not digits.isdigit() or int(digits) > _MOST_BITS:
        raise ValueError(f"it quantises to {name}, which is no whole number type")
    bits = int(digits)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def _along(node: Node, values: Float64s, x: Argument) -> Float64s:
    """Return a scale or zero point with one number for each place on its axis."""
    if values.size == 1:
        return values.reshape(())
    rank = len(shape_of(x))
    if values.ndim != 1:
        raise ValueError("it quantises in blocks; one scale a tensor or an axis is supported")
    shape = [1] * rank
    shape[node.integer("axis", 1)] = -1
    return values.reshape(shape)


def dequantize_linear(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``DequantizeLinear``: whole numbers less the zero point, times the scale."""
    return [dequantized(node, *arguments[:3])]


def dequantized(node: Node, x: Argument, scale: Argument, zero: Argument = None) -> Value | Known:
    """Return ``(x - zero) * scale``."""
    steps = _along(node, _scale(scale), x)
    offset = np.zeros(()) if zero is None else constant(zero, "zero point").astype(np.float64)
    offset = _along(node, offset, x)
    if isinstance(x, Known):
        codes = numbers(x.values) - offset
        return Known(codes, np.broadcast_to(steps, codes.shape))
    return scaled(exact(x) - offset if offset.any() else exact(x), steps)
