"""Values put together and taken apart, be they exact or still waiting for a quantiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgetrig.frontends.quantizer import Ints, Quantizer
from edgetrig.frontends.values import Pending, Raw, Value, exact, rearranged, shape_of


@dataclass(frozen=True)
class Joined(Pending):
    """Results of several functions in one array, each of which waits for the same quantiser.

    ``places`` numbers the elements of all parts, one part after the other, and moves with
    ``array``, which holds what the functions are applied to.
    """

    parts: tuple[Value, ...] = ()
    places: Ints | None = None

    def rearranged(self, function: Callable[[Any], Any]) -> Joined:
        """Return the same values in another order or shape."""
        return replace(self, array=function(self.array), places=function(self.places))

    def quantized(self, quantizer: Quantizer) -> Any:
        """Return exact values: every part through its elements' types."""

        def exactly(part: Value, elements: Ints) -> Any:
            types = _at(quantizer, self.array.shape, elements)
            return part.quantized(types) if isinstance(part, Pending) else types(exact(part))

        return self.through(exactly)

    def through(self, function: Callable[[Value, Ints], Any]) -> Any:
        """Return what a function makes exact of each part, put together again.

        The function gets those elements of a part that are here, in one row, and their numbers in
        ``array``.
        """
        places = np.asarray(self.places)
        flat, results, order = places.ravel(), [], []
        first = 0
        for part in self.parts:
            count = int(np.prod(shape_of(part)))
            mine = np.flatnonzero((flat >= first) & (flat < first + count))
            if mine.size:
                results.append(function(_picked(part, flat[mine] - first), mine))
                order.append(mine)
            first += count
        back = np.argsort(np.concatenate(order))
        return np.concatenate(results, axis=0)[back].reshape(places.shape)


def joined(function: Callable[..., Any], values: Sequence[Value]) -> Value:
    """Return the result of a function that only puts several values together.

    Model inputs stay model inputs; where functions' results are among the values, all wait for the
    quantiser that follows.
    """
    if values and all(isinstance(value, Raw) for value in values):
        return Raw.made_of(function, values)
    if not any(isinstance(value, Pending) for value in values):
        return function(*(exact(value) for value in values))
    parts = tuple(value if isinstance(value, Pending) else exact(value) for value in values)
    names = dict.fromkeys(part.name for part in parts if isinstance(part, Pending))
    alike = len(names) == 1 and all(isinstance(part, Pending) for part in parts)
    ends = np.cumsum([0, *(np.prod(shape_of(part), dtype=np.int64) for part in parts)])
    places = [
        np.arange(start, end).reshape(shape_of(part))
        for start, end, part in zip(ends[:-1], ends[1:], parts, strict=True)
    ]
    arrays = [part.array if isinstance(part, Pending) else part for part in parts]
    name = " and ".join(names) if alike else " and ".join([*names, "more"])
    return Joined(function(*arrays), None, name, parts, function(*places))


def unstacked(value: Value, axis: int = 0) -> list[Value]:
    """Return the parts of a value along an axis."""
    return [
        rearranged(value, lambda v, k=k: np.moveaxis(v, axis, 0)[k])  # type: ignore[misc]
        for k in range(shape_of(value)[axis])
    ]


def _picked(value: Value, elements: Ints) -> Value:
    """Return elements of a value, by number, in one row."""
    return rearranged(value, lambda v: v.reshape(-1)[elements])


def _at(quantizer: Quantizer, shape: tuple[int, ...], elements: Ints) -> Quantizer:
    """Return the types of some elements of an array that a quantiser is applied to."""
    signed, integer, fraction = (
        np.broadcast_to(column, shape).ravel()[elements]
        for column in (quantizer.signed, quantizer.integer, quantizer.fraction)
    )
    return replace(quantizer, signed=signed, integer=integer, fraction=fraction)
