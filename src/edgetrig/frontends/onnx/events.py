"""Whether a graph keeps events apart: seen from its shapes for one event and for two."""

from __future__ import annotations

from math import prod
from typing import Final

from edgetrig.frontends.onnx.build import Built, NodeError
from edgetrig.frontends.onnx.graph import Entry, Graph

_ALONG: Final = frozenset(
    {
        "ArgMax", "ArgMin", "GroupNormalization", "LayerNormalization", "LogSoftmax",
        "RMSNormalization", "Softmax", "TopK",
    }
)  # fmt: skip
"""Operators that mix elements along an axis and keep it."""

_FIRST: Final = frozenset(
    {
        "AveragePool", "BatchNormalization", "Conv", "ConvInteger", "ConvTranspose", "DepthToSpace",
        "GlobalAveragePool", "GlobalMaxPool", "InstanceNormalization", "MaxPool", "QLinearConv",
        "SpaceToDepth",
    }
)  # fmt: skip
"""Operators whose first axis is that of the events."""


def check_events(graph: Graph, one: Built, two: Built) -> None:
    """Raise unless no result of one event depends on another.

    Raises
    ------
    NodeError
        If a node mixes events; it is the first that does.
    """
    axes: dict[str, int | None] = {}
    for name in one.shapes:
        axes[name] = _event_axis(one.shapes[name], two.shapes.get(name, ()))
    for entry in graph.entries:
        mine = [name for name in entry.arguments if axes.get(name) is not None]
        if mine and (_loses(entry, axes) or _mixes(entry, mine[0], axes, one)):
            raise NodeError(entry.node, "it mixes events; a trigger sees one event at a time")
        if mine and entry.node.kind == "Reshape" and not _keeps_order(entry, axes, one):
            raise NodeError(entry.node, "it moves the event axis behind others; transpose it first")
    for name in graph.outputs:
        if name in axes and (axes[name] != 0 or one.shapes[name][0] != 1):
            raise ValueError(f"output '{name}' does not have its events along the first axis")


def _event_axis(one: tuple[int, ...], two: tuple[int, ...]) -> int | None:
    """Return the axis that is twice as long for two events; None if there is no single one."""
    if len(one) != len(two):
        return None
    longer = [k for k, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
    if len(longer) != 1 or two[longer[0]] != 2 * one[longer[0]]:
        return None
    return longer[0]


def _loses(entry: Entry, axes: dict[str, int | None]) -> bool:
    return any(name in axes and axes[name] is None for name in entry.results)


def _mixes(entry: Entry, name: str, axes: dict[str, int | None], one: Built) -> bool:
    axis, rank = axes[name], len(one.shapes[name])
    node = entry.node
    if node.kind in _FIRST:
        return axis != 0
    if node.kind in ("RNN", "LSTM", "GRU"):
        return axis != (0 if node.integer("layout", 0) else 1)
    if node.kind not in _ALONG:
        return False
    default = 0 if node.kind.startswith("Arg") else -1
    if node.kind.endswith("oftmax") and node.opset < 13:
        return axis is not None and axis >= node.integer("axis", 1) % rank
    if node.kind == "GroupNormalization":
        return axis != 0
    first = node.integer("axis", default) % rank
    last = rank - 1 if node.kind.endswith("Normalization") else first
    return axis is not None and first <= axis <= last


def _keeps_order(entry: Entry, axes: dict[str, int | None], one: Built) -> bool:
    """Whether as many elements lie before the event axis as did before the reshape."""
    sides = []
    for name in (entry.arguments[0], entry.results[0]):
        axis = axes.get(name)
        if axis is None:
            return True
        sides.append(prod(one.shapes[name][:axis]))
    return sides[0] == sides[1]
