"""Functions of one value, most of which become tables once a quantiser follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.axes import own_axis
from edgetrig.frontends.layers import activation as neutral
from edgetrig.frontends.layers.softmax import softmax
from edgetrig.frontends.scales.requantize import rounded
from edgetrig.frontends.values import Pending, Value, exact, shape_of

Handler = Callable[..., Any]


def unary(name: str) -> Handler:
    """Return the handler of a function of one value, by its name among the activations."""
    return lambda layer, x: neutral.apply(name, x, layer.precision)


def parametrized(name: str, make: Callable[[Any], neutral.Function], option: str) -> Handler:
    """Return the handler of a function with one option, which is made exact by a quantiser."""

    def handler(layer: Layer, x: Value) -> Value:
        function = make(layer.config[option])
        return neutral.pending(name, function, layer.precision.inner(x, "linear"))

    return handler


def leaky_relu(layer: Layer, x: Value) -> Value:
    """``keras.ops.leaky_relu``."""
    slope = float(layer.config["negative_slope"])
    if neutral.is_short(slope) and not isinstance(x, Pending):
        return neutral.leaky_relu(slope)(exact(x))
    return neutral.pending("leaky_relu", neutral.leaky_relu(slope), x)


def threshold(layer: Layer, x: Value) -> Value:
    """``keras.ops.threshold``."""
    edge, other = (np.float64(np.float32(layer.config[k])) for k in ("threshold", "default_value"))
    x = exact(x)
    return np.where(x > edge, x, other)


def shrink(make: Callable[[float], neutral.Function]) -> Handler:
    """Return the handler of a function that its threshold makes exact."""
    return lambda layer, x: make(float(layer.config["threshold"]))(exact(x))


def round_(layer: Layer, x: Value) -> Value:
    """``keras.ops.round``, half to even."""
    if layer.config.get("decimals"):
        raise ValueError(f"decimals={layer.config['decimals']}; only whole numbers are exact")
    return rounded(exact(x), "RND_CONV")


def trunc(layer: Layer, x: Value) -> Value:
    """``keras.ops.trunc``."""
    return rounded(exact(x), "TRN_ZERO")


def gelu(layer: Layer, x: Value) -> Value:
    """``keras.ops.gelu``."""
    name = "gelu_tanh" if layer.config["approximate"] else "gelu"
    return neutral.apply(name, x, layer.precision)


def softmax_of(log: bool) -> Handler:
    """Return the handler of ``keras.ops.softmax`` or ``log_softmax``."""

    def handler(layer: Layer, x: Value) -> Value:
        axis = own_axis(layer.config["axis"], len(shape_of(x)))
        return softmax(x, axis, layer.precision, log)

    return handler


_UNARY: Final = {
    "Abs": "absolute",
    "Absolute": "absolute",
    "Negative": "negative",
    "Square": "square",
    "Sign": "sign",
    "Floor": "floor",
    "Ceil": "ceil",
    "Relu": "relu",
    "Relu6": "relu6",
    "HardTanh": "hard_tanh",
    "SparseSigmoid": "sparse_sigmoid",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "SparsePlus": "sparse_plus",
    "Silu": "silu",
    "LogSigmoid": "log_sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Selu": "selu",
    "TanhShrink": "tanh_shrink",
    "Exp": "exp",
    "Expm1": "expm1",
    "Log": "log",
    "Log1p": "log1p",
    "Log2": "log2",
    "Log10": "log10",
    "Sqrt": "sqrt",
    "Rsqrt": "rsqrt",
    "Reciprocal": "reciprocal",
    "Sin": "sin",
    "Cos": "cos",
    "Tan": "tan",
    "Arctan": "arctan",
    "Arcsin": "arcsin",
    "Arccos": "arccos",
    "Sinh": "sinh",
    "Cosh": "cosh",
    "Arcsinh": "arcsinh",
    "Arccosh": "arccosh",
    "Arctanh": "arctanh",
    "Erf": "erf",
}

FUNCTIONS: Final[dict[str, Handler]] = {
    "Softmax": softmax_of(log=False),
    "LogSoftmax": softmax_of(log=True),
    "LeakyRelu": leaky_relu,
    "Threshold": threshold,
    "Round": round_,
    "Trunc": trunc,
    "HardShrink": shrink(neutral.hard_shrink),
    "SoftShrink": shrink(neutral.soft_shrink),
    "Gelu": gelu,
    "Elu": parametrized("elu", neutral.elu, "alpha"),
    "Celu": parametrized("celu", neutral.celu, "alpha"),
    **{kind: unary(name) for kind, name in _UNARY.items()},
}
"""Handlers by class name."""

TABULATED: Final = (
    "Gelu",
    "Elu",
    "Celu",
    "LeakyRelu",
    *(kind for kind, name in _UNARY.items() if name in neutral.TABLES),
)
"""Functions that need a quantiser behind them."""
