"""From Keras' calls of layers to the steps of a model, nested models written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from edgetrig.frontends.keras.graph import Call, Graph, Tensor
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers import HANDLERS, OPERATIONS, Handler, nearest
from edgetrig.frontends.model import Constant, Key, Model, Port, Step
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.values import Value

_LIBRARIES = ("hgq>", "hgq2>")


Find = Callable[[Layer], Handler | None]
"""From a layer to what computes it; None if it is not supported."""


def handler_of(layer: Layer) -> Handler | None:
    """Return what computes a layer of Keras or HGQ2."""
    if layer.module.startswith("keras.src.ops"):
        return OPERATIONS.get(layer.kind)
    if layer.registered is None or layer.registered.startswith(_LIBRARIES):
        return HANDLERS.get(layer.kind)
    return None  # a user's own class, whatever its name


def model_of(graph: Graph, find: Find = handler_of) -> Model:
    """Return a model whose steps are the layers of a graph and of the models nested in it.

    Parameters
    ----------
    graph
        The data flow.
    find
        Which function computes a layer.

    Raises
    ------
    ModelError
        If a layer is not supported, or an input has no fixed size.
    """
    where = graph.layer.variables.where
    inputs: list[Port] = []
    for tensor, shape in graph.inputs:
        try:
            inputs.append(Port(tensor[0], tensor, shape))
        except ValueError as error:
            raise graph.layer.error(str(error)) from error
    keys: dict[Tensor, Key] = {port.key: port.key for port in inputs}  # type: ignore[misc]
    steps = tuple(_steps(graph, keys, (), find))
    outputs = tuple((tensor[0], keys[tensor]) for tensor in graph.outputs)
    return Model(graph.layer.name, where, tuple(inputs), steps, outputs)


def _steps(
    graph: Graph, keys: dict[Tensor, Key], path: tuple[Any, ...], find: Find
) -> Iterator[Step]:
    """Yield the steps below one use of a model; ``keys`` gains the keys of its tensors.

    ``path`` holds (layer, node) of the models around it, which makes keys unique.
    """
    for call in graph.calls:
        arguments = tuple(keys[a] if isinstance(a, tuple) else Constant(a) for a in call.arguments)
        here = (*path, call.result)
        if call.graph is None:
            keys[(*call.result, 0)] = (here, 0)
            name = "/".join(layer for layer, _ in here)
            function = _function(call.layer, find(call.layer))
            yield Step(name, call.layer.kind, function, arguments, ((here, 0),))
        else:
            yield from _nested(call, keys, arguments, here, find)


def _nested(
    call: Call,
    keys: dict[Tensor, Key],
    arguments: Sequence[Key],
    here: tuple[Any, ...],
    find: Find,
) -> Iterator[Step]:
    assert call.graph is not None
    inner = call.graph
    if len(arguments) != len(inner.inputs):
        raise inner.layer.error(f"takes {len(inner.inputs)} inputs, {len(arguments)} are given")
    inside: dict[Tensor, Key] = {
        tensor: key for (tensor, _), key in zip(inner.inputs, arguments, strict=True)
    }
    yield from _steps(inner, inside, here, find)
    for number, tensor in enumerate(inner.outputs):
        keys[(*call.result, number)] = inside[tensor]


def _function(layer: Layer, handler: Handler | None) -> Callable[..., Sequence[Value]]:
    """Return what a layer computes, its output quantiser included."""
    if handler is None:
        raise layer.error(f"this layer is not supported; {nearest(layer.kind)}")
    policy = layer.config.get("dtype")
    name = policy["config"]["name"] if isinstance(policy, dict) else policy
    if name not in (None, "float32"):
        raise layer.error(f"computes in {name}; only float32 models are exact")

    def run(precision: Precision, *arguments: Value) -> Sequence[Value]:
        mine = replace(layer, precision=precision)
        try:
            result = handler(mine, *arguments)
            if layer.config.get("enable_oq"):
                result = mine.quantized(result, "oq")
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"its configuration is damaged ({error!r})") from error
        return [result]

    return run
