"""Pooling over one to three axes, channels last; global pooling is a reduction over axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from edgetrig.frontends.layers.convolution import Padding, padded, taps
from edgetrig.frontends.layers.inner import divided
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Ints
from edgetrig.frontends.values import Value


def max_pool(
    x: Any,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Padding = "valid",
    dilation: Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Any:
    """Return the greatest element of every window; padding is never the greatest.

    Parameters
    ----------
    x
        Exact array of shape (*sizes, channels).
    window, strides, dilation
        Of each axis; dilation is 1 if left out.
    padding
        See `padded`.
    ceil_mode
        Whether a last window that is not whole counts.

    Raises
    ------
    ValueError
        If a window does not fit, or lies in the padding altogether.
    """
    for axis, index in enumerate(_windows(x, window, strides, padding, dilation, ceil_mode)):
        if (index < 0).all(axis=1).any():
            raise ValueError("a pooling window lies in the padding altogether")
        inside = np.where(index < 0, index.max(axis=1, keepdims=True), index)  # a repeated element
        x = np.max(np.take(x, inside, axis=axis), axis=axis + 1)
    return x


def sum_pool(
    x: Any,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Padding = "valid",
    dilation: Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Any:
    """Return the sum of every window; arguments as for `max_pool`."""
    for axis, index in enumerate(_windows(x, window, strides, padding, dilation, ceil_mode)):
        end = x.shape[axis]
        if (index < 0).any():
            x = np.pad(x, [(0, int(k == axis)) for k in range(x.ndim)])
        x = np.sum(np.take(x, np.where(index < 0, end, index), axis=axis), axis=axis + 1)
    return x


def average_pool(
    x: Any,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Padding = "valid",
    dilation: Sequence[int] | None = None,
    ceil_mode: bool = False,
    count_padding: bool = False,
    precision: Precision = AS_IS,
) -> Value:
    """Return the mean of every window; arguments as for `max_pool`.

    Parameters
    ----------
    count_padding
        Whether zeros of the padding count as elements (but never what ``ceil_mode`` adds behind
        the padding).
    precision
        Rounds means over a number of elements that is no power of two.
    """
    indices = _windows(x, window, strides, padding, dilation, ceil_mode)
    total = sum_pool(x, window, strides, padding, dilation, ceil_mode)
    if count_padding:
        sizes = x.shape[:-1]
        pads = padded(padding, sizes, window, strides, dilation or (1,) * len(sizes))
        wider = [size + sum(pad) for size, pad in zip(sizes, pads, strict=True)]
        whole = zip(wider, window, strides, dilation or (1,) * len(sizes), strict=True)
        indices = [
            taps(size, k, s, (0, 0), d, ceil=ceil_mode)[: len(index)]
            for (size, k, s, d), index in zip(whole, indices, strict=True)
        ]
    counts = [(index >= 0).sum(axis=1) for index in indices]
    every = reduce(np.multiply.outer, counts)[..., None]
    return _quotients(total, np.broadcast_to(every, total.shape), precision)


def _quotients(total: Any, counts: Ints, precision: Precision) -> Value:
    """Return element by element quotients; windows at an edge may count fewer elements."""
    values = sorted({int(count) for count in counts.ravel()})
    if len(values) == 1:
        return divided(total, values[0], precision)
    if all(count & (count - 1) == 0 for count in values):
        return precision.inner(total * (1.0 / counts), "mean")
    # Each element's own divisor: the sum is brought to the common multiple's denominator.
    common = int(np.lcm.reduce(values))
    return divided(total * (common // counts).astype(np.float64), common, precision)


def mean(
    x: Any, axes: Sequence[int], keepdims: bool = False, precision: Precision = AS_IS
) -> Value:
    """Return the mean over axes, to be quantised where their size is no power of two."""
    axes = tuple(axis % x.ndim for axis in axes)
    count = int(np.prod([x.shape[axis] for axis in axes]))
    return divided(np.sum(x, axis=axes, keepdims=keepdims), count, precision)


def _windows(
    x: Any,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Padding,
    dilation: Sequence[int] | None,
    ceil_mode: bool,
) -> list[Ints]:
    """Return which elements the windows read along each axis."""
    sizes = x.shape[:-1]
    dilation = (1,) * len(sizes) if dilation is None else dilation
    pads = padded(padding, sizes, window, strides, dilation)
    axes = zip(sizes, window, strides, pads, dilation, strict=True)
    return [taps(*axis, ceil=ceil_mode) for axis in axes]
