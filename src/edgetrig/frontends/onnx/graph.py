"""An ONNX graph as nodes in an order in which every argument is ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.onnx.load import array_of
from edgetrig.frontends.onnx.node import Node
from edgetrig.frontends.onnx.older import channels_first, check_before_7

NODE_LIMIT: Final = 1 << 17
"""Most nodes of a graph, functions written out."""

OLDEST: Final = 6
"""Oldest operator set that is read."""

STANDARD: Final = ("", "ai.onnx")
QUANTIZED: Final = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
TREES: Final = ("ai.onnx.ml",)


@dataclass(frozen=True)
class Entry:
    """A node with the names of its arguments and results ("" where left out)."""

    node: Node
    proto: Any
    arguments: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class GraphInput:
    """A model's input: its sizes (None where they are not fixed) and the name of its type."""

    name: str
    sizes: tuple[int | None, ...]
    type: str


@dataclass(frozen=True)
class Graph:
    """A model's graph.

    ``entries`` holds what leads to ``outputs`` alone; ``opsets`` the version of each domain.
    """

    name: str
    inputs: tuple[GraphInput, ...]
    constants: Mapping[str, NDArray[Any]]
    entries: tuple[Entry, ...]
    outputs: tuple[str, ...]
    opsets: Mapping[str, int]

    @cached_property
    def read(self) -> frozenset[str]:
        """Names of the values that nodes read."""
        return frozenset(name for entry in self.entries for name in entry.arguments)


def read_graph(proto: Any) -> Graph:
    """Return the graph of a ``ModelProto``.

    Raises
    ------
    ValueError
        If it is damaged, cyclic, too large, or written for an operator set that is too old.
    """
    _check_names(proto)
    opsets = {entry.domain: entry.version for entry in proto.opset_import}
    standard = max((opsets.get(domain, 0) for domain in STANDARD), default=0)
    opsets[""] = standard
    if standard and standard < OLDEST:
        raise ValueError(
            f"it is written for opset {standard}; convert it to opset {OLDEST} or later"
        )
    proto = _inlined(proto)
    graph = proto.graph
    if standard < 7:
        check_before_7(graph.node)
    if not graph.output:
        raise ValueError("not an ONNX model, or one without outputs")
    if len(graph.node) > NODE_LIMIT:
        raise ValueError(f"it has {len(graph.node)} nodes; at most {NODE_LIMIT} are read")
    if graph.sparse_initializer:
        raise ValueError("sparse constants are not supported; export dense ones")
    nodes = [*channels_first(graph.node)]
    constants = {tensor.name: array_of(tensor) for tensor in graph.initializer}
    inputs = tuple(_input(value) for value in graph.input if value.name not in constants)
    taken = {value.name for value in inputs}
    entries = [_entry(node, index, opsets, taken) for index, node in enumerate(nodes)]
    outputs = tuple(value.name for value in graph.output)
    known = {*constants, *(value.name for value in inputs)}
    kept = ordered(entries, known, outputs)
    return Graph(graph.name, inputs, constants, kept, outputs, opsets)


def _check_names(proto: Any) -> None:
    """Raise if a name is not text; damaged files give bytes there."""
    graph = proto.graph
    nodes = [*graph.node, *(node for function in proto.functions for node in function.node)]
    names = [graph.name, *(entry.domain for entry in proto.opset_import)]
    names += [value.name for value in (*graph.initializer, *graph.input, *graph.output)]
    for node in nodes:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a name in it is damaged; export the model again")


def _inlined(proto: Any) -> Any:
    """Return the model with its own functions written out, if that is not absurdly long."""
    if not proto.functions:
        return proto
    from onnx import inliner

    bodies = {(f.domain, f.name): f for f in proto.functions}
    lengths: dict[tuple[str, str], int] = {}

    def length(nodes: Any, inside: tuple[tuple[str, str], ...]) -> int:
        count = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in inside or len(inside) > 64:
                raise ValueError(f"its function '{node.op_type}' calls itself")
            if key in bodies and key not in lengths:
                lengths[key] = length(bodies[key].node, (*inside, key))
            count += lengths.get(key, 1)
        if count > NODE_LIMIT:
            raise ValueError(f"its functions make more than {NODE_LIMIT} nodes")
        return count

    length(proto.graph.node, ())
    try:
        return inliner.inline_local_functions(proto)
    except Exception as error:  # the package raises what its C++ code threw
        raise ValueError("its functions are damaged") from error


def _input(value: Any) -> GraphInput:
    if not value.type.HasField("tensor_type"):
        raise ValueError(f"input '{value.name}' is not a tensor")
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise ValueError(f"input '{value.name}' has no shape; export the model with shapes")
    sizes = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    name = type_name(tensor.elem_type)
    if not name:
        raise ValueError(f"input '{value.name}' has an unknown type")
    return GraphInput(value.name, tuple(n if n else None for n in sizes), name)


def type_name(number: Any) -> str:
    """Return NumPy's name of ONNX' number of a type, or "" if there is no such type."""
    from onnx import helper

    try:
        return str(np.dtype(helper.tensor_dtype_to_np_dtype(number)))
    except (KeyError, TypeError):
        return ""


def _entry(node: Any, index: int, opsets: Mapping[str, int], taken: set[str]) -> Entry:
    name = unique = node.name or f"{node.op_type}_{index}"
    number = 1
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    if node.domain not in (*STANDARD, *QUANTIZED, *TREES):
        # ONNX Runtime's quantiser writes its own operators, unless it is told otherwise.
        instead = (
            "quantise by quantize_static(..., quant_format=QuantFormat.QDQ)"
            if node.domain == "com.microsoft"
            else "export with standard ONNX or QONNX operators"
        )
        raise ValueError(
            f"node '{name}' ({node.op_type}) comes from '{node.domain}', whose operators are not"
            f" known; {instead}"
        )
    attributes = {a.name: _attribute(a) for a in node.attribute}
    domain = "" if node.domain in STANDARD else node.domain
    read = Node(unique, node.op_type, attributes, opsets.get(domain, 0), len(node.output))
    return Entry(read, node, tuple(node.input), tuple(node.output))


def _attribute(attribute: Any) -> Any:
    """Return an attribute's value: bytes as text, tensors as arrays, graphs as None."""
    from onnx import AttributeProto, helper

    if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        return None
    if attribute.type == AttributeProto.TENSOR:
        return array_of(attribute.t)
    try:
        value = helper.get_attribute_value(attribute)
    except ValueError as error:
        raise ValueError(f"attribute '{attribute.name}' is damaged") from error
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value]
    return value


def ordered(entries: Sequence[Entry], known: set[str], outputs: Sequence[str]) -> tuple[Entry, ...]:
    """Return what the outputs need, in order."""
    makers: dict[str, int] = {}
    for number, entry in enumerate(entries):
        for result in filter(None, entry.results):
            if result in makers or result in known:
                raise ValueError(f"its value '{result}' is made twice")
            makers[result] = number
    needed: set[int] = set()
    waiting = list(outputs)
    before: dict[int, list[int]] = {}
    while waiting:
        name = waiting.pop()
        if name in known or not name:
            continue
        if name not in makers:
            raise ValueError(f"its value '{name}' does not exist")
        number = makers[name]
        if number not in needed:
            needed.add(number)
            arguments = entries[number].arguments
            waiting.extend(arguments)
            before[number] = [makers[a] for a in arguments if a in makers]
    sorter = TopologicalSorter({number: before[number] for number in sorted(needed)})
    try:
        order = [*sorter.static_order()]
    except CycleError as error:
        raise ValueError("its nodes form a cycle") from error
    return tuple(entries[number] for number in order)


def maker_of(name: str, makers: Mapping[str, Entry]) -> Entry | None:
    """Return the node that makes a value, what only hands it on left out; None if none does."""
    entry = makers.get(name)
    while entry is not None and entry.arguments and _hands_on(entry.node):
        entry = makers.get(entry.arguments[0])
    return entry


def _hands_on(node: Node) -> bool:
    return node.kind == "Identity" or (node.kind == "Cast" and node.attributes.get("to") == 1)
