"""One operation, one expression."""

from __future__ import annotations

from collections.abc import Callable

from edgetrig.circuit import ADDERS, Op
from edgetrig.rtl.expressions import (
    Choice,
    Comparison,
    Expression,
    Inverse,
    Joined,
    Literal,
    Negative,
    Nonzero,
    Operation,
    Product,
)
from edgetrig.rtl.net import Net


def expression(net: Net, row: int) -> Expression:
    """Return the value of a row that is neither register nor literal nor look-up."""
    return _EXPRESSIONS[Op(net.op[row])](net, row)


def _input(net: Net, row: int) -> Expression:
    return net.input_bits[net.p[row]]


def _sum(net: Net, row: int) -> Expression:
    """Write ``a * 2**i +- b * 2**j``; the lowest bits of the operand that has some pass through."""
    a, b, p, width = net.a[row], net.b[row], net.p[row], net.width[row]
    sign = "+" if net.op[row] == Op.ADD else "-"
    low = min(abs(p), width)
    if low == width:  # the result is narrower than the shift: nothing is added
        if p > 0:
            return net.bits(a, 0, width)
        right = net.bits(b, 0, width)
        return right if sign == "+" else Negative(right)
    if p >= 0:
        total = _joined(net, (a, low), sign, (b, 0), width - low)
        return Joined((total, net.bits(a, 0, low))) if low else total
    if sign == "+":
        total = _joined(net, (a, 0), sign, (b, low), width - low)
        return Joined((total, net.bits(b, 0, low)))
    return Operation(_shifted(net, a, low, width), "-", _term(net, b, 0, width))


def _shifted(net: Net, row: int, low: int, width: int) -> Expression:
    if net.constant(row):
        return Literal(net.lo[row] << low, width)
    return Joined((net.bits(row, 0, width - low), Literal(0, low)))


def _joined(
    net: Net, left: tuple[int, int], sign: str, right: tuple[int, int], width: int
) -> Expression:
    """Write the sum of two rows from a bit on, without constants that are 0 there."""
    one, other = (_term(net, row, lsb, width) for row, lsb in (left, right))
    if _zero(other):
        return one
    if _zero(one):
        return other if sign == "+" else Negative(other)
    return Operation(one, sign, other)


def _term(net: Net, row: int, lsb: int, width: int) -> Expression:
    """Write an operand of a sum, inverted twice where Yosys would merge it with its only reader.

    Yosys makes a carry-save adder of a sum and the sum that alone reads it whole: in all 2 to 5 %
    more LUTs than two carry chains take, and more depth (``docs/benchmarks.md``). Two inversions
    keep the sums apart, and synthesis drops them.
    """
    bits = net.bits(row, lsb, width)
    if net.op[row] not in ADDERS or net.constant(row) or net.reads[row] > 1:
        return bits
    # The bits of one operand below are not of the carry chain.
    first = max(net.p[row], 0) if net.op[row] == Op.SUB else abs(net.p[row])
    return Inverse(Inverse(bits)) if net.op[row] == Op.ADD3 or lsb == first else bits


def _zero(value: Expression) -> bool:
    return isinstance(value, Literal) and value.unsigned == 0


def _sum_of_three(net: Net, row: int) -> Expression:
    width, p = net.width[row], net.p[row]
    a, b, c = (net.bits(k, 0, width) for k in (net.a[row], net.b[row], net.c[row]))
    return Operation(Operation(a, "-" if p == 2 else "+", b), "-" if p else "+", c)


def _neg(net: Net, row: int) -> Expression:
    return Negative(net.bits(net.a[row], 0, net.width[row]))


def _mul(net: Net, row: int) -> Expression:
    a, b, width = net.a[row], net.b[row], net.width[row]
    signed = net.lo[a] < 0 or net.lo[b] < 0
    return Product(net.bits(a, 0, width), net.bits(b, 0, width), signed)


def _shl(net: Net, row: int) -> Expression:
    low = min(net.p[row], net.width[row])
    if low == net.width[row]:
        return Literal(0, low)
    return Joined((net.bits(net.a[row], 0, net.width[row] - low), Literal(0, low)))


def _shr(net: Net, row: int) -> Expression:
    return net.bits(net.a[row], net.p[row], net.width[row])


def _low(net: Net, row: int) -> Expression:
    return net.bits(net.a[row], 0, net.width[row])


def _lt(net: Net, row: int) -> Expression:
    a, b = net.a[row], net.b[row]
    if net.constant(b):
        return _against(net, a, net.lo[b], "<")
    if net.constant(a):
        return _against(net, b, net.lo[a] + 1, ">=")
    width = _common(net, a, b)
    signed = net.lo[a] < 0 or net.lo[b] < 0
    return Comparison(net.bits(a, 0, width), "<", net.bits(b, 0, width), signed)


def _against(net: Net, row: int, limit: int, sign: str) -> Expression:
    """Write a row ``<`` or ``>=`` a constant, on the bits that decide."""
    if limit <= net.lo[row] or limit > net.hi[row]:
        return Literal((sign == "<") == (limit > net.hi[row]), 1)
    width = net.width[row]
    if limit == 0:
        negative = net.bits(row, width - 1, 1)
        return negative if sign == "<" else Inverse(negative)
    shift = (limit & -limit).bit_length() - 1
    left = net.bits(row, shift, width - shift)
    signed = net.lo[row] < 0
    if limit >> shift == 1 and not signed:
        return Nonzero(left, inverted=sign == "<")
    return Comparison(left, sign, Literal(limit >> shift, width - shift), signed)


def _eq(net: Net, row: int) -> Expression:
    a, b = net.a[row], net.b[row]
    width = _common(net, a, b)
    return Comparison(net.bits(a, 0, width), "==", net.bits(b, 0, width))


def _common(net: Net, a: int, b: int) -> int:
    """Return bits in which both rows fit, with one signedness."""
    signed = net.lo[a] < 0 or net.lo[b] < 0
    return max(net.width[r] + (signed and net.lo[r] >= 0) for r in (a, b))


def _select(net: Net, row: int) -> Expression:
    a, width = net.a[row], net.width[row]
    if net.constant(a):
        return net.bits(net.b[row] if net.lo[a] else net.c[row], 0, width)
    then, other = net.bits(net.b[row], 0, width), net.bits(net.c[row], 0, width)
    return Choice(net.bits(a, 0, 1), then, other)


def _bitwise(net: Net, row: int) -> Expression:
    a, b, width = net.a[row], net.b[row], net.width[row]
    sign = {Op.AND: "&", Op.OR: "|", Op.XOR: "^"}[Op(net.op[row])]
    if sign == "^":
        for one, other in ((a, b), (b, a)):
            if net.constant(one) and net.lo[one] == -1:
                return Inverse(net.bits(other, 0, width))
    return Operation(net.bits(a, 0, width), sign, net.bits(b, 0, width))


def _fixed_entry(net: Net, row: int) -> Expression:
    """Look up at an index that is a constant (any other look-up is an instance)."""
    table = net.circuit.tables[net.p[row]]
    return Literal(int(table.values[net.lo[net.a[row]] - table.start]), net.width[row])


_EXPRESSIONS: dict[Op, Callable[[Net, int], Expression]] = {
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
