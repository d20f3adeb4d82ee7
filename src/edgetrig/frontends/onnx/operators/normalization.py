"""Normalisations: batch norm is a factor and an offset, others need types inside."""

from __future__ import annotations

import numpy as np

from edgetrig.frontends.layers import normalization as neutral
from edgetrig.frontends.layers.convolution import by_image
from edgetrig.frontends.onnx.node import Argument, Node, argument, constant
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.scales.scaled import Float64s, add_known, numbers, shape_of, times_known
from edgetrig.frontends.values import Value, exact


def batch_norm(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``BatchNormalization`` at inference, folded in float32."""
    if node.integer("training_mode", 0) or node.outputs > 1:
        raise ValueError("it trains; export the model for inference")
    x = arguments[0]
    gamma, beta, mean, variance = (
        numbers(constant(v, "statistics")).astype(np.float32) for v in arguments[1:5]
    )
    shape = shape_of(x)
    channels = shape[1] if len(shape) > 1 else 1
    if any(v.shape != (channels,) for v in (gamma, beta, mean, variance)):
        raise ValueError(
            f"its statistics have {gamma.size} channels, its input of shape {shape} has {channels}"
            " along axis 1; export the model again with the channels there"
        )
    factor = gamma * neutral.inverse_deviation(variance, node.number("epsilon", 1e-5))
    offset = beta - mean * factor
    rank = len(shape)
    scale = _channels(node.precision.weight(factor, "scale"), rank)
    x = times_known(x, scale)
    return [add_known(x, _channels(node.precision.weight(offset, "bias"), rank))]


def _channels(values: Float64s, rank: int) -> Float64s:
    return values.reshape((1, -1) + (1,) * (rank - 2)) if rank > 1 else values


def _weights(arguments: tuple[Argument, ...], index: int) -> Float64s | None:
    given = argument(arguments, index)
    return None if given is None else numbers(constant(given, "weights"))


def layer_norm(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``LayerNormalization``; without its statistics as further results."""
    if node.outputs > 1:
        raise ValueError("its second result is not supported")
    x = exact(arguments[0])
    axes = range(node.integer("axis", -1) % x.ndim, x.ndim)
    gamma, beta = _weights(arguments, 1), _weights(arguments, 2)
    epsilon = node.number("epsilon", 1e-5)
    return [neutral.layer_norm(x, tuple(axes), gamma, beta, epsilon, node.precision)]


def rms_norm(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``RMSNormalization``."""
    x = exact(arguments[0])
    axes = range(node.integer("axis", -1) % x.ndim, x.ndim)
    epsilon = node.number("epsilon", 1e-5)
    gamma = _weights(arguments, 1)
    return [neutral.rms_norm(x, tuple(axes), gamma, None, epsilon, node.precision)]


def lp_norm(node: Node, x: Value) -> Results:
    """ONNX' ``LpNormalization``; where all elements are 0 they stay so, as in ONNX Runtime."""
    order = node.integer("p", 2)
    if order not in (1, 2):
        raise ValueError(f"p={order} is not supported; 1 and 2 are")
    axis = node.integer("axis", -1)
    return [neutral.unit_norm(exact(x), (axis,), 0.0, node.precision, order)]


def instance_norm(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``InstanceNormalization``."""
    gamma, beta = _weights(arguments, 1), _weights(arguments, 2)
    epsilon = node.number("epsilon", 1e-5)
    run = lambda e: neutral.instance_norm(e, gamma, beta, epsilon, node.precision)  # noqa: E731
    x = exact(arguments[0])
    return [by_image(x, x.ndim - 2, run)]


def group_norm(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``GroupNormalization``; opset 18 has weights a group, 21 a channel."""
    x = exact(arguments[0])
    groups = node.integer("num_groups", 1)
    gamma, beta = _weights(arguments, 1), _weights(arguments, 2)
    if node.opset < 21 and gamma is not None and beta is not None:
        gamma, beta = (np.repeat(v, x.shape[1] // max(groups, 1)) for v in (gamma, beta))
    epsilon = node.number("epsilon", 1e-5)
    run = lambda e: neutral.group_norm(e, groups, gamma, beta, epsilon, node.precision)  # noqa: E731
    return [by_image(x, x.ndim - 2, run)]
