"""Types for the inputs of a model that computes on floats there, as many quantised networks do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edgetrig.errors import ModelError
from edgetrig.frontends.model import Key, Model, Port, Step
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantization.fixed_type import FixedType, parse_type
from edgetrig.frontends.values import Value, quantized

InputTypes = str | Mapping[str, str]
"""One type for all inputs, or types by the inputs' names."""


def typed(model: Model, types: InputTypes) -> Model:
    """Return a model that rounds its inputs to types first; nothing else in it changes.

    Parameters
    ----------
    model
        As a front end reads it.
    types
        Types such as ``"fixed<12,8>"`` (see `parse_type`): one for every input, or by name.

    Raises
    ------
    ModelError
        If a name is no input's, or a type is no type.
    """
    names = [port.name for port in model.inputs]
    wanted = dict.fromkeys(names, types) if isinstance(types, str) else types
    for name in wanted:
        if name not in names:
            raise model.error(f"has no input '{name}'; its inputs are {', '.join(names)}")
    try:
        kinds = {name: (text, parse_type(text)) for name, text in wanted.items()}
    except ModelError as error:
        raise model.error(str(error)) from error
    ports = [port for port in model.inputs if port.name in kinds]
    rounded: dict[Key, Key] = {port.key: (port.key, "typed") for port in ports}
    first = [_step(port, *kinds[port.name], rounded[port.key]) for port in ports]
    others = [
        replace(step, arguments=tuple(rounded.get(key, key) for key in step.arguments))
        for step in model.steps
    ]
    outputs = tuple((name, rounded.get(key, key)) for name, key in model.outputs)
    return replace(model, steps=(*first, *others), outputs=outputs)


def _step(port: Port, text: str, kind: FixedType, result: Key) -> Step:
    def function(precision: Precision, x: Value) -> Sequence[Value]:
        return [quantized(x, kind.quantizer)]

    return Step(f"{port.name}/type", text, function, (port.key,), (result,))
