"""How often a constant goes into a value, in whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig import circuit
from edgetrig.frontends.layers.inner import Quotient
from edgetrig.frontends.quantizer import ROUND, Floats, Quantizer
from edgetrig.frontends.scales.requantize import mapped, rounded


def whole_quotient(x: Any, divisor: Floats, mode: str) -> Any:
    """Return an exact array over constants, rounded to whole numbers.

    Parameters
    ----------
    x
        Exact values.
    divisor
        Powers of two, or one whole number (of either sign) for all elements.
    mode
        "TRN" rounds down, "TRN_ZERO" towards zero.

    Raises
    ------
    ValueError
        If the divisor is another one.
    """
    if not divisor.all():
        raise ValueError("it divides by zero")
    if (np.abs(np.frexp(divisor)[0]) == 0.5).all():
        return rounded(x * (1 / divisor), mode)
    size = float(np.abs(divisor).max())
    if not size.is_integer() or (np.abs(divisor) != size).any():
        raise ValueError(
            "it divides to whole numbers by others than powers of two or one whole number; "
            "divide by such, and round then"
        )
    x = x * np.sign(divisor)
    if not isinstance(x, circuit.Array):
        return mapped(x, lambda v: ROUND[mode](np.asarray(v, np.float64) / size))
    if mode == "TRN_ZERO":
        return np.where(x < 0, -_floor(-x, int(size)), _floor(x, int(size)))
    return _floor(x, int(size))


def remainder(x: Any, divisor: Floats, mode: str) -> Any:
    """Return what `whole_quotient` leaves: of the divisor's sign (TRN), or that of ``x``."""
    return x - whole_quotient(x, divisor, mode) * divisor


def _floor(x: circuit.Array, divisor: int) -> Any:
    lo, hi = x.interval
    bits = max(int(np.abs(lo).max(initial=1)), int(np.abs(hi).max(initial=1))).bit_length()
    bits += int(max(-x.fraction.min(initial=0), 0))
    whole = Quantizer(np.array(1), np.array(bits), np.array(0), "TRN", "WRAP")
    return Quotient(x, lambda v: v / divisor, "division", divisor).quantized(whole)
