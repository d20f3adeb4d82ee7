"""One node of an ONNX graph as the operators see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.scales.scaled import Float64s, Known, numbers
from edgetrig.frontends.values import Value, exact

Argument = Value | Known | None
"""A value, a constant, or an optional argument left out."""


@dataclass(frozen=True)
class Node:
    """A node's operator and attributes.

    Parameters
    ----------
    name
        The node's name, or ``<operator>_<index>``.
    kind
        Its operator.
    attributes
        Numbers, strings (as str), arrays and lists of these, by name.
    opset
        Version of the operator set it is written for.
    outputs
        How many results it has, unused ones included.
    type
        NumPy's name of its first result's type; "" where it is not known.
    precision
        What its numbers are rounded to.
    """

    name: str
    kind: str
    attributes: Mapping[str, Any]
    opset: int
    outputs: int = 1
    type: str = ""
    precision: Precision = field(default=AS_IS, compare=False)

    @property
    def whole(self) -> bool:
        """Whether its first result has an integer type."""
        return self.type.startswith(("int", "uint"))

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is one float, as float32 arithmetic sees it."""
        return float(np.float32(self.attributes.get(name, default)))

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is one whole number."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise ValueError(f"attribute {name} is {value!r}, not a whole number")
        return value

    def integers(self, name: str, default: Sequence[int] | None = None) -> list[int]:
        """Return an attribute that is a list of whole numbers."""
        value = self.attributes.get(name, default)
        if not isinstance(value, Sequence) or not all(isinstance(v, int) for v in value):
            raise ValueError(f"attribute {name} is missing or no list of whole numbers")
        return list(value)

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a string."""
        return str(self.attributes.get(name, default))

    def listed(self, name: str, arguments: Sequence[Argument], index: int) -> list[int] | None:
        """Return whole numbers that older opsets have as an attribute, newer ones as an argument.

        None if they are left out.
        """
        if name in self.attributes:
            value = self.attributes[name]
            return [value] if isinstance(value, int) else self.integers(name)
        given = argument(arguments, index)
        return None if given is None else [int(v) for v in constant(given, name).ravel()]

    def weight(self, known: Known, role: str) -> tuple[Float64s, Float64s]:
        """Return a constant as numbers and a scale of one shape.

        What a quantiser has made whole numbers of stays so; all else goes through the node's
        precision.
        """
        values = numbers(known.values)
        if known.scale is not None:
            return values, known.scale
        return self.precision.weight(values, role), np.ones(values.shape)

    def constants(self, known: Known, role: str) -> Float64s:
        """Return a constant's numbers, its scale multiplied out."""
        values, scale = self.weight(known, role)
        return values * scale


def argument(arguments: Sequence[Argument], index: int) -> Argument:
    """Return an argument, or None if it is left out."""
    return arguments[index] if index < len(arguments) else None


def constant(value: Argument, what: str) -> NDArray[Any]:
    """Return the numbers of an argument that must be constant.

    Raises
    ------
    ValueError
        If it depends on the event.
    """
    if not isinstance(value, Known):
        raise ValueError(f"its {what} must be constant; export the model with fixed shapes")
    return value.real


def array(value: Argument, node: Node | None = None, role: str = "kernel") -> Any:
    """Return an exact array of a value or a constant."""
    if value is None:
        raise ValueError("an argument is missing")
    if isinstance(value, Known):
        return numbers(value.real) if node is None else node.constants(value, role)
    return exact(value)
