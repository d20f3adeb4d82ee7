"""QKeras' batch normalisation, by itself and folded into the layer before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.convolution import channels_last
from edgetrig.frontends.qkeras.description import Description
from edgetrig.frontends.qkeras.layers.convolution import (
    convolved,
    depthwise,
    depthwise_kernel_of,
    finished,
    kernel_of,
)
from edgetrig.frontends.qkeras.layers.parts import (
    activated,
    quantizer,
    scaled,
    stored,
    weights,
)
from edgetrig.frontends.qkeras.scale import Float32s
from edgetrig.frontends.qkeras.weights import quantized
from edgetrig.frontends.values import Value, exact

_NAMES = ("gamma", "beta", "moving_mean", "moving_variance")


def batch_normalization(layer: Layer, x: Value) -> Value:
    """``QBatchNormalization``: ``x * factor + offset`` of quantised statistics, in float32."""
    x = exact(x)
    keys = ("gamma_quantizer", "beta_quantizer", "mean_quantizer", "variance_quantizer")
    given = [quantizer(layer, key) for key in keys]
    gamma, beta, mean, variance = map(_through, given, _statistics(layer))
    factor = _inverse(layer, variance, gamma)
    last = quantizer(layer, "inverse_quantizer")
    if last is not None:
        factor = _through(last, factor)
    offset = (0 if beta is None else beta) - mean * factor
    if last is None and not any(given):
        scale = layer.precision.weight(factor, "scale")
        shift = layer.precision.weight(offset, "bias")
    else:
        scale, shift = factor.astype(np.float64), offset.astype(np.float64)
    shape = _broadcast_shape(layer, x)
    return activated(layer, x * scale.reshape(shape) + shift.reshape(shape))


def dense_batch_normalization(layer: Layer, x: Value) -> Value:
    """``QDenseBatchnorm``: kernel and bias with the statistics folded in, then quantised."""
    x = exact(x)
    units = int(layer.config["units"])
    factor, shift = _folded(layer, units)
    kernel = layer.weight(0, (x.shape[-1], units)) * factor
    values, rest = weights(layer, kernel, "kernel_quantizer", "kernel").split()
    return activated(layer, scaled(x @ values, rest) + _bias(layer, shift))


def convolution_batch_normalization(layer: Layer, x: Value) -> Value:
    """``QConv2DBatchnorm``."""
    x = channels_last(layer, exact(x))
    factor, shift = _folded(layer, int(layer.config["filters"]))
    kernel = weights(layer, kernel_of(layer, x) * factor, "kernel_quantizer", "kernel")
    return finished(layer, convolved(layer, x, kernel), _bias(layer, shift))


def depthwise_batch_normalization(layer: Layer, x: Value) -> Value:
    """``QDepthwiseConv2DBatchnorm``."""
    x = channels_last(layer, exact(x))
    kernel = depthwise_kernel_of(layer, x)
    factor, shift = _folded(layer, kernel.shape[-2] * kernel.shape[-1])
    kernel = kernel * factor.reshape(kernel.shape[-2:])
    folded = weights(layer, kernel, "depthwise_quantizer", "kernel")
    return finished(layer, depthwise(layer, x, folded), _bias(layer, shift))


def _through(description: Description | None, values: Any) -> Any:
    """Return float32 numbers, or None, through a quantiser that may be None too."""
    if description is None or values is None:
        return values
    return quantized(description, values).values.astype(np.float32)


def _folded(layer: Layer, size: int) -> tuple[Float32s, Float32s]:
    """Return the factor of the kernel, and the bias, that the statistics leave."""
    own = stored(layer, "bias", 1) if layer.config.get("use_bias", True) else None
    gamma, beta, mean, variance = _statistics(layer, "batchnorm")
    factor = _inverse(layer, variance, gamma)
    before = np.zeros(size, np.float32) if own is None else own
    return factor, factor * (before - mean) + (0 if beta is None else beta)


def _bias(layer: Layer, values: Float32s) -> Any:
    return weights(layer, values, "bias_quantizer", "bias").values


def _statistics(layer: Layer, part: str = "") -> tuple[Any, Any, Any, Any]:
    """Return gamma, beta, mean and variance; None where the layer has no such."""
    # Folding layers always have all four, whatever their configuration says.
    present = [part != "" or bool(layer.config.get(key, True)) for key in ("scale", "center")]
    places = [0, int(present[0]), sum(present), sum(present) + 1]
    found = [
        stored(layer, name, place, part) if here else None
        for name, place, here in zip(_NAMES, places, [*present, True, True], strict=True)
    ]
    if found[2] is None or found[3] is None:
        raise ValueError("its moving mean or variance is missing; save the model again")
    return found[0], found[1], found[2], found[3]


def _inverse(layer: Layer, variance: Float32s, gamma: Float32s | None) -> Float32s:
    """Return ``gamma / sqrt(variance + epsilon)`` in float32."""
    inverse = np.float32(1) / np.sqrt(variance + np.float32(layer.config["epsilon"]))
    return np.asarray(inverse if gamma is None else inverse * gamma)


def _broadcast_shape(layer: Layer, x: Any) -> tuple[int, ...]:
    axis = layer.config["axis"]
    axis = axis[0] if isinstance(axis, list) else axis
    axis = int(axis) % (x.ndim + 1) - 1
    return tuple(size if k == axis else 1 for k, size in enumerate(x.shape))
