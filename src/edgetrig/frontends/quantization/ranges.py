"""Which range a type of so many bits should cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.quantization.fixed_type import WIDEST, FixedType
from edgetrig.frontends.quantization.observe import Place
from edgetrig.frontends.quantizer import Floats

Rule = Literal["mse", "all"]
"""mse: the range of the least mean square error; all: nothing seen is cut off."""

RULES: Final[tuple[Rule, ...]] = ("mse", "all")

_NARROWER: Final = 5
"""Ranges that are tried: the one that covers all, and so many halves of it."""

_ROWS: Final = 8192


def type_for(place: Place, bits: int, rule: Rule) -> FixedType:
    """Return the type of ``bits`` bits for the numbers of a place: rounded, clipped.

    The sign bit is there where a number was negative. Integer bits are those of the smallest power
    of two that covers all numbers seen, or by rule "mse" of that or a smaller one, whichever makes
    the mean square error of the numbers (of the function that a table computes of them, where
    there is one) least.
    """
    signed = (place.low < 0).astype(np.int64)
    integer = _covering(place.low, place.high, signed, bits)
    if rule == "mse" and bits < WIDEST:
        sample = place.sample[:: max(len(place.sample) // _ROWS, 1) | 1]
        ends = np.stack([place.low, place.high])  # a sample may have missed the outliers
        numbers = np.concatenate([sample, ends])
        weights = np.append(np.ones(len(sample)), np.full(2, len(sample) / place.count))
        integer = np.array(
            [
                _least_error(numbers[:, column], weights, signed[column], top, bits, place.function)
                for column, top in enumerate(integer)
            ],
            np.int64,
        )
    if len(integer) == 1:
        return FixedType.of(signed[0], integer[0], bits)
    return FixedType.of(signed, integer, bits)


def _covering(
    low: NDArray[np.float64], high: NDArray[np.float64], signed: NDArray[np.int64], bits: int
) -> NDArray[np.int64]:
    """Return integer bits (without the sign) of types that round every number to within range."""
    top = np.maximum(np.maximum(high, -low), 2.0**-WIDEST)
    integer = np.ceil(np.log2(top)).astype(np.int64)
    # The largest value is one step below the power of two; rounding takes half a step.
    step = np.ldexp(1.0, integer - (bits - signed))
    return np.asarray(integer + (high >= np.ldexp(1.0, integer) - step / 2), np.int64)


def _least_error(
    values: Floats,
    weights: Floats,
    signed: np.int64,
    integer: np.int64,
    bits: int,
    function: Callable[[Floats], Floats] | None,
) -> int:
    def image(numbers: Floats) -> Floats:
        return numbers if function is None else function(numbers)

    exact = image(values)
    tried = range(int(integer), int(integer) - _NARROWER, -1)
    errors = [weights @ (image(FixedType.of(signed, i, bits)(values)) - exact) ** 2 for i in tried]
    return tried[int(np.argmin(errors))]
