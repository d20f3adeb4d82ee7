"""Which values a row can take: one interval rule per operation, applied row by row.

The same function serves twice: compiled by Numba over 64-bit columns, and, where a value needs more
than 62 bits, as plain Python over columns of Python integers (``wide``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable
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
_TABLE, _REG = int(Op.TABLE), int(Op.REG)

WIDEST = 62
"""Bits up to which intervals are kept in int64."""


def width(lo: int, hi: int) -> int:
    """Return the bits needed for ``[lo, hi]``: two's complement if ``lo < 0``, else unsigned."""
    lo, hi = int(lo), int(hi)
    if lo < 0:
        return max((-lo - 1).bit_length(), max(hi, 0).bit_length()) + 1
    return hi.bit_length()


def widths(lo: IntArray, hi: IntArray) -> NDArray[np.int64]:
    """Return `width` element by element."""
    if lo.dtype == object:
        pairs = zip(lo.ravel().tolist(), hi.ravel().tolist(), strict=True)
        return np.array([width(a, b) for a, b in pairs], np.int64).reshape(lo.shape)
    magnitude = np.maximum(np.where(lo < 0, -lo - 1, 0), np.maximum(hi, 0))
    # frexp is exact only to 53 bits; split so that no rounding can carry into the next bit.
    upper = np.frexp((magnitude >> 31).astype(np.float64))[1]
    lower = np.frexp((magnitude & 0x7FFFFFFF).astype(np.float64))[1]
    bits = np.where(magnitude >> 31 > 0, upper + 31, lower)
    return (bits + (lo < 0)).astype(np.int64)


def compact(values: IntArray) -> IntArray:
    """Return `values` as int64 where all fit `WIDEST` bits, else unchanged."""
    if values.dtype != object:
        return values.astype(np.int64, copy=False)
    limit = 1 << WIDEST
    if all(-limit <= v < limit for v in values.ravel().tolist()):
        return values.astype(np.int64)
    return values


@register_jitable  # type: ignore[untyped-decorator]
def _bits(lo: int, hi: int) -> int:
    """Bits of the larger end's magnitude; works on machine and on Python integers."""
    magnitude = max(abs(lo), abs(hi))
    count = 0
    while magnitude > 0:
        magnitude >>= 1
        count += 1
    return count


@register_jitable  # type: ignore[untyped-decorator]
def _add(lo_a: int, hi_a: int, lo_b: int, hi_b: int, shift: int) -> tuple[int, int]:
    if shift >= 0:
        return lo_a + (lo_b << shift), hi_a + (hi_b << shift)
    return (lo_a << -shift) + lo_b, (hi_a << -shift) + hi_b


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
        if lo_a < 0:
            return 0 * one, hi_b
        if lo_b < 0:
            return 0 * one, hi_a
        return 0 * one, min(hi_a, hi_b)
    full = one << max(_bits(lo_a, hi_a), _bits(lo_b, hi_b))
    if lo_a >= 0 and lo_b >= 0:
        return (max(lo_a, lo_b) if op == _OR else 0 * one), full - 1
    if op == _OR and (hi_a < 0 or hi_b < 0):
        return -full, -one
    return -full, full - 1


@register_jitable  # type: ignore[untyped-decorator]
def _select(
    op: IntArray,
    a: IntArray,
    b: IntArray,
    lo: IntArray,
    hi: IntArray,
    condition: int,
    then: int,
    other: int,
) -> tuple[int, int]:
    """Union of both branches, each cut by what the condition ``x < y`` says about it."""
    then_lo, then_hi, other_lo, other_hi = lo[then], hi[then], lo[other], hi[other]
    if lo[condition] == 1:
        return then_lo, then_hi
    if hi[condition] == 0:
        return other_lo, other_hi
    if op[condition] == _LT:
        x, y = a[condition], b[condition]
        if then == x:
            then_hi = min(then_hi, hi[y] - 1)
        if then == y:
            then_lo = max(then_lo, lo[x] + 1)
        if other == x:
            other_lo = max(other_lo, lo[y])
        if other == y:
            other_hi = min(other_hi, hi[x])
    return min(then_lo, other_lo), max(then_hi, other_hi)


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
    Python integers and know no limit.
    """
    for row in range(first, last):
        code = op[row]
        if code in (_INPUT, _CONST):
            continue
        x, y, shift = a[row], b[row], p[row]
        lo_x, hi_x = lo[x], hi[x]
        lo_y, hi_y = lo[y], hi[y]
        if not wide:
            bits = _bits(lo_x, hi_x)
            if code in (_ADD, _SUB):
                bits = max(bits + max(-shift, 0), _bits(lo_y, hi_y) + max(shift, 0)) + 1
            elif code == _MUL:
                bits += _bits(lo_y, hi_y)
            elif code == _SHL:
                bits += shift
            elif code in (_LOW, _LOWS):
                bits = max(bits, min(shift, 64) if lo_x < 0 else 0)
            elif code in (_AND, _OR, _XOR):
                bits = max(bits, _bits(lo_y, hi_y)) + 1
            if bits > WIDEST:
                return row
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
            lo[row], hi[row] = _select(op, a, b, lo, hi, x, y, c[row])
        elif code in (_AND, _OR, _XOR):
            lo[row], hi[row] = _bitwise(code, lo_x, hi_x, lo_y, hi_y)
        elif code == _TABLE:
            start = table_offset[shift] - table_start[shift]
            lo[row] = table_values[start + lo_x]
            hi[row] = lo[row]
            for index in range(start + lo_x, start + hi_x + 1):
                lo[row] = min(lo[row], table_values[index])
                hi[row] = max(hi[row], table_values[index])
        elif code == _REG:
            lo[row], hi[row] = lo_x, hi_x
    return last


propagate_narrow = jit(propagate)
"""`propagate` compiled for int64 columns."""
