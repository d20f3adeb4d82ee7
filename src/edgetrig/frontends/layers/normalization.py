"""Normalisations: batch norm folded into one factor and one offset; the others at run time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.layers.inner import rounded, tabulated
from edgetrig.frontends.layers.pooling import mean as mean_over
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats

Float32s = NDArray[np.float32]


def inverse_deviation(variance: Float32s, epsilon: Any) -> Float32s:
    """Return ``1 / sqrt(variance + epsilon)`` in float32."""
    deviation: Float32s = np.sqrt(variance + np.float32(epsilon))
    return np.float32(1) / deviation


def along(values: Any, axis: int, rank: int) -> Any:
    """Return one number a channel in the shape that meets an array of a rank at ``axis``."""
    shape = [1] * rank
    shape[axis] = -1
    return np.reshape(values, shape)


def batch_norm(
    x: Any,
    mean: Floats,
    variance: Floats,
    gamma: Floats | None,
    beta: Floats | None,
    epsilon: float,
    axis: int = -1,
    precision: Precision = AS_IS,
) -> Any:
    """Return ``(x - mean) / sqrt(variance + epsilon) * gamma + beta`` of an exact array.

    Factor and offset are folded in float32, and go through ``precision`` as "scale" and "bias".
    ``axis`` is the channels', without the event axis.
    """
    factor = inverse_deviation(variance.astype(np.float32), epsilon)
    if gamma is not None:
        factor = gamma.astype(np.float32) * factor
    offset = -mean.astype(np.float32) * factor
    if beta is not None:
        offset = beta.astype(np.float32) + offset
    scale = along(precision.weight(factor, "scale"), axis, x.ndim)
    return x * scale + along(precision.weight(offset, "bias"), axis, x.ndim)


def layer_norm(
    x: Any,
    axes: Sequence[int],
    gamma: Floats | None = None,
    beta: Floats | None = None,
    epsilon: float = 1e-3,
    precision: Precision = AS_IS,
) -> Any:
    """Return an exact array less its mean over axes, over its deviation, times gamma plus beta.

    ``precision`` has types for the roles "mean", "variance" and "inverse"; gamma ("scale") and
    beta ("bias") broadcast against ``x``.

    Raises
    ------
    ValueError
        If the precision has no types.
    """

    def normalized(v: Any) -> Any:
        average = rounded(mean_over(v, axes, keepdims=True), "mean", precision)
        return _over_root_mean_square(v - average, axes, epsilon, precision)

    result = _composed(normalized, x, axes, epsilon, precision)
    return _scaled(result, gamma, beta, precision)


def rms_norm(
    x: Any,
    axes: Sequence[int],
    gamma: Floats | None = None,
    beta: Floats | None = None,
    epsilon: float = 1e-6,
    precision: Precision = AS_IS,
) -> Any:
    """Return an exact array over the root of its mean square over axes, as `layer_norm` does."""

    def normalized(v: Any) -> Any:
        return _over_root_mean_square(v, axes, epsilon, precision)

    result = _composed(normalized, x, axes, epsilon, precision)
    return _scaled(result, gamma, beta, precision)


def unit_norm(
    x: Any,
    axes: Sequence[int],
    epsilon: float = 1e-12,
    precision: Precision = AS_IS,
    order: int = 2,
) -> Any:
    """Return an exact array over the norm of its elements along axes, if that is not 0.

    The norm is the sum of sizes (order 1), or the root of the sum of squares (order 2); sums are at
    least ``epsilon``. ``precision`` has types for the roles "sum" and "inverse".
    """
    parts = x * x if order == 2 else np.abs(x)
    total = rounded(np.sum(parts, axis=tuple(axes), keepdims=True), "sum", precision)

    def function(v: Floats) -> Floats:
        v = np.maximum(v, epsilon)
        inverse = 1 / np.where(v > 0, v, 1)
        return np.asarray(np.sqrt(inverse) if order == 2 else inverse)

    name = "inverse root" if order == 2 else "reciprocal"
    inverse = tabulated(name, function, total, "inverse", precision)
    return precision.within(x * inverse, -1, 1)


def group_norm(
    x: Any,
    groups: int,
    gamma: Floats | None = None,
    beta: Floats | None = None,
    epsilon: float = 1e-3,
    precision: Precision = AS_IS,
) -> Any:
    """Return an exact array (*positions, channels) normalised within each group of channels.

    gamma and beta have one number a channel.
    """
    channels = x.shape[-1]
    if groups < 1 or channels % groups:
        raise ValueError(f"{channels} channels do not fall into {groups} groups")
    parts = x.reshape((*x.shape[:-1], groups, channels // groups))
    axes = (*range(x.ndim - 1), x.ndim)
    whole = layer_norm(parts, axes, None, None, epsilon, precision)
    return _scaled(whole.reshape(x.shape), gamma, beta, precision)


def instance_norm(
    x: Any,
    gamma: Floats | None = None,
    beta: Floats | None = None,
    epsilon: float = 1e-5,
    precision: Precision = AS_IS,
) -> Any:
    """Return an exact array (*positions, channels), each channel normalised by itself."""
    return group_norm(x, x.shape[-1], gamma, beta, epsilon, precision)


def _over_root_mean_square(
    x: Any, axes: Sequence[int], epsilon: float, precision: Precision
) -> Any:
    def function(v: Floats) -> Floats:
        return np.asarray(1 / np.sqrt(np.maximum(v, 0) + epsilon))

    square = rounded(mean_over(x * x, axes, keepdims=True), "variance", precision)
    inverse = tabulated("inverse root", function, square, "inverse", precision)
    count = x.size // max(square.size, 1)
    result = precision.normalized(x, square, inverse, count, epsilon)
    return precision.within(result, -np.sqrt(count), np.sqrt(count))


def _composed(
    function: Callable[[Any], Any],
    x: Any,
    axes: Sequence[int],
    epsilon: float,
    precision: Precision,
) -> Any:
    """Return a normalised array, and say how much it changes when its elements change.

    The derivatives are projections over ``sqrt(variance + epsilon)``: as vectors over the axes,
    results change by no more than arguments over ``sqrt(epsilon)``.
    """

    def change(error: Floats) -> Floats:
        length = np.sqrt(np.sum(error**2, axis=tuple(axes), keepdims=True))
        return np.broadcast_to(length / np.sqrt(epsilon), error.shape)

    most = np.sqrt(np.prod([x.shape[axis] for axis in axes]))
    return precision.within(precision.composed(function, x, change), -most, most)


def _scaled(x: Any, gamma: Floats | None, beta: Floats | None, precision: Precision) -> Any:
    if gamma is not None:
        x = x * precision.weight(gamma, "scale")
    return x if beta is None else x + precision.weight(beta, "bias")
