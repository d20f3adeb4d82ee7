"""The value of one operation as an expression, which each language prints in its own words.

Every node is a vector of a stated number of bits without a sign. Operands have the width of their
operator, with sign or zeros spelled out, so that no language's rules for mixed signs and widths
come into play. Sums, products and shifts are exact modulo 2**width: the width of the result is
enough.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bits:
    """Bits ``lsb .. lsb + count - 1`` of a signal, continued by its sign or by zeros.

    Parameters
    ----------
    name, width, signed
        The signal: its name, its bits, whether its highest bit is a sign.
    lsb, count
        The first bit and the number of bits; both may lie beyond the signal.
    """

    name: str
    width: int
    signed: bool
    lsb: int
    count: int

    @property
    def inside(self) -> int:
        """How many of the bits are the signal's own."""
        return max(0, min(self.count, self.width - self.lsb))


@dataclass(frozen=True)
class PortBits:
    """Bits ``lsb .. lsb + count - 1`` of a port of `width` bits."""

    name: str
    width: int
    lsb: int
    count: int


@dataclass(frozen=True)
class Literal:
    """The lowest `count` bits of a number."""

    number: int
    count: int

    @property
    def unsigned(self) -> int:
        """The value of the bits."""
        return self.number & ((1 << self.count) - 1)

    @property
    def signed(self) -> int:
        """The value of the bits in two's complement."""
        return self.unsigned - (self.unsigned >> (self.count - 1) << self.count)


Operand = Bits | Literal
"""What stands for a row."""


@dataclass(frozen=True)
class Joined:
    """Vectors side by side, the highest bits first."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Operation:
    """Two vectors of one width and ``+``, ``-``, ``&``, ``|`` or ``^``; sums wrap."""

    left: Expression
    sign: str
    right: Expression


@dataclass(frozen=True)
class Product:
    """The lowest bits of a product, as many as each factor is written with.

    Modulo 2**width the sign does not matter; a tool that trims factors needs to know it.
    """

    left: Operand
    right: Operand
    signed: bool


@dataclass(frozen=True)
class Inverse:
    """Every bit inverted."""

    operand: Expression


@dataclass(frozen=True)
class Negative:
    """A vector's negative, modulo 2**width."""

    operand: Expression


@dataclass(frozen=True)
class Comparison:
    """One bit: whether two vectors of one width are ``<``, ``>=`` or ``==``."""

    left: Operand
    sign: str
    right: Operand
    signed: bool = False


@dataclass(frozen=True)
class Nonzero:
    """One bit: whether any bit of a vector is 1 (or, inverted, none)."""

    operand: Expression
    inverted: bool = False


@dataclass(frozen=True)
class Choice:
    """One vector or the other, as the one bit of a condition says."""

    condition: Operand
    then: Expression
    other: Expression


Expression = (
    Bits
    | PortBits
    | Literal
    | Joined
    | Operation
    | Product
    | Inverse
    | Negative
    | Comparison
    | Nonzero
    | Choice
)
