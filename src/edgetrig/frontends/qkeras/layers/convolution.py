"""QKeras' convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.convolution import (
    channels_last,
    numbers,
    restored,
)
from edgetrig.frontends.layers import convolution as neutral
from edgetrig.frontends.qkeras.layers.parts import activated, bias, scaled, weights
from edgetrig.frontends.qkeras.weights import Weights
from edgetrig.frontends.values import Value, exact


def convolution(layer: Layer, x: Value) -> Value:
    """``QConv1D`` and ``QConv2D``."""
    x = channels_last(layer, exact(x))
    kernel = weights(layer, kernel_of(layer, x), "kernel_quantizer", "kernel")
    return finished(layer, convolved(layer, x, kernel), bias(layer, 1, kernel.codes.shape[-1]))


def kernel_of(layer: Layer, x: Any) -> Any:
    """Return the stored kernel of a convolution of ``x``."""
    groups = int(layer.config.get("groups", 1))
    window = numbers(layer.config["kernel_size"], x.ndim - 1)
    return layer.weight(0, (*window, x.shape[-1] // groups, int(layer.config["filters"])))


def convolved(layer: Layer, x: Any, kernel: Weights) -> Any:
    """Return the sums of a convolution."""
    values, factor = kernel.split()
    mask = layer.config.get("mask")
    if mask is not None:
        values = values * np.asarray(mask, np.float64).reshape((*values.shape[:2], 1, 1))
    groups = int(layer.config.get("groups", 1))
    return scaled(neutral.convolution(x, values, groups=groups, **_steps(layer)), factor)


def depthwise_convolution(layer: Layer, x: Value) -> Value:
    """``QDepthwiseConv2D``."""
    x = channels_last(layer, exact(x))
    kernel = weights(layer, depthwise_kernel_of(layer, x), "depthwise_quantizer", "kernel")
    x = depthwise(layer, x, kernel)
    return finished(layer, x, bias(layer, 1, x.shape[-1]))


def depthwise_kernel_of(layer: Layer, x: Any) -> Any:
    """Return the stored kernel of a depthwise convolution of ``x``."""
    window = numbers(layer.config["kernel_size"], x.ndim - 1)
    return layer.weight(0, (*window, x.shape[-1], int(layer.config["depth_multiplier"])))


def depthwise(layer: Layer, x: Any, kernel: Weights) -> Any:
    """Return the sums of a depthwise convolution; filters of one channel stand together."""
    values, factor = kernel.split()
    flat = values.reshape((*values.shape[:-2], 1, -1))
    return scaled(neutral.convolution(x, flat, groups=x.shape[-1], **_steps(layer)), factor)


def separable_convolution(layer: Layer, x: Value) -> Value:
    """``QSeparableConv1D`` and ``QSeparableConv2D``: each channel by itself, then a product."""
    x = channels_last(layer, exact(x))
    kernel = weights(layer, depthwise_kernel_of(layer, x), "depthwise_quantizer", "depthwise")
    x = depthwise(layer, x, kernel)
    filters = int(layer.config["filters"])
    stored = layer.weight(1, (*(1,) * (x.ndim - 1), x.shape[-1], filters))
    values, factor = weights(layer, stored, "pointwise_quantizer", "kernel").split()
    x = scaled(x @ values.reshape(values.shape[-2:]), factor)
    return finished(layer, x, bias(layer, 2, filters))


def transposed_convolution(layer: Layer, x: Value) -> Value:
    """``QConv2DTranspose``; QKeras builds it without its output padding."""
    x = channels_last(layer, exact(x))
    axes, filters = x.ndim - 1, int(layer.config["filters"])
    window, strides, dilation = (
        numbers(layer.config[key], axes) for key in ("kernel_size", "strides", "dilation_rate")
    )
    stored = layer.weight(0, (*window, filters, x.shape[-1]))
    kernel = weights(layer, stored, "kernel_quantizer", "kernel").values
    padding = [
        _cut(str(layer.config["padding"]), (k - 1) * d + 1, s)
        for k, s, d in zip(window, strides, dilation, strict=True)
    ]
    x = neutral.transposed_convolution(
        x, np.swapaxes(kernel, -1, -2), strides=strides, padding=padding, dilation=dilation
    )
    return finished(layer, x, bias(layer, 1, filters))


def _steps(layer: Layer) -> dict[str, Any]:
    axes = len(layer.config["kernel_size"])
    return {
        "strides": numbers(layer.config["strides"], axes),
        "padding": str(layer.config["padding"]).lower(),
        "dilation": numbers(layer.config["dilation_rate"], axes),
    }


def _cut(padding: str, window: int, stride: int) -> tuple[int, int]:
    """Return what TensorFlow cuts off both ends of the full transposed convolution."""
    if padding == "valid":
        return 0, min(window - stride, 0)
    if padding != "same":
        raise ValueError(f"padding '{padding}' is unknown; use valid or same")
    before = max(window - stride, 0) // 2
    return before, window - stride - before


def finished(layer: Layer, x: Any, shift: Any) -> Value:
    """Add the bias and activate."""
    return activated(layer, restored(layer, x + shift))
