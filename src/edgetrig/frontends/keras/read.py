"""From a model file to a circuit: look ahead for the input types, then trace."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgetrig import circuit
from edgetrig.circuit import Circuit, Op
from edgetrig.errors import CircuitError, ModelError
from edgetrig.frontends.keras.archive import open_archive
from edgetrig.frontends.keras.graph import Model, read_graph
from edgetrig.frontends.keras.layer import read_layer
from edgetrig.frontends.keras.ports import input_ports
from edgetrig.frontends.keras.replay import replay
from edgetrig.frontends.keras.values import Pending, Raw, Request, Value, exact
from edgetrig.frontends.loaded import Loaded

DROPPABLE: Final = ("softmax", "log_softmax", "sigmoid", "log_sigmoid")
"""Last activations that change neither a ranking nor a threshold's events: no hardware for them."""


def read_model(model: Any) -> Loaded:
    """Translate a live Keras model, by way of the file it saves."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"the {type(model).__name__} cannot be saved: {reason}") from error
        try:
            return read_file(path)
        except ModelError as error:
            # The user has never heard of the temporary file.
            raise ModelError(str(error).replace(str(path), f"model '{model.name}'")) from error


def read_file(path: Path) -> Loaded:
    """Translate a ``.keras`` file; nothing in it is executed.

    Raises
    ------
    ModelError
        If the file is damaged or the model has no exact hardware meaning.
    """
    with open_archive(path) as (config, variables):
        try:
            model = read_graph(read_layer(config, variables))
            return _translate(model)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise ModelError(f"{path}: its configuration is damaged ({error!r})") from error
        except RecursionError as error:
            raise ModelError(f"{path}: its models are nested too deeply") from error


def _translate(model: Model) -> Loaded:
    requests: list[Request] = []
    shapes = [shape for _, shape in model.inputs]
    _outputs(model, [np.zeros(shape) for shape in shapes], requests)
    ports = input_ports(model, requests)
    dropped: dict[str, str] = {}

    def function(*arrays: Any) -> dict[str, Any]:
        outputs = _outputs(model, arrays, requests)
        dropped.update({n: v.name for n, v in outputs.items() if isinstance(v, Pending)})
        return {n: v.array if isinstance(v, Pending) else v for n, v in outputs.items()}

    try:
        traced = circuit.trace(function, *ports)
    except CircuitError as error:
        raise model.layer.error(str(error)) from error
    return Loaded(traced, model.layer.name, dropped, tuple(_notes(traced, dropped)))


def _outputs(model: Model, arrays: Sequence[Any], requests: list[Request]) -> dict[str, Value]:
    """Return the model's outputs by name, exact or with a last activation that is dropped."""
    inputs, first = [], 0
    for array, (_, shape) in zip(arrays, model.inputs, strict=True):
        elements = np.arange(first, first + prod(shape)).reshape(shape)
        inputs.append(Raw(array, elements, np.ones(shape), np.zeros(shape), requests))
        first += prod(shape)
    taken = {tensor[0] for tensor, _ in model.inputs}
    outputs: dict[str, Value] = {}
    for (name, _, _), value in zip(model.outputs, replay(model, inputs), strict=True):
        unique = name
        while unique in taken or unique in outputs:
            unique += "_out"
        try:
            last = isinstance(value, Pending) and value.name in DROPPABLE
            outputs[unique] = value if last else exact(value)
        except ValueError as error:
            raise model.layer.error(
                f"output '{name}': {error}".replace(" before it", "")
            ) from error
    return outputs


def _notes(traced: Circuit, dropped: dict[str, str]) -> Iterator[str]:
    for name, activation in dropped.items():
        yield f"output {name}: the last {activation} is left out; the hardware gives its logits"
    rows = traced.rows
    products = (rows.op == Op.MUL) & (traced.widths > 0)
    wide = int(traced.widths[products].max(initial=0))
    if wide > WIDE:
        yield f"a product has {wide} bits; quantise the layers that feed it (HGQ2 layers do)"


WIDE: Final = 32
"""Bits of a product above which the user is warned."""
