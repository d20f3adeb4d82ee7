"""Activations and functions of one variable, as PyTorch defines them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import activation as layers
from edgetrig.frontends.layers.softmax import softmax
from edgetrig.frontends.scales.scaled import Scaled
from edgetrig.frontends.scales.tabled import Tabled, applied
from edgetrig.frontends.torch.operation import Call, Weight, is_constant, values_of
from edgetrig.frontends.values import Pending, Value, exact

Function = Callable[..., Any]


def named(name: str) -> Function:
    """Return the handler of an activation without parameters."""

    def handler(call: Call, x: Value) -> Value:
        if isinstance(x, Scaled | Tabled) and name in layers.TABLES:
            return applied(name, layers.TABLES[name], x, call.precision)
        return layers.apply(name, x, call.precision)

    return handler


def table(call: Call, name: str, function: Function, x: Value) -> Value:
    """Return a function with its parameters set, to be made exact by a quantiser."""
    if isinstance(x, Scaled | Tabled):
        return applied(name, function, x, call.precision)
    return layers.pending(name, function, call.precision.inner(x, "linear"))


def drawn(call: Call, name: str, function: Function, x: Value, exactly: bool) -> Value:
    """Return a function: written out in hardware if its numbers are short, else a table."""
    if exactly and not isinstance(x, Pending):
        return function(exact(x))
    return table(call, name, function, x)


def leaky_relu(call: Call, x: Value, negative_slope: float = 0.01) -> Value:
    """``x``, times a slope below 0."""
    short = layers.is_short(negative_slope)
    return drawn(call, "leaky_relu", layers.leaky_relu(negative_slope), x, short)


def prelu(call: Call, x: Value, weight: Weight) -> Value:
    """Apply a trained slope to each channel, which is axis 1."""
    slope = call.weight(weight, "slope")
    x = exact(x)
    if slope.size > 1:
        slope = slope.reshape((-1, *(1,) * (x.ndim - 2)))
    return np.maximum(x, 0) - np.maximum(-x, 0) * slope


def rrelu(call: Call, x: Value, lower: float = 0.125, upper: float = 1 / 3, **_: Any) -> Value:
    """Leaky ReLU with the mean of its slopes, as it is after training."""
    return leaky_relu(call, x, (lower + upper) / 2)


def elu(call: Call, x: Value, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Value:
    """Exponential linear unit."""
    inner = layers.elu(alpha)
    return table(call, "elu", lambda v: scale * inner(v * input_scale), x)


def celu(call: Call, x: Value, alpha: float = 1.0) -> Value:
    """Exponential linear unit, smooth for every alpha."""
    return table(call, "celu", layers.celu(alpha), x)


def gelu(call: Call, x: Value, approximate: str = "none") -> Value:
    """Gaussian error linear unit."""
    return table(call, "gelu", layers.gelu(approximate == "tanh"), x)


def softplus(call: Call, x: Value, beta: float = 1, threshold: float = 20) -> Value:
    """``log(1 + exp(beta x)) / beta``."""
    return table(call, "softplus", layers.softplus(beta, threshold), x)


def hardtanh(call: Call, x: Value, min_val: float = -1, max_val: float = 1) -> Value:
    """``clip(x, min_val, max_val)``."""
    low, high = (call.number(v) for v in (min_val, max_val))
    return drawn(call, "hardtanh", lambda v: np.clip(v, low, high), x, True)


def threshold(call: Call, x: Value, threshold: float, value: float) -> Value:
    """``x`` above the threshold, else a value."""
    edge, other = call.number(threshold), call.number(value)
    return drawn(call, "threshold", lambda v: np.where(v > edge, v, other), x, True)


def hardshrink(call: Call, x: Value, lambd: float = 0.5) -> Value:
    """``x`` where its magnitude is above a threshold, else 0."""
    return drawn(call, "hardshrink", layers.hard_shrink(lambd), x, True)


def softshrink(call: Call, x: Value, lambd: float = 0.5) -> Value:
    """``x`` brought nearer to 0."""
    return drawn(call, "softshrink", layers.soft_shrink(lambd), x, True)


def glu(call: Call, x: Value, dim: int = -1) -> Value:
    """Return the first half times the sigmoid of the second."""
    first, second = np.split(exact(x), 2, axis=dim)
    gate = call.precision.inner(layers.apply("sigmoid", second, call.precision), "gate")
    return first * exact(gate)


def _softmax(log: bool) -> Function:
    def handler(call: Call, x: Value, dim: int, drop: Any = None, **_: Any) -> Value:
        if drop is None:
            return softmax(x, dim, call.precision, log=log)
        mask = 1.0 - values_of(drop) if is_constant(drop) else exact(drop) == 0
        result = softmax(x, dim, call.precision, log=log, mask=mask)
        if isinstance(result, Pending):  # without its mask it has another ranking
            raise ValueError("its softmax has no number types; use edgetrig.quantize(model, x)")
        return result

    return handler


def _logit(call: Call, x: Value, eps: float | None = None) -> Value:
    low = 0.0 if eps is None else eps

    def function(v: Any) -> Any:
        v = np.clip(v, low, 1 - low)
        return np.log(v / (1 - v))

    return table(call, "logit", function, x)


def _constant_base(call: Call, x: Value, other: Value) -> Value:
    """``atan2`` and such of two values have no table."""
    if not is_constant(other) or values_of(other).size != 1:
        raise ValueError("atan2 of two values is not supported; use a table of their quotient")
    fixed = float(values_of(other))
    return table(call, "atan2", lambda v: np.arctan2(v, fixed), x)


def relu(call: Call, x: Value) -> Value:
    """``max(x, 0)``; a scale stays aside."""
    if isinstance(x, Scaled):
        return x.clipped(0.0, np.inf)
    return layers.apply("relu", x, call.precision)


HANDLERS: Final[Mapping[str, Function]] = {
    **{name: named(name) for name in ("relu6", "sigmoid", "tanh", "silu", "mish")},
    **{name: named(name) for name in ("erf", "exp", "exp2", "expm1", "log", "log1p", "log2")},
    **{name: named(name) for name in ("log10", "sqrt", "rsqrt", "reciprocal", "sin", "cos")},
    **{name: named(name) for name in ("tan", "sinh", "cosh", "sign", "square", "softsign", "selu")},
    "relu": relu,
    "abs": named("absolute"),
    "sgn": named("sign"),
    "atan": named("arctan"),
    "asin": named("arcsin"),
    "acos": named("arccos"),
    "asinh": named("arcsinh"),
    "acosh": named("arccosh"),
    "atanh": named("arctanh"),
    "atan2": _constant_base,
    "hardsigmoid": named("hard_sigmoid"),
    "hardswish": named("hard_silu"),
    "log_sigmoid": named("log_sigmoid"),
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "rrelu": rrelu,
    "elu": elu,
    "celu": celu,
    "gelu": gelu,
    "softplus": softplus,
    "hardtanh": hardtanh,
    "threshold": threshold,
    "hardshrink": hardshrink,
    "softshrink": softshrink,
    "glu": glu,
    "logit": _logit,
    "softmax": _softmax(log=False),
    "_softmax": _softmax(log=False),
    "log_softmax": _softmax(log=True),
    "_log_softmax": _softmax(log=True),
}
"""By ATen's names."""
