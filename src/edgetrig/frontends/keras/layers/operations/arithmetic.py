"""Sums, products, comparisons and truth values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.keras.form import Given
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.merge import LARGEST, contracted
from edgetrig.frontends.keras.layers.operations.arguments import exact_arguments, numbers_of
from edgetrig.frontends.layers import activation as neutral
from edgetrig.frontends.layers import softmax
from edgetrig.frontends.layers.inner import divided
from edgetrig.frontends.scales.quotients import remainder, whole_quotient
from edgetrig.frontends.values import Pending, Raw, Value, exact

Handler = Callable[..., Any]


def binary(function: Callable[[Any, Any], Any]) -> Handler:
    """Return the handler of a function of two values, one of which may be a number."""
    return lambda layer, x, y: function(*numbers_of(x, y))


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


def floor_divide(layer: Layer, x: Value, y: Value) -> Value:
    """``keras.ops.floor_divide`` by a number."""
    return whole_quotient(exact(x), _divisor(y), "TRN")


def modulo(layer: Layer, x: Value, y: Value) -> Value:
    """``keras.ops.mod`` by a number; the rest has its sign."""
    return remainder(exact(x), _divisor(y), "TRN")


def _divisor(y: Value) -> NDArray[np.float64]:
    if not isinstance(y, int | float):
        raise ValueError("divides by a value that varies; divide by a number")
    return np.asarray(np.float32(y), np.float64)


def log_add_exp(layer: Layer, x: Value, y: Value) -> Value:
    """``keras.ops.logaddexp``."""
    a, b = numbers_of(x, y)
    return softmax.log_add_exp(a, b, layer.precision)


def power(layer: Layer, x: Value, y: Any) -> Value:
    """``x ** y`` with a known exponent; one that is not whole becomes a table."""
    if not isinstance(y, int | float):
        raise ValueError("the exponent must be a number")
    if float(y).is_integer() and 0 <= y <= 4:
        return exact(x) ** int(y)
    return neutral.pending("power", lambda v: v**y, x)


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
    """Return the handler of a function of truth values; a number is true where it is not 0."""
    return lambda layer, *x: function(*numbers_of(*x))


def cast(layer: Layer, x: Value) -> Value:
    """``keras.ops.cast`` to float32, or of whole numbers."""
    if layer.config["dtype"] in ("float32", "float64") or isinstance(x, Raw):
        return x
    raise ValueError(f"a cast to {layer.config['dtype']} is not supported; use floor")


def unchanged(layer: Layer, x: Value) -> Value:
    """Return the argument: the function does nothing at inference."""
    return x


ARITHMETIC: Final[dict[str, Handler]] = {
    "Add": binary(np.add),
    "Subtract": binary(np.subtract),
    "Multiply": binary(np.multiply),
    "Divide": divide,
    "TrueDivide": divide,
    "FloorDivide": floor_divide,
    "Mod": modulo,
    "Logaddexp": log_add_exp,
    "Power": power,
    "Maximum": binary(np.maximum),
    "Minimum": binary(np.minimum),
    "Matmul": matmul,
    "Einsum": einsum,
    "Clip": clip,
    "Where": where,
    # comparisons
    "Greater": binary(np.greater),
    "GreaterEqual": binary(np.greater_equal),
    "Less": binary(np.less),
    "LessEqual": binary(np.less_equal),
    "Equal": binary(np.equal),
    "NotEqual": binary(np.not_equal),
    "LogicalAnd": logical(np.logical_and),
    "LogicalOr": logical(np.logical_or),
    "LogicalXor": logical(np.logical_xor),
    "LogicalNot": logical(np.logical_not),
    "Cast": cast,
    "StopGradient": unchanged,
    "Copy": unchanged,
}
"""Handlers by class name."""
