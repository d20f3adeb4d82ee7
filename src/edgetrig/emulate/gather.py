"""Sums of multiples: additions, shifts and products by constants gathered into one instruction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Op
from edgetrig.jit import jit

Ints = NDArray[np.int64]

SUMMED = 32
"""Added to an operation that is part of a sum."""

_CONST, _SUB, _NEG = int(Op.CONST), int(Op.SUB), int(Op.NEG)
_MUL, _SHL = int(Op.MUL), int(Op.SHL)

_OVERHEAD = 4
"""What an instruction costs beside its terms, in terms."""

_MOST_TERMS = 1024
"""Longest sum, so that compiling takes linear time."""


@jit
def gather(  # noqa: PLR0912, PLR0915 - a merge of two lists
    op: Ints,
    operands: Ints,
    p: NDArray[np.int32],
    value: Ints,
    order: Ints,
    outputs: Ints,
    most: int,
) -> tuple[Ints, Ints, Ints, Ints, int]:
    """Gather rows into sums of multiples of other rows.

    A sum that several others read is computed anew in each of them where that repeats at most
    `most` terms a reader; with ``most < 0`` nothing is gathered, every row is a sum of its own.

    Returns, for each row, its first term and the number of terms (-1: computed in its readers; 0:
    no sum), then for each term its row and its factor, and at last what all that costs. A sum's
    first term is row -1 with the constant as factor.
    """
    readers = np.zeros(len(op), np.int64)  # sums that read the row
    kept = np.zeros(len(op), np.bool_)  # whether something else reads it
    for row in outputs:
        kept[row] = True
    for row in order:
        for operand in operands[row]:
            if operand >= 0 and op[row] >= SUMMED:
                readers[operand] += 1
            elif operand >= 0:
                kept[operand] = True
    first, count = np.zeros(len(op), np.int64), np.zeros(len(op), np.int64)
    term_row, factor = np.empty(len(op) + 8, np.int64), np.empty(len(op) + 8, np.int64)
    terms = 0
    # Sums so far: terms of each row, ordered by row, as long as a reader is to come.
    start, stop, constant = np.zeros_like(first), np.zeros_like(first), np.zeros_like(first)
    room = 4 * len(op) + 4 * _MOST_TERMS
    rows, factors = np.empty(room, np.int64), np.empty(room, np.int64)
    at = 0
    cost = 0
    for turn in range(len(order)):
        row = order[turn]
        if at + 2 * _MOST_TERMS + 2 > len(rows):
            at = 0
            for old in order[:turn]:
                if readers[old] > 0:
                    size = stop[old] - start[old]
                    for k in range(size):
                        rows[at + k], factors[at + k] = (
                            rows[start[old] + k],
                            factors[start[old] + k],
                        )
                    start[old], stop[old] = at, at + size
                    at += size
            if 2 * at + 4 * _MOST_TERMS > len(rows):
                rows = np.concatenate((rows, np.empty(len(rows), np.int64)))
                factors = np.concatenate((factors, np.empty(len(factors), np.int64)))
        start[row] = at
        kind = op[row] - SUMMED
        if op[row] == _CONST:
            constant[row] = value[row]
            count[row] = 0
        elif kind >= 0:
            x, y = operands[row, 0], operands[row, 1]
            scale_x = scale_y = np.int64(1)
            shift = np.int64(p[row])
            if kind == _MUL:
                if op[x] == _CONST:
                    x, y = y, x
                scale_x = value[y]
                y = np.int64(-1)
            elif kind == _NEG:
                scale_x = np.int64(-1)
            else:
                power = np.int64(1) << abs(shift) if abs(shift) < 64 else np.int64(0)
                if kind == _SHL or shift < 0:
                    scale_x = power
                else:
                    scale_y = power
                if kind == _SUB:
                    scale_y = -scale_y
            constant[row] = constant[x] * scale_x
            i, last_i, j, last_j = start[x], stop[x], 0, 0
            if y >= 0:
                constant[row] += constant[y] * scale_y
                j, last_j = start[y], stop[y]
            while i < last_i or j < last_j:
                if j >= last_j or (i < last_i and rows[i] < rows[j]):
                    rows[at], factors[at] = rows[i], factors[i] * scale_x
                    i += 1
                elif i >= last_i or rows[j] < rows[i]:
                    rows[at], factors[at] = rows[j], factors[j] * scale_y
                    j += 1
                else:
                    rows[at] = rows[i]
                    factors[at] = factors[i] * scale_x + factors[j] * scale_y
                    i += 1
                    j += 1
                at += factors[at] != 0
            for operand in operands[row]:
                if operand >= 0:
                    readers[operand] -= 1
            size = at - start[row]
            repeated = readers[row] * (size - 1)
            if (
                kept[row]
                or most < 0
                or size > _MOST_TERMS
                or repeated > max(size + _OVERHEAD, most * readers[row])
            ):
                if terms + size + 1 > len(factor):
                    more = np.empty(len(factor) + size, np.int64)
                    term_row = np.concatenate((term_row, more))
                    factor = np.concatenate((factor, more))
                term_row[terms], factor[terms] = -1, constant[row]
                first[row], count[row] = terms, size + 1
                for k in range(size):
                    term_row[terms + 1 + k] = rows[start[row] + k]
                    factor[terms + 1 + k] = factors[start[row] + k]
                terms += size + 1
                cost += size + _OVERHEAD
                at = start[row]
                kind = -1
            else:
                count[row] = -1
        if kind < 0 and op[row] != _CONST:
            constant[row] = 0
            rows[at], factors[at] = row, 1
            at += 1
        stop[row] = at
    return first, count, term_row[:terms], factor[:terms], cost
