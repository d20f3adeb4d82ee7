"""Comparisons with constants: the fewest bits, and no function in front that only grows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, use_counts
from edgetrig.optimize.clips import find_clip
from edgetrig.optimize.rows import Edit, Ints, trailing_zeros


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
    uses = use_counts(rows.operands, circuit.output_rows)
    only_clips = _only_clips(circuit)
    questions = []
    for row in np.flatnonzero(rows.op == Op.LT).tolist():
        a, b = int(rows.a[row]), int(rows.b[row])
        if rows.lo[b] == rows.hi[b]:
            x, threshold, reached = a, int(rows.lo[b]), False
        elif rows.lo[a] == rows.hi[a]:
            x, threshold, reached = b, int(rows.lo[a]) + 1, True
        else:
            continue
        if threshold & 1 and only_clips[row]:
            # min(x, c) is the same whether it asks for x >= c or x >= c + 1: take the even one.
            threshold += -1 if reached else 1
        x, threshold, reached = _before(circuit, uses, x, threshold, reached)
        # Beyond the ends of x all thresholds answer alike.
        threshold = min(max(threshold, int(rows.lo[x])), int(rows.hi[x]) + 1)
        questions.append(_Question(row, x, threshold, reached))
    return _asked(circuit, questions)


class _Question(NamedTuple):
    """Row `row` is 1 where ``x >= threshold``, or where not if `reached` is false."""

    row: int
    x: int
    threshold: int
    reached: bool


def _only_clips(circuit: Circuit) -> NDArray[np.bool_]:
    """Return which comparisons only choose between the two values they compare."""
    rows = circuit.rows
    result = np.asarray(rows.op == Op.LT, np.bool_)
    compared = np.sort(np.stack([rows.a, rows.b]), axis=0)
    chosen = np.sort(np.stack([rows.b, rows.c]), axis=0)
    for k in range(3):
        users = np.flatnonzero(rows.operands[:, k] >= 0)
        used = rows.operands[users, k]
        clip = (rows.op[users] == Op.SELECT) & (chosen[:, users] == compared[:, used]).all(axis=0)
        result[used[~clip] if k == 0 else used] = False
    result[circuit.output_rows] = False
    return result


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


def _asked(circuit: Circuit, questions: list[_Question]) -> Circuit:
    """Return the circuit with comparisons replaced, each on the bits that decide it."""
    rows = circuit.rows
    edit = Edit(circuit)
    row, x, threshold = (np.array([q[k] for q in questions], np.int64) for k in range(3))
    reached = np.array([q.reached for q in questions], np.bool_)
    origin, fraction = rows.origin[row], rows.fraction[x]
    known = (threshold <= rows.lo[x]) | (threshold > rows.hi[x])
    truth = (threshold <= rows.lo[x]) == reached
    edit.replace(
        row[known], edit.add(Op.CONST, lo=truth[known], hi=truth[known], origin=origin[known])
    )
    row, x, threshold = row[~known], x[~known], threshold[~known]
    reached, origin, fraction = reached[~known], origin[~known], fraction[~known]
    zeros = trailing_zeros(threshold)
    shifted = zeros > 0
    x[shifted] = edit.add(
        Op.SHR,
        a=x[shifted],
        p=zeros[shifted],
        origin=origin[shifted],
        fraction=(fraction - zeros)[shifted],
    )
    bound = (threshold >> zeros) - reached
    constant = edit.add(Op.CONST, lo=bound, hi=bound, origin=origin)
    a, b = np.where(reached, constant, x), np.where(reached, x, constant)
    edit.replace(row, edit.add(Op.LT, a=a, b=b, origin=origin))
    return edit.circuit()
