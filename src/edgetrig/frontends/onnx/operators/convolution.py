"""Convolutions: ONNX' axes (events, channels, *sizes) brought to (*sizes, channels) and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgetrig.frontends.layers.convolution import (
    by_image,
    convolution,
    transposed_convolution,
)
from edgetrig.frontends.onnx.node import Argument, Node, argument
from edgetrig.frontends.onnx.operators.elementwise import plus
from edgetrig.frontends.onnx.operators.shape import Results, moved
from edgetrig.frontends.scales.scaled import (
    Float64s,
    Known,
    bounded_shape,
    one_scale,
    scaled,
    shape_of,
)
from edgetrig.frontends.values import Value

Pads = list[tuple[int, int]]


def windows(
    node: Node, sizes: Sequence[int], window: Sequence[int]
) -> tuple[list[int], Pads, list[int]]:
    """Return strides, padding and dilation of a convolution or a pooling."""
    axes = len(sizes)
    strides = node.integers("strides", [1] * axes)
    dilation = node.integers("dilations", [1] * axes)
    given = node.integers("pads", [0] * (2 * axes))
    if not len(strides) == len(dilation) == len(window) == axes or len(given) != 2 * axes:
        raise ValueError(f"its strides, pads or dilations do not have {axes} axes")
    if min((*strides, *dilation, *window), default=1) < 1:
        raise ValueError("a window, stride or dilation is not positive")
    auto = node.text("auto_pad", "NOTSET")
    if auto in ("NOTSET", ""):
        pads = list(zip(given[:axes], given[axes:], strict=True))
    elif auto == "VALID":
        pads = [(0, 0)] * axes
    else:
        pads = [
            same(auto, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
            for n, k, s, d in zip(sizes, window, strides, dilation, strict=True)
        ]
    bounded_shape([n + max(sum(pad), 0) for n, pad in zip(sizes, pads, strict=True)])
    return strides, pads, dilation


def same(auto: str, total: int) -> tuple[int, int]:
    """Return the padding before and after an axis: the odd element comes last for SAME_UPPER."""
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"auto_pad {auto!r} is not supported")
    total = max(total, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if auto == "SAME_UPPER" else (large, small)


def conv(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Conv`` over one, two or three axes."""
    x, w, bias = arguments[0], arguments[1], argument(arguments, 2)
    kernel, scale = _kernel(node, w)
    sizes = shape_of(x)[2:]
    strides, pads, dilation = windows(node, sizes, kernel.shape[2:])
    groups = node.integer("group", 1)

    def run(v: Any, k: Float64s) -> Any:
        k = np.moveaxis(k, (0, 1), (-1, -2))
        return by_image(
            v,
            len(sizes),
            lambda e: convolution(
                e, k, strides=strides, padding=pads, dilation=dilation, groups=groups
            ),
        )

    return [_biased(node, _linear(run, x, kernel, scale, 0), bias)]


def _kernel(node: Node, w: Argument) -> tuple[Float64s, Float64s]:
    if not isinstance(w, Known):
        raise ValueError("its kernel must be constant")
    kernel, scale = node.weight(w, "kernel")
    if kernel.ndim < 3:
        raise ValueError(f"a kernel of shape {kernel.shape} is none of a convolution")
    return kernel, scale


def _linear(
    run: Callable[[Any, Float64s], Any], x: Argument, kernel: Float64s, scale: Float64s, axis: int
) -> Value:
    """Return a convolution of whole numbers; each filter, on ``axis``, has its own scale."""
    others = tuple(k for k in range(kernel.ndim) if k != axis)
    w = one_scale(Known(kernel, scale), others)
    a = one_scale(x)
    filters = w.scale[tuple(slice(None) if k == axis else slice(0, 1) for k in range(kernel.ndim))]
    result = run(a.array, w.array)
    factor = filters.ravel().reshape((1, -1) + (1,) * (kernel.ndim - 2))
    one = a.scale.ravel()[0] if a.scale.size else 1.0
    offset = run(a.offset, w.array) * factor if a.offset.any() else 0.0
    if factor.shape[1] != result.shape[1]:  # filters of several groups share a place on the axis
        factor = np.tile(factor, (1, result.shape[1] // factor.shape[1], *[1] * (kernel.ndim - 2)))
    return scaled(result, factor * one, offset)


def _biased(node: Node, x: Value, bias: Argument) -> Value:
    if bias is None:
        return x
    axes = len(x.shape) - 2
    return plus(node, x, moved(bias, lambda v: v.reshape((1, -1) + (1,) * axes)))


def conv_transpose(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``ConvTranspose`` over one, two or three axes."""
    x, w, bias = arguments[0], arguments[1], argument(arguments, 2)
    kernel, scale = _kernel(node, w)
    groups = node.integer("group", 1)
    sizes = shape_of(x)[2:]
    axes = len(sizes)
    strides = node.integers("strides", [1] * axes)
    dilation = node.integers("dilations", [1] * axes)
    pads = _cut(node, sizes, kernel.shape[2:], strides, dilation)
    channels, filters = kernel.shape[:2]
    if groups < 1 or channels % groups:
        raise ValueError(f"{channels} channels do not fall into {groups} groups")

    def run(v: Any, k: Float64s) -> Any:
        split = k.reshape((groups, channels // groups, filters, *k.shape[2:]))
        k = np.moveaxis(split, (1, 0, 2), (-3, -2, -1))
        k = k.reshape((*k.shape[:-2], groups * filters))
        return by_image(
            v,
            len(sizes),
            lambda e: transposed_convolution(
                e, k, strides=strides, padding=pads, dilation=dilation, groups=groups
            ),
        )

    return [_biased(node, _linear(run, x, kernel, scale, 1), bias)]


def _cut(
    node: Node,
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
) -> Pads:
    """Return what a transposed convolution cuts off its full result."""
    axes = len(sizes)
    extra = node.integers("output_padding", [0] * axes)
    given = node.integers("pads", [0] * (2 * axes))
    auto = node.text("auto_pad", "NOTSET")
    wanted = node.attributes.get("output_shape")
    if auto in ("SAME_UPPER", "SAME_LOWER") and wanted is None:
        wanted = [n * s for n, s in zip(sizes, strides, strict=True)]
    bounded_shape(
        [n * s + k * d for n, s, k, d in zip(sizes, strides, window, dilation, strict=True)]
    )
    if wanted is None:
        return [(given[k], given[axes + k] - extra[k]) for k in range(axes)]
    pads = []
    for k, target in enumerate(list(wanted)[-axes:]):
        full = strides[k] * (sizes[k] - 1) + (window[k] - 1) * dilation[k] + 1 + extra[k]
        total = max(full - int(target), 0)
        before = total // 2 if auto == "SAME_UPPER" else total - total // 2
        pads.append((before, total - before - extra[k]))
    return pads
