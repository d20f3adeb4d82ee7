"""Whether a graph keeps events apart: seen from its shapes for one event and for two."""

from __future__ import annotations

from math import prod
from typing import Final

from edgetrig.frontends.onnx.build import Built, NodeError
from edgetrig.frontends.onnx.graph import Entry, Graph

_ALONG: Final = frozenset(
    {
        "ArgMax", "ArgMin", "GroupNormalization", "Hardmax", "LayerNormalization", "LogSoftmax",
        "LpNormalization", "RMSNormalization", "Softmax", "TopK",
    }
)  # fmt: skip
"""Operators that mix elements along an axis and keep it."""

_FIRST: Final = frozenset(
    {
        "Attention", "AveragePool", "BatchNormalization", "Conv", "ConvInteger", "ConvTranspose",
        "DepthToSpace", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool",
        "InstanceNormalization", "LpPool", "MaxPool", "QLinearConv", "SpaceToDepth",
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
    axes = {
        name: _event_axis(shape, two.shapes.get(name, ())) for name, shape in one.shapes.items()
    }
    outer = {given.name: 1 for given in graph.inputs}
    for entry in graph.entries:
        mine = [name for name in entry.arguments if axes.get(name) is not None]
        if not mine:
            continue
        if _loses(entry, axes) or _mixes(entry, mine[0], axes, one):
            raise NodeError(entry.node, "it mixes events; a trigger sees one event at a time")
        for result in entry.results:
            if result in axes:
                outer[result] = _outer(entry, mine, result, axes, outer, one)
    for name in graph.outputs:
        if name in axes and (axes[name] != 0 or one.shapes[name][0] != 1):
            raise ValueError(f"output '{name}' does not have its events along the first axis")


def _outer(
    entry: Entry,
    mine: list[str],
    result: str,
    axes: dict[str, int | None],
    outer: dict[str, int],
    one: Built,
) -> int:
    """Return how many other elements come first on the axis that the events share with them.

    As many elements must lie before an event after a reshape as did before it.
    """
    first = max(outer[name] for name in mine)
    if entry.node.kind not in ("Flatten", "Reshape"):
        return first
    before = first * prod(one.shapes[mine[0]][: axes[mine[0]]])
    here = prod(one.shapes[result][: axes[result]])
    size = one.shapes[result][axes[result] or 0]
    if before % here or size % (before // here):
        raise NodeError(entry.node, "it mixes events; transpose the event axis to the front first")
    return before // here


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
    if node.kind in ("CumSum", "CumProd"):
        return axis == int(one.known[entry.arguments[1]].real.ravel()[0]) % rank
    if node.kind in ("Gather", "GatherElements"):
        return name == entry.arguments[0] and axis == node.integer("axis", 0) % rank
    if node.kind == "Trilu":
        return axis is not None and axis >= rank - 2
    if node.kind not in _ALONG:
        return False
    default = 0 if node.kind.startswith("Arg") else -1
    if node.kind in ("Hardmax", "LogSoftmax", "Softmax") and node.opset < 13:
        return axis is not None and axis >= node.integer("axis", 1) % rank
    if node.kind == "GroupNormalization":
        return axis != 0
    first = node.integer("axis", default) % rank
    last = rank - 1 if node.kind.endswith("Normalization") else first
    return axis is not None and first <= axis <= last
