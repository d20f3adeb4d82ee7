"""Pooling layers of Keras and HGQ2."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.convolution import channels_last, numbers, restored
from edgetrig.frontends.layers import pooling
from edgetrig.frontends.values import Value, rearranged


def max_pool(layer: Layer, x: Value) -> Value:
    """Keras' ``MaxPooling1D`` to ``MaxPooling3D`` and HGQ2's."""
    x = channels_last(layer, layer.quantized(x))
    return restored(layer, pooling.max_pool(x, *_windows(layer, x)))


def average_pool(layer: Layer, x: Value) -> Value:
    """Keras' ``AveragePooling1D`` to ``AveragePooling3D`` and HGQ2's; padding does not count."""
    x = channels_last(layer, layer.quantized(x))
    window, strides, padding = _windows(layer, x)
    mean = pooling.average_pool(x, window, strides, padding, precision=layer.precision)
    return rearranged(mean, lambda v: restored(layer, v))


def global_max_pool(layer: Layer, x: Value) -> Value:
    """Keras' ``GlobalMaxPooling1D`` to ``GlobalMaxPooling3D`` and HGQ2's."""
    x = layer.quantized(x)
    return np.max(x, axis=_positions(layer, x), keepdims=_keepdims(layer))


def global_average_pool(layer: Layer, x: Value) -> Value:
    """Keras' ``GlobalAveragePooling1D`` to ``GlobalAveragePooling3D`` and HGQ2's."""
    x = layer.quantized(x)
    return pooling.mean(x, _positions(layer, x), _keepdims(layer), layer.precision)


def _windows(layer: Layer, x: Any) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    axes = x.ndim - 1
    window = numbers(layer.config["pool_size"], axes)
    strides = layer.config.get("strides")
    steps = window if strides is None else numbers(strides, axes)
    return window, steps, str(layer.config["padding"])


def _positions(layer: Layer, x: Any) -> tuple[int, ...]:
    """Return the axes that are not the channels'."""
    first = layer.config.get("data_format") == "channels_first"
    return tuple(range(1, x.ndim)) if first else tuple(range(x.ndim - 1))


def _keepdims(layer: Layer) -> bool:
    return bool(layer.config.get("keepdims"))
