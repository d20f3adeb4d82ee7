"""Which layers make numbers that need a type of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import CircuitError, ModelError
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import Model, Step, replay
from edgetrig.frontends.precision import AS_IS
from edgetrig.frontends.quantization.floating import Floating, computed
from edgetrig.frontends.translate import DROPPABLE
from edgetrig.frontends.values import Deferred, Pending, Raw, Request, Value, exact

EVENTS: Final = 64
"""Events that are looked at."""

GRID: Final = 16.0
"""Steps a unit of the grid on which a layer that only moves or chooses values stays."""


@dataclass(frozen=True)
class Survey:
    """What was found out about a model's layers.

    Parameters
    ----------
    rounds
        Layers whose results need a type.
    dropped
        Layers that end the model with an activation that hardware leaves out.
    ports
        Inputs that need a type: the others are quantised by the model itself.
    """

    rounds: frozenset[str]
    dropped: frozenset[str]
    ports: frozenset[str]


class Waiting(Floating):
    """Leaves functions for the quantiser that follows; only numbers are computed."""

    def inner(self, value: Value, role: str) -> Value:
        """Return the value; a function still waits."""
        return value if isinstance(value, Pending) else exact(value)


def survey(model: Model, inputs: Sequence[NDArray[np.float64]]) -> Survey:
    """Return what a few events tell about a model's layers."""
    names = Counter(step.name for step in model.steps)
    consumed = {key for step in model.steps for key in step.arguments}
    ends = {key for _, key in model.outputs} - consumed
    rounds: set[str] = set()
    dropped: set[str] = set()

    def look(step: Step, given: Sequence[Any]) -> None:
        if names[step.name] == 1 and set(step.results) <= ends and _drops(step, given):
            dropped.add(step.name)
        elif not _keeps_grid(step, given) and not _is_discrete(step, given):
            rounds.add(step.name)

    few = [Batch(array[:EVENTS]) for array in inputs]
    floating = Floating()
    replay(watched(model, look), few, lambda name: floating)
    ports = {p.name for p in model.inputs if not _quantizes_itself(model, p.name)}
    return Survey(frozenset(rounds), frozenset(dropped), frozenset(ports))


def watched(model: Model, look: Callable[[Step, Sequence[Any]], None]) -> Model:
    """Return a model whose steps are shown, with their arguments, before they run."""

    def shown(step: Step) -> Step:
        def function(precision: Any, *given: Value) -> Sequence[Value]:
            look(step, given)
            return step.function(precision, *given)

        return replace(step, function=function)

    return replace(model, steps=tuple(shown(step) for step in model.steps))


def _drops(step: Step, given: Sequence[Any]) -> bool:
    """Whether a layer ends in an activation that hardware leaves out."""
    try:
        results = step.function(Waiting(), *given)
    except (CircuitError, ValueError):
        return False
    return all(isinstance(r, Pending) and r.name in DROPPABLE for r in results)


def _plain(step: Step, given: Sequence[Any]) -> list[Batch] | None:
    """Return a layer's results without any types, if it has such."""
    try:
        results = step.function(AS_IS, *given)
        results = [r.exact() if isinstance(r, Deferred) else r for r in results]
    except (CircuitError, ValueError):
        return None
    return list(results) if all(isinstance(result, Batch) for result in results) else None


def _keeps_grid(step: Step, given: Sequence[Any]) -> bool:
    """Whether a layer only moves, chooses or clips values: its results are as fine and small."""
    coarse = [
        g.map(lambda v: np.rint(v * GRID) / GRID) if isinstance(g, Batch) else g for g in given
    ]
    results = _plain(step, coarse)
    if results is None:
        return False
    top = max((_largest(g) for g in coarse), default=0.0)
    return all(
        _largest(r) <= top and bool(np.all(r.values * GRID == np.rint(r.values * GRID)))
        for r in results
    )


def _is_discrete(step: Step, given: Sequence[Any]) -> bool:
    """Whether a layer quantises by itself (or compares): small changes do not reach its results."""
    shifted = [
        g.map(lambda v: v + 1e-9 * (1 + np.abs(v))) if isinstance(g, Batch) else g for g in given
    ]
    before, after = _plain(step, given), _plain(step, shifted)
    if before is None or after is None:
        return False
    changed = [np.mean(a.values != b.values) for a, b in zip(before, after, strict=True)]
    return max(changed, default=1.0) < 0.01


def _largest(value: Any) -> float:
    values = value.values if isinstance(value, Batch) else np.asarray(value)
    return float(np.abs(values.astype(np.float64)).max(initial=0.0))


def _quantizes_itself(model: Model, name: str) -> bool:
    """Whether the model rounds an input before it computes with it."""
    requests: list[Request] = []
    floating: Mapping[str, Floating] = {port.name: _Untouched() for port in model.inputs}
    inputs = [
        Raw(
            np.zeros(port.shape),
            np.arange(np.zeros(port.shape).size).reshape(port.shape),
            np.ones(port.shape),
            np.zeros(port.shape),
            requests,
        )
        if port.name == name
        else np.zeros(port.shape)
        for port in model.inputs
    ]
    default = Floating()
    try:
        outputs = replay(model, inputs, lambda layer: floating.get(layer, default))
    except ModelError:
        return False
    return bool(requests) and not any(isinstance(output, Raw) for output in outputs)


class _Untouched(Floating):
    """An input's precision that leaves it raw."""

    def output(self, value: Value) -> Value:
        return value if isinstance(value, Raw) else computed(value)
