"""Layers that only move elements, or do nothing at inference. Nothing is quantised here."""

from __future__ import annotations

from math import prod

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.merge import LARGEST
from edgetrig.frontends.values import Value, rearranged


def identity(layer: Layer, x: Value) -> Value:
    """Return the argument."""
    return x


def flatten(layer: Layer, x: Value) -> Value:
    """Keras' ``Flatten``."""
    if layer.config.get("data_format") == "channels_first":
        x = rearranged(x, lambda v: np.moveaxis(v, 0, -1) if v.ndim > 1 else v)
    return rearranged(x, lambda v: v.reshape(-1))


def reshape(layer: Layer, x: Value) -> Value:
    """Keras' ``Reshape``."""
    shape = tuple(int(size) for size in layer.config["target_shape"])
    return rearranged(x, lambda v: v.reshape(shape))


def permute(layer: Layer, x: Value) -> Value:
    """Keras' ``Permute``; its axes count from 1."""
    axes = tuple(int(axis) - 1 for axis in layer.config["dims"])
    return rearranged(x, lambda v: v.transpose(axes))


def repeat_vector(layer: Layer, x: Value) -> Value:
    """Keras' ``RepeatVector``."""
    count = int(layer.config["n"])

    def repeated(v: Value) -> Value:
        if prod(v.shape) * count > LARGEST:
            raise ValueError(f"n={count} is too large")
        return np.broadcast_to(v[None], (count, *v.shape))

    return rearranged(x, repeated)
