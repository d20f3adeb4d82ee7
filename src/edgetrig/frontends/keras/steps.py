"""From Keras' calls of layers to the steps of a model, nested models written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from edgetrig.frontends.keras.form import Tensor
from edgetrig.frontends.keras.graph import Call, Graph
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers import OWN_OUTPUT, Handler, handler_of, nearest
from edgetrig.frontends.model import Key, Model, Port, Step
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.values import Value

__all__ = ["Find", "handler_of", "model_of"]

Find = Callable[[Layer], Handler | None]
"""From a layer to what computes it; None if it is not supported."""


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
    names = _unique([tensor[0] for tensor in graph.outputs], {port.name for port in inputs})
    outputs = tuple((name, keys[tensor]) for name, tensor in zip(names, graph.outputs, strict=True))
    return Model(graph.layer.name, where, tuple(inputs), steps, outputs)


def _unique(names: Sequence[str], taken: set[str]) -> list[str]:
    """Return names that differ from each other and from those that are taken."""
    result: list[str] = []
    for name in names:
        unique = name
        while unique in taken or unique in result:
            unique += "_out"
        result.append(unique)
    return result


def _steps(
    graph: Graph, keys: dict[Tensor, Key], path: tuple[Any, ...], find: Find
) -> Iterator[Step]:
    """Yield the steps below one use of a model; ``keys`` gains the keys of its tensors.

    ``path`` holds (layer, node) of the models around it, which makes keys unique.
    """
    for call in graph.calls:
        arguments = tuple(keys[tensor] for tensor in call.arguments)
        here = (*path, call.result)
        if call.graph is None:
            results = tuple((here, number) for number in range(call.results))
            keys.update({(*call.result, number): key for number, key in enumerate(results)})
            name = "/".join(layer for layer, _ in here)
            function = _function(call, find(call.layer))
            yield Step(name, call.layer.kind, function, arguments, results)
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


def _function(call: Call, handler: Handler | None) -> Callable[..., Sequence[Value]]:
    """Return what a call of a layer computes, its output quantiser included."""
    layer = call.layer
    if handler is None:
        raise layer.error(f"this layer is not supported; {nearest(layer)}")
    if not layer.is_float32:
        raise layer.error(f"computes in {layer.policy}; only float32 models are exact")

    def run(precision: Precision, *values: Value) -> Sequence[Value]:
        mine = replace(layer, precision=precision)
        arguments, keywords = (call.form.filled if layer.is_operation else call.form.flat)(values)
        if "mask" in keywords:
            raise ValueError("takes a mask, which is not supported; multiply by it instead")
        try:
            result = handler(mine, *arguments, **keywords)
            if layer.config.get("enable_oq") and layer.kind not in OWN_OUTPUT:
                result = mine.quantized(result, "oq")
        except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
            raise ValueError(f"its configuration is damaged ({error!r})") from error
        results = list(result) if isinstance(result, list | tuple) else [result]
        if len(results) < call.results:
            raise ValueError(f"gives {len(results)} results, {call.results} are read")
        return results[: call.results]

    return run
