"""Activations: exact ones as NumPy expressions, all others as functions that await a quantiser.

A function such as tanh becomes exact when an HGQ2 quantiser follows, by a table over every value
its argument can take. The function is computed in float64 and rounded to Keras' float32.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.quantizers import Floats
from edgetrig.frontends.keras.values import Pending, Value, exact, rearranged

Function = Callable[[Any], Any]


def _leaky(slope: float) -> Function:
    factor = np.float64(np.float32(slope))
    return lambda x: np.where(x < 0, x * factor, x)


def _short(slope: float) -> bool:
    """Whether a factor has few enough bits to be multiplied by; others are left to tables."""
    return (float(np.float32(slope)) * 2.0**8).is_integer()


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _softplus(x: Floats) -> Floats:
    return np.asarray(np.logaddexp(x, 0))


def _elu(alpha: float) -> Function:
    return lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _gelu(x: Floats) -> Floats:
    return np.asarray(x * (1 + np.vectorize(erf)(x / np.sqrt(2.0))) / 2)


def _hard_sigmoid(x: Floats) -> Floats:
    return np.asarray(np.clip(x + 3, 0, 6) / 6)


EXACT: Final[dict[str, Function]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
}
"""Activations that hardware computes as they are written."""

TABLES: Final[dict[str, Callable[[Floats], Floats]]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "exponential": np.exp,
    "softplus": _softplus,
    "log_sigmoid": lambda x: -_softplus(-x),
    "leaky_relu": _leaky(0.2),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": _elu(1.0),
    "celu": _elu(1.0),
    "selu": lambda x: 1.0507009873554805 * _elu(1.6732632423543772)(x),
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x),
}
"""Activations that need a quantiser behind them."""


def apply(name: str, x: Value) -> Value:
    """Return the named activation of a value.

    Raises
    ------
    ValueError
        If the activation is unknown, or ``x`` is a model input that was never quantised.
    """
    if name in ("softmax", "log_softmax"):
        return Pending(exact(x), None, name)
    function = EXACT.get(name)
    if function is not None and not isinstance(x, Pending):
        return x if name == "linear" else function(exact(x))
    if function is None and name not in TABLES:
        known = ", ".join([*EXACT, *TABLES])
        raise ValueError(f"activation '{name}' is not supported; use one of {known}")
    return _pending(name, function or TABLES[name], x)


def _pending(name: str, function: Function, x: Value) -> Value:
    inner = x.function if isinstance(x, Pending) else None
    if isinstance(x, Pending) and inner is None:
        raise ValueError(f"{name} of {x.name} is not supported")
    array = x.array if isinstance(x, Pending) else exact(x)

    def table(values: NDArray[np.float64]) -> NDArray[np.float64]:
        argument = values if inner is None else inner(values)
        return finite_float32(lambda: function(argument))

    return Pending(array, table, name)


def finite_float32(compute: Callable[[], Any]) -> NDArray[np.float64]:
    """Return computed values rounded to float32; what overflows becomes the largest number."""
    with np.errstate(all="ignore"):
        values = np.asarray(compute(), np.float32)
    return np.nan_to_num(values, nan=0.0).astype(np.float64)


def activation_name(layer: Layer) -> str:
    """Return the name of a layer's activation."""
    name = layer.config.get("activation") or "linear"
    if isinstance(name, dict):  # a serialised function
        name = name["config"] if name["class_name"] == "function" else name["class_name"]
    return str(name)


def activated(layer: Layer, x: Value) -> Value:
    """Apply the activation that a layer has built in."""
    return apply(activation_name(layer), x)


def operation(name: str) -> Callable[[Layer, Value], Value]:
    """Return the handler of a `keras.ops` activation."""
    return lambda layer, x: apply(name, x)


def activation(layer: Layer, x: Value) -> Value:
    """Keras' ``Activation``."""
    name = activation_name(layer)
    if name == "linear":
        return rearranged(x, lambda array: array)
    return apply(name, x)


def unary_table(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QUnaryFunctionLUT``; its output quantiser makes the table."""
    return apply(activation_name(layer), layer.quantized(x))


def affine_unary_table(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QAffinedUnaryFunctionLUT``: ``activation(x * scale + bias)`` in float32."""
    x = layer.quantized(x)
    scale, bias = layer.weight(0, (1,)), layer.weight(1, (1,))
    name = activation_name(layer)
    function = EXACT.get(name) or TABLES.get(name)
    if function is None:
        raise ValueError(f"activation '{name}' is not supported in a table")

    def affine(values: Floats) -> Floats:
        return function(np.asarray(values.astype(np.float32) * scale + bias, np.float64))

    return _pending(name, affine, x)


def relu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``ReLU`` with its slope, threshold and upper bound."""
    x = exact(x)
    slope, top, threshold = (
        layer.config.get(key) for key in ("negative_slope", "max_value", "threshold")
    )
    threshold = np.float64(np.float32(threshold or 0))
    positive = np.where(x > threshold, x, 0) if threshold else np.maximum(x, 0)
    if top is not None:
        positive = np.clip(positive, 0, np.float64(np.float32(top)))
    if not slope:
        return positive
    return positive - np.maximum(threshold - x, 0) * np.float64(np.float32(slope))


def leaky_relu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``LeakyReLU``."""
    slope = float(layer.config["negative_slope"])
    if _short(slope) and not isinstance(x, Pending):
        return _leaky(slope)(exact(x))
    return _pending("leaky_relu", _leaky(slope), x)


def prelu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``PReLU``: a trained slope per element."""
    slope = layer.weight(0).astype(np.float64)
    x = exact(x)
    return np.maximum(x, 0) - np.maximum(-x, 0) * slope


def elu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ``ELU``."""
    return _pending("elu", _elu(float(layer.config["alpha"])), x)
