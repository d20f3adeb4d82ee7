"""Local rewriting with hash-consing: constants folded, identities removed, equal rows made one.

One scan over the rows. Each row first sees its operands as already rewritten, is then changed by
the first rule that fits (until none does), and finally replaced by an equal earlier row if there is
one. Every rule turns one row into one row, a constant or an earlier row, so nothing ever grows.
"""

from __future__ import annotations

import numpy as np

from edgetrig.circuit import Circuit, Op, Rows
from edgetrig.jit import jit
from edgetrig.optimize.rows import Column, Ints, assemble

_CONST, _INPUT = int(Op.CONST), int(Op.INPUT)
_ADD, _SUB, _NEG, _MUL = int(Op.ADD), int(Op.SUB), int(Op.NEG), int(Op.MUL)
_SHL, _SHR, _LOW, _LOWS = int(Op.SHL), int(Op.SHR), int(Op.LOW), int(Op.LOWS)
_LT, _EQ, _SELECT = int(Op.LT), int(Op.EQ), int(Op.SELECT)
_AND, _OR, _XOR, _TABLE = int(Op.AND), int(Op.OR), int(Op.XOR), int(Op.TABLE)
_REG = int(Op.REG)

_WIDE = 1 << 62
"""Bounds of values too wide for int64 are cut to this; such values are never taken as constants."""


def simplify(circuit: Circuit) -> Circuit:
    """Fold constants, remove identities, share equal rows and drop dead ones."""
    rows = circuit.rows
    lo, hi = rows.lo, rows.hi
    wide = lo.dtype == object
    if wide:
        lo = np.maximum(np.minimum(lo, _WIDE), -_WIDE).astype(np.int64)
        hi = np.maximum(np.minimum(hi, _WIDE), -_WIDE).astype(np.int64)
        unknown = np.abs(lo) >= _WIDE
        hi = np.where(unknown & (lo == hi) & (lo < 0), hi + 1, hi)
        lo = np.where(unknown & (lo == hi) & (lo > 0), lo - 1, lo)
    op, a, b, c, p, value, alias = _rewrite(rows.op, rows.a, rows.b, rows.c, rows.p, lo, hi)
    # A new constant brings its value; rows that were constant before keep theirs, wide or not.
    fresh = (op == _CONST) & (rows.op != _CONST)
    new = Rows(
        op=op.astype(np.uint8),
        a=a.astype(np.int32),
        b=b.astype(np.int32),
        c=c.astype(np.int32),
        p=p.astype(np.int32),
        lo=np.where(fresh, value, rows.lo),
        hi=np.where(fresh, value, rows.hi),
        fraction=rows.fraction,
        origin=rows.origin,
    )
    return assemble(circuit, new, alias[circuit.output_rows])


@jit
def _find(slots: Ints, row: int, op: Ints, a: Ints, b: Ints, c: Ints, p: Ints, value: Ints) -> int:
    """Return an earlier row equal to this one, or enter it in the hash table and return it."""
    mask = len(slots) - 1
    mixed = op[row]
    for part in (a[row], b[row], c[row], p[row], value[row]):
        mixed = (mixed ^ part) * -7046029254386353131
        mixed ^= mixed >> 29
    slot = mixed & mask
    while slots[slot] >= 0:
        k = slots[slot]
        if (
            op[k] == op[row]
            and a[k] == a[row]
            and b[k] == b[row]
            and c[k] == c[row]
            and p[k] == p[row]
            and value[k] == value[row]
        ):
            return int(k)
        slot = (slot + 1) & mask
    slots[slot] = row
    return row


@jit
def _rewrite(
    op_in: Column, a_in: Column, b_in: Column, c_in: Column, p_in: Column, lo: Ints, hi: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    count = len(op_in)
    op, a, b = op_in.astype(np.int64), a_in.astype(np.int64), b_in.astype(np.int64)
    c, p = c_in.astype(np.int64), p_in.astype(np.int64)
    value, alias = np.zeros(count, np.int64), np.arange(count)
    size = 16
    while size < 2 * count:
        size *= 2
    slots = np.full(size, -1, np.int64)
    for row in range(count):
        if op[row] != _CONST and op[row] != _INPUT:
            a[row], b[row], c[row] = alias[a[row]], alias[b[row]], alias[c[row]]
            for _ in range(8):
                stands = _step(row, op, a, b, c, p, lo, hi)
                if stands != row:
                    break
        else:
            stands = -1
        if stands >= 0 and stands != row:
            alias[row] = stands
            continue
        known = lo[row] == hi[row]
        if known and op[row] != _INPUT:
            op[row], a[row], b[row], c[row], p[row] = _CONST, 0, 0, 0, 0
            value[row] = lo[row]
        elif op[row] == _CONST:
            value[row], p[row] = lo[row], 0
            alias[row] = row  # a constant beyond int64 is only equal to itself
            continue
        alias[row] = _find(slots, row, op, a, b, c, p, value)
    return op, a, b, c, p, value, alias


@jit
def _step(  # noqa: PLR0912 - the list of rules
    row: int, op: Ints, a: Ints, b: Ints, c: Ints, p: Ints, lo: Ints, hi: Ints
) -> int:
    """Apply the rules of one operation once; return the row that now stands for this one.

    Returns -1 if no rule fits any more, the row itself if it changed and may be looked at again.
    """
    code = op[row]
    if lo[row] == hi[row]:
        return -1
    if code in (_ADD, _SUB):
        return _step_sum(row, op, a, b, c, p, lo, hi)
    if code == _NEG:
        x = a[row]
        if op[x] == _NEG:
            return int(a[x])
        if op[x] == _SUB:  # -(a - b * 2**p) = b * 2**p - a
            op[row], a[row], b[row], p[row] = _SUB, b[x], a[x], -p[x]
            return row
    elif code == _MUL:
        return _step_product(row, op, a, b, p, lo, hi)
    elif code == _SHL:
        x = a[row]
        if op[x] == _SHL:
            a[row], p[row] = a[x], p[row] + p[x]
            return row
    elif code == _SHR:
        return _step_shift_right(row, op, a, p, lo, hi)
    elif code in (_LOW, _LOWS):
        x = a[row]
        if lo[row] == lo[x] > -_WIDE and hi[row] == hi[x] < _WIDE:
            return int(x)  # all values are in range already: the interval did not have to move
        if op[x] in (_LOW, _LOWS) and p[x] >= p[row]:
            a[row] = a[x]
            return row
    elif code in (_LT, _EQ):
        return _step_comparison(row, op, a, b, p, lo, hi)
    elif code == _SELECT:
        return _step_select(row, op, a, b, c, p, lo, hi)
    elif code in (_AND, _OR, _XOR):
        return _step_bitwise(row, op, a, b, p, lo, hi)
    return -1


@jit
def _step_sum(row: int, op: Ints, a: Ints, b: Ints, c: Ints, p: Ints, lo: Ints, hi: Ints) -> int:
    x, y, shift = a[row], b[row], p[row]
    add = op[row] == _ADD
    if lo[y] == 0 == hi[y]:
        if shift >= 0:
            return int(x)
        op[row], b[row], p[row] = _SHL, 0, -shift
        return row
    if lo[x] == 0 == hi[x]:
        if add and shift <= 0:
            return int(y)
        if add:
            op[row], a[row], b[row] = _SHL, y, 0
            return row
        if shift <= 0:
            op[row], a[row], b[row], p[row] = _NEG, y, 0, 0
            return row
        return -1
    if op[y] == _SHL and shift >= 0:
        b[row], p[row] = a[y], shift + p[y]
        return row
    if op[x] == _SHL and shift <= 0:
        a[row], p[row] = a[x], shift - p[x]
        return row
    if op[y] == _NEG:
        op[row], b[row] = (_SUB if add else _ADD), a[y]
        return row
    if op[x] == _NEG and add:  # -x + y = y - x
        op[row], a[row], b[row], p[row] = _SUB, y, a[x], -shift
        return row
    if add and x > y:
        a[row], b[row], p[row] = y, x, -shift
    return -1


@jit
def _step_product(row: int, op: Ints, a: Ints, b: Ints, p: Ints, lo: Ints, hi: Ints) -> int:
    x, y = a[row], b[row]
    if lo[x] == hi[x]:
        x, y = y, x
        a[row], b[row] = x, y
    if lo[y] == hi[y]:
        factor = lo[y]
        if factor == 1:
            return int(x)
        if factor == -1:
            op[row], b[row] = _NEG, 0
            return row
        if factor > 0 and factor & (factor - 1) == 0:
            op[row], b[row] = _SHL, 0
            while factor > 1:
                factor >>= 1
                p[row] += 1
            return row
    elif x > y:
        a[row], b[row] = y, x
    return -1


@jit
def _step_shift_right(row: int, op: Ints, a: Ints, p: Ints, lo: Ints, hi: Ints) -> int:
    x = a[row]
    if op[x] == _SHR:
        a[row], p[row] = a[x], p[row] + p[x]
        return row
    if op[x] == _SHL:
        if p[x] == p[row]:
            return int(a[x])
        op[row] = _SHL if p[x] > p[row] else _SHR
        a[row], p[row] = a[x], abs(p[x] - p[row])
        return row
    return -1


@jit
def _step_comparison(row: int, op: Ints, a: Ints, b: Ints, p: Ints, lo: Ints, hi: Ints) -> int:
    x, y = a[row], b[row]
    if op[x] == _SHL and op[y] == _SHL and p[x] == p[y]:
        a[row], b[row] = a[x], a[y]
        return row
    if lo[y] == 0 == hi[y] and op[x] == _SHL:
        a[row] = a[x]
        return row
    if lo[x] == 0 == hi[x] and op[y] == _SHL:
        b[row] = a[y]
        return row
    if op[row] == _EQ:
        # A truth value equal to 1 is itself.
        for one, other in ((x, y), (y, x)):
            if lo[one] == 1 == hi[one] and lo[other] >= 0 and hi[other] <= 1:
                return int(other)
        if x > y:
            a[row], b[row] = y, x
    elif lo[x] == 0 == hi[x] and lo[y] >= 0 and hi[y] <= 1:
        return int(y)  # 0 < truth value
    return -1


@jit
def _step_select(row: int, op: Ints, a: Ints, b: Ints, c: Ints, p: Ints, lo: Ints, hi: Ints) -> int:
    condition, then, other = a[row], b[row], c[row]
    if lo[condition] == hi[condition]:
        return int(then if lo[condition] == 1 else other)
    if then == other:
        return int(then)
    if lo[then] == 1 == hi[then] and lo[other] == 0 == hi[other]:
        return int(condition)
    if op[condition] == _XOR:  # exchange the branches of a negated condition
        u, v = a[condition], b[condition]
        if lo[u] == hi[u]:
            u, v = v, u
        if lo[v] == 1 == hi[v] and lo[u] >= 0 and hi[u] <= 1:
            a[row], b[row], c[row] = u, other, then
            return row
    return -1


@jit
def _step_bitwise(row: int, op: Ints, a: Ints, b: Ints, p: Ints, lo: Ints, hi: Ints) -> int:
    x, y = a[row], b[row]
    if lo[x] == hi[x]:
        x, y = y, x
        a[row], b[row] = x, y
    code = op[row]
    if x == y and code != _XOR:
        return int(x)
    if lo[y] != hi[y]:
        if x > y:
            a[row], b[row] = y, x
        return -1
    mask = lo[y]
    if mask == 0 and code != _AND:
        return int(x)
    if code == _AND and (mask == -1 or (lo[x] >= 0 and hi[x] <= 1 and mask & 1)):
        return int(x)
    if code == _XOR and op[x] == _XOR and b[x] == y:
        return int(a[x])
    return -1
