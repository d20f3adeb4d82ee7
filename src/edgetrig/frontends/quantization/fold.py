"""Batch norms folded into the linear layers in front of them, before constants are rounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import Model, Step, replay
from edgetrig.frontends.quantization.floating import Floating
from edgetrig.frontends.quantization.observe import RESULT, Record, Replaced
from edgetrig.frontends.quantization.survey import EVENTS

Constants = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Folding:
    """What was folded.

    Parameters
    ----------
    replaced
        Constants by layer and role that take the place of the layers' own.
    linear
        Layers that took a factor in: their results are part of the sum of the layer behind them.
    units
        Layer and role of the factors, which are 1 now.
    """

    replaced: Replaced
    linear: frozenset[str]
    units: frozenset[tuple[str, str]]


def folded(model: Model, record: Record, inputs: Sequence[NDArray[np.float64]]) -> Folding:
    """Return the constants of layers that take in the factor of the batch norm behind them.

    A layer that only has a factor and an offset a channel multiplies and adds. Where the one layer
    in front of it is linear, its kernel and bias take the factor in and the factor becomes 1. That
    the numbers stay the same is seen, not assumed: a pair where they do not is left as it is.
    """
    replaced: dict[str, Constants] = {}
    linear: set[str] = set()
    units: set[tuple[str, str]] = set()
    few = [array[:EVENTS] for array in inputs]
    before = _outputs(model, few, {})
    for first, second in _pairs(model):
        role = _factor_role(record, second)
        if role is None or first.name in replaced or not _is_linear(record, first):
            continue
        factor = record.places[second.name, role]
        unit = {role: np.ones(factor.shape)}
        for kernel in _scaled_kernels(record, first, factor.parts[0].ravel()):
            trial = {**replaced, first.name: kernel, second.name: unit}
            if _close(before, _outputs(model, few, trial)):
                replaced = trial
                linear.add(first.name)
                units.add((second.name, role))
                break
    return Folding(replaced, frozenset(linear), frozenset(units))


def _factor_role(record: Record, step: Step) -> str | None:
    """Return the role of a layer's factor if it has nothing but that and an offset."""
    roles = _roles(record, step) - {"bias"}
    if len(roles) != 1:
        return None
    role = roles.pop()
    place = record.places[step.name, role]
    one_a_channel = sum(size > 1 for size in place.shape) <= 1
    return role if place.constant and one_a_channel and len(place.parts) == 1 else None


def _is_linear(record: Record, step: Step) -> bool:
    """Whether a layer has constants and nothing in between."""
    places = [record.places[step.name, role] for role in _roles(record, step)]
    return bool(places) and all(place.constant for place in places)


def _pairs(model: Model) -> Iterator[tuple[Step, Step]]:
    """Yield layers that are used once, each with the only one behind it."""
    names = Counter(step.name for step in model.steps)
    readers = Counter(key for step in model.steps for key in step.arguments)
    readers.update(key for _, key in model.outputs)
    makers = {key: step for step in model.steps for key in step.results}
    for step in model.steps:
        if len(step.arguments) != 1 or names[step.name] != 1:
            continue
        (key,) = step.arguments
        maker = makers.get(key)
        if maker is not None and readers[key] == 1 and names[maker.name] == 1:
            yield maker, step


def _roles(record: Record, step: Step) -> set[str]:
    return {role for layer, role in record.places if layer == step.name} - {RESULT}


def _scaled_kernels(record: Record, step: Step, factor: NDArray[np.float64]) -> Iterator[Constants]:
    """Yield constants times the factor, which has one element an output channel."""
    own = {role: record.places[step.name, role] for role in _roles(record, step)}
    if any(len(place.parts) != 1 for place in own.values()):
        return  # several kernels, or several biases
    for axes in (1, 2):  # the channels: the last axis, or of a depthwise kernel the last two
        result = {}
        for role, place in own.items():
            values = place.parts[0].reshape(place.shape)
            last = values.shape[-axes:] if values.ndim > 1 else values.shape
            if int(np.prod(last)) == factor.size:
                result[role] = values * factor.reshape(last)
        if len(result) == len(own):
            yield result


def _outputs(
    model: Model, few: Sequence[NDArray[np.float64]], replaced: Replaced
) -> list[NDArray[np.float64]] | None:
    precisions = {name: Floating(constants) for name, constants in replaced.items()}
    default = Floating()
    try:
        results = replay(
            model, [Batch(array) for array in few], lambda name: precisions.get(name, default)
        )
    except (ModelError, ValueError):
        return None
    return [np.asarray(r.values if isinstance(r, Batch) else r, np.float64) for r in results]


def _close(
    before: Sequence[NDArray[np.float64]] | None, after: Sequence[NDArray[np.float64]] | None
) -> bool:
    if before is None or after is None:
        return False
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-5 * (1 + np.abs(a).max()))
        for a, b in zip(before, after, strict=True)
    )
