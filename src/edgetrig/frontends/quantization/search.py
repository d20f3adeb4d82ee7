"""The search for widths: one for all places, then bit by bit where it matters least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import Key as Flow
from edgetrig.frontends.model import advance
from edgetrig.frontends.quantization.fixed import dropped_array
from edgetrig.frontends.quantization.fixed_type import FixedType
from edgetrig.frontends.quantization.loss import Loss, Outputs
from edgetrig.frontends.quantization.plan import Key, Plan
from edgetrig.frontends.values import Value
from edgetrig.progress import Progress, silent

LEAST_BITS: Final = 2
"""Narrowest type that is tried."""

_WIDER: Final = 1.15
"""Distance from the float model that one level allows, over the one before."""

_LEAST_DISTANCE: Final = 1e-4
"""Distance, relative to the outputs' spread, below which levels do not begin."""


@dataclass
class Trials:
    """Evaluates a model with trial types; what lies in front of a change is not computed again."""

    plan: Plan
    inputs: Sequence[NDArray[np.float64]]
    loss: Loss
    count: int = 0
    _values: dict[Flow, Value] = field(default_factory=dict)

    def outputs(self, types: Mapping[Key, FixedType]) -> Outputs:
        """Return the model's outputs with these types, and keep them as where trials start."""
        values: dict[Flow, Value] = {}
        self._values = self._run(types, values, -1)
        return self._outputs(self._values)

    def start(self, types: Mapping[Key, FixedType]) -> float:
        """Return the loss with these types, from which single places will be changed."""
        self.count += 1
        return self.loss.estimate(self.outputs(types))

    def changed(
        self, types: Mapping[Key, FixedType], layer: str
    ) -> tuple[float, dict[Flow, Value]]:
        """Return the distance where only one layer's types differ from those of the last `keep`."""
        self.count += 1
        values = self._run(types, dict(self._values), self.plan.first_step(layer))
        return self.loss.distance(self._outputs(values)), values

    def standing(self) -> tuple[float, float]:
        """Return loss and distance of what was kept."""
        outputs = self._outputs(self._values)
        return self.loss.estimate(outputs), self.loss.distance(outputs)

    def keep(self, values: dict[Flow, Value]) -> None:
        """Start from what `changed` returned from now on."""
        self._values = values

    def _run(
        self, types: Mapping[Key, FixedType], values: dict[Flow, Value], first: int
    ) -> dict[Flow, Value]:
        model, precisions = self.plan.model, self.plan.precisions(types)
        if first < 0:
            for port, array in zip(model.inputs, self.inputs, strict=True):
                values[port.key] = precisions[port.name].output(Batch(array))
        advance(model, model.steps[max(first, 0) :], values, precisions.__getitem__)
        return values

    def _outputs(self, values: Mapping[Flow, Value]) -> Outputs:
        arrays = (dropped_array(values[key]) for _, key in self.plan.model.outputs)
        return [
            np.asarray(a.values if isinstance(a, Batch) else a, np.float64).astype(np.float64)
            for a in arrays
        ]


def smallest_uniform(trials: Trials, tolerance: float, most: int) -> tuple[int, float]:
    """Return the least width for all places that keeps the loss within the tolerance, and the loss.

    If even ``most`` bits do not, that is what is returned.
    """
    low, high = LEAST_BITS, most
    best = trials.start(trials.plan.types(trials.plan.uniform(most)))
    while low < high and best <= tolerance:
        middle = (low + high) // 2
        loss = trials.start(trials.plan.types(trials.plan.uniform(middle)))
        if loss <= tolerance:
            high, best = middle, loss
        else:
            low = middle + 1
    return high, best


def search(
    trials: Trials, tolerance: float, most: int, budget: int, progress: Progress = silent
) -> list[dict[Key, int]]:
    """Return widths on a way from wide to narrow, as far as the loss allows.

    It begins with the widest width for all places and comes down to one bit more than the least
    that is good enough. From there on the outputs may move farther from the float model's, level
    by level. On each level bits are taken away in the order of distance per saving, each if the
    outputs stay within the level. The way ends once the loss is above the tolerance: the loss
    decides how far to go, and not, as it counts few events, where to go.
    """
    plan = trials.plan
    bits, _ = smallest_uniform(trials, tolerance, most)
    widths = plan.uniform(min(bits + 1, most))
    if trials.start(plan.types(widths)) > tolerance:
        widths = plan.uniform(bits)
        trials.start(plan.types(widths))
    top = max(widths.values(), default=most)
    way = [*(plan.uniform(wide) for wide in range(most, top, -1)), widths]
    loss, level = trials.standing()
    while loss <= tolerance and trials.count < budget and max(widths.values()) > LEAST_BITS:
        level = _WIDER * max(level, _LEAST_DISTANCE)
        for key in _order(trials, widths, level):
            lower = widths | {key: widths[key] - 1}
            distance, values = trials.changed(plan.types(lower), key[0])
            if distance <= level:
                widths = lower
                way.append(widths)
                trials.keep(values)
            progress(trials.count, budget)
        loss, _ = trials.standing()
    return way


def _order(trials: Trials, widths: Mapping[Key, int], level: float) -> list[Key]:
    """Return the places that may give a bit within a level, first those that it costs least."""
    plan = trials.plan
    savings = plan.savings(widths)
    _, here = trials.standing()
    prices = {}
    for key in sorted(widths):
        if widths[key] > LEAST_BITS:
            lower = {**widths, key: widths[key] - 1}
            distance, _ = trials.changed(plan.types(lower), key[0])
            if distance <= level:
                prices[key] = max(distance - here, 0.0) / savings[key]
    return sorted(prices, key=lambda key: (prices[key], key))
