"""Pooling over windows; scales pass through, averages are sums whose divisor joins the scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgetrig.frontends.layers.convolution import by_image
from edgetrig.frontends.layers.pooling import max_pool as neutral_max
from edgetrig.frontends.layers.pooling import sum_pool
from edgetrig.frontends.onnx.node import Argument, Node
from edgetrig.frontends.onnx.operators.convolution import windows
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.scales.scaled import (
    Scaled,
    one_scale,
    same_along,
    scaled,
    shape_of,
    times_known,
)
from edgetrig.frontends.scales.tabled import applied
from edgetrig.frontends.values import Value, exact


def max_pool(node: Node, x: Value) -> Results:
    """ONNX' ``MaxPool``; without the positions it can also return."""
    if node.outputs > 1:
        raise ValueError("its second result, the positions, is not supported")
    sizes = shape_of(x)[2:]
    window, strides, pads, dilation = _pooled(node, sizes)
    ceil = bool(node.integer("ceil_mode", 0))

    def run(v: Any) -> Any:
        pool = lambda e: neutral_max(e, window, strides, pads, dilation, ceil)  # noqa: E731
        return by_image(v, len(sizes), pool)

    return [greatest(run, x, tuple(range(2, 2 + len(sizes))))]


def _pooled(
    node: Node, sizes: Sequence[int]
) -> tuple[list[int], list[int], list[tuple[int, int]], list[int]]:
    """Return window, strides, padding and dilation of a pooling."""
    window = node.integers("kernel_shape")
    strides, pads, dilation = windows(node, sizes, window)
    if max(dilation, default=1) > 1 and node.text("auto_pad", "NOTSET").startswith("SAME"):
        # The standard pads so that the sizes stay; ONNX Runtime forgets the dilation in that.
        raise ValueError("auto_pad does not go with dilations; export it with explicit pads")
    return window, strides, pads, dilation


def greatest(run: Callable[[Any], Any], x: Value, axes: tuple[int, ...]) -> Value:
    """Return what picks the greatest elements along axes; a common scale passes through."""
    if not isinstance(x, Scaled):
        return run(exact(x))
    columns = (x.scale, x.offset, x.low, x.high)
    if not all(same_along(v, axes) for v in columns):
        return run(x.exact())
    result = run(x.array)
    index = tuple(slice(0, 1) if k in axes else slice(None) for k in range(len(x.shape)))
    if len(result.shape) == len(x.shape):
        every = [np.broadcast_to(v[index], result.shape) for v in columns]
    else:
        every = [v[index].reshape(result.shape) for v in columns]
    return Scaled(result, *every)


def average_pool(node: Node, x: Value) -> Results:
    """ONNX' ``AveragePool``."""
    sizes = shape_of(x)[2:]
    window, strides, pads, dilation = _pooled(node, sizes)
    ceil = bool(node.integer("ceil_mode", 0))
    a = one_scale(x, range(2, 2 + len(sizes)))

    def run(v: Any) -> Any:
        pool = lambda e: sum_pool(e, window, strides, pads, dilation, ceil)  # noqa: E731
        return by_image(v, len(sizes), pool)

    result = run(a.array)
    ones = np.ones((*sizes, 1))
    counted = pads
    if node.integer("count_include_pad", 0):
        ones = np.pad(ones, [*pads, (0, 0)], constant_values=1.0)
        counted = [(0, 0)] * len(sizes)
    counts = sum_pool(ones, window, strides, counted, dilation, ceil)[..., 0]
    counts = counts[tuple(slice(0, n) for n in result.shape[2:])]
    first = (slice(None), slice(None), *(slice(0, 1) for _ in sizes))
    total = scaled(result, a.scale[first], run(a.offset) if a.offset.any() else 0.0)
    return [times_known(total, 1 / counts)]


def global_max_pool(node: Node, x: Value) -> Results:
    """ONNX' ``GlobalMaxPool``."""
    axes = tuple(range(2, len(shape_of(x))))
    return [greatest(lambda v: np.max(v, axis=axes, keepdims=True), x, axes)]


def global_average_pool(node: Node, x: Value) -> Results:
    """ONNX' ``GlobalAveragePool``."""
    return [mean(x, tuple(range(2, len(shape_of(x)))), keepdims=True)]


def norm_pool(node: Node, x: Value) -> Results:
    """ONNX' ``LpPool``: sums of sizes, or roots of sums of squares."""
    sizes = shape_of(x)[2:]
    window, strides, pads, dilation = _pooled(node, sizes)
    ceil = bool(node.integer("ceil_mode", 0))
    pool = lambda e: sum_pool(e, window, strides, pads, dilation, ceil)  # noqa: E731
    return [_norm(node, lambda v: by_image(v, len(sizes), pool), exact(x))]


def global_norm_pool(node: Node, x: Value) -> Results:
    """ONNX' ``GlobalLpPool``."""
    axes = tuple(range(2, len(shape_of(x))))
    return [_norm(node, lambda v: np.sum(v, axis=axes, keepdims=True), exact(x))]


def _norm(node: Node, add: Callable[[Any], Any], x: Any) -> Value:
    order = node.integer("p", 2)
    if order not in (1, 2):
        raise ValueError(f"p={order} is not supported; 1 and 2 are")
    if order == 1:
        return add(np.abs(x))
    return applied("sqrt", np.sqrt, add(x * x), node.precision)


def total(x: Argument, axes: tuple[int, ...], keepdims: bool) -> Value:
    """Return a sum over axes."""
    a = one_scale(x, axes)
    index = tuple(slice(0, 1) if k in axes else slice(None) for k in range(len(a.shape)))
    result = np.sum(a.array, axis=axes, keepdims=keepdims)
    offset = np.sum(a.offset, axis=axes, keepdims=keepdims)
    return scaled(result, a.scale[index].reshape(offset.shape), offset)


def mean(x: Argument, axes: tuple[int, ...], keepdims: bool) -> Value:
    """Return a mean over axes."""
    count = int(np.prod([shape_of(x)[axis] for axis in axes]))
    return times_known(total(x, axes, keepdims), 1 / count)
