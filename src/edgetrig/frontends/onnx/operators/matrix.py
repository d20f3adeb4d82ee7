"""Matrix products: sums of whole numbers, with the scales of both factors multiplied aside."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.layers.equations import written_out
from edgetrig.frontends.onnx.node import Argument, Node, argument, array
from edgetrig.frontends.onnx.operators.elementwise import plus
from edgetrig.frontends.onnx.operators.shape import Results, moved
from edgetrig.frontends.scales.scaled import (
    Known,
    Scaled,
    bounded_shape,
    one_scale,
    scaled,
    shape_of,
    times_known,
)
from edgetrig.frontends.values import Value, exact


def factor(node: Node, value: Value | Known, axis: int) -> Scaled:
    """Return a factor of a product as whole numbers with one scale along the axis summed over."""
    if isinstance(value, Known):
        values, scale = node.weight(value, "kernel")
        value = Known(values, scale)
    return one_scale(value, (axis,))


def product(node: Node, x: Value | Known, y: Value | Known) -> Value:
    """Return ``x @ y`` by NumPy's rules; one of them may be constant."""
    if isinstance(x, Known) and isinstance(y, Known):
        return Known(node.constants(x, "kernel") @ node.constants(y, "kernel"))
    first, second = len(shape_of(x)) == 1, len(shape_of(y)) == 1
    x = moved(x, lambda v: v[None, :]) if first else x
    y = moved(y, lambda v: v[:, None]) if second else y
    result = _matrices(node, x, y)
    if first or second:
        index = (..., *((0,) if first else (slice(None),)), *((0,) if second else (slice(None),)))
        result = moved(result, lambda v: v[index])
    return result


def _matrices(node: Node, x: Value | Known, y: Value | Known) -> Value:
    (*left, rows, inner), (*right, depth, columns) = shape_of(x), shape_of(y)
    if inner != depth:
        raise ValueError(f"matrices of shapes {shape_of(x)} and {shape_of(y)} do not fit")
    bounded_shape((*np.broadcast_shapes(tuple(left), tuple(right)), rows, inner, columns))
    a, b = factor(node, x, -1), factor(node, y, -2)
    if not (a.pure or isinstance(y, Known)) or not (b.pure or isinstance(x, Known)):
        return exact(x) @ exact(y)
    scale = a.scale[..., :, :1] * b.scale[..., :1, :]
    offset: Any = 0.0
    if not a.pure:
        offset = a.offset @ (b.array * b.scale)
    if not b.pure:
        offset = (a.array * a.scale) @ b.offset
    return scaled(a.array @ b.array, scale, offset)


def matmul(node: Node, x: Value | Known, y: Value | Known) -> Results:
    """ONNX' ``MatMul``."""
    return [product(node, x, y)]


def gemm(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Gemm``: ``alpha A B + beta C``."""
    a, b, c = arguments[0], arguments[1], argument(arguments, 2)
    if node.integer("transA", 0):
        a = moved(a, np.transpose)
    if node.integer("transB", 0):
        b = moved(b, np.transpose)
    if a is None or b is None:
        raise ValueError("a factor is missing")
    result = product(node, a, b)
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if alpha != 1:
        result = times_known(result, alpha)
    if c is None or beta == 0:
        return [result]
    if beta != 1:
        c = Known(c.real * beta) if isinstance(c, Known) else times_known(c, beta)
    return [plus(node, result, c)]


def einsum(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Einsum``."""
    equation = written_out(node.text("equation", ""), [len(shape_of(v)) for v in arguments])
    if any(isinstance(v, Scaled) for v in arguments):
        values = [one_scale(_factor(node, v)) for v in arguments]
        if all(v.pure for v in values):
            scale = np.prod([v.scale.ravel()[0] if v.scale.size else 1.0 for v in values])
            return [scaled(np.einsum(equation, *(v.array for v in values)), scale)]
    return [np.einsum(equation, *(array(v, node) for v in arguments))]


def _factor(node: Node, value: Argument) -> Value | Known:
    if not isinstance(value, Known):
        return value
    return Known(*node.weight(value, "kernel"))
