"""Softmax: Keras' own only as a last layer; HGQ2's by tables, as it computes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.axes import own_axes
from edgetrig.frontends.layers import softmax as neutral
from edgetrig.frontends.layers.activation import finite_float32
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Value, quantized, shape_of

_EPSILON = np.float32(1e-7)


def softmax(layer: Layer, x: Value) -> Value:
    """Keras' ``Softmax``."""
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    return neutral.softmax(x, own_axes(axes, len(shape_of(x))), layer.precision)


def q_softmax(layer: Layer, x: Value, given: Any = None) -> Value:
    """HGQ2's ``QSoftmax``: ``exp(x - max) / sum`` with a table for exp and one for 1 / sum.

    ``given`` is 1 where an element takes part; None if all do.
    """
    x = layer.quantized(x)
    axes = own_axes(list(layer.config["axes"]), x.ndim)
    stable = bool(layer.config["stable"])
    scaler = np.float32(layer.config.get("input_scaler", 1.0))
    sign = np.float32(-1 if stable else 1)
    if stable:
        lowest = x if given is None else np.where(given, x, np.min(x, axis=axes, keepdims=True))
        x = np.max(lowest, axis=axes, keepdims=True) - lowest
    powers = _table(layer, "exp", x, lambda v: np.exp((sign * v * scaler).astype(np.float64)))
    if given is not None:
        powers = np.where(given, powers, 0.0)
    total = np.sum(powers, axis=axes, keepdims=True)
    return powers * _table(layer, "inv", total, lambda v: np.float32(1) / (v + _EPSILON))


def _table(layer: Layer, which: str, x: Any, function: Any) -> Any:
    """Return one of the two tables' results, between its own quantisers."""
    table = replace(
        layer,
        variables=layer.variables.at(f"{which}_table"),
        config={
            "iq_conf": layer.config[f"{which}_iq_conf"],
            "oq_conf": layer.config[f"{which}_oq_conf"],
            "enable_iq": layer.config[f"{which}_iq_conf"] is not None,
            "enable_oq": True,
        },
    )

    def values(x: Floats) -> Floats:
        return finite_float32(lambda: function(x.astype(np.float32)))

    output = table.quantizer("oq")
    if output is None:
        raise ValueError(f"its {which} table has no output quantiser")
    return output.table(quantized(x, table.quantizer("iq")), values)
