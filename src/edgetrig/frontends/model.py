"""A neural network as every front end hands it on: named steps in the order of their data flow."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig import circuit
from edgetrig.errors import CircuitError, ModelError
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.values import Value

Key = Hashable
"""Names one value that flows between steps."""

INPUT_LIMIT: Final = 1 << 16
"""Most elements an input may have."""


@dataclass(frozen=True)
class Step:
    """One use of a layer.

    Parameters
    ----------
    name
        The layer's name as the user knows it; layers of a nested model are ``outer/inner``.
    kind
        Its class or operator, in the library's words.
    function
        Called with the layer's `Precision` and its arguments (without the event axis); returns one
        value for each of ``results``. Raises ValueError, in words for the user, where the layer has
        no exact hardware meaning.
    arguments
        Keys of earlier values, or constants as `Constant`.
    results
        Keys of the values it makes.
    """

    name: str
    kind: str
    function: Callable[..., Sequence[Value]]
    arguments: tuple[Key, ...]
    results: tuple[Key, ...]


@dataclass(frozen=True)
class Constant:
    """An argument that is known: a number or an array without the event axis."""

    value: Any

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Port:
    """A model's input: its name, the key of its value, and the shape of one event."""

    name: str
    key: Key
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if not all(type(size) is int and size > 0 for size in self.shape):
            raise ValueError(
                f"input '{self.name}': shape {self.shape} is not fixed; "
                "hardware needs a size for every axis"
            )
        if prod(self.shape) > INPUT_LIMIT:
            raise ValueError(
                f"input '{self.name}': shape {self.shape} has more than {INPUT_LIMIT} elements"
            )


@dataclass(frozen=True)
class Model:
    """Steps in an order in which every argument is ready.

    Parameters
    ----------
    name
        The model's name.
    where
        The file, or "model 'name'": how errors begin.
    inputs
        What the hardware receives.
    steps
        The layers.
    outputs
        Names and keys of the results.
    notes
        One line each on what the user should know of the reading.
    """

    name: str
    where: str
    inputs: tuple[Port, ...]
    steps: tuple[Step, ...]
    outputs: tuple[tuple[str, Key], ...]
    notes: tuple[str, ...] = ()

    def error(self, message: str, step: Step | None = None) -> ModelError:
        """Return a one-line error that names the file and the layer."""
        layer = "" if step is None else f" layer '{step.name}' ({step.kind}):"
        return ModelError(f"{self.where}:{layer} {' '.join(message.split())}")


Precisions = Callable[[str], Precision]
"""From the name of a layer or an input to its precision."""


def replay(
    model: Model, inputs: Sequence[Value], precisions: Precisions = lambda name: AS_IS
) -> list[Value]:
    """Return a model's outputs for the given inputs (exact arrays, or values to be quantised).

    Raises
    ------
    ModelError
        If a layer has no exact hardware meaning.
    """
    values: dict[Key, Value] = {}
    for port, value in zip(model.inputs, inputs, strict=True):
        values[port.key] = precisions(port.name).output(value)
    advance(model, model.steps, values, precisions)
    return [values[key] for _, key in model.outputs]


def advance(
    model: Model, steps: Sequence[Step], values: dict[Key, Value], precisions: Precisions
) -> None:
    """Run some of a model's steps: read their arguments from ``values``, enter their results.

    Raises
    ------
    ModelError
        If a layer has no exact hardware meaning.
    """
    for step in steps:
        given = [a.value if isinstance(a, Constant) else values[a] for a in step.arguments]
        precision = precisions(step.name)
        with circuit.origin(step.name):
            try:
                with np.errstate(over="raise", divide="raise", invalid="raise"):
                    results = step.function(precision, *given)
                    results = [precision.output(result) for result in results]
            except FloatingPointError as error:
                raise model.error(f"its numbers are too large ({error})", step) from error
            except (CircuitError, ValueError) as error:
                raise model.error(str(error), step) from error
        values.update(zip(step.results, results, strict=True))
