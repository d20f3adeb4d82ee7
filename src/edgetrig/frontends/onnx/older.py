"""Nodes in forms of their own, written as what today's standard has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

CHANNELS_LAST: Final = "qonnx.custom_op.channels_last"
"""QONNX' copies of operators whose channels, and those of kernels, are on the last axis."""

_WINDOWED: Final = ("Conv", "MaxPool", "AveragePool")


def channels_first(nodes: Iterable[Any]) -> Iterator[Any]:
    """Yield nodes, channels-last ones with transpositions around standard ones.

    Raises
    ------
    ValueError
        If a channels-last node does not tell how many axes it has.
    """
    for number, node in enumerate(nodes):
        if node.domain == CHANNELS_LAST and node.op_type in _WINDOWED:
            yield from _between_transpositions(node, f"{node.op_type}_{number}")
        else:
            yield node


def _between_transpositions(node: Any, label: str) -> Iterator[Any]:
    from onnx import helper

    name = node.name or label
    sizes = [len(a.ints) for a in node.attribute if a.name == "kernel_shape"]
    if sizes not in ([1], [2], [3]) or not node.input or len(node.output) != 1:
        raise ValueError(f"node '{name}' ({node.op_type}) has no kernel_shape; export it again")
    rank = sizes[0] + 2
    first = [0, rank - 1, *range(1, rank - 1)]
    last = [0, *range(2, rank), 1]
    standard = type(node)()
    standard.CopyFrom(node)
    standard.domain, standard.name = "", name
    for place in range(2 if node.op_type == "Conv" else 1):
        if place < len(node.input):
            inner = standard.input[place] = f"{name}.channels_first.{place}"
            yield helper.make_node("Transpose", [node.input[place]], [inner], perm=first)
    inner = standard.output[0] = f"{name}.channels_first"
    yield standard
    yield helper.make_node("Transpose", [inner], [node.output[0]], perm=last)


def check_before_7(nodes: Iterable[Any]) -> None:
    """Raise if a node means something else than it does since opset 7.

    Up to opset 6 arguments were aligned by attributes of their own: ``broadcast`` alone is what
    holds today, an ``axis`` beside it is not.

    Raises
    ------
    ValueError
        If there is such a node.
    """
    for node in nodes:
        names = {attribute.name for attribute in node.attribute}
        tests = [attribute.i for attribute in node.attribute if attribute.name == "is_test"]
        if (
            {"broadcast", "axis"} <= names
            or node.op_type in ("PRelu", "Upsample")
            or (node.op_type == "BatchNormalization" and tests != [1])
        ):
            raise ValueError(
                f"node '{node.name or node.op_type}' ({node.op_type}) is as opset 6 has it;"
                " convert the model to opset 7 or later"
            )
