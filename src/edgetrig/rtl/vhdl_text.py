"""Expressions and declarations in VHDL-2008.

Every signal is an ``unsigned``, also one of a single bit, so that one set of operators serves all.
Where a number needs a sign, the operand is converted for that operator alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgetrig.rtl.expressions import (
    Bits,
    Choice,
    Comparison,
    Expression,
    Inverse,
    Joined,
    Literal,
    Negative,
    Nonzero,
    Operand,
    Operation,
    PortBits,
    Product,
)

_WORDS = {"&": "and", "|": "or", "^": "xor", "==": "="}
_NATURAL_BITS = 31
"""What an ``integer`` surely holds; longer literals are bit strings."""
_GHDL_BITS = 32
"""What GHDL 2.0 synthesizes rightly wherever it stands."""


def text(value: Expression) -> str:
    """Return an expression as VHDL, of type ``unsigned``.

    Comparisons and choices are whole right-hand sides of an assignment, not operands.
    """
    match value:
        case Bits():
            return _bits(value)
        case PortBits(name, width, lsb, count):
            # A port of one bit is a std_logic.
            return f"(0 => {name})" if width == 1 else f"unsigned({part(name, width, lsb, count)})"
        case Literal():
            return _literal(value)
        case Joined(parts):
            return " & ".join(map(_closed, parts))
        case Operation(left, sign, right):
            return f"{text(left)} {_WORDS.get(sign, sign)} {text(right)}"
        case Product(left, right, signed):
            return _product(left, right, signed)
        case Inverse(operand):
            return f"not {_closed(operand)}"
        case Negative(operand):
            return f"0 - {_closed(operand)}"
        case Comparison(left, sign, right, signed):
            test = f"{_number(left, signed)} {_WORDS.get(sign, sign)} {_number(right, signed)}"
            return f'"1" when {test} else "0"'
        case Nonzero(operand, inverted):
            return f'"1" when {_closed(operand)} {"=" if inverted else "/="} 0 else "0"'
        case Choice(condition, then, other):
            return f"{text(then)} when {bit(condition)} = '1' else {text(other)}"


def bit(value: Operand) -> str:
    """Return an operand of one bit as a ``std_logic``."""
    if isinstance(value, Literal):
        return f"'{value.unsigned}'"
    return f"{value.name}({min(value.lsb, value.width - 1)})"


def bit_string(value: int, count: int) -> str:
    """Return bits as a literal whose size is the number of its digits, as VHDL has always had it.

    Those with a size in front (``10X"1FF"``) are on no vendor's list of what it reads of VHDL-2008.
    """
    return f'"{value:0{count}b}"' if count % 4 else f'X"{value:0{count // 4}X}"'


def part(name: str, width: int, lsb: int, count: int) -> str:
    """Return bits ``lsb .. lsb + count - 1`` of a vector of `width` bits, as a vector."""
    return name if count == width else f"{name}({lsb + count - 1} downto {lsb})"


def vector(width: int) -> str:
    """Return the type of a signal."""
    return f"unsigned({width - 1} downto 0)"


def port_type(width: int) -> str:
    """Return the type of a port of the circuit."""
    return "std_logic" if width == 1 else f"std_logic_vector({width - 1} downto 0)"


def opening(entity: str, ports: Sequence[str], generics: Sequence[str] = ()) -> Iterator[str]:
    """Yield the lines down to the declarations of the only architecture."""
    yield from ("library ieee;", "use ieee.std_logic_1164.all;", "use ieee.numeric_std.all;", "")
    yield f"entity {entity} is"
    for word, items in (("generic", generics), ("port", ports)):
        if items:
            yield f"  {word} ("
            yield ";\n".join(f"    {item}" for item in items)
            yield "  );"
    yield from (f"end entity {entity};", "", f"architecture rtl of {entity} is")


def closing() -> str:
    """Return the line that ends the architecture."""
    return "end architecture rtl;\n"


def _bits(value: Bits) -> str:
    own, inside = _own_part(value)
    if inside == value.count:
        return own
    return f"unsigned({_signed(value)})" if value.signed else f"resize({own}, {value.count})"


def _signed(value: Bits) -> str:
    """Return the bits as ``signed``."""
    own, inside = _own_part(value)
    if value.signed and inside < value.count:
        return f"resize(signed({own}), {value.count})"
    return f"signed({_bits(value)})"


def _own_part(value: Bits) -> tuple[str, int]:
    """Return the signal's own bits among them, at least its sign, and their number."""
    inside = max(value.inside, 1)
    return part(value.name, value.width, min(value.lsb, value.width - 1), inside), inside


def _literal(value: Literal) -> str:
    if value.unsigned.bit_length() <= _NATURAL_BITS:
        return f"to_unsigned({value.unsigned}, {value.count})"
    return f"unsigned'({bit_string(value.unsigned, value.count)})"


def _number(value: Operand, signed: bool) -> str:
    """Return an operand of a comparison or product, with its sign if it has one."""
    if not signed:
        return text(value)
    if isinstance(value, Literal):
        if abs(value.signed).bit_length() <= _NATURAL_BITS:
            return f"to_signed({value.signed}, {value.count})"
        return f"signed'({bit_string(value.unsigned, value.count)})"
    return _signed(value)


def _product(left: Operand, right: Operand, signed: bool) -> str:
    """Multiply factors of their own widths: VHDL's product is as wide as both together."""
    count = left.count
    factors = [_own_width(factor, signed) for factor in (left, right)]
    if sum(factor.count for factor in factors) > _GHDL_BITS:
        factors = [_wide(factor) for factor in factors]
    product = " * ".join(_number(factor, signed) for factor in factors)
    exact = sum(factor.count for factor in factors)
    if not signed:
        return f"resize({product}, {count})"
    # resize() of a signed number to fewer bits would keep the sign.
    if exact >= count:
        return f"resize(unsigned({product}), {count})"
    return f"unsigned(resize({product}, {count}))"


def _own_width(factor: Operand, signed: bool) -> Operand:
    if isinstance(factor, Literal):
        value = factor.signed if signed else factor.unsigned
        size = (value if value >= 0 else -1 - value).bit_length() + signed
        return Literal(value, max(size, 1))
    needed = factor.width + (signed and not factor.signed)
    return Bits(factor.name, factor.width, factor.signed, factor.lsb, min(factor.count, needed))


def _wide(factor: Operand) -> Operand:
    """Return a constant so wide that GHDL 2.0 synthesizes its product.

    Extending it to more than 32 bits, it forgets the sign of one of at most 32, and ends with an
    error at one of more, unless the product has more than 64.
    """
    if isinstance(factor, Bits):
        return factor
    return Literal(factor.number, max(factor.count, 2 * _GHDL_BITS))


def _closed(value: Expression) -> str:
    """Return an expression in brackets where an operator beside it would take it apart."""
    shown = text(value)
    return f"({shown})" if isinstance(value, (Operation, Negative, Inverse, Joined)) else shown
