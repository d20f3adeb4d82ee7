"""How many numbers a model's types cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import replay
from edgetrig.frontends.quantization.fixed import Fixed
from edgetrig.frontends.quantization.fixed_type import FixedType
from edgetrig.frontends.quantization.floating import blocks, computed
from edgetrig.frontends.quantization.plan import Key, Plan
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Value


@dataclass
class Saturation:
    """Numbers that were cut off, of how many."""

    saturated: int = 0
    numbers: int = 0

    def see(self, values: Floats, kind: FixedType) -> None:
        """Count."""
        self.saturated += kind.saturated(values)
        self.numbers += values.size


class Counting(Fixed):
    """Rounds as another precision does, and counts."""

    def __init__(self, layer: str, fixed: Fixed, counts: dict[Key, Saturation]) -> None:
        super().__init__(fixed.types, fixed.replaced)
        self.layer, self.fixed, self.counts = layer, fixed, counts
        self.weights: set[str] = set()

    def weight(self, values: Floats, role: str) -> NDArray[np.float64]:
        """Count constants once."""
        if role in self.types and role not in self.weights:
            self._count(role, self.replaced.get(role, values))
        self.weights.add(role)
        return super().weight(values, role)

    def fit(self, value: Value, kind: FixedType, role: str) -> Any:
        """Count, and round."""
        plain = computed(value)
        self._count(role, plain.values if isinstance(plain, Batch) else np.asarray(plain))
        return self.fixed.fit(value, kind, role)

    def _count(self, role: str, values: Floats) -> None:
        self.counts.setdefault((self.layer, role), Saturation()).see(values, self.types[role])


def counted(
    plan: Plan, types: Mapping[Key, FixedType], arrays: Sequence[NDArray[Any]]
) -> dict[Key, Saturation]:
    """Return how many numbers each type cuts off, over all the data."""
    counts: dict[Key, Saturation] = {}
    fixed = plan.precisions(types)
    counting = {name: Counting(name, precision, counts) for name, precision in fixed.items()}
    for block in blocks(arrays):
        replay(plan.model, [Batch(array) for array in block], counting.__getitem__)
    return counts
