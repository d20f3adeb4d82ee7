"""A model in plain floats, for many events at once: what its types are measured against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import Model, replay
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, Value, exact

Inputs = ArrayLike | Mapping[str, ArrayLike] | Sequence[ArrayLike]
"""One array (events, *shape), or one for each input by name or in order."""

BLOCK: Final = 1 << 21
"""Most elements of a model's inputs that are evaluated at once."""

EVENTS: Final = 4096
"""Most events that are evaluated at once."""


class Floating(Precision):
    """Computes every function in floats.

    Parameters
    ----------
    replaced
        Constants to take instead of the layer's own, by role (after folding a batch norm).
    """

    exact = False

    def __init__(self, replaced: Mapping[str, NDArray[np.float64]] | None = None) -> None:
        self.replaced = dict(replaced or {})

    def weight(self, values: Floats, role: str) -> NDArray[np.float64]:
        """Return the constants as they are, or what replaces them."""
        return self.replaced.get(role, values.astype(np.float64))

    def inner(self, value: Value, role: str) -> Value:
        """Return the value, computed."""
        return computed(value)

    def output(self, value: Value) -> Value:
        """Return the value, computed."""
        return computed(value)


def computed(value: Value) -> Value:
    """Return numbers for a function that waits for a quantiser."""
    if isinstance(value, Pending):
        if value.function is None:
            return value
        given = value.array
        return given.map(value.function) if isinstance(given, Batch) else value.function(given)
    return exact(value)


def float_outputs(model: Model, x: Inputs) -> dict[str, NDArray[np.float64]]:
    """Return a model's outputs in float64, shape (events, *shape), by output name.

    Raises
    ------
    DataError
        If the data do not fit the model's inputs.
    ModelError
        If a layer cannot be computed.
    """
    parts: list[list[NDArray[np.float64]]] = []
    floating = Floating()
    for block in blocks(arrays_of(model, x)):
        outputs = replay(model, [Batch(array) for array in block], lambda name: floating)
        parts.append([plain_values(output, len(block[0])) for output in outputs])
    columns = zip(*parts, strict=True)
    return {
        name: np.concatenate(column)
        for (name, _), column in zip(model.outputs, columns, strict=True)
    }


def plain_values(output: Any, events: int) -> NDArray[np.float64]:
    """Return numbers of shape (events, ...) that an output of a batch is."""
    if isinstance(output, Batch):
        return np.asarray(output.values, np.float64)
    return np.broadcast_to(np.asarray(output, np.float64), (events, *np.shape(output)))


def arrays_of(model: Model, x: Inputs) -> list[NDArray[Any]]:
    """Return one array for each input of a model, checked.

    Raises
    ------
    DataError
        If names, shapes or numbers of events do not fit, or values are NaN or infinite.
    """
    names = [port.name for port in model.inputs]
    if isinstance(x, Mapping):
        missing = [name for name in names if name not in x]
        if missing:
            raise DataError(f"no data for input '{missing[0]}'; given are {', '.join(map(str, x))}")
        given = [x[name] for name in names]
    elif len(names) == 1:
        given = [x]  # type: ignore[list-item]
    else:
        given = list(x)  # type: ignore[arg-type]
    if len(given) != len(names):
        raise DataError(f"{len(given)} arrays for {len(names)} inputs ({', '.join(names)})")
    arrays = [np.asarray(array) for array in given]
    for port, array in zip(model.inputs, arrays, strict=True):
        if array.shape[1:] != port.shape or array.ndim == 0:
            raise DataError(
                f"input '{port.name}': shape {array.shape}, not (events, *{port.shape})"
            )
        if array.dtype.kind not in "fiub":
            raise DataError(f"input '{port.name}': numbers are needed, not {array.dtype}")
        if len(array) == 0 or len(array) != len(arrays[0]):
            raise DataError(f"input '{port.name}': {len(array)} events; give every input as many")
        for block in blocks([array]):
            if not np.isfinite(block[0]).all():
                raise DataError(f"input '{port.name}': a value is NaN or infinite")
    return arrays


def blocks(arrays: Sequence[NDArray[Any]]) -> Iterator[list[NDArray[np.float64]]]:
    """Yield the events in blocks that are small enough to compute at once, as float64."""
    size = max(1, *(array[0].size for array in arrays))
    events = max(1, min(EVENTS, BLOCK // size))
    for first in range(0, len(arrays[0]), events):
        yield [array[first : first + events].astype(np.float64) for array in arrays]
