"""Keras' activations: which function, with which options, reads and makes which numbers."""

from __future__ import annotations

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.layers.activation import (
    EXACT,
    TABLES,
    apply,
    elu,
    is_short,
    leaky_relu,
    pending,
)
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, Value, exact, rearranged


def activation_name(layer: Layer, which: str = "activation") -> str:
    """Return the name of a layer's activation, or of another function that its options hold."""
    name = layer.config.get(which) or "linear"
    if isinstance(name, dict):  # a serialised function
        name = name["config"] if name["class_name"] == "function" else name["class_name"]
    return str(name)


def activated(layer: Layer, x: Value) -> Value:
    """Apply the activation that a layer has built in."""
    return apply(activation_name(layer), x, layer.precision)


def activation(layer: Layer, x: Value) -> Value:
    """Keras' ``Activation``."""
    name = activation_name(layer)
    if name == "linear":
        return rearranged(x, lambda array: array)
    return apply(name, x, layer.precision)


def unary_table(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QUnaryFunctionLUT``; its output quantiser makes the table."""
    return apply(activation_name(layer), layer.quantized(x), layer.precision)


def affine_unary_table(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QAffinedUnaryFunctionLUT``: ``activation(x * scale + bias)`` in float32."""
    x = layer.quantized(x)
    scale, bias = layer.weight(0, (1,)), layer.weight(1, (1,))
    name = activation_name(layer)
    function = EXACT.get(name) or TABLES.get(name)
    if function is None:
        raise ValueError(f"activation '{name}' is not supported in a table")

    def affine(values: Floats) -> Floats:
        return function(np.asarray(values.astype(np.float32) * scale + bias, np.float64))

    return pending(name, affine, x)


def relu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``ReLU`` with its slope, threshold and upper bound."""
    x = exact(x)
    slope, top, threshold = (
        layer.config.get(key) for key in ("negative_slope", "max_value", "threshold")
    )
    threshold = np.float64(np.float32(threshold or 0))
    positive = np.where(x > threshold, x, 0) if threshold else np.maximum(x, 0)
    if top is not None:
        positive = np.clip(positive, 0, np.float64(np.float32(top)))
    if not slope:
        return positive
    return positive - np.maximum(threshold - x, 0) * np.float64(np.float32(slope))


def leaky_relu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``LeakyReLU``."""
    slope = float(layer.config["negative_slope"])
    if is_short(slope) and not isinstance(x, Pending):
        return leaky_relu(slope)(exact(x))
    return pending("leaky_relu", leaky_relu(slope), x)


def prelu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``PReLU``: a trained slope per element."""
    slope = layer.weight(0).astype(np.float64)
    x = exact(x)
    return np.maximum(x, 0) - np.maximum(-x, 0) * slope


def elu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``ELU``."""
    return pending("elu", elu(float(layer.config["alpha"])), x)
