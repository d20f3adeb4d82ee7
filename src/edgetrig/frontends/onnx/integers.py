"""Values of integer types: which ones they are, and how their arithmetic wraps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from edgetrig.circuit import Overflow, Rounding
from edgetrig.frontends.onnx.graph import Entry, type_name
from edgetrig.frontends.onnx.node import Node
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.scales.scaled import Known
from edgetrig.frontends.scales.tabled import Tabled
from edgetrig.frontends.values import Pending, Raw, Value, exact

BITS: Final = {
    "bool": (0, 1), "uint8": (0, 8), "int8": (1, 7), "uint16": (0, 16), "int16": (1, 15),
    "uint32": (0, 32), "int32": (1, 31),
}  # fmt: skip
"""Sign and further bits of whole numbers, by type. Wider types are taken to hold everything."""

_WRAPS: Final = frozenset(
    {"Abs", "Add", "Cast", "CastLike", "Div", "Gemm", "MatMul", "Mul", "Neg", "Pow", "Sub"}
)
"""Operators on integers whose results may not fit their type: the bits that fit are kept."""


def quantizer_of(type_: str, rounding: Rounding, overflow: Overflow) -> Quantizer:
    """Return what makes numbers of an integer type."""
    signed, bits = BITS[type_]
    return Quantizer(np.array(signed), np.array(bits), np.array(0), rounding, overflow)


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


def wrapped(node: Node, value: Value | Known) -> Value | Known:
    """Return the result of an operator with the bits that its type has, as ONNX Runtime does."""
    whole = node.kind in _WRAPS and node.type in BITS and node.type != "bool"
    if not whole or isinstance(value, Known | Raw | Pending | Tabled):
        return value
    return quantizer_of(node.type, "TRN", "WRAP")(exact(value))


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
