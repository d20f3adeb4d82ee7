"""Products of whole numbers as ONNX Runtime's quantised models write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.onnx.node import Argument, Node, argument, constant
from edgetrig.frontends.onnx.operators.convolution import conv
from edgetrig.frontends.onnx.operators.matrix import product
from edgetrig.frontends.onnx.operators.quantization import dequantized, quantize_linear
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.scales.scaled import Known, numbers, shape_of

_ONE = Known(np.ones((), np.float32))


def _whole(node: Node, x: Argument, zero: Argument, axis: int) -> Any:
    """Return whole numbers less their zero point, which may have one number a place on an axis."""
    attributes = {**node.attributes, "axis": axis}
    plain = Node(node.name, node.kind, attributes, node.opset, precision=node.precision)
    if zero is not None and constant(zero, "zero point").size > 1:
        scale = Known(np.ones(constant(zero, "zero point").shape, np.float32))
        return dequantized(plain, x, scale, zero)
    return dequantized(plain, x, _ONE, zero)


def matmul_integer(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``MatMulInteger``."""
    a = _whole(node, arguments[0], argument(arguments, 2), -2)
    return [product(node, a, _whole(node, arguments[1], argument(arguments, 3), -1))]


def conv_integer(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``ConvInteger``."""
    x = _whole(node, arguments[0], argument(arguments, 2), 1)
    return conv(node, x, _whole(node, arguments[1], argument(arguments, 3), 0))


def q_linear_matmul(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``QLinearMatMul``: whole numbers in, whole numbers out."""
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = arguments[:8]
    rows, columns = len(shape_of(a)) - 2, len(shape_of(b)) - 1
    x = dequantized(_on(node, rows), a, a_scale, a_zero)
    y = product(node, x, dequantized(_on(node, columns), b, b_scale, b_zero))
    return quantize_linear(_on(node, rows), y, scale, zero)


def q_linear_conv(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``QLinearConv``: whole numbers in, whole numbers out."""
    x, x_scale, x_zero, w, w_scale, w_zero, scale, zero = arguments[:8]
    kernel = dequantized(_on(node, 0), w, w_scale, w_zero)
    bias = argument(arguments, 8)
    given: list[Argument] = [dequantized(_on(node, 1), x, x_scale, x_zero), kernel]
    if bias is not None:
        steps = constant(x_scale, "scale").ravel() * constant(w_scale, "scale").ravel()
        codes = numbers(constant(bias, "bias"))
        given.append(Known(codes, np.broadcast_to(steps.astype(np.float64), codes.shape)))
    return quantize_linear(_on(node, 1), conv(node, *given)[0], scale, zero)


def _on(node: Node, axis: int) -> Node:
    """Return the node with its scales on an axis."""
    attributes = {**node.attributes, "axis": axis}
    return Node(node.name, node.kind, attributes, node.opset, precision=node.precision)
