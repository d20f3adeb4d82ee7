"""What every layer of QKeras has: stored weights, their quantisers, and an activation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.activation import activated as activated_by_keras
from edgetrig.frontends.qkeras.activations import applied
from edgetrig.frontends.qkeras.description import Description, describe
from edgetrig.frontends.qkeras.scale import Float32s
from edgetrig.frontends.qkeras.stored import NamedWeights
from edgetrig.frontends.qkeras.weights import Weights, quantized
from edgetrig.frontends.values import Value

_TRAINABLE: Final = frozenset(
    f"{name}_quantizer"
    for name in ("kernel", "depthwise", "pointwise", "recurrent", "gamma", "variance")
)
"""Quantisers that QKeras gives a scale of powers of two if they have none."""


def quantizer(layer: Layer, key: str) -> Description | None:
    """Return the quantiser that a layer's configuration names, None if there is none.

    Raises
    ------
    ValueError
        If it is unknown.
    """
    given = layer.config.get(key)
    if given is None:
        return None
    description = describe(given)
    if description is None:
        raise ValueError(f"its {key} {str(given)[:80]} is not one of QKeras' quantisers")
    return description.trainable() if key in _TRAINABLE else description


def weights(layer: Layer, values: Float32s, key: str, role: str) -> Weights:
    """Return weights through the quantiser at ``key``, or as the layer's precision rounds them."""
    description = quantizer(layer, key)
    if description is None:
        return Weights(layer.precision.weight(values, role), np.ones(()))
    return quantized(description, values)


def bias(layer: Layer, index: int, size: int) -> NDArray[np.float64] | float:
    """Return the quantised bias, weight ``index``; 0 if the layer has none."""
    if not layer.config.get("use_bias", True):
        return 0.0
    return weights(layer, layer.weight(index, (size,)), "bias_quantizer", "bias").values


def stored(layer: Layer, name: str, index: int, part: str = "") -> Float32s | None:
    """Return a weight by its name in a legacy file, or by its place in a newer one.

    ``part`` is where the newer ones keep it. None if there is no such weight.
    """
    store = layer.variables
    if isinstance(store, NamedWeights):
        found = store.named(name)
        return None if found is None else layer.weight(found)
    here = layer.part(part, layer.config) if part else layer
    return here.weight(index) if index < len(here.variables) else None


def activated(layer: Layer, x: Value, key: str = "activation") -> Value:
    """Apply the quantiser, or the activation of Keras, at ``key``."""
    given = layer.config.get(key)
    description = describe(given)
    if description is not None:
        return applied(description, x)
    if given is None or given == "linear":
        return x
    named = Layer(**{**vars(layer), "config": {"activation": given}})
    return activated_by_keras(named, x)


def scaled(x: Any, factor: NDArray[np.float64] | None) -> Any:
    """Multiply sums by what `Weights.split` left to be multiplied, over the last axis."""
    if factor is None:
        return x
    return x * np.tile(factor, x.shape[-1] // factor.size)
