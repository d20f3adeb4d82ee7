"""Elementwise arithmetic, comparisons and choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import frexp
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers.inner import divided, pending
from edgetrig.frontends.layers.softmax import log_add_exp
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.scales.quotients import remainder, whole_quotient
from edgetrig.frontends.scales.requantize import rounded
from edgetrig.frontends.torch.handlers.reduction import vector_norm
from edgetrig.frontends.torch.operation import Call, Weight, is_constant, values_of
from edgetrig.frontends.values import Pending, Raw, Value, exact

Function = Callable[..., Any]


def add(call: Call, x: Value, other: Value, alpha: float = 1) -> Value:
    """``x + alpha * other``."""
    if is_constant(other):
        return _shifted(call, x, values_of(other) * alpha, other)
    if is_constant(x):
        return call.weight(x, "bias") + exact(other) * call.number(alpha)
    return exact(x) + (exact(other) if alpha == 1 else exact(other) * call.number(alpha))


def subtract(call: Call, x: Value, other: Value, alpha: float = 1) -> Value:
    """``x - alpha * other``."""
    if is_constant(other):
        return _shifted(call, x, -values_of(other) * alpha, other)
    scaled = exact(other) if alpha == 1 else exact(other) * call.number(alpha)
    return call.operand(x, "bias") - scaled


def reversed_subtract(call: Call, x: Value, other: Value, alpha: float = 1) -> Value:
    """``other - alpha * x``."""
    return subtract(call, other, x, alpha)


def _shifted(call: Call, x: Value, offset: Floats, given: Any) -> Value:
    constant = Weight(offset) if isinstance(given, Weight) else float(offset)
    if isinstance(x, Raw):
        shift = np.broadcast_to(offset, x.elements.shape)
        return replace(x, offset=x.offset + shift)
    values = call.weight(constant, "bias")
    if isinstance(x, Pending):
        return pending("sum", lambda v: v + values, _scalar_only(x, values))
    return exact(x) + values


def multiply(call: Call, x: Value, other: Value) -> Value:
    """``x * other``; a model's input and a function's result take powers of two."""
    if not is_constant(other):
        return call.operand(x, "scale") * exact(other)
    if isinstance(x, Raw):
        return _scaled_input(x, values_of(other))
    values = values_of(other)
    if not powers_of_two(values):  # these are wiring, which no type should touch
        values = call.weight(other, "scale")
    if isinstance(x, Pending):
        return pending("product", lambda v: v * values, _scalar_only(x, values))
    return exact(x) * values


def divide(call: Call, x: Value, other: Value, rounding_mode: str | None = None) -> Value:
    """``x / other``: by a power of two exactly, else once a quantiser follows."""
    if not is_constant(other):
        return _divided_by_value(call, x, other, rounding_mode)
    divisor = values_of(other)
    if not divisor.all():
        raise ValueError("it divides by zero")
    if rounding_mode is not None:
        return whole_quotient(exact(x), divisor, "TRN" if rounding_mode == "floor" else "TRN_ZERO")
    if isinstance(x, Raw):
        return _scaled_input(x, 1 / divisor)
    if powers_of_two(divisor):
        return multiply(call, x, Weight(1 / divisor) if isinstance(other, Weight) else 1 / other)
    if not isinstance(x, Pending) and divisor.size == 1 and _whole(divisor):
        sign = -1.0 if divisor.item() < 0 else 1.0
        return divided(exact(x) * sign, int(abs(divisor.item())), call.precision, "quotient")
    if divisor.size > 1:
        return exact(x) * call.weight(Weight(1 / divisor), "scale")
    single = float(call.number(divisor.item()))
    return call.precision.inner(pending("division", lambda v: v / single, x), "quotient")


def _divided_by_value(call: Call, x: Value, other: Value, rounding_mode: str | None) -> Value:
    if rounding_mode is not None:
        raise ValueError("a division of two values with rounding is not supported; divide first")
    inverse = call.precision.inner(pending("reciprocal", np.reciprocal, other), "inverse")
    if is_constant(x) and isinstance(inverse, Pending):
        factor = values_of(x)
        return pending("division", lambda v: v * factor, _scalar_only(inverse, factor))
    return call.operand(x, "scale") * exact(inverse)


def floor_divide(call: Call, x: Value, other: Value) -> Value:
    """``floor(x / other)``."""
    return divide(call, x, other, "floor")


def rest(mode: str) -> Function:
    """Return the handler of what a division to whole numbers leaves."""
    return lambda call, x, other: remainder(exact(x), _divisor(other), mode)


def _divisor(other: Value) -> Floats:
    if not is_constant(other):
        raise ValueError("its divisor depends on the event; divide by a constant")
    return values_of(other)


def _scaled_input(x: Raw, factor: Floats) -> Raw:
    if not powers_of_two(factor) or (factor < 0).any():
        raise ValueError(
            "the model's input is multiplied by a number that is no power of two before it is"
            " quantised; quantise it first, or fold the factor into the data"
        )
    factor = np.broadcast_to(factor, x.elements.shape)
    return replace(x, scale=x.scale * factor, offset=x.offset * factor)


def powers_of_two(values: Floats) -> bool:
    """Whether all numbers are powers of two or their negatives."""
    return all(abs(frexp(v)[0]) == 0.5 for v in values.reshape(-1).tolist())


def _whole(values: Floats) -> bool:
    return bool((values == np.rint(values)).all()) and abs(values).max() < 2**20


def _scalar_only(x: Pending, values: Floats) -> Pending:
    if np.size(values) != 1:
        raise ValueError(f"the {x.name} before it needs a quantiser first")
    return x


def negative(call: Call, x: Value) -> Value:
    """``-x``."""
    return pending("negative", np.negative, x) if isinstance(x, Pending) else -exact(x)


def cast(call: Call, x: Value, **options: Any) -> Value:
    """Another number type: truth values and whole numbers, or no change."""
    kind = call.dtypes[0]
    if kind == "bool":
        return exact(x) != 0
    if kind in ("float16", "bfloat16"):
        raise ValueError(f"it rounds to {kind}; use float32, and a quantiser where one is meant")
    if not kind.startswith(("int", "uint")):
        return x
    return x if isinstance(x, Raw) else rounded(exact(x), "TRN_ZERO")


def clamp(call: Call, x: Value, min: Any = None, max: Any = None) -> Value:
    """``minimum(maximum(x, min), max)``."""
    if isinstance(x, Pending) and all(b is None or np.size(values_of(b)) == 1 for b in (min, max)):
        low, high = (None if b is None else float(values_of(b)) for b in (min, max))
        return pending("clamp", lambda v: np.clip(v, low, high), x)
    result = exact(x)
    if min is not None:
        result = np.maximum(result, call.operand(min, "bound"))
    return result if max is None else np.minimum(result, call.operand(max, "bound"))


def pointwise(function: Function, role: str = "value") -> Function:
    """Return the handler of a function of two exact arrays, one of which may be constant."""

    def handler(call: Call, x: Value, other: Value) -> Value:
        return function(call.operand(x, role), call.operand(other, role))

    return handler


def unary(function: Function) -> Function:
    """Return the handler of a function of one exact array."""
    return lambda call, x: function(exact(x))


def where(call: Call, condition: Value, x: Value, other: Value) -> Value:
    """``x`` where the condition holds, else ``other``."""
    choices = (call.operand(value, "value") for value in (x, other))
    return np.where(exact(condition), *choices)


def masked_fill(call: Call, x: Value, mask: Value, value: Any) -> Value:
    """``value`` where the mask holds, else ``x``."""
    mask = values_of(mask) if is_constant(mask) else mask
    return np.where(exact(mask), call.operand(value, "value"), exact(x))


def power(call: Call, x: Value, exponent: Any) -> Value:
    """``x ** exponent`` for a constant exponent; a table unless it is small and whole."""
    if not is_constant(exponent) or is_constant(x):
        return _exponential(call, x, exponent)
    n = float(values_of(exponent))
    if n in (1.0, 2.0, 3.0, 4.0) and not isinstance(x, Pending):
        return exact(x) ** int(n)
    x = call.precision.inner(x, "linear")
    return pending("power", lambda v: np.power(v, n), x)


def _exponential(call: Call, x: Value, exponent: Value) -> Value:
    if not is_constant(x) or values_of(x).size != 1:
        raise ValueError("a power of two values is not supported; use exp(y * log(x))")
    base = float(values_of(x))
    inner = call.precision.inner(exponent, "linear")
    return pending("power", lambda v: np.power(base, v), inner)


def _multiply_add(call: Call, x: Value, tensor1: Value, tensor2: Value, value: float = 1) -> Value:
    """``x + value * tensor1 * tensor2``."""
    return add(call, x, multiply(call, tensor1, tensor2), value)


def _lerp(call: Call, x: Value, end: Value, weight: Any) -> Value:
    """``x + weight * (end - x)``."""
    start = call.operand(x, "value")
    return start + (call.operand(end, "value") - start) * call.operand(weight, "scale")


def _logical_not(call: Call, x: Value) -> Value:
    return exact(x) == 0


def _bitwise_not(call: Call, x: Value) -> Value:
    return exact(x) == 0 if call.dtypes[0] == "bool" else -1 - exact(x)


def _bits(of_truth: Function, of_numbers: Function) -> Function:
    def handler(call: Call, x: Value, other: Value) -> Value:
        values = [call.operand(v, "value") for v in (x, other)]
        return of_truth(*values) if call.dtypes[0] == "bool" else of_numbers(*values)

    return handler


_AND = _bits(np.logical_and, np.bitwise_and)
_OR = _bits(np.logical_or, np.bitwise_or)
_XOR = _bits(np.logical_xor, np.bitwise_xor)


def _heaviside(call: Call, x: Value, values: Value) -> Value:
    """0 below 0 and 1 above it, a value of its own at 0."""
    x = exact(x)
    return np.where(x > 0, 1.0, np.where(x < 0, 0.0, call.operand(values, "value")))


def _log_add_exp(call: Call, x: Value, other: Value) -> Value:
    """``log(exp(x) + exp(other))``."""
    return log_add_exp(call.operand(x, "bias"), call.operand(other, "bias"), call.precision)


def _distances(
    call: Call, x1: Value, x2: Value, p: float = 2, compute_mode: int | None = None
) -> Value:
    """Norms of the differences between all rows of two values."""
    first, second = (call.operand(v, "value") for v in (x1, x2))
    difference = first[..., :, None, :] - second[..., None, :, :]
    return vector_norm(call, difference, p, dim=-1)


HANDLERS: Final[Mapping[str, Function]] = {
    "add": add,
    "sub": subtract,
    "subtract": subtract,
    "rsub": reversed_subtract,
    "mul": multiply,
    "multiply": multiply,
    "div": divide,
    "divide": divide,
    "true_divide": divide,
    "floor_divide": floor_divide,
    "remainder": rest("TRN"),
    "fmod": rest("TRN_ZERO"),
    "neg": negative,
    "_to_copy": cast,
    "to": cast,
    "type_as": lambda call, x, other: cast(call, x),
    "clamp": clamp,
    "clip": clamp,
    "clamp_min": clamp,
    "clamp_max": clamp,
    "minimum": pointwise(np.minimum, "bound"),
    "maximum": pointwise(np.maximum, "bound"),
    "fmin": pointwise(np.minimum, "bound"),
    "fmax": pointwise(np.maximum, "bound"),
    "lt": pointwise(np.less, "bound"),
    "le": pointwise(np.less_equal, "bound"),
    "gt": pointwise(np.greater, "bound"),
    "ge": pointwise(np.greater_equal, "bound"),
    "eq": pointwise(np.equal, "bound"),
    "ne": pointwise(np.not_equal, "bound"),
    "logical_and": pointwise(np.logical_and),
    "logical_or": pointwise(np.logical_or),
    "logical_xor": pointwise(np.logical_xor),
    "logical_not": _logical_not,
    "__and__": _AND,
    "__or__": _OR,
    "__xor__": _XOR,
    "bitwise_and": _AND,
    "bitwise_or": _OR,
    "bitwise_xor": _XOR,
    "bitwise_not": _bitwise_not,
    "where": where,
    "masked_fill": masked_fill,
    "logaddexp": _log_add_exp,
    "heaviside": _heaviside,
    "cdist": _distances,
    "floor": unary(np.floor),
    "ceil": unary(np.ceil),
    "trunc": unary(lambda x: rounded(x, "TRN_ZERO")),
    "frac": unary(lambda x: x - rounded(x, "TRN_ZERO")),
    "pow": power,
    "addcmul": _multiply_add,
    "lerp": _lerp,
}
"""By ATen's names."""
