"""QKeras' average pooling: sums times a quantised reciprocal of the number of elements."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.convolution import channels_last, numbers, restored
from edgetrig.frontends.layers import pooling
from edgetrig.frontends.qkeras.layers.parts import activated, quantizer
from edgetrig.frontends.qkeras.weights import quantized
from edgetrig.frontends.values import Value, exact, rearranged


def average_pool(layer: Layer, x: Value) -> Value:
    """``QAveragePooling2D``."""
    x = channels_last(layer, exact(x))
    axes = x.ndim - 1
    window = numbers(layer.config["pool_size"], axes)
    strides = layer.config.get("strides")
    steps = window if strides is None else numbers(strides, axes)
    padding = str(layer.config["padding"])
    reciprocal = _reciprocal(layer, prod(window))
    if reciprocal is None:
        mean = pooling.average_pool(x, window, steps, padding, precision=layer.precision)
    else:
        counts = pooling.sum_pool(np.ones(x.shape), window, steps, padding)
        # At a padded edge Keras divides by fewer elements, and QKeras multiplies by all of them.
        factor = np.float32(reciprocal * prod(window)) / counts.astype(np.float32)
        mean = pooling.sum_pool(x, window, steps, padding) * factor.astype(np.float64)
    return activated(layer, rearranged(mean, lambda v: restored(layer, v)))


def global_average_pool(layer: Layer, x: Value) -> Value:
    """``QGlobalAveragePooling2D``."""
    x = exact(x)
    first = layer.config.get("data_format") == "channels_first"
    axes = tuple(range(1, x.ndim)) if first else tuple(range(x.ndim - 1))
    keepdims = bool(layer.config.get("keepdims"))
    reciprocal = _reciprocal(layer, prod(x.shape[axis] for axis in axes))
    if reciprocal is None:
        return activated(layer, pooling.mean(x, axes, keepdims, layer.precision))
    return activated(layer, np.sum(x, axis=axes, keepdims=keepdims) * reciprocal)


def _reciprocal(layer: Layer, count: int) -> Any:
    """Return ``1 / count`` through the layer's quantiser, None if it has none."""
    description = quantizer(layer, "average_quantizer")
    if description is None:
        return None
    return float(quantized(description, np.asarray([1 / count], np.float32)).values.item())
