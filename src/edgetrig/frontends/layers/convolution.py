"""Convolutions of one to three axes, channels last, unrolled: one matrix product over windows.

Arrays are (*positions, channels). A window's taps are gathered by index, one axis at a time; a tap
outside the array reads 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.frontends.quantizer import Floats, Ints

Padding = Sequence[tuple[int, int]]
"""Elements added before and after, for each axis; negative numbers cut."""

LARGEST: Final = 1 << 22
"""Most products that one layer may unroll into."""


def padded(
    padding: str | Padding,
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """Return the elements added before and after each axis.

    Parameters
    ----------
    padding
        "valid"; "same" (outputs are ceil(size / stride), the odd element comes last, as in Keras
        and ONNX's SAME_UPPER); "causal" (all in front); or pairs, returned as they are.
    sizes, window, strides, dilation
        Of each axis.

    Raises
    ------
    ValueError
        If the padding is unknown.
    """
    if not isinstance(padding, str):
        return tuple((int(before), int(after)) for before, after in padding)
    if padding == "valid":
        return ((0, 0),) * len(sizes)
    reach = [(k - 1) * d for k, d in zip(window, dilation, strict=True)]
    if padding == "causal":
        return tuple((r, 0) for r in reach)
    if padding != "same":
        raise ValueError(f"padding '{padding}' is unknown; use valid, same or causal")
    pairs = []
    for size, stride, r in zip(sizes, strides, reach, strict=True):
        total = max((-(-size // stride) - 1) * stride + r + 1 - size, 0)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def taps(
    size: int, window: int, stride: int, pad: tuple[int, int], dilation: int, *, ceil: bool = False
) -> Ints:
    """Return which elements of an axis every window reads, (positions, window); -1 is outside.

    With ``ceil``, a last window that is not whole counts too if it starts before the padding
    behind the axis.

    Raises
    ------
    ValueError
        If the window does not fit once.
    """
    if min(window, stride, dilation) < 1:
        raise ValueError(f"window {window}, stride {stride}, dilation {dilation} must be positive")
    room = size + sum(pad) - dilation * (window - 1) - 1
    count = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= size + pad[0]:
        count -= 1
    if count < 1:
        raise ValueError(f"a window of {dilation * (window - 1) + 1} does not fit {size} elements")
    return _inside(_grid(count, window, stride, dilation) - pad[0], size)


def _grid(count: int, window: int, stride: int, dilation: int) -> Ints:
    if count * window > LARGEST:
        raise ValueError(f"{count} windows of {window} are too many to unroll")
    return np.arange(count)[:, None] * stride + np.arange(window) * dilation


def _inside(index: Ints, size: int) -> Ints:
    return np.where((index >= 0) & (index < size), index, -1)


def gathered(x: Any, indices: Sequence[Ints]) -> Any:
    """Return the windows of an array: (*positions, *window, channels), 0 where an index is -1."""
    axes = len(indices)
    elements = prod(index.size for index in indices) * x.shape[-1]
    if elements > LARGEST:
        raise ValueError(f"windows of {elements} elements in all are too many to unroll")
    outside = [int((index < 0).any()) for index in indices]
    if any(outside):
        x = np.pad(x, [(0, out) for out in outside] + [(0, 0)])
    for axis, index in enumerate(indices):
        x = np.take(x, np.where(index < 0, x.shape[2 * axis] - 1, index), axis=2 * axis)
    order = [*range(0, 2 * axes, 2), *range(1, 2 * axes, 2), 2 * axes]
    return np.transpose(x, order)


def convolution(
    x: Any,
    kernel: Floats,
    *,
    strides: Sequence[int],
    padding: str | Padding,
    dilation: Sequence[int],
    groups: int = 1,
) -> Any:
    """Return the convolution (in the words of machine learning: no flip) of an exact array.

    Parameters
    ----------
    x
        Shape (*sizes, channels).
    kernel
        Shape (*window, channels // groups, filters).
    strides, dilation
        Of each axis.
    padding
        See `padded`.
    groups
        Filters and channels fall into as many parts that do not see each other; as many groups as
        channels make a depthwise convolution.

    Returns
    -------
    array
        Shape (*positions, filters).

    Raises
    ------
    ValueError
        If the shapes do not fit or the unrolled layer is too large.
    """
    sizes, window = _checked(x, kernel, strides, dilation, groups)
    pads = padded(padding, sizes, window, strides, dilation)
    axes = zip(sizes, window, strides, pads, dilation, strict=True)
    return _product(x, [taps(*axis) for axis in axes], kernel, groups)


def transposed_convolution(
    x: Any,
    kernel: Floats,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
    groups: int = 1,
) -> Any:
    """Return the transposed convolution: ``y[stride i + dilation t - before] += x[i] kernel[t]``.

    Parameters
    ----------
    x, kernel, strides, dilation, groups
        As for `convolution`; ``kernel[t]`` still leads from channels to filters.
    padding
        Elements cut off the full result before and after each axis; a negative number adds zeros
        (so PyTorch's padding ``p`` with output padding ``o`` is ``(p, p - o)``).

    Returns
    -------
    array
        Shape (*positions, filters), positions ``(size - 1) stride + dilation (window - 1) + 1``
        less the padding.
    """
    sizes, window = _checked(x, kernel, strides, dilation, groups)
    indices = []
    for size, k, s, (before, after), d in zip(
        sizes, window, strides, padding, dilation, strict=True
    ):
        count = (size - 1) * s + d * (k - 1) + 1 - before - after
        if count < 1:
            raise ValueError(f"padding {(before, after)} leaves nothing of {size} elements")
        position = _grid(count, k, 1, -d) + before
        indices.append(np.where(position % s == 0, _inside(position // s, size), -1))
    return _product(x, indices, kernel, groups)


def _checked(
    x: Any, kernel: Floats, strides: Sequence[int], dilation: Sequence[int], groups: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return sizes and window, once everything fits."""
    axes = x.ndim - 1
    if kernel.ndim != axes + 2 or len(strides) != axes or len(dilation) != axes:
        raise ValueError(f"a kernel of shape {kernel.shape} does not fit an input of {x.shape}")
    *window, inner, filters = kernel.shape
    if groups < 1 or inner * groups != x.shape[-1] or filters % groups:
        raise ValueError(
            f"a kernel of shape {kernel.shape} in {groups} groups does not fit {x.shape[-1]}"
            " channels"
        )
    return x.shape[:-1], tuple(window)


def _product(x: Any, indices: Sequence[Ints], kernel: Floats, groups: int) -> Any:
    positions = tuple(len(index) for index in indices)
    *window, inner, filters = kernel.shape
    count, depth = prod(positions), prod(window) * inner
    if count * depth * filters > LARGEST:
        raise ValueError(
            f"{count * depth * filters} products are too many to unroll; at most {LARGEST}"
        )
    windows = gathered(x, indices)
    if groups == 1:
        return (windows.reshape((count, depth)) @ kernel.reshape((depth, filters))).reshape(
            (*positions, filters)
        )
    left = windows.reshape((count, prod(window), groups, inner))
    left = np.transpose(left, (2, 0, 1, 3)).reshape((groups, count, depth))
    right = kernel.reshape((depth, groups, filters // groups)).transpose((1, 0, 2))
    return np.transpose(left @ right, (1, 0, 2)).reshape((*positions, filters))


def by_image(x: Any, axes: int, function: Callable[[Any], Any]) -> Any:
    """Apply a function of (*positions, channels) to every array of (channels, *positions)."""
    inner = x.ndim - axes - 1
    images = x.reshape((-1, *x.shape[inner:]))
    results = [np.moveaxis(function(np.moveaxis(image, 0, -1)), -1, 0) for image in images]
    stacked = np.stack(results, axis=0)
    return stacked.reshape((*x.shape[:inner], *stacked.shape[1:]))
