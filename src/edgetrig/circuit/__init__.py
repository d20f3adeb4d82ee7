"""The intermediate representation: exact integer circuits, traced from NumPy code."""

from edgetrig.circuit.circuit import Circuit, Input, Output, Rows, Table
from edgetrig.circuit.ops import COMMUTATIVE, OPERANDS, WIRING, Op

__all__ = ["COMMUTATIVE", "OPERANDS", "WIRING", "Circuit", "Input", "Op", "Output", "Rows", "Table"]
