"""Convolutions of Keras and HGQ2: their options, weights and axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.activation import activated
from edgetrig.frontends.layers import convolution as neutral
from edgetrig.frontends.values import Value


def channels_last(layer: Layer, x: Any) -> Any:
    """Return an array with its channels behind."""
    return np.moveaxis(x, 0, -1) if layer.config.get("data_format") == "channels_first" else x


def restored(layer: Layer, x: Any) -> Any:
    """Return an array with its channels where the layer has them."""
    return np.moveaxis(x, -1, 0) if layer.config.get("data_format") == "channels_first" else x


def numbers(value: Any, axes: int) -> tuple[int, ...]:
    """Return one whole number an axis, from a list or one number for all."""
    values = value if isinstance(value, list | tuple) else [value] * axes
    if len(values) != axes:
        raise ValueError(f"{value} does not fit {axes} axes")
    return tuple(int(v) for v in values)


def convolution(layer: Layer, x: Value) -> Value:
    """Keras' ``Conv1D`` to ``Conv3D`` and HGQ2's."""
    x = channels_last(layer, layer.quantized(x))
    groups = int(layer.config.get("groups", 1))
    window = numbers(layer.config["kernel_size"], x.ndim - 1)
    filters = int(layer.config["filters"])
    kernel = layer.weight(0, (*window, x.shape[-1] // groups, filters))
    x = neutral.convolution(x, layer.quantized_weight(kernel, "kq"), groups=groups, **_steps(layer))
    return _finished(layer, x, 1)


def depthwise_convolution(layer: Layer, x: Value) -> Value:
    """Keras' ``DepthwiseConv1D`` and ``DepthwiseConv2D``."""
    x = channels_last(layer, layer.quantized(x))
    return _finished(layer, _depthwise(layer, x, "kernel"), 1)


def separable_convolution(layer: Layer, x: Value) -> Value:
    """Keras' ``SeparableConv1D`` and ``SeparableConv2D``: first each channel by itself."""
    x = channels_last(layer, layer.quantized(x))
    x = layer.precision.inner(_depthwise(layer, x, "depthwise"), "depthwise")
    ones = (1,) * (x.ndim - 1)
    kernel = layer.weight(1, (*ones, x.shape[-1], int(layer.config["filters"])))
    x = x @ layer.precision.weight(kernel, "kernel").reshape(kernel.shape[-2:])
    return _finished(layer, x, 2)


def transposed_convolution(layer: Layer, x: Value) -> Value:
    """Keras' ``Conv1DTranspose`` to ``Conv3DTranspose``."""
    x = channels_last(layer, layer.quantized(x))
    axes = x.ndim - 1
    window = numbers(layer.config["kernel_size"], axes)
    strides = numbers(layer.config["strides"], axes)
    dilation = numbers(layer.config["dilation_rate"], axes)
    more = layer.config.get("output_padding")
    extra = [None] * axes if more is None else numbers(more, axes)
    kernel = layer.weight(0, (*window, int(layer.config["filters"]), x.shape[-1]))
    kernel = np.swapaxes(kernel, -1, -2)
    padding = [
        _cut(str(layer.config["padding"]), *axis)
        for axis in zip(window, strides, dilation, extra, strict=True)
    ]
    x = neutral.transposed_convolution(
        x,
        layer.quantized_weight(kernel, "kq"),
        strides=strides,
        padding=padding,
        dilation=dilation,
    )
    return _finished(layer, x, 1)


def _steps(layer: Layer) -> dict[str, Any]:
    axes = len(layer.config["kernel_size"])
    return {
        "strides": numbers(layer.config["strides"], axes),
        "padding": str(layer.config["padding"]),
        "dilation": numbers(layer.config["dilation_rate"], axes),
    }


def _depthwise(layer: Layer, x: Any, role: str) -> Any:
    channels, axes = x.shape[-1], x.ndim - 1
    window = numbers(layer.config["kernel_size"], axes)
    kernel = layer.weight(0, (*window, channels, int(layer.config["depth_multiplier"])))
    values = layer.precision.weight(kernel, role).reshape((*window, 1, -1))
    return neutral.convolution(x, values, groups=channels, **_steps(layer))


def _cut(
    padding: str, window: int, stride: int, dilation: int, extra: int | None
) -> tuple[int, int]:
    """Return what Keras cuts off both ends of the full transposed convolution.

    As Keras' JAX backend pads: the full one has ``size - 1`` zeros on both sides.
    """
    size = (window - 1) * dilation + 1
    if padding == "valid":
        return 0, -(max(size, stride) - size if extra is None else extra)
    if padding != "same":
        raise ValueError(f"padding '{padding}' is unknown; use valid or same")
    total = stride + size - 2 if extra is None else size + size % 2 - 2 + extra
    before = min(total // 2 + total % 2, size - 1)
    return size - 1 - before, size - 1 - (total - before)


def _finished(layer: Layer, x: Any, bias: int) -> Value:
    """Add the bias, which is variable number ``bias``, and activate."""
    if layer.config.get("use_bias", True):
        x = x + layer.quantized_weight(layer.weight(bias, (x.shape[-1],)), "bq")
    return activated(layer, restored(layer, x))
