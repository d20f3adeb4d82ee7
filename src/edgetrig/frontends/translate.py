"""From a model's steps to a circuit: look ahead for the input types, then trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig import circuit
from edgetrig.circuit import Circuit, Op
from edgetrig.errors import CircuitError
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.loaded import Loaded
from edgetrig.frontends.model import Model, Precisions, replay
from edgetrig.frontends.ports import input_ports
from edgetrig.frontends.precision import AS_IS
from edgetrig.frontends.values import Pending, Raw, Request, Value, exact

DROPPABLE: Final = ("softmax", "log_softmax", "sigmoid", "log_sigmoid")
"""Last activations that change neither a ranking nor a threshold's events: no hardware for them."""

WIDE: Final = 32
"""Bits of a product of two values above which the user is warned."""


def translate(model: Model, precisions: Precisions = lambda name: AS_IS) -> Loaded:
    """Return the circuit that computes what a model computes.

    Parameters
    ----------
    model
        Any front end's model.
    precisions
        What each layer's numbers are rounded to, by layer name; a quantised model brings its own.

    Raises
    ------
    ModelError
        If a layer has no exact hardware meaning; the line names it.
    """
    requests: list[Request] = []
    looked = [Batch(np.zeros((1, *port.shape))) for port in model.inputs]
    _outputs(model, looked, requests, precisions)
    ports = input_ports(model, requests)
    dropped: dict[str, str] = {}

    def function(*arrays: Any) -> dict[str, Any]:
        outputs = _outputs(model, arrays, requests, precisions)
        dropped.update({n: v.name for n, v in outputs.items() if isinstance(v, Pending)})
        return {n: v.array if isinstance(v, Pending) else v for n, v in outputs.items()}

    try:
        traced = circuit.trace(function, *ports)
    except CircuitError as error:
        raise model.error(str(error)) from error
    return Loaded(traced, model.name, dropped, (*model.notes, *_notes(traced, dropped)))


def _outputs(
    model: Model, arrays: Sequence[Any], requests: list[Request], precisions: Precisions
) -> dict[str, Value]:
    """Return the model's outputs by name, exact or with a last activation that is dropped."""
    inputs, first = [], 0
    for array, port in zip(arrays, model.inputs, strict=True):
        elements = np.arange(first, first + prod(port.shape)).reshape(port.shape)
        scale, offset = np.ones(port.shape), np.zeros(port.shape)
        inputs.append(Raw(array, elements, scale, offset, requests))
        first += prod(port.shape)
    taken = {port.name for port in model.inputs}
    outputs: dict[str, Value] = {}
    for (name, _), value in zip(model.outputs, replay(model, inputs, precisions), strict=True):
        unique = name
        while unique in taken or unique in outputs:
            unique += "_out"
        try:
            last = isinstance(value, Pending) and value.name in DROPPABLE
            outputs[unique] = value if last else exact(value)
        except ValueError as error:
            raise model.error(f"output '{name}': {error}".replace(" before it", "")) from error
    return outputs


def _notes(traced: Circuit, dropped: Mapping[str, str]) -> Iterator[str]:
    for name, activation in dropped.items():
        yield f"output {name}: the last {activation} is left out; the hardware gives its logits"
    rows = traced.rows
    varies = np.asarray(rows.lo != rows.hi, np.bool_)
    products = (rows.op == Op.MUL) & varies[rows.a] & varies[rows.b]
    wide = int(traced.widths[products].max(initial=0))
    if wide > WIDE:
        yield f"a product of two values has {wide} bits; quantise the layers that feed it"
