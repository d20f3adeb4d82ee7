"""Expressions and declarations in Verilog-2001."""

from __future__ import annotations

from collections.abc import Iterator

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
    Operation,
    PortBits,
    Product,
)


def text(value: Expression) -> str:
    """Return an expression as Verilog."""
    match value:
        case Bits():
            return _bits(value)
        case PortBits(name, width, lsb, count):
            return part(name, width, lsb, count)
        case Literal():
            return literal(value.unsigned, value.count)
        case Joined(parts):
            return f"{{{', '.join(map(text, parts))}}}"
        case Operation(left, sign, right):
            return f"{text(left)} {sign} {text(right)}"
        case Product(left, right, signed):
            return f"{_factor(left, signed)} * {_factor(right, signed)}"
        case Inverse(Inverse() as operand):
            return f"~({text(operand)})"
        case Inverse(operand):
            return f"~{text(operand)}"
        case Negative(operand):
            return f"-{text(operand)}"
        case Comparison(left, sign, right, signed):
            return f"{_factor(left, signed)} {sign} {_factor(right, signed)}"
        case Nonzero(operand, inverted):
            return f"~(|{text(operand)})" if inverted else f"|{text(operand)}"
        case Choice(condition, then, other):
            return f"{text(condition)} ? {text(then)} : {text(other)}"


def part(name: str, width: int, lsb: int, count: int) -> str:
    """Return bits ``lsb .. lsb + count - 1`` of a vector of `width` bits."""
    if count == width:
        return name
    return f"{name}[{lsb}]" if count == 1 else f"{name}[{lsb + count - 1}:{lsb}]"


def literal(value: int, count: int) -> str:
    """Return a number as a sized literal."""
    return f"{count}'d{value}" if count <= 32 else f"{count}'h{value:x}"


def vector(width: int) -> str:
    """Return the range of a declaration, empty for one bit."""
    return f"[{width - 1}:0] " if width > 1 else ""


def opening(module: str, declarations: list[str]) -> Iterator[str]:
    """Yield the lines that open a module."""
    yield "/* verilator lint_off UNUSEDSIGNAL */  // bits that a shift or a wrap drops stay unused"
    if not declarations:
        yield f"module {module};"
        return
    yield f"module {module} ("
    yield ",\n".join(f"  {line}" for line in declarations)
    yield ");"


def closing() -> str:
    """Return the lines that close a module."""
    return "endmodule\n/* verilator lint_on UNUSEDSIGNAL */\n"


def _bits(value: Bits) -> str:
    beyond = value.count - value.inside
    parts = []
    if beyond and value.signed:
        sign = part(value.name, value.width, value.width - 1, 1)
        parts.append(f"{{{beyond}{{{sign}}}}}" if beyond > 1 else sign)
    elif beyond:
        parts.append(literal(0, beyond))
    if value.inside:
        parts.append(part(value.name, value.width, value.lsb, value.inside))
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def _factor(value: Bits | Literal, signed: bool) -> str:
    if not signed:
        return text(value)
    if isinstance(value, Bits):
        return f"$signed({_bits(value)})"
    size = literal(abs(value.signed), value.count).replace("'", "'s")
    return f"-{size}" if value.signed < 0 else size
