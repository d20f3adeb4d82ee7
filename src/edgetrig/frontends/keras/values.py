"""What flows between layers while a model is replayed.

Exact values are arrays: symbolic ones while tracing, plain float64 ones while looking ahead. Two
kinds of value are not exact yet and wait for a quantiser: a model's input, and the result of a
function such as tanh. Only rearranging is allowed in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.keras.quantizers import Floats, Quantizer


@dataclass(frozen=True)
class Raw:
    """A model input as the user gives it, before any quantiser.

    ``elements`` numbers the elements over all inputs; ``requests`` collects which quantisers are
    applied to which elements.
    """

    array: Any
    elements: NDArray[np.int64]
    requests: list[tuple[NDArray[np.int64], Quantizer]]

    def rearranged(self, function: Callable[[Any], Any]) -> Raw:
        """Return the same values in another order or shape."""
        return replace(self, array=function(self.array), elements=function(self.elements))

    def quantized(self, quantizer: Quantizer) -> Any:
        """Return exact values, and record what was asked for."""
        self.requests.append((self.elements, quantizer))
        return quantizer(self.array)


@dataclass(frozen=True)
class Pending:
    """The result of a function of one variable that becomes exact when it is quantised.

    ``function`` is None where there is no such function (softmax). ``name`` is the function's.
    """

    array: Any
    function: Callable[[Floats], Floats] | None
    name: str

    def rearranged(self, function: Callable[[Any], Any]) -> Pending:
        """Return the same values in another order or shape."""
        return replace(self, array=function(self.array))

    def quantized(self, quantizer: Quantizer) -> Any:
        """Return exact values, by a table."""
        if self.function is None:
            raise ValueError(
                f"{self.name} cannot be quantised; use HGQ2's QSoftmax, or leave it to the end"
            )
        return quantizer.table(self.array, self.function)


Value = Any
"""An exact array, `Raw` or `Pending`."""


def rearranged(value: Value, function: Callable[[Any], Any]) -> Value:
    """Apply a function that only moves elements."""
    if isinstance(value, Raw | Pending):
        return value.rearranged(function)
    return function(value)


def exact(value: Value) -> Any:
    """Return the array of an exact value.

    Raises
    ------
    ValueError
        If the value still waits for a quantiser.
    """
    if isinstance(value, Raw):
        raise ValueError(
            "the model's input reaches it unquantised; put an HGQ2 Quantizer layer after the "
            "input, or give the layer enable_iq=True"
        )
    if isinstance(value, Pending):
        raise ValueError(
            f"the {value.name} before it is not quantised; put an HGQ2 Quantizer layer after it"
        )
    return value


def quantized(value: Value, quantizer: Quantizer | None) -> Any:
    """Return an exact array; without a quantiser the value must be exact already."""
    if quantizer is None:
        return exact(value)
    waiting = isinstance(value, Raw | Pending)
    shape = value.array.shape if waiting else value.shape
    if not fits(quantizer.shape, shape):
        raise ValueError(f"its quantiser has shape {quantizer.shape}, but {shape} arrives")
    return value.quantized(quantizer) if waiting else quantizer(value)


def fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an array of a shape broadcasts to a target without enlarging it."""
    pairs = zip(shape[::-1], target[::-1], strict=False)
    return len(shape) <= len(target) and all(a in (1, b) for a, b in pairs)
