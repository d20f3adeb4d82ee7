"""Padding, cropping and upsampling: elements move, repeat or are zeros; nothing is quantised."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.convolution import channels_last, numbers, restored
from edgetrig.frontends.keras.layers.merge import LARGEST
from edgetrig.frontends.layers.resizing import interpolated
from edgetrig.frontends.values import Raw, Value, exact, rearranged, shape_of


def zero_padding(layer: Layer, x: Value) -> Value:
    """Keras' ``ZeroPadding1D`` to ``ZeroPadding3D``."""
    pads = _pairs(layer.config["padding"], len(shape_of(x)) - 1)
    return zero_padded(x, _with_channels(layer, pads))


def zero_padded(x: Value, pads: list[tuple[int, int]]) -> Value:
    """Return a value with zeros around it; a model's input may be padded before it is quantised."""
    shape = shape_of(x)
    if min(min(pair) for pair in pads) < 0:
        raise ValueError(f"padding {pads} is negative")
    if prod(size + sum(pair) for size, pair in zip(shape, pads, strict=True)) > LARGEST:
        raise ValueError(f"padding {pads} is too large")
    if isinstance(x, Raw):  # element -1 belongs to no input, and any quantiser leaves its 0
        return replace(
            x,
            array=np.pad(x.array, pads),
            elements=np.pad(x.elements, pads, constant_values=-1),
            scale=np.pad(np.broadcast_to(x.scale, shape), pads, constant_values=1.0),
            offset=np.pad(np.broadcast_to(x.offset, shape), pads),
        )
    return np.pad(exact(x), pads)


def cropping(layer: Layer, x: Value) -> Value:
    """Keras' ``Cropping1D`` to ``Cropping3D``."""
    pairs = _with_channels(layer, _pairs(layer.config["cropping"], len(shape_of(x)) - 1))

    def cropped(v: Any) -> Any:
        ends = [size - after for size, (_, after) in zip(v.shape, pairs, strict=True)]
        starts = [before for before, _ in pairs]
        if any(start < 0 or end <= start for start, end in zip(starts, ends, strict=True)):
            raise ValueError(f"cropping {pairs} leaves nothing of {v.shape}")
        return v[tuple(slice(start, end) for start, end in zip(starts, ends, strict=True))]

    return rearranged(x, cropped)


def upsampling(layer: Layer, x: Value) -> Value:
    """Keras' ``UpSampling1D`` to ``UpSampling3D``: by repeating elements, or a share of two."""
    how = layer.config.get("interpolation", "nearest")
    if how not in ("nearest", "bilinear"):
        raise ValueError(f"interpolation '{how}' is not supported; use nearest or bilinear")
    rank = len(shape_of(x))
    factors = numbers(layer.config["size"], rank - 1)
    if min(factors) < 1 or prod(shape_of(x)) * prod(factors) > LARGEST:
        raise ValueError(f"size {factors} is too large")

    def larger(v: Any) -> Any:
        v = channels_last(layer, v)
        for axis, factor in enumerate(factors):
            v = _larger(v, axis, factor, how, layer)
        return restored(layer, v)

    return rearranged(x, larger) if how == "nearest" else larger(exact(x))


def _larger(v: Any, axis: int, factor: int, how: str, layer: Layer) -> Any:
    if how == "nearest" or factor == 1:
        return np.repeat(v, factor, axis=axis)
    places = (np.arange(v.shape[axis] * factor) + 0.5) / factor - 0.5
    return interpolated(v, places, axis, layer.precision)


def _pairs(value: Any, axes: int) -> list[tuple[int, int]]:
    """Return (before, after) for each axis from a number, a list of numbers, or of pairs."""
    if axes == 1 and isinstance(value, list) and not isinstance(value[0], list):
        value = [value]
    values = value if isinstance(value, list) else [value] * axes
    if len(values) != axes:
        raise ValueError(f"{value} does not fit {axes} axes")
    pairs = [v if isinstance(v, list) else [v, v] for v in values]
    return [(int(before), int(after)) for before, after in pairs]


def _with_channels(layer: Layer, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    first = layer.config.get("data_format") == "channels_first"
    return [(0, 0), *pairs] if first else [*pairs, (0, 0)]
