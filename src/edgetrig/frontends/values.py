"""What flows between layers while a model is replayed.

Exact values are arrays: symbolic ones while tracing, plain float64 ones while looking ahead. Two
kinds of value are not exact yet and wait for a quantiser: a model's input, and the result of a
function such as tanh. Only rearranging is allowed in between.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Array
from edgetrig.frontends.quantizer import Floats, Ints, Quantizer


@dataclass(frozen=True)
class Request:
    """A quantiser that is applied to inputs: to ``input * scale + offset``, element by element."""

    elements: Ints
    quantizer: Quantizer
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]


@dataclass(frozen=True)
class Shifted:
    """An exact array to which ``offset`` is still to be added: a bias may take it in for free."""

    array: Any
    offset: NDArray[np.float64]

    def rearranged(self, function: Callable[[Any], Any]) -> Shifted:
        """Return the same values in another order or shape."""
        return Shifted(function(self.array), function(self.offset))


@dataclass(frozen=True)
class Raw:
    """A model input as the user gives it, before any quantiser: ``array * scale + offset``.

    ``elements`` numbers the elements over all inputs; ``requests`` collects which quantisers are
    applied to which elements. Scales are powers of two.
    """

    array: Any
    elements: Ints
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    requests: list[Request]

    def rearranged(self, function: Callable[[Any], Any]) -> Raw:
        """Return the same values in another order or shape."""
        return Raw.made_of(function, [self])

    @staticmethod
    def made_of(function: Callable[..., Any], parts: Sequence[Raw]) -> Raw:
        """Return the result of a function that only moves elements of one or several inputs."""
        return Raw(
            function(*(part.array for part in parts)),
            function(*(part.elements for part in parts)),
            function(*(part.scale for part in parts)),
            function(*(part.offset for part in parts)),
            parts[0].requests,
        )

    def quantized(self, quantizer: Quantizer) -> Any:
        """Return exact values, and record what was asked for."""
        self.requests.append(Request(self.elements, quantizer, self.scale, self.offset))
        scaled = self.array * self.scale
        offset = np.where(quantizer.used, self.offset, 0.0)
        if not offset.any():
            return quantizer(scaled)
        shifted = scaled + offset
        result = quantizer(shifted)
        if quantizer.affine is None and _same(result, shifted):  # as the port's range assures
            return Shifted(scaled, offset)
        return result


def _same(x: Any, y: Any) -> bool:
    """Whether two arrays are the same wires; while looking ahead there are none to save."""
    if not isinstance(x, Array):
        return False
    return np.array_equal(x.rows, y.rows) and np.array_equal(x.fraction, y.fraction)


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
                f"{self.name} has no types inside; use a {self.name} that brings them, let "
                "edgetrig.quantize(model, x) find them, or leave it to the end"
            )
        return quantizer.table(self.array, self.function)


class Deferred(ABC):
    """A front end's own kind of value, which can be made exact wherever that is needed.

    Its front end keeps something aside (a scale) that costs less where a quantiser takes it in.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape, without the event axis."""

    @abstractmethod
    def rearranged(self, function: Callable[[Any], Any]) -> Value:
        """Return the same values in another order or shape."""

    @abstractmethod
    def exact(self) -> Any:
        """Return the exact array."""


Value = Any
"""An exact array, `Shifted`, `Raw`, `Pending` or `Deferred`."""


def rearranged(value: Value, function: Callable[[Any], Any]) -> Value:
    """Apply a function that only moves elements."""
    if isinstance(value, Raw | Pending | Shifted | Deferred):
        return value.rearranged(function)
    return function(value)


def shape_of(value: Value) -> tuple[int, ...]:
    """Return the shape of any value, without the event axis."""
    while isinstance(value, Raw | Pending | Shifted):
        value = value.array
    return tuple(int(size) for size in value.shape)


def exact(value: Value) -> Any:
    """Return the array of an exact value.

    Raises
    ------
    ValueError
        If the value still waits for a quantiser.
    """
    if isinstance(value, Raw):
        raise ValueError(
            "the model's input reaches it unquantised; put a quantiser after the input, give it a "
            "type (input_type='fixed<12,8>'), or let edgetrig.quantize(model, x) find types for a "
            "float model"
        )
    if isinstance(value, Pending):
        raise ValueError(
            f"the {value.name} before it is not quantised; put a quantiser after it, or let "
            "edgetrig.quantize(model, x) find its type"
        )
    if isinstance(value, Deferred):
        return value.exact()
    return value.array + value.offset if isinstance(value, Shifted) else value


def quantized(value: Value, quantizer: Quantizer | None) -> Any:
    """Return an exact array, perhaps `Shifted`; without a quantiser it must be exact already."""
    if quantizer is None:
        return value if isinstance(value, Shifted) else exact(value)
    waiting = isinstance(value, Raw | Pending)
    shape = shape_of(value)
    if not fits(quantizer.shape, shape):
        raise ValueError(f"its quantiser has shape {quantizer.shape}, but {shape} arrives")
    return value.quantized(quantizer) if waiting else quantizer(exact(value))


def fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an array of a shape broadcasts to a target without enlarging it."""
    pairs = zip(shape[::-1], target[::-1], strict=False)
    return len(shape) <= len(target) and all(a in (1, b) for a, b in pairs)
