"""The intermediate representation: exact integer circuits, traced from NumPy code."""

from edgetrig.circuit.array import Array, dyadic
from edgetrig.circuit.builder import Builder, origin
from edgetrig.circuit.check import check
from edgetrig.circuit.circuit import Circuit, Input, Output, Rows, Table
from edgetrig.circuit.fixed import convert, lookup, quantize
from edgetrig.circuit.floats import OVERFLOWS, ROUNDINGS, Overflow, Rounding, quantize_floats
from edgetrig.circuit.graph import (
    live_rows,
    operand_order,
    read_by_registers,
    register_depth,
    use_counts,
)
from edgetrig.circuit.intervals import IntArray, compact, compact_pair, width, widths
from edgetrig.circuit.linear import linear_scales, merge_forms, tighten
from edgetrig.circuit.moves import MOVES
from edgetrig.circuit.ops import ADDERS, COMMUTATIVE, OPERANDS, WIRING, Op
from edgetrig.circuit.sorting import sorting_network
from edgetrig.circuit.storage import load, load_with_notes, save
from edgetrig.circuit.trace import fixed_input, replay, trace

__all__ = [
    "ADDERS",
    "COMMUTATIVE",
    "MOVES",
    "OPERANDS",
    "OVERFLOWS",
    "ROUNDINGS",
    "WIRING",
    "Array",
    "Builder",
    "Circuit",
    "Input",
    "IntArray",
    "Op",
    "Output",
    "Overflow",
    "Rounding",
    "Rows",
    "Table",
    "check",
    "compact",
    "compact_pair",
    "convert",
    "dyadic",
    "fixed_input",
    "linear_scales",
    "live_rows",
    "load",
    "load_with_notes",
    "lookup",
    "merge_forms",
    "operand_order",
    "origin",
    "quantize",
    "quantize_floats",
    "read_by_registers",
    "register_depth",
    "replay",
    "save",
    "sorting_network",
    "tighten",
    "trace",
    "use_counts",
    "width",
    "widths",
]
