"""Clips move behind growing functions: ``g(max(x, c))`` becomes ``max(g(x), g(c))``.

A rectifier or a saturation then acts on the few bits that are left after rounding, and the rounding
constant joins the bias of the sum in front.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, use_counts
from edgetrig.jit import jit
from edgetrig.optimize.rows import Edit, Ints


class Clip(NamedTuple):
    """``max(value, bound)`` or ``min(value, bound)`` with a constant bound, as a SELECT row."""

    value: int
    bound: int
    is_max: bool


def find_clip(circuit: Circuit, row: int) -> Clip | None:
    """Return what a SELECT row clips, or None if it is no clip to a constant."""
    rows = circuit.rows
    condition, then, other = int(rows.a[row]), int(rows.b[row]), int(rows.c[row])
    if rows.op[condition] != Op.LT:
        return None
    left, right = int(rows.a[condition]), int(rows.b[condition])
    for value, bound in ((then, other), (other, then)):
        if rows.lo[bound] == rows.hi[bound] and {left, right} == {value, bound}:
            return Clip(value, bound, (left == value) == (then == bound))
    return None


def clips_last(circuit: Circuit) -> Circuit:
    """Move every clip to a constant behind the growing functions of it that are its only user."""
    rows = circuit.rows
    if rows.lo.dtype == object:
        return circuit
    user = _only_user(rows.operands, use_counts(rows.operands, circuit.output_rows))
    edit = Edit(circuit)
    moved = False
    for row in np.flatnonzero(rows.op == Op.SELECT).tolist():
        clip = find_clip(circuit, row)
        if clip is None:
            continue
        value, last = clip.value, row
        constant = int(rows.lo[clip.bound])
        while (after := _growing(circuit, last, int(user[last]), constant)) is not None:
            follower, constant = after
            columns = {name: column[follower] for name, column in edit.columns.items()}
            operands = {name: columns.pop(name) for name in "ab"}
            operands = {k: value if v == last else int(v) for k, v in operands.items()}
            value = int(edit.add(**operands, **columns))
            last = follower
        if last != row:
            edit.replace(last, _clip(edit, circuit, row, value, constant, clip.is_max, last))
            moved = True
    return edit.circuit() if moved else circuit


def _growing(circuit: Circuit, row: int, user: int, constant: int) -> tuple[int, int] | None:
    """Return the user and its value at a constant, if it is a growing function of this row only."""
    rows = circuit.rows
    if user < 0:
        return None
    op, a, b, p = rows.op[user], int(rows.a[user]), int(rows.b[user]), int(rows.p[user])
    if op == Op.SHR:
        return user, constant >> p
    if op not in (Op.ADD, Op.SUB) or a == b:
        return None
    other = b if a == row else a
    if rows.lo[other] != rows.hi[other] or (op == Op.SUB and b == row):
        return None
    term = int(rows.lo[other]) * (-1 if op == Op.SUB else 1)
    mine, its = (max(-p, 0), max(p, 0)) if a == row else (max(p, 0), max(-p, 0))
    return user, (constant << mine) + (term << its)


def _clip(
    edit: Edit, circuit: Circuit, row: int, value: int, constant: int, is_max: bool, last: int
) -> int:
    """Add the rows of a clip; return the last."""
    rows = circuit.rows
    labels = {"origin": int(rows.origin[row]), "fraction": int(rows.fraction[last])}
    bound = int(edit.add(Op.CONST, lo=constant, hi=constant, **labels))
    below = int(edit.add(Op.LT, a=value, b=bound, origin=labels["origin"]))
    then, other = (bound, value) if is_max else (value, bound)
    return int(edit.add(Op.SELECT, a=below, b=then, c=other, **labels))


@jit
def _only_user(operands: NDArray[np.int32], uses: Ints) -> Ints:
    """Return the one row that reads each row, or -1 if it is read more or less than once."""
    user = np.full(len(operands), -1, np.int64)
    for row in range(len(operands)):
        for k in range(3):
            operand = operands[row, k]
            if operand >= 0 and uses[operand] == 1:
                user[operand] = row
    return user
