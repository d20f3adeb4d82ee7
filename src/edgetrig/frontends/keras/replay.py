"""Replaying a model: every call in order, each by its layer's handler."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetrig import circuit
from edgetrig.errors import CircuitError
from edgetrig.frontends.keras.graph import Model, Tensor
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers import HANDLERS, OPERATIONS, nearest
from edgetrig.frontends.keras.values import Value

_LIBRARIES = ("hgq>", "hgq2>")


def replay(model: Model, arguments: Sequence[Value]) -> list[Value]:
    """Return a model's outputs for the given inputs (exact arrays, or values to be quantised).

    Raises
    ------
    ModelError
        If a layer is not supported, damaged, or has no exact hardware meaning.
    """
    if len(arguments) != len(model.inputs):
        raise model.layer.error(f"takes {len(model.inputs)} inputs, {len(arguments)} are given")
    values: dict[Tensor, Value] = {
        tensor: value for (tensor, _), value in zip(model.inputs, arguments, strict=True)
    }
    for call in model.calls:
        given = [values[a] if isinstance(a, tuple) else a for a in call.arguments]
        with circuit.origin(call.layer.name):
            nested = call.model
            results = replay(nested, given) if nested else [_run(call.layer, given)]
        for number, result in enumerate(results):
            values[(*call.result, number)] = result
    return [values[tensor] for tensor in model.outputs]


def _run(layer: Layer, arguments: Sequence[Value]) -> Value:
    """Return one layer's result, its output quantiser included."""
    if layer.module.startswith("keras.src.ops"):
        handler = OPERATIONS.get(layer.kind)
    elif layer.registered is None or layer.registered.startswith(_LIBRARIES):
        handler = HANDLERS.get(layer.kind)
    else:  # a user's own class, whatever its name
        handler = None
    if handler is None:
        raise layer.error(f"this layer is not supported; {nearest(layer.kind)}")
    policy = layer.config.get("dtype")
    name = policy["config"]["name"] if isinstance(policy, dict) else policy
    if name not in (None, "float32"):
        raise layer.error(f"computes in {name}; only float32 models are exact")
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            result = handler(layer, *arguments)
            if layer.config.get("enable_oq"):
                result = layer.quantized(result, "oq")
    except FloatingPointError as error:
        raise layer.error(f"its numbers are too large for float32 ({error})") from error
    except (CircuitError, ValueError) as error:
        raise layer.error(str(error)) from error
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise layer.error(f"its configuration is damaged ({error!r})") from error
    return result
