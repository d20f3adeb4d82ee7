"""Functions of `keras.ops` that only move elements; a model's input may pass them unquantised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.frontends.joined import joined, unstacked
from edgetrig.frontends.keras.form import Given
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.axes import own_axes, own_axis
from edgetrig.frontends.keras.layers.merge import LARGEST
from edgetrig.frontends.keras.layers.moving import zero_padded
from edgetrig.frontends.layers.selection import gather
from edgetrig.frontends.values import Value, rearranged, shape_of

Handler = Callable[..., Any]


def get_item(layer: Layer, x: Value, key: Any) -> Value:
    """``x[key]`` with known positions; the first is the event axis and must be taken whole."""
    keys = list(key) if isinstance(key, list) else [key]
    if keys and keys[0] is ...:
        named = sum(k is not None and k is not ... for k in keys)
        own = tuple(keys) if named <= len(shape_of(x)) else None
    else:
        own = tuple(keys[1:]) if keys and keys[0] == slice(None) else None
    if own is None or not all(isinstance(k, int | slice | None | type(...)) for k in own):
        raise ValueError("takes single events, or elements at positions that are not known")
    return rearranged(x, lambda v: v[own])


def take(layer: Layer, x: Value, indices: Any) -> Value:
    """``keras.ops.take`` at known positions: gathers nodes for edges by wiring alone."""
    if not isinstance(indices, int | list | Given):
        raise ValueError("takes elements at positions that are not known")
    positions = indices.array if isinstance(indices, Given) else np.asarray(indices)
    axis = own_axis(layer.config["axis"], len(shape_of(x)))
    return rearranged(x, lambda v: gather(v, positions, axis))


def reshape(layer: Layer, x: Value) -> Value:
    """``keras.ops.reshape``."""
    return _to_shape(x, layer.config["newshape"], np.reshape)


def broadcast_to(layer: Layer, x: Value) -> Value:
    """``keras.ops.broadcast_to``."""
    return _to_shape(x, layer.config["shape"], np.broadcast_to)


def _to_shape(x: Value, shape: Any, function: Callable[..., Any]) -> Value:
    first, *own = shape
    if first not in (-1, None):
        raise ValueError(f"gives {first} events a shape of their own; begin the shape with -1")
    if prod(int(size) for size in own) > LARGEST:
        raise ValueError(f"shape {own} is too large")
    return rearranged(x, lambda v: function(v, tuple(int(size) for size in own)))


def transpose(layer: Layer, x: Value) -> Value:
    """``keras.ops.transpose``."""
    first, *axes = layer.config["axes"] or [None]
    if first != 0:
        raise ValueError("moves the event axis")
    own = own_axes(axes, len(shape_of(x)))
    return rearranged(x, lambda v: np.transpose(v, own))


def squeeze(layer: Layer, x: Value) -> Value:
    """``keras.ops.squeeze``."""
    axes = own_axes(layer.config["axis"], len(shape_of(x)))
    return rearranged(x, lambda v: np.squeeze(v, axis=axes))


def expand_dims(layer: Layer, x: Value) -> Value:
    """``keras.ops.expand_dims``."""
    axes = layer.config["axis"]
    count = len(axes) if isinstance(axes, list) else 1
    own = own_axes(axes, len(shape_of(x)) + count)
    return rearranged(x, lambda v: np.expand_dims(v, own))


def swap_axes(layer: Layer, x: Value) -> Value:
    """``keras.ops.swapaxes``."""
    rank = len(shape_of(x))
    first, second = (own_axis(layer.config[k], rank) for k in ("axis1", "axis2"))
    return rearranged(x, lambda v: np.swapaxes(v, first, second))


def move_axis(layer: Layer, x: Value) -> Value:
    """``keras.ops.moveaxis`` of one axis."""
    rank = len(shape_of(x))
    first, second = (own_axes(layer.config[k], rank) for k in ("source", "destination"))
    if len(first) != 1 or len(second) != 1:
        raise ValueError("moves several axes; use transpose")
    return rearranged(x, lambda v: np.moveaxis(v, first[0], second[0]))


def along(function: Callable[..., Any], *options: str) -> Handler:
    """Return the handler of a function that moves elements along one axis."""

    def handler(layer: Layer, x: Value) -> Value:
        axis = own_axis(layer.config["axis"], len(shape_of(x)))
        values = [layer.config[name] for name in options]
        if prod(shape_of(x)) * int(np.abs(np.sum(values)) if values else 1) > LARGEST:
            raise ValueError(f"{values} is too large")
        return rearranged(x, lambda v: function(v, *values, axis=axis))

    return handler


def pad(layer: Layer, x: Value, constant_values: Any = None) -> Value:
    """``keras.ops.pad`` with zeros."""
    first, *pads = layer.config["pad_width"]
    zeros = layer.config["mode"] == "constant" and constant_values in (None, 0)
    if list(first) != [0, 0] or not zeros:
        raise ValueError("pads events, or with something else than zeros")
    return zero_padded(x, [(int(before), int(after)) for before, after in pads])


def split(layer: Layer, x: Value) -> Sequence[Value]:
    """``keras.ops.split``."""
    axis = own_axis(layer.config["axis"], len(shape_of(x)))
    size = shape_of(x)[axis]
    where = layer.config["indices_or_sections"]
    if isinstance(where, int):
        if where < 1 or size % where:
            raise ValueError(f"{size} elements do not fall into {where} parts")
        where = [size // where * k for k in range(1, where)]
    ends = [0, *(int(w) for w in where), size]
    index = (slice(None),) * axis
    return [
        rearranged(x, lambda v, s=slice(a, b): v[(*index, s)])  # type: ignore[misc]
        for a, b in pairwise(ends)
    ]


def unstack(layer: Layer, x: Value) -> Sequence[Value]:
    """``keras.ops.unstack``."""
    return unstacked(x, own_axis(layer.config["axis"], len(shape_of(x))))


def concatenate(layer: Layer, values: Sequence[Value]) -> Value:
    """``keras.ops.concatenate``."""
    axis = own_axis(layer.config["axis"], len(shape_of(values[0])))
    return joined(lambda *arrays: np.concatenate(arrays, axis=axis), values)


def stack(layer: Layer, values: Sequence[Value]) -> Value:
    """``keras.ops.stack``."""
    axis = own_axis(layer.config["axis"], len(shape_of(values[0])) + 1)
    return joined(lambda *arrays: np.stack(arrays, axis=axis), values)


MOVEMENTS: Final[dict[str, Handler]] = {
    "GetItem": get_item,
    "Take": take,
    "Reshape": reshape,
    "BroadcastTo": broadcast_to,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "ExpandDims": expand_dims,
    "Swapaxes": swap_axes,
    "Moveaxis": move_axis,
    "Flip": along(np.flip),
    "Repeat": along(np.repeat, "repeats"),
    "Roll": along(np.roll, "shift"),
    "Pad": pad,
    "Split": split,
    "Unstack": unstack,
    "Concatenate": concatenate,
    "Stack": stack,
}
"""Handlers by class name."""
