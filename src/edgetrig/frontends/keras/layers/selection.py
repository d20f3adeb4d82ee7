"""Keras' layers that look rows of a table up by whole numbers."""

from __future__ import annotations

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.layers import selection
from edgetrig.frontends.values import Value


def embedding(layer: Layer, x: Value) -> Value:
    """Keras' ``Embedding``; a model's input becomes a port of whole numbers."""
    if layer.config.get("mask_zero"):
        raise ValueError("mask_zero=True is not supported; masks are not carried through hardware")
    shape = (int(layer.config["input_dim"]), int(layer.config["output_dim"]))
    return selection.embedding(x, layer.weight(0, shape), layer.precision)


def category_encoding(layer: Layer, x: Value) -> Value:
    """Keras' ``CategoryEncoding`` with one number an event."""
    if layer.config["output_mode"] != "one_hot":
        raise ValueError(f"output_mode '{layer.config['output_mode']}' is not supported")
    hot = selection.one_hot(x, int(layer.config["num_tokens"]))
    return hot[0] if hot.ndim == 2 and hot.shape[0] == 1 else hot
