"""The data flow of a Sequential or Functional model, as a list of calls in order."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from edgetrig.frontends.keras.form import ONE_ARGUMENT, Form, Tensor, read_form, tensors_in
from edgetrig.frontends.keras.layer import Layer, read_layer

MODELS: Final = ("Sequential", "Functional", "Model")

SEVERAL_RESULTS: Final = frozenset(
    {
        "Bidirectional",
        "GRU",
        "LSTM",
        "QGRU",
        "QLIF",
        "QSimpleRNN",
        "QSimpleSNN",
        "RNN",
        "SimpleRNN",
        "Split",
        "TopK",
        "Unstack",
    }
)
"""Layers and operations that may return more than one tensor."""

MOST_RESULTS: Final = 1 << 12
"""Most tensors that one of them may return."""


@dataclass(frozen=True)
class Call:
    """One use of a layer: where its arguments come from and what its result is called.

    ``form`` says how a layer is called with the tensors in ``arguments``; a model is called with
    them in their order. ``results`` tells how many of its results are read.
    """

    layer: Layer
    graph: Graph | None
    arguments: tuple[Tensor, ...]
    form: Form
    result: tuple[str, int]
    results: int = 1


@dataclass(frozen=True)
class Graph:
    """A model's calls in an order in which every argument is ready."""

    layer: Layer
    inputs: tuple[tuple[Tensor, tuple[int, ...]], ...]
    calls: tuple[Call, ...]
    outputs: tuple[Tensor, ...]


def read_graph(layer: Layer) -> Graph:
    """Return the data flow of a model.

    Raises
    ------
    ModelError
        If it is not a Sequential or Functional model, or its graph is cyclic or damaged.
    """
    if layer.kind not in MODELS or "layers" not in layer.config or _foreign(layer):
        raise layer.error(
            "only Sequential and Functional models can be read from a file; "
            "rebuild the model as one of these"
        )
    layers = [*_layers(layer)]
    if layer.kind == "Sequential":
        return _sequential(layer, layers)
    return _functional(layer, layers)


def _foreign(layer: Layer) -> bool:
    return layer.registered not in (None, "Functional", "Sequential", "Model")


def _layers(model: Layer) -> Iterator[tuple[Mapping[str, Any], Layer]]:
    """Yield every layer with its weights, which Keras files under its class name and a counter."""
    used: dict[str, int] = {}
    for entry in model.config["layers"]:
        kind = str(entry["class_name"])
        here = model.variables
        unsaved = kind == "InputLayer" and model.kind == "Sequential"
        if not unsaved and not str(entry.get("module")).startswith("keras.src.ops"):
            snake = _snake_case(kind)
            count = used[snake] = used.get(snake, -1) + 1
            group = f"{snake}_{count}" if count else snake
            here = here.of_layer(str(entry["config"].get("name")), group)
        layer = read_layer(entry, here)
        if here is not model.variables and here.owner not in (None, layer.name):
            raise layer.error(f"its weights belong to '{here.owner}'; save the model again")
        yield entry, layer


def _snake_case(name: str) -> str:
    """Return the group name that Keras gives to a class."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _sequential(model: Layer, layers: list[tuple[Mapping[str, Any], Layer]]) -> Graph:
    if layers and layers[0][1].kind == "InputLayer":
        first = layers.pop(0)[1]
        name, shape = first.name, _shape(first, first.config.get("batch_shape"))
    else:
        name = f"{model.name}_input"
        shape = _shape(model, model.config.get("build_input_shape"))
    tensor: Tensor = (name, 0, 0)
    inputs = ((tensor, shape),)
    calls = []
    for _, layer in layers:
        nested = read_graph(layer) if layer.kind in MODELS else None
        calls.append(Call(layer, nested, (tensor,), ONE_ARGUMENT, (layer.name, 0)))
        tensor = (layer.name, 0, 0)
    return Graph(model, inputs, tuple(calls), (tensor,))


def _functional(model: Layer, layers: list[tuple[Mapping[str, Any], Layer]]) -> Graph:
    calls: dict[tuple[str, int], Call] = {}
    shapes: dict[Tensor, tuple[int, ...]] = {}
    for entry, layer in layers:
        if layer.kind == "InputLayer":
            shapes[layer.name, 0, 0] = _shape(layer, layer.config.get("batch_shape"))
            continue
        nested = read_graph(layer) if layer.kind in MODELS else None
        for number, node in enumerate(entry["inbound_nodes"]):
            result = (layer.name, number)
            form, tensors = read_form(node)
            calls[result] = Call(layer, nested, tensors, form, result)
    outputs = [*tensors_in(model.config["output_layers"])]
    _count_results(calls, outputs)
    inputs = tuple(tensors_in(model.config["input_layers"]))
    missing = [tensor[0] for tensor in inputs if tensor not in shapes]
    if missing:
        raise model.error(f"input '{missing[0]}' is not an InputLayer")
    return Graph(
        model,
        tuple((tensor, shapes[tensor]) for tensor in inputs),
        _ordered(model, calls, set(inputs)),
        tuple(_outputs(model, {layer.name: layer for _, layer in layers}, calls, inputs)),
    )


def _count_results(calls: dict[tuple[str, int], Call], outputs: Collection[Tensor]) -> None:
    """Note how many results of each call are read, where a layer may have several."""
    read = [*outputs, *(tensor for call in calls.values() for tensor in call.arguments)]
    for name, node, number in read:
        call = calls.get((name, node))
        if call is not None and call.layer.kind in SEVERAL_RESULTS and number < MOST_RESULTS:
            calls[name, node] = replace(call, results=max(call.results, number + 1))


def _outputs(
    model: Layer,
    layers: Mapping[str, Layer],
    calls: Mapping[tuple[str, int], Call],
    inputs: Collection[Tensor],
) -> Iterator[Tensor]:
    for name, node, number in tensors_in(model.config["output_layers"]):
        # Here, and only here, Keras counts a Functional model's own inputs as its first call.
        own = name in layers and layers[name].kind in MODELS and layers[name].kind != "Sequential"
        tensor = (name, node - own, number)
        if not _exists(tensor, calls, inputs):
            raise model.error(f"its output '{name}' does not exist")
        yield tensor


def _ordered(
    model: Layer, calls: dict[tuple[str, int], Call], inputs: set[Tensor]
) -> tuple[Call, ...]:
    before: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for result, call in calls.items():
        before[result] = [(name, node) for name, node, _ in call.arguments]
        for tensor in call.arguments:
            if not _exists(tensor, calls, inputs):
                raise call.layer.error(f"its input '{tensor[0]}' does not exist")
    try:
        order = [*TopologicalSorter(before).static_order()]
    except CycleError as error:
        raise model.error("its layers form a cycle") from error
    return tuple(calls[result] for result in order if result in calls)


def _exists(
    tensor: Tensor, calls: Mapping[tuple[str, int], Call], inputs: Collection[Tensor]
) -> bool:
    call = calls.get(tensor[:2])
    if call is None:
        return tensor in inputs
    return 0 <= tensor[2] < (call.results if call.graph is None else len(call.graph.outputs))


def _shape(layer: Layer, batch_shape: Any) -> tuple[int, ...]:
    """Return an input's shape without the event axis."""
    if not isinstance(batch_shape, list) or len(batch_shape) < 2:
        raise layer.error("its input shape is unknown; start the model with keras.Input(shape)")
    return tuple(batch_shape[1:])
