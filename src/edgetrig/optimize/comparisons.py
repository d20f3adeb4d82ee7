"""Comparisons with constants: the fewest bits, and no function in front that only grows."""

from __future__ import annotations

import numpy as np

from edgetrig.circuit import Circuit, Op, use_counts
from edgetrig.optimize.clips import find_clip
from edgetrig.optimize.rows import Edit, Ints


def comparisons(circuit: Circuit) -> Circuit:
    """Simplify every comparison of a value with a constant.

    ``x < c`` and ``c < x`` are the same question to a threshold: is ``x >= t``? A growing function
    in front of the comparison (a table, a shift, a clip, a sign) moves into the threshold, so no
    sigmoid survives a cut on its value. Then the low bits of ``x`` that the threshold does not
    look at are dropped.
    """
    rows = circuit.rows
    if rows.lo.dtype == object:
        return circuit
    edit = Edit(circuit)
    uses = use_counts(rows.operands, circuit.output_rows)
    for row in np.flatnonzero(rows.op == Op.LT).tolist():
        a, b = int(rows.a[row]), int(rows.b[row])
        if rows.lo[b] == rows.hi[b]:
            x, threshold, reached = a, int(rows.lo[b]), False
        elif rows.lo[a] == rows.hi[a]:
            x, threshold, reached = b, int(rows.lo[a]) + 1, True
        else:
            continue
        threshold = _roundest(circuit, row, threshold)
        x, threshold, reached = _before(circuit, uses, x, threshold, reached)
        edit.replace(row, _question(edit, circuit, row, x, threshold, reached))
    return edit.circuit()


def _before(
    circuit: Circuit, uses: Ints, x: int, threshold: int, reached: bool
) -> tuple[int, int, bool]:
    """Ask the same question of what a growing (or falling) function was computed from."""
    rows = circuit.rows
    while True:
        op, a, p = rows.op[x], int(rows.a[x]), int(rows.p[x])
        if op == Op.SHR:
            x, threshold = a, threshold << p
        elif op == Op.SHL:
            x, threshold = a, -(-threshold >> p)
        elif op == Op.NEG and uses[x] == 1:  # -a >= t  is  not (a >= 1 - t)
            x, threshold, reached = a, 1 - threshold, not reached
        elif op == Op.TABLE:
            table = circuit.tables[p]
            first = int(rows.lo[a]) - table.start
            entries = table.values[first : int(rows.hi[a]) - table.start + 1]
            above = entries >= threshold
            if not (above[1:] >= above[:-1]).all():
                if not (above[1:] <= above[:-1]).all():
                    return x, threshold, reached
                above, reached = ~above, not reached
            x, threshold = a, int(rows.lo[a]) + int(np.count_nonzero(~above))
        elif (
            op == Op.SELECT
            and uses[x] == 1
            and (inner := _clipped(circuit, x, threshold)) is not None
        ):
            x = inner
        else:
            return x, threshold, reached


def _clipped(circuit: Circuit, row: int, threshold: int) -> int | None:
    """Return the operand of a clip to a constant if the threshold lies inside its range."""
    clip = find_clip(circuit, row)
    if clip is None:
        return None
    edge = int(circuit.rows.lo[clip.bound])
    return clip.value if (edge < threshold) == clip.is_max else None


def _roundest(circuit: Circuit, row: int, threshold: int) -> int:
    """Choose the even one of two thresholds where all users are clips at that very constant.

    ``min(x, c)`` gives the same whether it asks ``x >= c`` or ``x >= c + 1``.
    """
    rows = circuit.rows
    if threshold & 1 == 0:
        return threshold
    uses = np.flatnonzero((rows.operands == row).any(axis=1))
    if row in circuit.output_rows or not len(uses):
        return threshold
    pair = {int(rows.a[row]), int(rows.b[row])}
    constant = min(int(rows.lo[k]) for k in pair if rows.lo[k] == rows.hi[k])
    clips = all(
        rows.op[use] == Op.SELECT
        and rows.a[use] == row
        and {int(rows.b[use]), int(rows.c[use])} == pair
        for use in uses
    )
    if not clips:
        return threshold
    return constant if threshold == constant + 1 else constant + 1


def _question(edit: Edit, circuit: Circuit, row: int, x: int, threshold: int, reached: bool) -> int:
    """Add the rows for ``x >= threshold`` (or its negation); return the last."""
    rows = circuit.rows
    origin = int(rows.origin[row])
    if not int(rows.lo[x]) < threshold <= int(rows.hi[x]):
        truth = int((threshold <= int(rows.lo[x])) == reached)
        return int(edit.add(Op.CONST, lo=truth, hi=truth, origin=origin))
    zeros = (threshold & -threshold).bit_length() - 1 if threshold else 0
    if zeros:
        x = int(edit.add(Op.SHR, a=x, p=zeros, origin=origin, fraction=rows.fraction[x] - zeros))
        threshold >>= zeros
    bound = threshold - 1 if reached else threshold
    constant = int(edit.add(Op.CONST, lo=bound, hi=bound, origin=origin))
    a, b = (constant, x) if reached else (x, constant)
    return int(edit.add(Op.LT, a=a, b=b, origin=origin))
