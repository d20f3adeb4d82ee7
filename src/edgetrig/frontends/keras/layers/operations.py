"""Functions of `keras.ops` inside a Functional model.

A handler gets the layer (whose options are the function's static arguments), then the arguments as
they stand in the file: values, numbers, lists, slices. Axes in a file count the event axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from edgetrig.circuit import Array
from edgetrig.frontends.joined import joined, shape_of, unstacked
from edgetrig.frontends.keras.form import Given
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.axes import own_axes, own_axis
from edgetrig.frontends.keras.layers.merge import LARGEST, broadcastable, contracted
from edgetrig.frontends.layers import activation as neutral
from edgetrig.frontends.layers import pooling, selection
from edgetrig.frontends.layers.inner import divided
from edgetrig.frontends.layers.softmax import softmax
from edgetrig.frontends.values import Pending, Raw, Value, exact

Handler = Callable[..., Any]


def numbers_of(*arguments: Any) -> list[Any]:
    """Return exact arrays and constants, with axes lined up from the event axis on."""
    return list(broadcastable(exact_arguments(arguments)))


def exact_arguments(arguments: Sequence[Any]) -> list[Any]:
    """Return exact arrays; numbers and constants in float32 and without an event axis."""
    given = [
        Given(np.asarray(x, np.float32).astype(np.float64))
        if isinstance(x, int | float | list)
        else x
        for x in arguments
    ]
    values = [x if isinstance(x, Given) else exact(x) for x in given]
    rank = max((x.ndim for x in values if not isinstance(x, Given)), default=0)
    return [x.for_rank(rank) if isinstance(x, Given) else x for x in values]


def truth(x: Any) -> Any:
    """Return truth values as numbers 1 and 0."""
    return x if isinstance(x, Array) else np.where(x, 1.0, 0.0)


def binary(function: Callable[[Any, Any], Any], *, compares: bool = False) -> Handler:
    """Return the handler of a function of two values, one of which may be a number."""

    def handler(layer: Layer, x: Value, y: Value) -> Value:
        result = function(*numbers_of(x, y))
        return truth(result) if compares else result

    return handler


def divide(layer: Layer, x: Value, y: Value) -> Value:
    """``x / y`` by a number: exact for a power of two, else once a quantiser follows."""
    if not isinstance(y, int | float):
        raise ValueError("divides by a value that varies; look 1 / y up in a table and multiply")
    divisor = float(np.float32(y))
    if divisor > 0 and divisor.is_integer() and not isinstance(x, Pending):
        return divided(exact(x), int(divisor), layer.precision, "division")
    if abs(np.frexp(divisor)[0]) == 0.5 and not isinstance(x, Pending):
        return exact(x) * (1 / divisor)
    if not divisor:
        raise ValueError("divides by 0")
    return neutral.pending("division", lambda v: v / divisor, x)


def power(layer: Layer, x: Value, y: Any) -> Value:
    """``x ** y`` with a known exponent; one that is not whole becomes a table."""
    if not isinstance(y, int | float):
        raise ValueError("the exponent must be a number")
    if float(y).is_integer() and 0 <= y <= 4:
        return exact(x) ** int(y)
    return neutral.pending("power", lambda v: v**y, x)


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


def reduction(function: Callable[..., Any], *, compares: bool = False) -> Handler:
    """Return the handler of a reduction over axes."""

    def handler(layer: Layer, x: Value) -> Value:
        x = exact(x)
        axes = own_axes(layer.config["axis"], x.ndim)
        result = function(x, axis=axes, keepdims=bool(layer.config["keepdims"]))
        return truth(result) if compares else result

    return handler


def mean(layer: Layer, x: Value) -> Value:
    """``keras.ops.mean``: exact over 2, 4, 8, ... elements, else once a quantiser follows."""
    x = exact(x)
    axes = own_axes(layer.config["axis"], x.ndim)
    return pooling.mean(x, axes, bool(layer.config["keepdims"]), layer.precision)


def variance(layer: Layer, x: Value) -> Value:
    """``keras.ops.var`` over 2, 4, 8, ... elements."""
    x = exact(x)
    axes = own_axes(layer.config["axis"], x.ndim)
    middle = exact(pooling.mean(x, axes, keepdims=True, precision=layer.precision))
    keepdims = bool(layer.config["keepdims"])
    return pooling.mean(np.square(x - middle), axes, keepdims, layer.precision)


def cumulated(layer: Layer, x: Value) -> Value:
    """``keras.ops.cumsum``."""
    x = exact(x)
    axis = own_axis(layer.config["axis"], x.ndim)
    parts = unstacked(x, axis)
    for k in range(1, len(parts)):
        parts[k] = parts[k - 1] + parts[k]
    return np.stack(parts, axis=axis)


def best(function: Callable[..., Any]) -> Handler:
    """Return the handler of ``keras.ops.argmax`` or ``argmin``."""

    def handler(layer: Layer, x: Value) -> Value:
        x = exact(x)
        axis = own_axis(layer.config["axis"], x.ndim)
        return function(x, axis, bool(layer.config["keepdims"]))

    return handler


def top_k(layer: Layer, x: Value) -> Sequence[Value]:
    """``keras.ops.top_k``: values and positions."""
    return selection.top_k(exact(x), int(layer.config["k"]))


def sort(layer: Layer, x: Value) -> Value:
    """``keras.ops.sort``."""
    x = exact(x)
    return selection.sort(x, own_axis(layer.config["axis"], x.ndim))


def argsort(layer: Layer, x: Value) -> Value:
    """``keras.ops.argsort``."""
    x = exact(x)
    return selection.argsort(x, own_axis(layer.config["axis"], x.ndim))


def one_hot(layer: Layer, x: Value) -> Value:
    """``keras.ops.one_hot``."""
    rank = len(shape_of(x)) + 1
    axis = own_axis(layer.config["axis"], rank)
    return selection.one_hot(x, int(layer.config["num_classes"]), axis)


def clip(layer: Layer, x: Value) -> Value:
    """``keras.ops.clip`` between numbers."""
    low, high = (layer.config[k] for k in ("x_min", "x_max"))
    x = exact(x)
    if low is not None:
        x = np.maximum(x, np.float64(np.float32(low)))
    return x if high is None else np.minimum(x, np.float64(np.float32(high)))


def where(layer: Layer, condition: Value, x: Value, y: Value) -> Value:
    """``keras.ops.where``."""
    return np.where(*numbers_of(condition, x, y))


def matmul(layer: Layer, x: Value, y: Value) -> Value:
    """``keras.ops.matmul`` of two values, or of one and a constant matrix."""
    a, b = exact_arguments((x, y))
    if a.ndim == 0 or b.ndim == 0 or a.size * b.shape[-1] > LARGEST:
        raise ValueError(f"a product of shapes {a.shape} and {b.shape} cannot be unrolled")
    return a @ b


def einsum(layer: Layer, *operands: Value) -> Value:
    """``keras.ops.einsum``; the first index of each operand is the event axis."""
    arrays = [x if isinstance(x, Given) else exact(x) for x in operands]
    return contracted(str(layer.config["subscripts"]), arrays)


def logical(function: Callable[..., Any]) -> Handler:
    """Return the handler of a function of truth values."""
    return lambda layer, *x: truth(function(*(exact(v) > 0.5 for v in x)))


def cast(layer: Layer, x: Value) -> Value:
    """``keras.ops.cast`` to float32, or of whole numbers."""
    if layer.config["dtype"] in ("float32", "float64") or isinstance(x, Raw):
        return x
    raise ValueError(f"a cast to {layer.config['dtype']} is not supported; use floor")


def concatenate(layer: Layer, values: Sequence[Value]) -> Value:
    """``keras.ops.concatenate``."""
    axis = own_axis(layer.config["axis"], len(shape_of(values[0])))
    return joined(lambda *arrays: np.concatenate(arrays, axis=axis), values)


def stack(layer: Layer, values: Sequence[Value]) -> Value:
    """``keras.ops.stack``."""
    axis = own_axis(layer.config["axis"], len(shape_of(values[0])) + 1)
    return joined(lambda *arrays: np.stack(arrays, axis=axis), values)


def unchanged(layer: Layer, x: Value) -> Value:
    """Return the argument: the function does nothing at inference."""
    return x


OPERATIONS: Final[dict[str, Handler]] = {
    # arithmetic
    "Add": binary(np.add),
    "Subtract": binary(np.subtract),
    "Multiply": binary(np.multiply),
    "Divide": divide,
    "TrueDivide": divide,
    "Power": power,
    "Maximum": binary(np.maximum),
    "Minimum": binary(np.minimum),
    "Matmul": matmul,
    "Einsum": einsum,
    "Clip": clip,
    "Where": where,
    # comparisons
    "Greater": binary(np.greater, compares=True),
    "GreaterEqual": binary(np.greater_equal, compares=True),
    "Less": binary(np.less, compares=True),
    "LessEqual": binary(np.less_equal, compares=True),
    "Equal": binary(np.equal, compares=True),
    "NotEqual": binary(np.not_equal, compares=True),
    "LogicalAnd": logical(np.logical_and),
    "LogicalOr": logical(np.logical_or),
    "LogicalXor": logical(np.logical_xor),
    "LogicalNot": logical(np.logical_not),
    "Cast": cast,
    "StopGradient": unchanged,
    "Copy": unchanged,
    # reductions and choices
    "Sum": reduction(np.sum),
    "Max": reduction(np.max),
    "Amax": reduction(np.max),
    "Min": reduction(np.min),
    "Amin": reduction(np.min),
    "Prod": reduction(np.prod),
    "Any": reduction(np.any, compares=True),
    "All": reduction(np.all, compares=True),
    "Mean": mean,
    "Var": variance,
    "Cumsum": cumulated,
    "Argmax": best(selection.argmax),
    "Argmin": best(selection.argmin),
    "TopK": top_k,
    "Sort": sort,
    "Argsort": argsort,
    "OneHot": one_hot,
    "Softmax": softmax_of(log=False),
    "LogSoftmax": softmax_of(log=True),
    "Concatenate": concatenate,
    "Stack": stack,
    # functions with options
    "LeakyRelu": leaky_relu,
    "Threshold": threshold,
    "HardShrink": shrink(neutral.hard_shrink),
    "SoftShrink": shrink(neutral.soft_shrink),
    "Gelu": gelu,
    "Elu": parametrized("elu", neutral.elu, "alpha"),
    "Celu": parametrized("celu", neutral.celu, "alpha"),
}
"""Handlers by class name; functions of one value follow, `movements` has the others."""

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
    "Arctanh": "arctanh",
    "Erf": "erf",
}
OPERATIONS.update({kind: unary(name) for kind, name in _UNARY.items()})

TABULATED: Final = (
    "Gelu",
    "Elu",
    "Celu",
    "LeakyRelu",
    *(kind for kind, name in _UNARY.items() if name in neutral.TABLES),
)
"""Functions that need a quantiser behind them."""
