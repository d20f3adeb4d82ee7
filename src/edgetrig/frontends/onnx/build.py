"""From a graph to the steps of a model: shapes are found by replaying it on zeros."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.errors import CircuitError
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.integers import BITS, quantizer_of
from edgetrig.frontends.model import Key, Step
from edgetrig.frontends.onnx.fold import constant_node, folded
from edgetrig.frontends.onnx.graph import Entry, Graph, GraphInput
from edgetrig.frontends.onnx.integers import fitting, result_types
from edgetrig.frontends.onnx.node import Node
from edgetrig.frontends.onnx.operators import MOVERS, QUANTIZERS, Handler, handler_of
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.scales.scaled import Known, bounded_shape, shape_of
from edgetrig.frontends.scales.tabled import Tabled
from edgetrig.frontends.values import Pending, Raw, Value, exact, rearranged

MOST_ELEMENTS: Final = 1 << 25
"""Most elements that all results have together."""

DAMAGE: Final = (
    AttributeError, IndexError, KeyError, OverflowError, TypeError, ZeroDivisionError,
)  # fmt: skip
"""What handlers raise on attributes and arguments that make no sense."""

_OPEN: Final = object()
"""Stands for an argument that comes when a step runs."""


class _Shapes(Precision):
    """Lets everything be computed, as only shapes are looked at."""

    def inner(self, value: Value, role: str) -> Value:
        return value.array if isinstance(value, Pending) else value


class NodeError(ValueError):
    """A node that cannot be built; carries it."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node = node


@dataclass
class Built:
    """What a graph becomes for a number of events.

    ``known`` holds the constants, ``shapes`` those of all other values, ``types`` of both NumPy's
    names ("" where they are not known), by name; ``elements`` counts those of all results.
    """

    events: int
    steps: list[Step] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    elements: int = 0


def build(graph: Graph, events: int, whole: bool) -> Built:
    """Return the steps of a graph.

    Parameters
    ----------
    graph
        The graph.
    events
        Size of the event axis that every value is built with.
    whole
        Whether inputs have no event axis: all their axes belong to one event.

    Raises
    ------
    NodeError
        If a node is not supported or does not fit its arguments.
    """
    built = Built(events, known={name: Known(v) for name, v in graph.constants.items()})
    built.types = {name: v.dtype.name for name, v in graph.constants.items()}
    values: dict[str, Value] = {}
    for given in graph.inputs:
        values[given.name] = Batch(np.zeros((1, *input_shape(given, events, whole))))
        built.types[given.name] = given.type
    added = frozenset() if whole else frozenset(given.name for given in graph.inputs)
    for entry in graph.entries:
        try:
            with np.errstate(all="ignore"):
                _add(built, values, entry, graph, added)
        except (ValueError, CircuitError) as error:
            raise NodeError(entry.node, str(error)) from error
        except DAMAGE as error:
            raise NodeError(entry.node, f"its description is damaged ({error!r})") from error
    built.shapes = {name: shape_of(value) for name, value in values.items()}
    return built


def input_shape(given: GraphInput, events: int, whole: bool) -> tuple[int, ...]:
    """Return an input's shape, with the event axis if it has one.

    Raises
    ------
    ValueError
        If a size other than that of the event axis is not fixed.
    """
    sizes = given.sizes if whole else (events, *given.sizes[1:])
    if any(n is None for n in sizes):
        raise ValueError(
            f"input '{given.name}' has sizes that are not fixed; export the model with fixed shapes"
        )
    return bounded_shape([n for n in sizes if n is not None])


def _add(
    built: Built,
    values: dict[str, Value],
    entry: Entry,
    graph: Graph,
    added: frozenset[str],
) -> None:
    """Compute a node if its arguments are constant, else add its step."""
    arguments = [_argument(name, built, values) for name in entry.arguments]
    kind = entry.node.kind
    types = result_types(entry, built.types)
    built.types.update(zip(entry.results, types, strict=True))
    entry = replace(entry, node=replace(entry.node, type=types[0] if types else ""))
    if kind == "Constant":
        results: Sequence[Any] = [constant_node(entry)]
    elif kind in ("Shape", "Size"):
        results = [_shape(entry.node, shape_of(arguments[0]))]
    elif all(map(_is_known, arguments)):
        if kind in MOVERS or kind in QUANTIZERS:
            results = _results(handler_of(kind), entry.node, arguments)
        else:
            results = folded(entry, arguments, graph.opsets[""])
    else:
        function = _function(handler_of(kind), entry, arguments, graph, added)
        looking = replace(entry.node, precision=_Shapes())
        results = _results(handler_of(kind), looking, arguments)
        _add_step(built, entry, graph, arguments, results, function)
    built.elements += sum(prod(shape_of(value)) for value in results)
    if built.elements > MOST_ELEMENTS:
        raise ValueError(f"up to here the values have more than {MOST_ELEMENTS} elements in all")
    for name, value in zip(entry.results, results, strict=False):
        if isinstance(value, Known):
            built.known[name] = value
            built.types[name] = value.values.dtype.name if value.scale is None else ""
        elif name:
            values[name] = np.zeros(shape_of(value)) if _waits(value) else value


def _argument(name: str, built: Built, values: dict[str, Value]) -> Value | Known:
    if not name:
        return None
    return built.known[name] if name in built.known else values[name]


def _waits(value: Value) -> bool:
    return isinstance(value, Pending | Tabled)


def _shape(node: Node, shape: tuple[int, ...]) -> Known:
    if node.kind == "Size":
        return Known(np.array(int(np.prod(shape)), np.int64))
    end = node.integer("end", len(shape))
    return Known(np.array(shape[node.integer("start", 0) : end], np.int64))


def _results(handler: Handler, node: Node, arguments: Sequence[Any]) -> Sequence[Any]:
    try:
        signature(handler).bind(node, *arguments)
    except TypeError as error:
        count = len(arguments)
        raise ValueError(f"it has {count} arguments, which is too few or too many") from error
    results = handler(node, *arguments)
    for value in results:
        bounded_shape(shape_of(value))
    return results


def _add_step(
    built: Built,
    entry: Entry,
    graph: Graph,
    arguments: Sequence[Any],
    results: Sequence[Any],
    function: Callable[..., Sequence[Value]],
) -> None:
    keys: list[Key] = []
    pairs = zip(entry.arguments, arguments, strict=True)
    given: list[Key] = [name for name, value in pairs if not _is_known(value)]
    for name, value in zip(entry.results, results, strict=False):
        if name and not isinstance(value, Known):
            keys += _keys(name, graph)
    node = entry.node
    built.steps.append(Step(node.name, node.kind, function, tuple(given), tuple(keys)))


def _keys(name: str, graph: Graph) -> list[Key]:
    """Return the keys of a value: as other nodes read it, and as the model gives it."""
    inside: list[Key] = [name] if name in graph.read or name not in graph.outputs else []
    return [*inside, output_key(name)] if name in graph.outputs else inside


def output_key(name: str) -> Key:
    """Return the key of an output as the model gives it, without the event axis."""
    return ("output", name)


def _is_known(value: Value | Known | None) -> bool:
    return value is None or isinstance(value, Known)


def _function(
    handler: Handler,
    entry: Entry,
    known: Sequence[Any],
    graph: Graph,
    added: frozenset[str],
) -> Callable[..., Sequence[Value]]:
    """Return what a step computes: event axes are put on inputs and taken off outputs.

    Of ``known`` the constants are used; the other arguments come when the step runs.
    """
    constants = [v if _is_known(v) else _OPEN for v in known]
    types = {given.name: given.type for given in graph.inputs}

    def run(precision: Precision, *arguments: Value) -> Sequence[Value]:
        given, coming = [], iter(arguments)
        for name, constant in zip(entry.arguments, constants, strict=True):
            value = next(coming) if constant is _OPEN else constant
            value = as_given(value, types[name]) if name in types else value
            given.append(rearranged(value, lambda v: v[None]) if name in added else value)
        try:
            results = handler(replace(entry.node, precision=precision), *given)
            results = [fitting(entry.node, value) for value in results]
        except DAMAGE as error:
            raise ValueError(f"its description is damaged ({error!r})") from error
        made: list[Value] = []
        for name, value in zip(entry.results, results, strict=False):
            if name and not isinstance(value, Known):
                for key in _keys(name, graph):
                    given_out = added and key == output_key(name)
                    made.append(rearranged(value, lambda v: v[0]) if given_out else value)
        return made

    return run


def as_given(value: Value, type_: str) -> Value:
    """Return an input as exact whole numbers, if its type says how many bits they have."""
    if not isinstance(value, Raw) or type_ not in BITS:
        return value
    return exact(value.quantized(quantizer_of(type_, "RND", "SAT")))
