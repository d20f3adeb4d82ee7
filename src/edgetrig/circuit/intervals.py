"""Which values a row can take: one interval rule per operation, applied row by row.

The same function serves twice: compiled by Numba over 64-bit columns, and, where a value needs more
than 62 bits, as plain Python over columns of Python integers (``wide``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import overload, register_jitable
from numpy.typing import NDArray

from edgetrig.circuit.ops import Op
from edgetrig.jit import jit

IntArray = NDArray[Any]
"""int64, or object holding Python integers once a value needs more than 62 bits."""

_CONST, _INPUT = int(Op.CONST), int(Op.INPUT)
_ADD, _SUB, _NEG, _MUL = int(Op.ADD), int(Op.SUB), int(Op.NEG), int(Op.MUL)
_SHL, _SHR, _LOW, _LOWS = int(Op.SHL), int(Op.SHR), int(Op.LOW), int(Op.LOWS)
_LT, _EQ, _SELECT = int(Op.LT), int(Op.EQ), int(Op.SELECT)
_AND, _OR, _XOR = int(Op.AND), int(Op.OR), int(Op.XOR)
_TABLE, _REG, _ADD3 = int(Op.TABLE), int(Op.REG), int(Op.ADD3)

WIDEST = 62
"""Bits of magnitude up to which intervals are kept in int64."""

LARGEST = 4096
"""Bits of magnitude beyond which nothing is built."""


def width(lo: int, hi: int) -> int:
    """Return the bits needed for ``[lo, hi]``: two's complement if ``lo < 0``, else unsigned."""
    lo, hi = int(lo), int(hi)
    if lo < 0:
        return max((-lo - 1).bit_length(), max(hi, 0).bit_length()) + 1
    return hi.bit_length()


def widths(lo: IntArray, hi: IntArray) -> NDArray[np.int64]:
    """Return `width` element by element."""
    if object in (lo.dtype, hi.dtype):
        pairs = zip(lo.ravel().tolist(), hi.ravel().tolist(), strict=True)
        return np.array([width(a, b) for a, b in pairs], np.int64).reshape(lo.shape)
    magnitude = np.maximum(np.where(lo < 0, -lo - 1, 0), np.maximum(hi, 0))
    # frexp is exact only to 53 bits; split so that no rounding can carry into the next bit.
    upper = np.frexp((magnitude >> 31).astype(np.float64))[1]
    lower = np.frexp((magnitude & 0x7FFFFFFF).astype(np.float64))[1]
    bits = np.where(magnitude >> 31 > 0, upper + 31, lower)
    return (bits + (lo < 0)).astype(np.int64)


def compact(values: IntArray) -> IntArray:
    """Return whole numbers as int64 where all fit `WIDEST` bits, else as Python integers."""
    if narrow(values):
        return values.astype(np.int64, copy=False)
    return np.array([int(v) for v in values.ravel().tolist()], object).reshape(values.shape)


def compact_pair(lo: IntArray, hi: IntArray) -> tuple[IntArray, IntArray]:
    """Return both ends of intervals in one type: int64 if all fit, else Python integers."""
    if narrow(lo, hi):
        return compact(lo), compact(hi)
    return lo.astype(object), hi.astype(object)


def narrow(*columns: IntArray) -> bool:
    """Return whether all values fit `WIDEST` bits, so that int64 columns hold them."""
    limit = 1 << WIDEST
    for values in columns:
        if values.dtype == object:
            if any(abs(v) >= limit for v in values.ravel().tolist()):
                return False
        elif values.size and not (-limit < int(values.min()) and int(values.max()) < limit):
            return False
    return True


def _bits(lo: int, hi: int) -> int:
    """Bits of the larger end's magnitude."""
    return max(abs(lo), abs(hi)).bit_length()


@overload(_bits)  # type: ignore[untyped-decorator]
def _machine_bits(lo: int, hi: int) -> Any:
    """Numba knows no bit_length: what compiled code does for `_bits`."""

    def bits(lo: int, hi: int) -> int:
        magnitude = max(abs(lo), abs(hi))
        count = 0
        while magnitude > 0:
            magnitude >>= 1
            count += 1
        return count

    return bits


@register_jitable  # type: ignore[untyped-decorator]
def _needed_bits(code: int, lo_x: int, hi_x: int, lo_y: int, hi_y: int, shift: int) -> int:
    """Upper bound of the bits that a row's magnitude, or a step on the way to it, can have."""
    bits = _bits(lo_x, hi_x)
    if code in (_ADD, _SUB):
        return max(bits + max(-shift, 0), _bits(lo_y, hi_y) + max(shift, 0)) + 1
    if code == _MUL:
        return bits + _bits(lo_y, hi_y)
    if code == _SHL:
        return bits + shift
    if code == _LOW and lo_x < 0:
        return max(bits, shift)
    if code in (_AND, _OR, _XOR):
        return max(bits, _bits(lo_y, hi_y)) + 1
    return bits


@register_jitable  # type: ignore[untyped-decorator]
def _table(
    lo_x: int, hi_x: int, number: int, start: IntArray, offset: IntArray, values: IntArray
) -> tuple[int, int]:
    """Smallest and largest entry that the index can meet (of those that there are)."""
    zero = hi_x - hi_x
    if not 0 <= number < len(start):
        return zero, zero
    size = (offset[number + 1] if number + 1 < len(start) else len(values)) - offset[number]
    first, last = max(lo_x - start[number], 0), min(hi_x - start[number], size - 1)
    if first > last:
        return zero, zero
    low = high = zero + int(values[offset[number] + first])
    for index in range(offset[number] + first, offset[number] + last + 1):
        value = int(values[index])
        low, high = min(low, value), max(high, value)
    return low, high


@register_jitable  # type: ignore[untyped-decorator]
def _add(lo_a: int, hi_a: int, lo_b: int, hi_b: int, shift: int) -> tuple[int, int]:
    if shift >= 0:
        return lo_a + (lo_b << shift), hi_a + (hi_b << shift)
    return (lo_a << -shift) + lo_b, (hi_a << -shift) + hi_b


@register_jitable  # type: ignore[untyped-decorator]
def _add3(
    lo_a: int, hi_a: int, lo_b: int, hi_b: int, lo_c: int, hi_c: int, subtracted: int
) -> tuple[int, int]:
    if subtracted == 2:
        lo_b, hi_b = -hi_b, -lo_b
    if subtracted > 0:
        lo_c, hi_c = -hi_c, -lo_c
    return lo_a + lo_b + lo_c, hi_a + hi_b + hi_c


@register_jitable  # type: ignore[untyped-decorator]
def _bitwise(op: int, lo_a: int, hi_a: int, lo_b: int, hi_b: int) -> tuple[int, int]:
    # `1 << n` of a machine integer: take the unit from an operand, so that it has its type.
    one = hi_a - hi_a + 1
    if lo_a == hi_a and lo_b == hi_b:
        value = lo_a & lo_b if op == _AND else (lo_a | lo_b if op == _OR else lo_a ^ lo_b)
        return value, value
    if op == _XOR and lo_b == -1 and hi_b == -1:
        return -1 - hi_a, -1 - lo_a
    if op == _XOR and lo_a == -1 and hi_a == -1:
        return -1 - hi_b, -1 - lo_b
    if op == _AND and (lo_a >= 0 or lo_b >= 0):
        most = hi_b if lo_a < 0 else hi_a
        if lo_b >= 0:
            most = min(most, hi_b)
        # A constant, of either sign, lets but its own bits through: `2 & bit` is 0.
        mask = (one << _bits(0 * one, most)) - 1
        if lo_a == hi_a:
            mask &= hi_a
        if lo_b == hi_b:
            mask &= hi_b
        return 0 * one, min(most, mask)
    # Two's complement: -2**n needs no more bits than 2**n - 1.
    bits_a = _bits(max(lo_a, -1 - lo_a), max(hi_a, -1 - hi_a))
    bits_b = _bits(max(lo_b, -1 - lo_b), max(hi_b, -1 - hi_b))
    full = one << max(bits_a, bits_b)
    if lo_a >= 0 and lo_b >= 0:
        return (max(lo_a, lo_b) if op == _OR else 0 * one), full - 1
    if op == _OR and (hi_a < 0 or hi_b < 0):
        return -full, -one
    return -full, full - 1


@register_jitable  # type: ignore[untyped-decorator]
def _unregistered(op: IntArray, a: IntArray, row: int) -> int:
    """Return the row that feeds a chain of registers: the same value, cycles before."""
    while op[row] == _REG:
        row = a[row]
    return row


@register_jitable  # type: ignore[untyped-decorator]
def _source(op: IntArray, a: IntArray, p: IntArray, row: int) -> tuple[int, int]:
    """Return the row that a value is the upper part of, and how many bits were dropped."""
    row = _unregistered(op, a, row)
    drop = 0
    while op[row] == _SHR and drop + int(p[row]) <= WIDEST:
        drop += int(p[row])
        row = _unregistered(op, a, a[row])
    return row, drop


@register_jitable  # type: ignore[untyped-decorator]
def _decision(
    op: IntArray, a: IntArray, b: IntArray, lo: IntArray, hi: IntArray, row: int
) -> tuple[int, bool]:
    """Return the row that decides a truth value, and whether it is negated on the way."""
    negated = False
    while True:
        if op[row] == _XOR and lo[b[row]] == 1 and hi[b[row]] == 1:
            negated = not negated
        elif op[row] != _REG:
            return row, negated
        row = a[row]


@register_jitable  # type: ignore[untyped-decorator]
def _opposite(op: IntArray, a: IntArray, b: IntArray, p: IntArray, row: int, x: int) -> bool:
    """Return whether two rows are the difference of the same values, one each way round."""
    if op[row] != _SUB or op[x] != _SUB or p[row] != -p[x]:
        return False
    minuend, subtrahend = _unregistered(op, a, a[row]), _unregistered(op, a, b[row])
    crossed = minuend == _unregistered(op, a, b[x]) and subtrahend == _unregistered(op, a, a[x])
    return bool(crossed)


@register_jitable  # type: ignore[untyped-decorator]
def _cut(
    op: IntArray,
    a: IntArray,
    b: IntArray,
    p: IntArray,
    branch: int,
    ends: tuple[int, int],
    x: int,
    lo_x: int,
    hi_x: int,
) -> tuple[int, int]:
    """Cut a branch that is x, its upper part, -x or a multiple, where x is in ``[lo_x, hi_x]``."""
    low, high = ends
    v, drop = _source(op, a, p, branch)
    if v == x:
        return max(low, lo_x >> drop), min(high, hi_x >> drop)
    up = 0
    if drop == 0 and op[v] == _SHL:
        up = int(p[v])
        v, drop = _source(op, a, p, a[v])
        if v == x:
            return max(low, (lo_x >> drop) << up), min(high, (hi_x >> drop) << up)
    if drop == 0 and _opposite(op, a, b, p, v, x):
        return max(low, -hi_x << up), min(high, -lo_x << up)
    if drop == 0 and op[v] == _NEG:
        v, drop = _source(op, a, p, a[v])
        if v == x:
            return max(low, -(hi_x >> drop) << up), min(high, -(lo_x >> drop) << up)
    return low, high


@register_jitable  # type: ignore[untyped-decorator]
def _select(
    op: IntArray,
    a: IntArray,
    b: IntArray,
    p: IntArray,
    lo: IntArray,
    hi: IntArray,
    condition: int,
    then: int,
    other: int,
) -> tuple[int, int]:
    """Union of both branches, each cut by what the condition ``x < y`` says about it.

    Shifts to the right between a common source and the comparison or the branch are seen through:
    ``floor(v / 2**s) < y`` says that ``v < y * 2**s``. So are registers, since all values that meet
    belong to one event.
    """
    if lo[condition] == 1:
        return lo[then], hi[then]
    if hi[condition] == 0:
        return lo[other], hi[other]
    condition, negated = _decision(op, a, b, lo, hi, condition)
    if negated:
        then, other = other, then
    yes, no = (lo[then], hi[then]), (lo[other], hi[other])
    if op[condition] == _LT:
        left, right = a[condition], b[condition]
        x, drop = _source(op, a, p, left)
        # Shifting a bound back must not leave 64 bits; without it the union is only wider.
        if _bits(lo[right], hi[right]) + drop <= WIDEST:
            below, above = (hi[right] << drop) - 1, lo[right] << drop
            yes = _cut(op, a, b, p, then, yes, x, lo[x], min(below, hi[x]))
            no = _cut(op, a, b, p, other, no, x, max(above, lo[x]), hi[x])
        y, drop = _source(op, a, p, right)
        if _bits(lo[left], hi[left]) + drop <= WIDEST:
            above, below = (lo[left] + 1) << drop, ((hi[left] + 1) << drop) - 1
            yes = _cut(op, a, b, p, then, yes, y, max(above, lo[y]), hi[y])
            no = _cut(op, a, b, p, other, no, y, lo[y], min(below, hi[y]))
    return min(yes[0], no[0]), max(yes[1], no[1])


def propagate(  # noqa: PLR0912, PLR0915 - one branch an operation
    op: IntArray,
    a: IntArray,
    b: IntArray,
    c: IntArray,
    p: IntArray,
    lo: IntArray,
    hi: IntArray,
    table_start: IntArray,
    table_offset: IntArray,
    table_values: IntArray,
    first: int,
    last: int,
    wide: bool,
) -> int:
    """Fill ``lo`` and ``hi`` of rows ``first..last`` from their operands.

    INPUT and CONST rows keep what they have. Returns the first row whose interval may not fit
    `WIDEST` bits (64-bit columns cannot go on from there), or ``last``; ``wide`` columns hold
    Python integers, up to `LARGEST` bits.
    """
    limit = LARGEST if wide else WIDEST
    for row in range(first, last):
        code = int(op[row])
        if code in (_INPUT, _CONST):
            continue
        # int(): wide columns must not meet NumPy's small integers, which would overflow.
        x, y, shift = int(a[row]), int(b[row]), int(p[row])
        lo_x, hi_x = lo[x], hi[x]
        lo_y, hi_y = lo[y], hi[y]
        if _needed_bits(code, lo_x, hi_x, lo_y, hi_y, shift) > limit:
            return row
        if code == _ADD3:
            z = int(c[row])
            if max(_bits(lo_x, hi_x), _bits(lo_y, hi_y), _bits(lo[z], hi[z])) + 2 > limit:
                return row
            lo[row], hi[row] = _add3(lo_x, hi_x, lo_y, hi_y, lo[z], hi[z], shift)
            continue
        one = hi_x - hi_x + 1
        if code == _ADD:
            lo[row], hi[row] = _add(lo_x, hi_x, lo_y, hi_y, shift)
        elif code == _SUB:
            lo[row], hi[row] = _add(lo_x, hi_x, -hi_y, -lo_y, shift)
        elif code == _NEG:
            lo[row], hi[row] = -hi_x, -lo_x
        elif code == _MUL:
            ends = (lo_x * lo_y, lo_x * hi_y, hi_x * lo_y, hi_x * hi_y)
            lo[row] = min(ends[0], ends[1], ends[2], ends[3])
            hi[row] = max(ends[0], ends[1], ends[2], ends[3])
            if x == y:
                lo[row] = max(lo[row], 0 * one)
        elif code == _SHL:
            lo[row], hi[row] = lo_x << shift, hi_x << shift
        elif code == _SHR:
            step = min(shift, WIDEST + 1) if not wide else shift
            lo[row], hi[row] = lo_x >> step, hi_x >> step
        elif code in (_LOW, _LOWS):
            if _bits(lo_x, hi_x) >= shift or (code == _LOW and lo_x < 0):
                half = one << (shift - 1)
                bottom = -half if code == _LOWS else 0 * one
                top = half - 1 if code == _LOWS else half + (half - 1)
                # No wrap point inside the interval: the whole interval moves by one multiple.
                if (lo_x - bottom) >> shift == (hi_x - bottom) >> shift:
                    moved = ((lo_x - bottom) >> shift) << shift
                    bottom, top = lo_x - moved, hi_x - moved
                lo[row], hi[row] = bottom, top
            else:
                lo[row], hi[row] = lo_x, hi_x
        elif code == _LT:
            lo[row], hi[row] = one * (hi_x < lo_y), one * (lo_x < hi_y)
            if x == y:
                hi[row] = 0 * one
        elif code == _EQ:
            lo[row] = one * ((lo_x == hi_x and lo_y == hi_y and lo_x == lo_y) or x == y)
            hi[row] = one * (lo_x <= hi_y and lo_y <= hi_x)
        elif code == _SELECT:
            lo[row], hi[row] = _select(op, a, b, p, lo, hi, x, y, c[row])
        elif code in (_AND, _OR, _XOR):
            lo[row], hi[row] = _bitwise(code, lo_x, hi_x, lo_y, hi_y)
            if x == y:
                lo[row], hi[row] = (0 * one, 0 * one) if code == _XOR else (lo_x, hi_x)
        elif code == _TABLE:
            lo[row], hi[row] = _table(lo_x, hi_x, shift, table_start, table_offset, table_values)
        elif code == _REG:
            lo[row], hi[row] = lo_x, hi_x
    return last


propagate_narrow = jit(propagate)
"""`propagate` compiled for int64 columns."""
