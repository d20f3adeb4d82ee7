"""The largest distance to the float model that types allow, by interval arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        low = np.clip(value.low - kind.error, kind.bottom, kind.top)
        high = np.clip(value.high + kind.error, kind.bottom, kind.top)
        return Bounded(low, high, value.error + kind.error)


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
