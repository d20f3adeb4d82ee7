"""Scales that QKeras finds from the weights themselves (``alpha="auto"`` and ``"auto_po2"``).

All in float32, as QKeras computes; sums over a channel may differ from TensorFlow's in the last
bit, which shows in an "auto" scale and, for a power of two, only next to a tie of its logarithm.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float32s = NDArray[np.float32]

EPSILON: Final = np.float32(1e-7)
"""Keras' smallest number."""


def scale_axes(scale_axis: int | list[int] | None, rank: int) -> tuple[int, ...]:
    """Return the axes that share a scale: all but ``scale_axis``, or all but the last."""
    kept = [rank - 1] if scale_axis is None else np.atleast_1d(scale_axis).tolist()
    return tuple(axis for axis in range(rank) if axis not in kept)


def power_of_two(scale: Float32s) -> Float32s:
    """Return the power of two that is nearest on a logarithmic axis."""
    exponent = np.rint(np.log(scale + EPSILON) / np.float32(np.log(2.0)))
    return np.asarray(np.exp2(exponent), np.float32)


def least_squares(
    alpha: Any,
    x: Float32s,
    codes: Float32s,
    scale_axis: int | list[int] | None = None,
    group: int | list[int] | None = None,
    exponents: tuple[int | None, int | None] = (None, None),
) -> Float32s:
    """Return the scale per channel that brings ``codes`` nearest to ``x``.

    Parameters
    ----------
    alpha
        "auto", "auto_po2", a number or an array (returned as it is), or None (1).
    x, codes
        Weights, and the integers that stand for them.
    scale_axis
        Axis, or axes, along which scales differ; the last by default.
    group
        Neighbours along ``scale_axis`` that share a scale.
    exponents
        Bounds of a power of two's exponent.
    """
    if not isinstance(alpha, str):
        return np.asarray(1.0 if alpha is None else alpha, np.float32)
    if x.ndim > 1:
        xq, qq = (_means(values, scale_axis, group) for values in (x * codes, codes * codes))
    else:
        xq, qq = x * codes, codes * codes
    scale = np.asarray(xq / (qq + EPSILON), np.float32)
    if alpha == "auto":
        return scale
    lo, hi = (None if e is None else np.float32(2.0**e) for e in exponents)
    return np.asarray(np.clip(power_of_two(scale), lo, hi), np.float32)


def _means(values: Float32s, scale_axis: Any, group: Any) -> Float32s:
    if group is None:
        axes = scale_axes(scale_axis, values.ndim)
        return np.asarray(np.mean(values, axis=axes, keepdims=True, dtype=np.float32))
    if scale_axis is None:
        raise ValueError("its elements_per_scale needs a scale_axis")
    axes = np.atleast_1d(scale_axis).tolist()
    groups = np.broadcast_to(group, len(axes)).tolist()
    shape: list[int] = []
    kept = []
    for axis, size in enumerate(values.shape):
        width = groups[axes.index(axis)] if axis in axes else 1
        if width < 1 or size % width:
            raise ValueError(f"its elements_per_scale {width} does not divide {size}")
        if axis in axes:
            kept.append(len(shape))
        shape += [size // width, width]
    shared = tuple(axis for axis in range(len(shape)) if axis not in kept)
    means = np.mean(values.reshape(shape), axis=shared, keepdims=True, dtype=np.float32)
    means = means.reshape(means.shape[::2])
    for axis, width in zip(axes, groups, strict=True):
        means = np.repeat(means, width, axis=axis)
    return np.asarray(means, np.float32)
