"""Dense layers: a matrix of weights and a bias, quantised as HGQ2 does it, in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.activation import activated
from edgetrig.frontends.layers.equations import written_out
from edgetrig.frontends.layers.normalization import inverse_deviation
from edgetrig.frontends.values import Shifted, Value


def dense(layer: Layer, x: Value) -> Value:
    """``activation(x @ kernel + bias)``, over the last axis."""
    x = layer.shifted(x)
    units = int(layer.config["units"])
    bias: Any = 0.0
    if layer.config.get("use_bias", True):
        bias = layer.quantized_weight(layer.weight(1, (units,)), "bq")
    inputs = x.array.shape[-1] if isinstance(x, Shifted) else x.shape[-1]
    kernel = layer.quantized_weight(layer.weight(0, (inputs, units)), "kq")
    if isinstance(x, Shifted):
        x, bias = x.array, bias + x.offset @ kernel
    return activated(layer, x @ kernel + bias)


def batch_norm_dense(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QBatchNormDense``: the inputs' statistics fused into kernel and bias."""
    x = layer.quantized(x)
    inputs, units = x.shape[-1], int(layer.config["units"])
    kernel, bias = layer.weight(0, (inputs, units)), layer.weight(1, (units,))
    first = len(layer.variables) - 2
    mean, variance = (layer.weight(first + k, (inputs,)) for k in (0, 1))
    scale = inverse_deviation(variance, layer.config["epsilon"])
    if layer.config["scale"]:
        scale = layer.weight(2, (inputs,)) * scale
    # The offset is not scaled: that is what the library computes.
    x = x @ layer.quantized_weight(scale[:, None] * kernel, "kq")
    x = x + layer.quantized_weight(bias + -np.dot(mean, kernel), "bq")
    return activated(layer, x)


def einsum_dense(layer: Layer, x: Value) -> Value:
    """``activation(einsum(equation, x, kernel) + bias)``."""
    kernel = layer.weight(0)
    bias = layer.weight(1) if layer.config.get("bias_axes") else None
    x = _einsum(layer, layer.quantized(x), layer.quantized_weight(kernel, "kq"))
    if bias is not None:
        x = x + layer.quantized_weight(bias, "bq")
    return activated(layer, x)


def einsum_dense_batch_norm(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QEinsumDenseBatchnorm``: the outputs' statistics fused into kernel and bias."""
    kernel, bias = layer.weight(0), layer.weight(1)
    first = len(layer.variables) - 2
    mean, variance = layer.weight(first), layer.weight(first + 1)
    scale = inverse_deviation(variance, _KERAS_EPSILON)
    if first == (5 if layer.config.get("enable_ebops") else 3):  # the file does not say "scale"
        scale = layer.weight(2, variance.shape) * scale
    axes = str(layer.config["equation"]).split(",")[1].split("->")[0]
    normalized = str(layer.config.get("normalize_axes") or layer.config["bias_axes"])
    shape = [n if axis in normalized else 1 for axis, n in zip(axes, kernel.shape, strict=True)]
    offset = (-mean * scale).reshape(bias.shape)
    fused = layer.quantized_weight(kernel * scale.reshape(shape), "kq")
    x = _einsum(layer, layer.quantized(x), fused)
    return activated(layer, x + layer.quantized_weight(bias + offset, "bq"))


_KERAS_EPSILON = 1e-7  # the library uses Keras' global value here, whatever the layer says


def _einsum(layer: Layer, x: Value, kernel: Any) -> Value:
    """Return ``einsum`` with the equation's event axis put back."""
    equation = written_out(str(layer.config["equation"]), [x.ndim + 1, kernel.ndim])
    return np.einsum(equation, x[None], kernel)[0]
