"""Calibration: what numbers pass through every place of a model that may get a type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import Model, replay
from edgetrig.frontends.quantization.floating import Floating, blocks, computed
from edgetrig.frontends.quantization.survey import Survey
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, Raw, Value

SAMPLE: Final = 1 << 15
"""About as many values of a place are kept to choose its range by."""

RESULT: Final = "result"
"""Role of a layer's output."""


Replaced = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""Constants by layer and role that take the place of the layer's own."""


def is_bias(role: str) -> bool:
    """Whether constants of a role are added: "bias", "query_bias", ..."""
    return role == "bias" or role.endswith("_bias")


@dataclass
class Place:
    """Numbers of one role in one layer.

    ``low`` and ``high`` have one element, or one for each index of the last axis (constants with
    one number a channel have a type a channel). ``sample`` has as
    many columns, taken of ``count`` rows. ``size`` counts the elements of one event, or of the
    constants. ``function`` is
    what is computed of the numbers by a table.
    """

    layer: str
    role: str
    constant: bool = False
    low: NDArray[np.float64] = field(default_factory=lambda: np.full(1, np.inf))
    high: NDArray[np.float64] = field(default_factory=lambda: np.full(1, -np.inf))
    parts: list[NDArray[np.float64]] = field(default_factory=list)
    size: int = 0
    count: int = 0
    shape: tuple[int, ...] = ()
    function: Callable[[Floats], Floats] | None = None

    @property
    def name(self) -> str:
        """How users name it."""
        return f"{self.layer}.{self.role}"

    @property
    def sample(self) -> NDArray[np.float64]:
        """Some of the numbers."""
        alike = len({part.shape[1] for part in self.parts}) == 1
        return np.concatenate(self.parts if alike else [p.reshape(-1, 1) for p in self.parts])

    def see(self, values: Floats, columns: int, blocks: int) -> None:
        """Take numbers into account; ``columns`` is 1 for one type for all."""
        rows = values.astype(np.float64).reshape(-1, columns)
        self.low = np.minimum(self.low, rows.min(axis=0))
        self.high = np.maximum(self.high, rows.max(axis=0))
        self.count += len(rows)
        stride = max(len(rows) * blocks // max(SAMPLE // columns, 256), 1) | 1
        self.parts.append(rows[::stride].copy())


@dataclass
class Record:
    """All places of a model, in the order in which they were met."""

    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    blocks: int = 1

    def result(self, layer: str) -> tuple[str, str]:
        """Return the place of a layer's output: of an inner value where that is handed on."""
        return layer, self.results.get(layer, RESULT)

    def place(self, layer: str, role: str) -> Place:
        """Return a place, a new one if it was not met before."""
        return self.places.setdefault((layer, role), Place(layer, role))

    def constants(self, layer: str, role: str, values: NDArray[np.float64]) -> None:
        """Enter constants (every block shows them again: they count once)."""
        place = self.place(layer, role)
        if any(np.array_equal(values.ravel(), part.ravel()) for part in place.parts):
            return
        by_channel = values.ndim == 1 or (values.ndim > 1 and (is_bias(role) or role == "scale"))
        columns = values.shape[-1] if by_channel else 1
        place.constant, place.shape = True, values.shape
        place.size += values.size
        place.parts.append(values.reshape(-1, columns))
        place.low, place.high = place.sample.min(axis=0), place.sample.max(axis=0)
        place.count = len(place.sample)

    def numbers(self, layer: str, role: str, value: Any, *, by_feature: bool = False) -> None:
        """Enter what passes through in one block."""
        values = value.values if isinstance(value, Batch) else np.asarray(value)[None]
        place = self.place(layer, role)
        place.shape = values.shape[1:]
        place.size = max(place.size, values[0].size)
        columns = values.shape[-1] if by_feature and values.ndim > 1 else 1
        place.see(values, columns, self.blocks)


class Observer(Floating):
    """Computes in floats and records what it sees of one layer."""

    def __init__(
        self,
        layer: str,
        record: Record,
        replaced: Mapping[str, NDArray[np.float64]],
        *,
        dropped: bool = False,
        by_feature: bool = False,
    ) -> None:
        super().__init__(replaced)
        self.layer, self.record = layer, record
        self.dropped, self.by_feature = dropped, by_feature
        self.latest: tuple[str, Any] = ("", None)

    def weight(self, values: Floats, role: str) -> NDArray[np.float64]:
        """Record constants."""
        result = super().weight(values, role)
        self.record.constants(self.layer, role, result)
        return result

    def inner(self, value: Value, role: str) -> Value:
        """Record a result between two parts of the layer."""
        if self.dropped and isinstance(value, Pending):
            return value
        return self._seen(value, role)

    def output(self, value: Value) -> Value:
        """Record the layer's result."""
        if isinstance(value, Raw) or (self.dropped and isinstance(value, Pending)):
            return value
        role, latest = self.latest
        if role and value is latest:
            self.record.results[self.layer] = role
            return value
        return self._seen(value, RESULT)

    def _seen(self, value: Value, role: str) -> Value:
        if type(value) is Pending and value.function is not None:  # others need no table
            self._argument(value, role)
        result = computed(value)
        self.record.numbers(self.layer, role, result, by_feature=self.by_feature)
        self.latest = (role, result)
        return result

    def _argument(self, value: Pending, role: str) -> None:
        """Record what a table is read at, unless it has a type as an inner value already."""
        known, array = self.latest
        if array is not value.array:
            known = argument_of(role)
            self.record.numbers(self.layer, known, value.array)
        self.record.place(self.layer, known).function = value.function


def argument_of(role: str) -> str:
    """Return the role of the argument of the table that makes a role's numbers."""
    return f"{role}_input"


def observe(
    model: Model,
    arrays: Sequence[NDArray[Any]],
    found: Survey,
    replaced: Replaced,
    *,
    by_feature: bool,
) -> Record:
    """Return all places of a model with the ranges that data have there."""
    record = Record()
    record.blocks = sum(1 for _ in blocks(arrays))
    names = [port.name for port in model.inputs] + [step.name for step in model.steps]
    observers = {
        name: Observer(
            name,
            record,
            replaced.get(name, {}),
            dropped=name in found.dropped,
            by_feature=by_feature and name in found.ports,
        )
        for name in names
    }
    for block in blocks(arrays):
        replay(model, [Batch(array) for array in block], observers.__getitem__)
    return record
