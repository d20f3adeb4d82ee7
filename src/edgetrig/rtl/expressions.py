"""One operation, one Verilog expression.

All vectors are unsigned in the text and every operand is written at the width of its operator, with
its sign or its zeros spelled out: Verilog's rules for mixed signs and widths never come into play.
Sums, products and shifts are exact modulo 2**width, so the width of the result is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Op, live_rows
from edgetrig.rtl.ports import Port, ports

# --- the values of rows as text -------------------------------------------------------------------


@dataclass
class Net:
    """What the printers look up row by row, as plain Python lists."""

    circuit: Circuit
    top: str
    inputs: list[Port]
    outputs: list[Port]
    live: list[int]
    depth: list[int]
    op: list[int]
    a: list[int]
    b: list[int]
    c: list[int]
    p: list[int]
    lo: list[int]
    hi: list[int]
    width: list[int]
    input_bits: list[tuple[str, int, int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, circuit: Circuit, top: str) -> Net:
        """Prepare a circuit for printing as module `top`."""
        rows = circuit.rows
        live = live_rows(rows.operands, circuit.output_rows)
        inputs, outputs = ports(circuit, top)
        columns = (rows.op, rows.a, rows.b, rows.c, rows.p, rows.lo, rows.hi, circuit.widths)
        net = cls(
            circuit,
            top,
            inputs,
            outputs,
            np.flatnonzero(live).tolist(),
            circuit.cycle.tolist(),
            *(column.tolist() for column in columns),
        )
        for port in inputs:
            for k in range(len(port.width)):
                lsb, width = int(port.lsb[k]), int(port.width[k])
                net.input_bits.append((port.identifier, lsb, width, port.bits))
        return net

    def constant(self, row: int) -> bool:
        """Return whether the row has one value only and is therefore written as a literal."""
        return self.lo[row] == self.hi[row]

    @cached_property
    def registers(self) -> list[int]:
        """Live REG rows that are hardware."""
        return [r for r in self.live if self.op[r] == Op.REG and not self.constant(r)]

    @cached_property
    def logic(self) -> list[int]:
        """Live rows that are neither registers nor literals."""
        return [r for r in self.live if self.op[r] != Op.REG and not self.constant(r)]

    def name(self, row: int) -> str:
        """Return the signal of a row."""
        return f"r{row}" if self.op[row] == Op.REG else f"v{row}"

    def operands(self, row: int) -> list[int]:
        """Rows read by a row, literals left out."""
        read = (self.a[row], self.b[row], self.c[row])[: OPERANDS[self.op[row]]]
        return [r for r in read if not self.constant(r)]

    def bits(self, row: int, lsb: int, count: int) -> str:
        """Return text for bits ``lsb .. lsb + count - 1`` of a row's infinite two's complement."""
        if self.constant(row):
            return literal(self.lo[row] >> lsb, count)
        return extended(self.name(row), self.width[row], self.lo[row] < 0, lsb, count)

    def signed(self, row: int, lsb: int, count: int) -> str:
        """Return the same as `bits`, as a signed operand."""
        if self.constant(row):
            return signed_literal(self.lo[row] >> lsb, count)
        return f"$signed({self.bits(row, lsb, count)})"


def signed_literal(value: int, count: int) -> str:
    """Return `value` modulo ``2**count`` as a sized, signed literal."""
    value = (value + (1 << count - 1)) % (1 << count) - (1 << count - 1)
    size = f"{count}'sd{abs(value)}" if count <= 32 else f"{count}'sh{abs(value):x}"
    return f"-{size}" if value < 0 else size


def literal(value: int, count: int) -> str:
    """Return `value` modulo ``2**count`` as a sized literal."""
    value &= (1 << count) - 1
    return f"{count}'d{value}" if count <= 32 else f"{count}'h{value:x}"


def extended(name: str, width: int, signed: bool, lsb: int, count: int) -> str:
    """Return bits ``lsb .. lsb + count - 1`` of a vector, continued by its sign or by zeros."""
    inside = min(count, width - lsb)
    beyond = count - max(inside, 0)
    parts = []
    if beyond and signed:
        sign = part(name, width, width - 1, 1)
        parts.append(f"{{{beyond}{{{sign}}}}}" if beyond > 1 else sign)
    elif beyond:
        parts.append(literal(0, beyond))
    if inside > 0:
        parts.append(part(name, width, lsb, inside))
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def part(name: str, width: int, lsb: int, count: int) -> str:
    """Return bits ``lsb .. lsb + count - 1`` of a vector of `width` bits."""
    if count == width:
        return name
    return f"{name}[{lsb}]" if count == 1 else f"{name}[{lsb + count - 1}:{lsb}]"


def vector(width: int) -> str:
    """Return the range of a declaration, empty for one bit."""
    return f"[{width - 1}:0] " if width > 1 else ""


# --- one operation, one expression ----------------------------------------------------------------


def expression(net: Net, row: int) -> str:
    """Return the value of a row that is neither register nor literal nor look-up."""
    return _EXPRESSIONS[Op(net.op[row])](net, row)


def _input(net: Net, row: int) -> str:
    name, lsb, width, total = net.input_bits[net.p[row]]
    return part(name, total, lsb, width)


def _sum(net: Net, row: int) -> str:
    """Write ``a * 2**i +- b * 2**j``; the lowest bits of the operand that has some pass through."""
    a, b, p, width = net.a[row], net.b[row], net.p[row], net.width[row]
    sign = "+" if net.op[row] == Op.ADD else "-"
    low = min(abs(p), width)
    if low == width:  # the result is narrower than the shift: nothing is added
        if p > 0:
            return net.bits(a, 0, width)
        return net.bits(b, 0, width) if sign == "+" else f"-{net.bits(b, 0, width)}"
    if p >= 0:
        total = _joined(net, (a, low), sign, (b, 0), width - low)
        return f"{{{total}, {net.bits(a, 0, low)}}}" if low else total
    if sign == "+":
        total = _joined(net, (a, 0), sign, (b, low), width - low)
        return f"{{{total}, {net.bits(b, 0, low)}}}"
    if net.constant(a):
        return f"{literal(net.lo[a] << low, width)} - {net.bits(b, 0, width)}"
    return f"{{{net.bits(a, 0, width - low)}, {literal(0, low)}}} - {net.bits(b, 0, width)}"


def _joined(net: Net, left: tuple[int, int], sign: str, right: tuple[int, int], width: int) -> str:
    """Write the sum of two rows from a bit on, without constants that are 0 there."""
    texts = [net.bits(row, lsb, width) for row, lsb in (left, right)]
    zero = literal(0, width)
    if texts[1] == zero:
        return texts[0]
    if texts[0] == zero:
        return texts[1] if sign == "+" else f"-{texts[1]}"
    return f"{texts[0]} {sign} {texts[1]}"


def _sum_of_three(net: Net, row: int) -> str:
    width, p = net.width[row], net.p[row]
    a, b, c = (net.bits(k, 0, width) for k in (net.a[row], net.b[row], net.c[row]))
    return f"{a} {'-' if p == 2 else '+'} {b} {'-' if p else '+'} {c}"


def _neg(net: Net, row: int) -> str:
    return f"-{net.bits(net.a[row], 0, net.width[row])}"


def _mul(net: Net, row: int) -> str:
    a, b, width = net.a[row], net.b[row], net.width[row]
    if net.lo[a] < 0 or net.lo[b] < 0:
        # Modulo 2**width the sign does not matter; a tool that trims operands needs to know it.
        return f"{net.signed(a, 0, width)} * {net.signed(b, 0, width)}"
    return f"{net.bits(a, 0, width)} * {net.bits(b, 0, width)}"


def _shl(net: Net, row: int) -> str:
    low = min(net.p[row], net.width[row])
    if low == net.width[row]:
        return literal(0, low)
    return f"{{{net.bits(net.a[row], 0, net.width[row] - low)}, {literal(0, low)}}}"


def _shr(net: Net, row: int) -> str:
    return net.bits(net.a[row], net.p[row], net.width[row])


def _low(net: Net, row: int) -> str:
    return net.bits(net.a[row], 0, net.width[row])


def _lt(net: Net, row: int) -> str:
    a, b = net.a[row], net.b[row]
    if net.constant(b):
        return _against(net, a, net.lo[b], "<")
    if net.constant(a):
        return _against(net, b, net.lo[a] + 1, ">=")
    width = _common(net, a, b)
    if net.lo[a] < 0 or net.lo[b] < 0:
        return f"{net.signed(a, 0, width)} < {net.signed(b, 0, width)}"
    return f"{net.bits(a, 0, width)} < {net.bits(b, 0, width)}"


def _against(net: Net, row: int, limit: int, sign: str) -> str:
    """Write a row ``<`` or ``>=`` a constant, on the bits that decide."""
    if limit <= net.lo[row] or limit > net.hi[row]:
        return literal((sign == "<") == (limit > net.hi[row]), 1)
    width = net.width[row]
    if limit == 0:  # the sign
        return ("" if sign == "<" else "~") + net.bits(row, width - 1, 1)
    shift = (limit & -limit).bit_length() - 1
    if net.lo[row] < 0:
        right = signed_literal(limit >> shift, width - shift)
        return f"{net.signed(row, shift, width - shift)} {sign} {right}"
    left = net.bits(row, shift, width - shift)
    if limit >> shift == 1:
        return f"~(|{left})" if sign == "<" else f"|{left}"
    return f"{left} {sign} {literal(limit >> shift, width - shift)}"


def _eq(net: Net, row: int) -> str:
    a, b = net.a[row], net.b[row]
    width = _common(net, a, b)
    return f"{net.bits(a, 0, width)} == {net.bits(b, 0, width)}"


def _common(net: Net, a: int, b: int) -> int:
    """Return bits in which both rows fit, with one signedness."""
    signed = net.lo[a] < 0 or net.lo[b] < 0
    return max(net.width[r] + (signed and net.lo[r] >= 0) for r in (a, b))


def _select(net: Net, row: int) -> str:
    a, width = net.a[row], net.width[row]
    if net.constant(a):
        return net.bits(net.b[row] if net.lo[a] else net.c[row], 0, width)
    then, other = net.bits(net.b[row], 0, width), net.bits(net.c[row], 0, width)
    return f"{net.bits(a, 0, 1)} ? {then} : {other}"


def _bitwise(net: Net, row: int) -> str:
    a, b, width = net.a[row], net.b[row], net.width[row]
    sign = {Op.AND: "&", Op.OR: "|", Op.XOR: "^"}[Op(net.op[row])]
    if sign == "^":
        for one, other in ((a, b), (b, a)):
            if net.constant(one) and net.lo[one] == -1:
                return f"~{net.bits(other, 0, width)}"
    return f"{net.bits(a, 0, width)} {sign} {net.bits(b, 0, width)}"


def _fixed_entry(net: Net, row: int) -> str:
    """Look up at an index that is a constant (any other look-up is an instance)."""
    table = net.circuit.tables[net.p[row]]
    return literal(int(table.values[net.lo[net.a[row]] - table.start]), net.width[row])


_EXPRESSIONS: dict[Op, Callable[[Net, int], str]] = {
    Op.INPUT: _input,
    Op.ADD: _sum,
    Op.SUB: _sum,
    Op.ADD3: _sum_of_three,
    Op.NEG: _neg,
    Op.MUL: _mul,
    Op.SHL: _shl,
    Op.SHR: _shr,
    Op.LOW: _low,
    Op.LOWS: _low,
    Op.LT: _lt,
    Op.EQ: _eq,
    Op.SELECT: _select,
    Op.AND: _bitwise,
    Op.OR: _bitwise,
    Op.XOR: _bitwise,
    Op.TABLE: _fixed_entry,
}
