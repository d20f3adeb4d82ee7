"""Activations: exact ones, and functions of one variable that wait for a quantiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgetrig.frontends.layers import activation as neutral
from edgetrig.frontends.layers.softmax import softmax
from edgetrig.frontends.onnx.node import Argument, Node
from edgetrig.frontends.onnx.operators.elementwise import homogeneous
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.scales.scaled import Known, Scaled, is_short, shape_of
from edgetrig.frontends.scales.summed import Summed
from edgetrig.frontends.scales.tabled import applied
from edgetrig.frontends.values import Value, exact

Function = Callable[[Floats], Any]


def table(name: str, function: Function | None = None) -> Callable[..., Results]:
    """Return the operator of a function of one variable."""
    chosen = function or neutral.TABLES[name]
    return lambda node, x: [applied(name, chosen, x, node.precision)]


def made(name: str, make: Callable[[Node], Function]) -> Callable[..., Results]:
    """Return the operator of a function that attributes describe."""
    return lambda node, x: [applied(name, make(node), x, node.precision)]


def relu(node: Node, x: Value) -> Results:
    """ONNX' ``Relu``; below a clipped or shifted value it is one more clip."""
    if isinstance(x, Summed) or (isinstance(x, Scaled) and not x.pure):
        return [x.clipped(0.0, np.inf)]
    return homogeneous(lambda v: np.maximum(v, 0))(node, x)


def leaky_relu(node: Node, x: Value) -> Results:
    """ONNX' ``LeakyRelu``: exact for short slopes, else a table."""
    slope = node.number("alpha", 0.01)
    if neutral.is_short(slope):
        return homogeneous(neutral.leaky_relu(slope))(node, x)
    return table("leaky_relu", neutral.leaky_relu(slope))(node, x)


def prelu(node: Node, x: Value, slope: Value | Known) -> Results:
    """ONNX' ``PRelu`` with constant slopes."""
    if not isinstance(slope, Known):
        raise ValueError("its slopes must be constant")
    factor = node.constants(slope, "kernel")
    np.broadcast_shapes(shape_of(x), factor.shape)
    return homogeneous(lambda v: np.maximum(v, 0) - np.maximum(-v, 0) * factor)(node, x)


def hard_sigmoid(node: Node, x: Value) -> Results:
    """ONNX' ``HardSigmoid``: exact for short constants, else a table."""
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    function = neutral.hard_sigmoid(alpha, beta)
    if is_short([alpha, beta]):
        return [function(exact(x))]
    return table("hard_sigmoid", function)(node, x)


def thresholded_relu(node: Node, x: Value) -> Results:
    """ONNX' ``ThresholdedRelu``."""
    return [neutral.thresholded_relu(node.number("alpha", 1.0))(exact(x))]


def shrink(node: Node, x: Value) -> Results:
    """ONNX' ``Shrink``."""
    edge, bias = node.number("lambd", 0.5), node.number("bias", 0.0)
    x = exact(x)
    return [np.where(x < -edge, x + bias, np.where(x > edge, x - bias, 0.0))]


def elu(node: Node) -> Function:
    """Return ONNX' ``Elu``."""
    return neutral.elu(node.number("alpha", 1.0))


def celu(node: Node) -> Function:
    """Return ONNX' ``Celu``."""
    return neutral.celu(node.number("alpha", 1.0))


def selu(node: Node) -> Function:
    """Return ONNX' ``Selu``."""
    alpha, gamma = (
        node.number("alpha", 1.6732631921768188),
        node.number("gamma", 1.0507010221481323),
    )
    inner = neutral.elu(alpha)
    return lambda v: gamma * inner(v)


def gelu(node: Node) -> Function:
    """Return ONNX' ``Gelu``."""
    return neutral.gelu(node.text("approximate", "none") == "tanh")


def swish(node: Node) -> Function:
    """Return ONNX' ``Swish``."""
    alpha = node.number("alpha", 1.0)
    return lambda v: v * neutral.TABLES["sigmoid"](alpha * v)


def soft_max(log: bool) -> Callable[..., Results]:
    """Return ``Softmax`` or ``LogSoftmax``; opsets below 13 take all axes from one on together."""

    def handler(node: Node, x: Argument) -> Results:
        rank = len(shape_of(x))
        axis: int | tuple[int, ...] = node.integer("axis", -1 if node.opset >= 13 else 1)
        if node.opset < 13:
            assert isinstance(axis, int)
            axis = tuple(range(axis % max(rank, 1), rank))
            axis = axis if len(axis) > 1 else axis[0]
        return [softmax(x, axis, node.precision, log=log)]

    return handler
