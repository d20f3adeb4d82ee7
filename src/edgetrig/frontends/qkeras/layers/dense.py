"""QKeras' dense layers and its activation layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.qkeras.activations import applied
from edgetrig.frontends.qkeras.description import describe
from edgetrig.frontends.qkeras.layers.parts import activated, bias, scaled, stored, weights
from edgetrig.frontends.quantizer import Ints
from edgetrig.frontends.values import Shifted, Value, quantized


def dense(layer: Layer, x: Value) -> Value:
    """``activation(x @ kernel + bias)``, over the last axis."""
    x = quantized(x, None)
    array = x.array if isinstance(x, Shifted) else x
    units = int(layer.config["units"])
    stored_kernel = layer.weight(0, (array.shape[-1], units))
    kernel, factor = weights(layer, stored_kernel, "kernel_quantizer", "kernel").split()
    shift: Any = bias(layer, 1, units)
    if isinstance(x, Shifted):
        shift = shift + scaled(x.offset @ kernel, factor)
    return activated(layer, scaled(array @ kernel, factor) + shift)


def activation(layer: Layer, x: Value) -> Value:
    """QKeras' ``QActivation``."""
    return activated(layer, x)


def adaptive_activation(layer: Layer, x: Value) -> Value:
    """QKeras' ``QAdaptiveActivation``: integer bits from the extremes that training has seen."""
    kind, bits = str(layer.config["activation"]), int(layer.config["total_bits"])
    slope = float(layer.config.get("relu_neg_slope") or 0)
    symmetric = int(bool(layer.config.get("symmetric", True)))
    signed = kind == "quantized_bits" or slope != 0
    low, high = stored(layer, "ema_min", 1), stored(layer, "ema_max", 2)
    if low is None or high is None or kind not in ("quantized_bits", "quantized_relu"):
        raise ValueError("its extremes, or its quantiser, are damaged; save the model again")
    rounds = bool(layer.config.get("po2_rounding"))
    integer = _integer_bits(low, high, bits, symmetric=symmetric, signed=signed, rounds=rounds)
    options = {"bits": bits, "integer": integer.tolist()}
    given = options | ({"negative_slope": slope} if kind == "quantized_relu" else {"alpha": 1.0})
    if kind == "quantized_bits":
        given["symmetric"] = symmetric
    description = describe({"class_name": kind, "config": given})
    assert description is not None  # both kinds are known
    return applied(description, x)


def _integer_bits(
    low: Any, high: Any, bits: int, *, symmetric: int, signed: bool, rounds: bool
) -> Ints:
    """Return the bits before the point that hold a range, as QKeras counts them in float32."""
    if not signed:
        low, high = np.maximum(low, 0), np.maximum(high, 0)
    size = bits - signed
    with np.errstate(divide="ignore"):
        logs = [np.log(np.abs(v)) / np.float32(np.log(2.0)) for v in (low, high)]
    nearest = np.rint if rounds else np.ceil
    below, above = (nearest(np.where(v > 0, v, 0)) for v in logs)
    if not rounds:
        above += high > np.exp2(above) - np.exp2(np.minimum(above - size, 0))
        if symmetric:
            below += -np.exp2(below) + np.exp2(np.minimum(below - size, 0)) > low
    return np.minimum(np.maximum(below, above), size).astype(np.int64)
