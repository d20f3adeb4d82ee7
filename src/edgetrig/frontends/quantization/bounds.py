"""The largest distance to the float model that types allow, by interval arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.model import Port, replay
from edgetrig.frontends.quantization.bounded import Bounded
from edgetrig.frontends.quantization.fixed import Fixed, dropped_array
from edgetrig.frontends.quantization.fixed_type import FixedType
from edgetrig.frontends.quantization.observe import RESULT
from edgetrig.frontends.quantization.plan import Key, Plan
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, Value, exact

_FLOAT = 1e-6
"""Relative slack for the float model's own rounding to float32 in tables and constants."""

_USELESS = 2.0**20
"""Bounds from here on (a reciprocal of what may be 0) say nothing and are left out."""


class Bounding(Fixed):
    """Carries intervals and errors through a layer.

    Every rounding adds half a step (a whole one where it truncates), every constant its own
    distance to what it was; a type's range bounds what is in it.
    """

    def __init__(self, fixed: Fixed) -> None:
        super().__init__(fixed.types, fixed.replaced)
        self.result: NDArray[np.float64] | None = None
        self.settled = ""  # the role whose rounding `composed` accounts for

    def weight(self, values: Floats, role: str) -> Any:
        """Return constants with their errors."""
        rounded = super().weight(values, role)
        given = self.replaced.get(role, values.astype(np.float64))
        return Bounded(rounded, rounded, np.abs(rounded - given) + _FLOAT * np.abs(given))

    def output(self, value: Value) -> Value:
        """Return the layer's result, and keep its errors."""
        value = super().output(value)
        plain = value.array if isinstance(value, Pending) else value
        if isinstance(plain, Bounded):
            self.result = plain.error
        return value

    def fit(self, value: Value, kind: FixedType, role: str) -> Any:
        """Return what rounding to a type makes of intervals and errors."""
        if isinstance(value, Pending):
            if value.function is None:
                raise ValueError(f"{value.name} has no bound")
            value = Bounded.of(value.array).through(value.function)
        value = Bounded.of(exact(value))
        low, high = (kind(np.clip(v, kind.bottom, kind.top)) for v in (value.low, value.high))
        error = value.error if role == self.settled else value.error + kind.error
        return Bounded(low, high, error, value.bottom, value.top).closest

    def composed(
        self,
        function: Callable[[Any], Value],
        x: Any,
        change: Callable[[Floats], Floats],
        argument: str = "",
    ) -> Value:
        """Add what roundings inside change to what the arguments' errors do."""
        if argument and self.settled == argument:  # by what this is a part of
            return function(x)
        x = Bounded.of(x)
        self.settled = argument
        value = function(Bounded(x.low, x.high, np.zeros(x.shape)))
        self.settled = ""
        if isinstance(value, Pending):
            return replace(value, array=x)
        error = value.error + change(x.error + self._rounding(argument))
        return Bounded(value.low, value.high, error)

    def attended(self, weighting: Callable[[Any], Any], scores: Any, value: Any) -> Bounded:
        """Use that weights are at least 0 and sum to 1.

        So errors of values never add up. Where scores change by at most e, the log odds of any set
        of elements change by at most 2e and its probability by at most tanh(e / 2): so much weight
        moves, each part of it at most as far as values are apart. What roundings do to the weights
        themselves comes on top.
        """
        scores, value = Bounded.of(scores), Bounded.of(value)
        self.settled = "exp_input"
        weights = weighting(Bounded(scores.low, scores.high, np.zeros(scores.shape)))
        self.settled = ""
        moved = scores.error + self._rounding("exp_input")
        largest = np.max(moved, axis=-1, keepdims=True)
        low, bottom = (
            np.minimum(np.min(v, axis=-2, keepdims=True), 0) for v in (value.low, value.bottom)
        )
        high, top = (
            np.maximum(np.max(v, axis=-2, keepdims=True), 0) for v in (value.high, value.top)
        )
        own = weights.error @ value.largest
        error = own + np.max(value.error, axis=-2, keepdims=True)
        error = error + np.tanh(largest / 2) * (top - bottom)
        return Bounded(low - own, high + own, error, bottom, top)

    def within(self, value: Any, low: ArrayLike, high: ArrayLike) -> Bounded:
        """Take a range of the exact numbers into account."""
        return Bounded.of(value).within(low, high)

    def normalized(self, x: Any, square: Any, inverse: Any, count: int, epsilon: float) -> Bounded:
        """Use that no element is above ``sqrt(count * square)``.

        Where ``square`` is off by d, the exact ``|x| / sqrt(square + epsilon) <= sqrt(count)`` is
        off by a factor of at most ``sqrt(1 + d / epsilon)``. An error that all elements of ``x``
        share (that of their mean) changes ``square`` by its own square alone, as they sum to 0.
        """
        x, square, inverse = Bounded.of(x), Bounded.of(square), Bounded.of(inverse)
        shared = np.max(x.error, initial=0.0) ** 2 + _FLOAT * square.largest
        off = np.minimum(square.error, shared + self._rounding("variance"))
        off = off + self._rounding("inverse_input")
        factor = np.sqrt(count) * (np.sqrt(1 + off / epsilon) - 1)
        largest = np.minimum(x.largest + x.error, np.sqrt(count * (square.largest + off)))
        own = largest * (self._rounding("inverse") + _FLOAT * inverse.largest)
        product = x * inverse
        error = np.minimum(product.error, x.error * inverse.largest + factor + own)
        return Bounded(product.low, product.high, error)

    def _rounding(self, role: str) -> Any:
        return self.types[role].error if role in self.types else 0.0


def bounds_of(
    plan: Plan, types: Mapping[Key, FixedType]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
    """Return by output each element's largest error, and by layer the largest of its results.

    The errors hold for every input within the ranges of the input types, where no number is cut
    off. Both are empty where a layer does what has no such bound.
    """
    bounding = {name: Bounding(fixed) for name, fixed in plan.precisions(types).items()}
    try:
        inputs = [_whole_range(port, types.get((port.name, RESULT))) for port in plan.model.inputs]
        with np.errstate(all="ignore"):
            outputs = replay(plan.model, inputs, bounding.__getitem__)
        arrays = [Bounded.of(dropped_array(output)) for output in outputs]
    except (ModelError, TypeError, AttributeError, ValueError):
        return {}, {}
    names = [name for name, _ in plan.model.outputs]
    found = {name: array.error for name, array in zip(names, arrays, strict=True)}
    if not all((error < _USELESS).all() for error in found.values()):
        return {}, {}
    layers = {
        name: float(precision.result.max(initial=0.0))
        for name, precision in bounding.items()
        if precision.result is not None
    }
    return found, layers


def _whole_range(port: Port, kind: FixedType | None) -> Bounded:
    if kind is None:
        raise ValueError(f"input '{port.name}' is quantised by the model itself")
    low, high = (np.broadcast_to(v, port.shape) for v in (kind.bottom, kind.top))
    return Bounded(low, high, np.zeros(port.shape))
