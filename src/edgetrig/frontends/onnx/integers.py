"""Values of integer types: which ones they are, and whose arithmetic wraps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from edgetrig.frontends.integers import wrapped
from edgetrig.frontends.onnx.graph import Entry, type_name
from edgetrig.frontends.onnx.node import Node
from edgetrig.frontends.scales.scaled import Known
from edgetrig.frontends.scales.tabled import Tabled
from edgetrig.frontends.values import Value

_WRAPS: Final = frozenset(
    {
        "Abs",
        "Add",
        "BitShift",
        "BitwiseNot",
        "Cast",
        "CastLike",
        "Div",
        "Gemm",
        "MatMul",
        "Mul",
        "Neg",
        "Pow",
        "Sub",
    }
)
"""Operators on integers whose results may not fit their type: the bits that fit are kept."""


def result_types(entry: Entry, types: Mapping[str, str]) -> list[str]:
    """Return the type of each result, as NumPy names it, or "" where it is not known.

    ``types`` holds those of the arguments. ONNX' own description of the operator says which
    argument a result's type is that of.
    """
    node = entry.node
    arguments, results = _signature(node.kind, node.opset)
    bound = dict(zip(arguments, (types.get(name, "") for name in entry.arguments), strict=False))
    stated = type_name(node.attributes.get("to", node.attributes.get("output_dtype", 0)))
    found = [bound.get(kind, "") or _fixed(kind) or stated for kind in results]
    return [*found, *[""] * len(entry.results)][: len(entry.results)]


def fitting(node: Node, value: Value | Known) -> Value | Known:
    """Return the result of an operator with the bits that its type has, as ONNX Runtime does."""
    if node.kind not in _WRAPS or isinstance(value, Known | Tabled):
        return value
    return wrapped(value, node.type)


@lru_cache(maxsize=1024)
def _signature(kind: str, opset: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the types of an operator's arguments and results."""
    from onnx import defs

    try:
        schema = defs.get_schema(kind, opset, "")
    except defs.SchemaError:  # an operator of QONNX
        return (), ()
    return tuple(v.type_str for v in schema.inputs), tuple(v.type_str for v in schema.outputs)


def _fixed(kind: str) -> str:
    """Return the type that ``tensor(int64)`` names, or "" for a type's parameter."""
    return kind.removeprefix("tensor(").removesuffix(")") if kind.startswith("tensor(") else ""
