"""Activations: exact ones as NumPy expressions, all others as functions that await a quantiser.

A function such as tanh becomes exact when a quantiser follows, by a table over every value its
argument can take. The function is computed in float64 and rounded to the libraries' float32.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from math import erf
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers.inner import finite_float32, pending
from edgetrig.frontends.layers.softmax import softmax
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, Value, exact

__all__ = ["EXACT", "TABLES", "Function", "apply", "finite_float32", "pending"]

Function = Callable[[Any], Any]


def leaky_relu(slope: float) -> Function:
    """Return the leaky ReLU with a slope, rounded to float32, below zero."""
    factor = np.float64(np.float32(slope))
    return lambda x: np.where(x < 0, x * factor, x)


def is_short(slope: float) -> bool:
    """Whether a factor has few enough bits to be multiplied by; others are left to tables."""
    return (float(np.float32(slope)) * 2.0**8).is_integer()


def elu(alpha: float) -> Function:
    """Return the exponential linear unit."""
    return lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def celu(alpha: float) -> Function:
    """Return the exponential linear unit that is smooth for every alpha."""
    return lambda x: np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


def hard_sigmoid(slope: float = 1 / 6, offset: float = 0.5) -> Function:
    """Return ``clip(slope x + offset, 0, 1)``; Keras 3: 1/6; Keras 2, ONNX: 0.2."""
    return lambda x: np.clip(x * slope + offset, 0, 1)


def hard_silu(slope: float = 1 / 6, offset: float = 0.5) -> Function:
    """Return ``x clip(slope x + offset, 0, 1)``, also called hard swish."""
    return lambda x: x * np.clip(x * slope + offset, 0, 1)


def thresholded_relu(threshold: float) -> Function:
    """Return ``x`` above the threshold, else 0."""
    edge = np.float64(np.float32(threshold))
    return lambda x: np.where(x > edge, x, 0)


def hard_shrink(threshold: float = 0.5) -> Function:
    """Return ``x`` where its magnitude is above the threshold, else 0."""
    edge = np.float64(np.float32(threshold))
    return lambda x: np.where(np.abs(x) > edge, x, 0)


def soft_shrink(threshold: float = 0.5) -> Function:
    """Return ``x`` brought nearer to 0 by the threshold."""
    edge = np.float64(np.float32(threshold))
    return lambda x: np.maximum(x - edge, 0) - np.maximum(-x - edge, 0)


def softplus(beta: float = 1.0, threshold: float = np.inf) -> Function:
    """Return ``log(1 + exp(beta x)) / beta``, but ``x`` where ``beta x`` is above a threshold."""
    return lambda x: np.where(x * beta > threshold, x, np.logaddexp(x * beta, 0) / beta)


def gelu(approximate: bool = False) -> Function:
    """Return the Gaussian error linear unit, or its form with tanh."""
    if approximate:
        return lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
    return lambda x: x * (1 + _erf(x / np.sqrt(2.0))) / 2


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _erf(x: Floats) -> Floats:
    return np.asarray(np.vectorize(erf, otypes=[np.float64])(x))


def _sparse_plus(x: Floats) -> Floats:
    return np.asarray(np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)))


EXACT: Final[dict[str, Function]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_shrink": hard_shrink(),
    "soft_shrink": soft_shrink(),
    "sparse_sigmoid": lambda x: np.clip(x * 0.5 + 0.5, 0, 1),
    "threshold": thresholded_relu(0.0),
    "negative": np.negative,
    "absolute": np.abs,
    "sign": np.sign,
    "square": np.square,
    "floor": np.floor,
    "ceil": np.ceil,
}
"""Functions that hardware computes as they are written."""

TABLES: Final[dict[str, Callable[[Floats], Floats]]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "exponential": np.exp,
    "softplus": softplus(),
    "log_sigmoid": lambda x: -np.logaddexp(-x, 0),
    "leaky_relu": leaky_relu(0.2),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": elu(1.0),
    "celu": celu(1.0),
    "selu": lambda x: 1.0507009873554805 * elu(1.6732632423543772)(x),
    "gelu": gelu(),
    "gelu_tanh": gelu(approximate=True),
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "hard_sigmoid": hard_sigmoid(),
    "hard_sigmoid_of_keras_2": hard_sigmoid(0.2),
    "hard_silu": hard_silu(),
    "hard_swish": hard_silu(),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "sparse_plus": _sparse_plus,
    "erf": _erf,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arctan": np.arctan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "round": np.rint,
}
"""Functions that need a quantiser behind them.

Where one has no value (the logarithm of a negative number) a table holds 0, and at a pole the
largest number of its type.
"""


def apply(name: str, x: Value, precision: Precision = AS_IS) -> Value:
    """Return the named activation of a value; ``precision`` is the layer's.

    Raises
    ------
    ValueError
        If the activation is unknown, or ``x`` is a model input that was never quantised.
    """
    if name in ("softmax", "log_softmax", "softmin"):
        x = exact(x)
        return softmax(-x if name == "softmin" else x, -1, precision, log=name == "log_softmax")
    function = EXACT.get(name)
    if function is not None and not isinstance(x, Pending):
        return x if name == "linear" else function(exact(x))
    if function is None and name not in TABLES:
        near = get_close_matches(name, [*EXACT, *TABLES], n=3, cutoff=0.4) or ("relu", "tanh")
        raise ValueError(f"activation '{name}' is not supported; the nearest are {', '.join(near)}")
    return pending(name, function or TABLES[name], precision.inner(x, "linear"))
