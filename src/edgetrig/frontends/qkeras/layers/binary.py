"""Layers of BinaryNet and ternary networks, written for Keras before QKeras was.

The files hold the float weights that training moves; a layer multiplies by their signs. Signs are
those of float32: what is rounded away next to 1 counts as 0.

Source: M. Courbariaux et al., "Binarized Neural Networks" (arXiv:1602.02830), in the form in which
users of hls4ml have them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Value, exact


def _binary_weights(w: Floats) -> Floats:
    """Round half to even what is clipped to [0, 1]: zero counts as negative."""
    half = np.clip((w + np.float32(1)) / np.float32(2), 0, 1)
    return np.asarray(2 * np.rint(half) - 1, np.float64)


def _ternary_weights(w: Floats) -> Floats:
    return np.where(w > 0.5, 1.0, np.where(w <= -0.5, -1.0, 0.0))


_WEIGHTS: Final = {"BinaryDense": _binary_weights, "TernaryDense": _ternary_weights}

ACTIVATIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "binary_tanh": lambda x: np.where(x > 0, 1, -1),
    "ternary_tanh": lambda x: np.where(x > 0.5, 1, np.where(x < -0.5, -1, 0)),
    "relu1": lambda x: np.clip(x, 0, 1),
}
"""Activations of these networks, by their names in files."""


def dense(layer: Layer, x: Value) -> Value:
    """``BinaryDense`` and ``TernaryDense``: weights of -H and H, the latter's 0 too."""
    given = layer.config.get("H", 1)
    if not isinstance(given, int | float) or not np.isfinite(given) or given <= 0:
        raise ValueError(f"H={given!r} is no scale that a file holds; a number above 0 can be")
    scale = np.float32(given)
    array = exact(x)
    units = int(layer.config["units"])
    kernel = _WEIGHTS[layer.kind](layer.weight(0, (array.shape[-1], units)) / scale)
    result = array @ (kernel * np.float64(scale))
    if layer.config.get("use_bias", True):
        result = result + layer.precision.weight(layer.weight(1, (units,)), "bias")
    name = layer.config.get("activation") or "linear"
    return result if name == "linear" else _applied(str(name), result)


def activation(layer: Layer, x: Value) -> Value:
    """Keras' ``Activation`` by one of these functions."""
    return _applied(str(layer.config["activation"]), exact(x))


def _applied(name: str, x: Any) -> Any:
    if name not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"activation '{name}' is not known here; use one of {known}")
    return ACTIVATIONS[name](x)
