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
        return self.loss.cautious(self.outputs(types))

    def changed(
        self, types: Mapping[Key, FixedType], layer: str
    ) -> tuple[float, dict[Flow, Value]]:
        """Return the loss where only one layer's types differ from those of the last `keep`."""
        self.count += 1
        values = self._run(types, dict(self._values), self.plan.first_step(layer))
        return self.loss.cautious(self._outputs(values)), values

    def distance(self, values: Mapping[Flow, Value] | None = None) -> float:
        """Return the distance to the float model's outputs, by default of what was kept."""
        return self.loss.distance(self._outputs(self._values if values is None else values))

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
    """Return widths that keep the loss within the tolerance, and those on the way there.

    The first are the widest, the last the narrowest.

    From one bit more than the least uniform width on, every round measures how far one bit less of
    each place would lead from the float model, and takes bits away in the order of distance per
    saving, each only if the loss of all together (with its standard error) stays within the
    tolerance. A place that once could not give a bit keeps its width.
    """
    plan = trials.plan
    bits, _ = smallest_uniform(trials, tolerance, most)
    widths = plan.uniform(min(bits + 1, most))
    loss = trials.start(plan.types(widths))
    if loss > tolerance:
        widths = plan.uniform(bits)
        loss = trials.start(plan.types(widths))
    way = [widths]
    open_places = {key for key in plan.searched if widths[key] > LEAST_BITS}
    while open_places and loss <= tolerance and trials.count < budget:
        savings = plan.savings(widths)
        here = trials.distance()
        order = {}
        for key in sorted(open_places):
            trial, values = trials.changed(plan.types(widths | {key: widths[key] - 1}), key[0])
            if trial <= tolerance:
                order[key] = max(trials.distance(values) - here, 1e-9) / savings[key]
        open_places = set(order)
        for key in sorted(order, key=lambda k: (order[k], k)):
            lower = widths | {key: widths[key] - 1}
            trial, values = trials.changed(plan.types(lower), key[0])
            if trial > tolerance:
                open_places.discard(key)
                continue
            widths, loss = lower, trial
            way.append(widths)
            trials.keep(values)
            if widths[key] <= LEAST_BITS:
                open_places.discard(key)
            progress(trials.count, budget)
    return way
