"""Operators that trade channels for space, and resizing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.layers.resizing import interpolated
from edgetrig.frontends.onnx.node import Argument, Node, argument, constant
from edgetrig.frontends.onnx.operators.shape import Results, moved
from edgetrig.frontends.scales.scaled import Known, bounded_shape, numbers, shape_of
from edgetrig.frontends.values import Value, exact


def depth_to_space(node: Node, x: Value) -> Results:
    """ONNX' ``DepthToSpace``."""
    n, channels, height, width = shape_of(x)
    size = node.integer("blocksize", 1)
    if size < 1 or channels % (size * size):
        raise ValueError(f"{channels} channels do not make blocks of {size} x {size}")
    deep = channels // (size * size)
    if node.text("mode", "DCR") == "DCR":
        split_shape, order = (n, size, size, deep, height, width), (0, 3, 4, 1, 5, 2)
    else:
        split_shape, order = (n, deep, size, size, height, width), (0, 1, 4, 2, 5, 3)
    shape = (n, deep, height * size, width * size)
    return [moved(x, lambda v: v.reshape(split_shape).transpose(order).reshape(shape))]


def space_to_depth(node: Node, x: Value) -> Results:
    """ONNX' ``SpaceToDepth``."""
    n, channels, height, width = shape_of(x)
    size = node.integer("blocksize", 1)
    if size < 1 or height % size or width % size:
        raise ValueError(f"{height} x {width} does not fall into blocks of {size}")
    split_shape = (n, channels, height // size, size, width // size, size)
    shape = (n, channels * size * size, height // size, width // size)
    order = (0, 3, 5, 1, 2, 4)
    return [moved(x, lambda v: v.reshape(split_shape).transpose(order).reshape(shape))]


_NEAREST: Final[dict[str, Callable[[Any], Any]]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def resize(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Resize`` and ``Upsample``: nearest neighbours, or what lies between two of them."""
    x = arguments[0]
    how = node.text("mode", "nearest")
    if how not in ("nearest", "linear") or node.integer("antialias", 0):
        raise ValueError(f"mode={how!r} is not supported; nearest and linear are, not smoothed")
    shape = shape_of(x)
    scales, sizes = _sizes(node, arguments, shape)
    bounded_shape(sizes)
    old = node.kind == "Upsample" or node.opset < 11
    transform = node.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    mode = node.text("nearest_mode", "floor" if old else "round_prefer_floor")
    if mode not in _NEAREST:
        raise ValueError(f"nearest_mode {mode!r} is not supported")
    if sizes == list(shape):  # ONNX Runtime leaves it as it is, whatever the scales
        return [x]
    for axis, (n, size, scale) in enumerate(zip(shape, sizes, scales, strict=True)):
        if size == n and scale == 1:
            continue
        places = _original(transform, size, n, scale)
        if how == "nearest":
            index = np.clip(_NEAREST[mode](places), 0, n - 1).astype(np.int64)
            x = moved(x, _taken(index, axis))
        elif isinstance(x, Known):
            x = Known(interpolated(numbers(x.real), places, axis))
        else:
            x = interpolated(exact(x), places, axis, node.precision)
    return [x]


def _taken(index: NDArray[np.int64], axis: int) -> Callable[[Any], Any]:
    return lambda v: np.take(v, index, axis=axis)


def _sizes(
    node: Node, arguments: tuple[Argument, ...], shape: tuple[int, ...]
) -> tuple[list[float], list[int]]:
    """Return scale and new size of every axis."""
    modern = node.kind == "Resize" and node.opset >= 11
    axes = [axis % len(shape) for axis in node.integers("axes", list(range(len(shape))))]
    given = argument(arguments, 3) if modern else None
    if given is not None and (wanted := constant(given, "sizes").ravel()).size:
        if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise ValueError("keep_aspect_ratio_policy is not supported; write the final sizes")
        sizes = dict(zip(axes, (int(v) for v in wanted), strict=True))
        every = [sizes.get(k, n) for k, n in enumerate(shape)]
        return [size / n for size, n in zip(every, shape, strict=True)], every
    if "scales" in node.attributes:
        factors = np.asarray(node.attributes["scales"])
    else:
        factors = constant(argument(arguments, 2 if modern else 1), "scales").ravel()
    known = dict(zip(axes, (float(v) for v in factors), strict=True))
    scales = [known.get(k, 1.0) for k in range(len(shape))]
    # ONNX Runtime multiplies in float32: 10 * 0.7 is 7 there.
    products = np.asarray(shape, np.float32) * np.asarray(scales, np.float32)
    return scales, [int(v) for v in np.floor(products)]


def _original(transform: str, size: int, n: int, scale: float) -> NDArray[np.float32]:
    """Return where each new element lies among the old ones, in float32 as ONNX Runtime does."""
    new = np.arange(size, dtype=np.float32)
    factor = np.float32(scale)
    if transform == "asymmetric":
        return new / factor
    if transform == "align_corners":
        return new * np.float32(n - 1) / np.float32(max(size - 1, 1))
    if transform == "pytorch_half_pixel" and size == 1:
        return np.zeros(1, np.float32)
    if transform in ("half_pixel", "pytorch_half_pixel"):
        return (new + np.float32(0.5)) / factor - np.float32(0.5)
    raise ValueError(f"coordinate_transformation_mode {transform!r} is not supported")
