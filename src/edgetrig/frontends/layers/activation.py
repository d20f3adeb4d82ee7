"""Activations: exact ones as NumPy expressions, all others as functions that await a quantiser.

A function such as tanh becomes exact when a quantiser follows, by a table over every value its
argument can take. The function is computed in float64 and rounded to the libraries' float32.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, Value, exact

Function = Callable[[Any], Any]


def leaky_relu(slope: float) -> Function:
    """Return the leaky ReLU with a slope, rounded to float32, below zero."""
    factor = np.float64(np.float32(slope))
    return lambda x: np.where(x < 0, x * factor, x)


def is_short(slope: float) -> bool:
    """Whether a factor has few enough bits to be multiplied by; others are left to tables."""
    return (float(np.float32(slope)) * 2.0**8).is_integer()


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _softplus(x: Floats) -> Floats:
    return np.asarray(np.logaddexp(x, 0))


def elu(alpha: float) -> Function:
    """Return the exponential linear unit."""
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
    "leaky_relu": leaky_relu(0.2),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": elu(1.0),
    "celu": elu(1.0),
    "selu": lambda x: 1.0507009873554805 * elu(1.6732632423543772)(x),
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x),
}
"""Activations that need a quantiser behind them."""


def apply(name: str, x: Value, precision: Precision = AS_IS) -> Value:
    """Return the named activation of a value; ``precision`` is the layer's.

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
    return pending(name, function or TABLES[name], precision.inner(x, "linear"))


def pending(name: str, function: Function, x: Value) -> Value:
    """Return a function of a value, to be made exact by the quantiser that follows.

    Raises
    ------
    ValueError
        If ``x`` is a model input that was never quantised.
    """
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
