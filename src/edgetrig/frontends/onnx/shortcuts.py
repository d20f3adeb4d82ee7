"""Nodes that hardware need not compute: values handed on, and what only keeps an order.

What stands behind a model's last sigmoid or softmax and changes nothing would make it a table, and
a rounded table makes ties of what a position of the greatest depends on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from edgetrig.frontends.onnx.build import build
from edgetrig.frontends.onnx.draft import Draft, Drafts
from edgetrig.frontends.onnx.graph import Entry, Graph, maker_of, ordered

_SQUASHING: Final = frozenset({"Softmax", "LogSoftmax", "Sigmoid"})


def shortened(graph: Graph) -> Graph:
    """Return a graph that computes the same, in a shorter way."""
    return _ranked(_handed_over(_both_classes(graph)))


def _both_classes(graph: Graph) -> Graph:
    """Return a graph with the sigmoid of -m and m side by side, for 1 - p and p of p's sigmoid."""
    drafts = Drafts(graph)
    for entry in graph.entries:
        if entry.node.kind == "Concat" and (sums := _sigmoid_beside_rest(entry, drafts)):
            draft = Draft(entry, drafts)
            axis = entry.node.integer("axis", 1)
            both = draft.add("Concat", draft.add("Neg", sums), sums, axis=axis)
            draft.add("Sigmoid", both, result=draft.result(0))
        else:
            drafts.put(entry)
    return drafts.finished()[0]


def _sigmoid_beside_rest(entry: Entry, drafts: Drafts) -> str:
    """Return m where ``1 - p`` and ``p`` are joined, p the sigmoid of m; "" elsewhere."""
    if len(entry.arguments) != 2:
        return ""
    rest, sigmoid = (maker_of(name, drafts.makers) for name in entry.arguments)
    if rest is None or sigmoid is None or rest.node.kind != "Sub" or len(rest.arguments) != 2:
        return ""
    one, other = rest.arguments
    whole = drafts.constants.get(one)
    if whole is None or not np.array_equal(np.ravel(whole), [1.0]):
        return ""
    same = maker_of(other, drafts.makers) is sigmoid and sigmoid.node.kind == "Sigmoid"
    return sigmoid.arguments[0] if same else ""


def _handed_over(graph: Graph) -> Graph:
    """Return a graph without nodes that hand a value on; what makes an output has its name."""
    makers = {name: entry for entry in graph.entries for name in entry.results}
    sources: dict[str, str] = {}
    for entry in graph.entries:
        if _hands_on(entry, makers):
            (first,), (result,) = entry.arguments, entry.results
            sources[result] = sources.get(first, first)
    moved: dict[str, str] = {}
    for output in graph.outputs:
        source = sources.get(output, "")
        if source in makers and source not in graph.outputs:
            moved.setdefault(source, output)

    def now(name: str) -> str:
        source = sources.get(name, name)
        return moved.get(source, source)

    entries = [
        replace(
            entry,
            arguments=tuple(now(name) for name in entry.arguments),
            results=tuple(moved.get(name, name) for name in entry.results),
        )
        for entry in graph.entries
        if entry.results[0] not in moved.values()
    ]
    return _of(graph, entries)


def _hands_on(entry: Entry, makers: Mapping[str, Entry]) -> bool:
    if len(entry.arguments) != 1 or len(entry.results) != 1:
        return False
    if entry.node.kind == "Cast" and entry.node.attributes.get("to") == 1:
        maker = maker_of(entry.arguments[0], makers)
        return maker is not None and maker.node.kind in _SQUASHING
    return entry.node.kind == "Identity"


def _ranked(graph: Graph) -> Graph:
    """Return a graph whose ``ArgMax`` and ``ArgMin`` look at what a sigmoid or softmax looks at."""
    makers = {name: entry for entry in graph.entries for name in entry.results}
    ranks = cache(lambda: _ranks(graph))

    def order_kept(entry: Entry, best: Entry) -> bool:
        """Return whether elements that are compared keep their order."""
        if entry.node.kind == "Sigmoid":
            return True
        axis = entry.node.integer("axis", -1 if entry.node.opset >= 13 else 1)
        other = best.node.integer("axis", 0)
        rank = 0 if axis == other else ranks().get(entry.arguments[0], 0)
        return axis == other or (rank > 0 and axis % rank == other % rank)

    def seen(entry: Entry) -> Entry:
        if entry.node.kind not in ("ArgMax", "ArgMin") or len(entry.arguments) != 1:
            return entry
        maker = maker_of(entry.arguments[0], makers)
        if maker is None or maker.node.kind not in _SQUASHING or len(maker.arguments) != 1:
            return entry
        return replace(entry, arguments=maker.arguments) if order_kept(maker, entry) else entry

    return _of(graph, [seen(entry) for entry in graph.entries])


def _ranks(graph: Graph) -> dict[str, int]:
    """Return the number of axes of values."""
    try:
        return {name: len(shape) for name, shape in build(graph, 1, whole=False).shapes.items()}
    except ValueError:  # it is said again where the graph is read
        return {}


def _of(graph: Graph, entries: Sequence[Entry]) -> Graph:
    known = {*graph.constants, *(value.name for value in graph.inputs)}
    return replace(graph, entries=ordered(entries, known, graph.outputs))
