"""Numbers inside a layer: rounded by the layer's precision, or exact by themselves, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Array
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.values import Pending, Value, exact


def pending(name: str, function: Callable[[Any], Any], x: Value) -> Value:
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


def rounded(value: Value, role: str, precision: Precision) -> Any:
    """Return an exact array: ``value`` as the layer's precision rounds it.

    Raises
    ------
    ValueError
        If it is a function's result and the precision has no type for it.
    """
    value = precision.inner(value, role)
    if isinstance(value, Pending):
        raise ValueError(
            f"its {value.name} has no number type; edgetrig.quantize(model, x) finds one"
        )
    return exact(value)


def tabulated(
    name: str, function: Callable[[Any], Any], x: Any, role: str, precision: Precision
) -> Any:
    """Return an exact array: a function of one variable, as the layer's precision rounds it."""
    return rounded(pending(name, function, x), role, precision)


@dataclass(frozen=True)
class Quotient(Pending):
    """``array / divisor``, which the quantiser that follows makes exact without a division."""

    divisor: int = 1

    def quantized(self, quantizer: Quantizer) -> Any:
        """Return exact values: by a product with the reciprocal, or else by a table.

        Quantising by TRN or RND looks at which step ``t 2**-(f + 1)`` a value has reached, f the
        type's fraction bits. Codes of p fraction bits divided by d miss a step by a multiple of
        ``gap = 2**-max(p, f + 1) / d`` or hit it. So a reciprocal whose product errs by less than
        half a gap, with half a gap added, reaches the same steps.
        """
        x = self.array
        floors = quantizer.rounding in ("TRN", "RND")
        if not isinstance(x, Array) or not floors or quantizer.scaler is not None or not x.size:
            return super().quantized(quantizer)
        finest = max(int(x.fraction.max()), int(quantizer.fraction.max()) + 1)
        lo, hi = x.interval
        top = max(int(abs(lo).max()), int(abs(hi).max()), 1)
        coarsest = int(x.fraction.min())
        half = finest + self.divisor.bit_length() + 1  # 2**-half <= gap / 2
        bits = max(top.bit_length() - coarsest + half + 1, 0)
        factor = ((1 << bits) + self.divisor // 2) // self.divisor
        if factor.bit_length() > 53:  # no float64 holds it
            return super().quantized(quantizer)
        return quantizer(x * np.ldexp(float(factor), -bits) + 2.0**-half)


def divided(total: Any, count: int, precision: Precision = AS_IS, role: str = "mean") -> Value:
    """Return ``total / count``: exact for a power of two, else once a quantiser follows.

    Parameters
    ----------
    total
        An exact array.
    count
        A positive whole number.
    precision, role
        Round a quotient that is not exact, where the precision has a type for it.
    """
    if count & (count - 1) == 0:
        return precision.inner(total * (1.0 / count), role)
    return precision.inner(
        Quotient(total, lambda x: np.asarray(x) / count, "division", count), role
    )
