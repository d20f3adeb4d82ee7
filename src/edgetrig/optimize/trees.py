"""Sums of what no pair was shared of: trees of the least depth, cheapest pairs first."""

from __future__ import annotations

import numpy as np

from edgetrig.jit import jit
from edgetrig.optimize.digits import Columns, Digits, Values
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.sums import sum_cost, sum_interval

# Terms of a column stand in an array of three rows.
_VALUE, _SHIFT, _SIGN = 0, 1, 2


@jit
def add_up(
    digits: Digits,
    columns: Columns,
    bias: Ints,
    bias_shift: Ints,
    inputs: int,
    made: int,
    values: Values,
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """Sum what is left of every column; return the fields of `edgetrig.optimize.shift_add.Sums`."""
    outputs = len(columns.length)
    output, shift = np.full(outputs, -1, np.int64), np.zeros(outputs, np.int64)
    sign = np.ones(outputs, np.int64)
    for column in range(outputs):
        terms = _terms(digits, columns, column, bias[column], bias_shift[column])
        count = terms.shape[1]
        while count > 1:
            i, j = _cheapest(terms, count, values)
            _join(terms, count, i, j, values, inputs, made)
            made += 1
            count -= 1
        if count == 1:
            output[column], shift[column], sign[column] = terms[0, 0], terms[1, 0], terms[2, 0]
    a, b, by, minus = values.made[0], values.made[1], values.made[2], values.made[3]
    return (
        a[:made].copy(),
        b[:made].copy(),
        by[:made].copy(),
        minus[:made].copy(),
        output,
        shift,
        sign,
    )


@jit
def _terms(digits: Digits, columns: Columns, column: int, bias: int, bias_shift: int) -> Ints:
    """Return the terms of a column: its digits and its constant."""
    count = columns.length[column]
    terms = np.ones((3, count + (1 if bias >= 0 else 0)), np.int64)
    digit = columns.head[column]
    for k in range(count - 1, -1, -1):
        terms[_VALUE, k] = digits.value[digit]
        terms[_SHIFT, k] = digits.shift[digit]
        terms[_SIGN, k] = digits.sign[digit]
        digit = digits.after[digit]
    if bias >= 0:
        terms[_VALUE, count], terms[_SHIFT, count] = bias, bias_shift
    return terms


@jit
def _cheapest(terms: Ints, count: int, values: Values) -> tuple[int, int]:
    """Return the cheapest pair of terms whose sum leaves the tree's depth as small as it can be.

    Of pairs that cost the same, or one LUT more, those of closer shifts are better: what lies far
    apart is added late, when more low bits are free.
    """
    lo, hi, depth = values.lo, values.hi, values.depth
    total = 0.0
    for k in range(count):
        total += 2.0 ** depth[terms[_VALUE, k]]
    limit = 2.0 ** np.ceil(np.log2(total))
    best, best_i, best_j = 1 << 40, 0, 1
    for i in range(count):
        for j in range(i + 1, count):
            deep_i, deep_j = depth[terms[_VALUE, i]], depth[terms[_VALUE, j]]
            growth = 2.0 ** (max(deep_i, deep_j) + 1) - (2.0**deep_i + 2.0**deep_j)
            if total + growth > limit:
                continue
            low, high = (i, j) if terms[_SHIFT, i] <= terms[_SHIFT, j] else (j, i)
            a, b = terms[_VALUE, low], terms[_VALUE, high]
            apart = terms[_SHIFT, high] - terms[_SHIFT, low]
            subtract = 1 if terms[_SIGN, low] != terms[_SIGN, high] else 0
            cost = 2 * sum_cost(lo[a], hi[a], lo[b], hi[b], apart, subtract) + apart
            if cost < best:
                best, best_i, best_j = cost, i, j
    return best_i, best_j


@jit
def _join(
    terms: Ints, count: int, i: int, j: int, values: Values, inputs: int, number: int
) -> None:
    """Make the sum of two terms and put it in the place of both."""
    low, other = _ordered(terms, count, i, j)
    a, b = terms[_VALUE, low], terms[_VALUE, other]
    shift = terms[_SHIFT, other] - terms[_SHIFT, low]
    subtract = 1 if terms[_SIGN, low] != terms[_SIGN, other] else 0
    values.made[0, number], values.made[1, number] = a, b
    values.made[2, number], values.made[3, number] = shift, subtract
    new = inputs + number
    lo, hi, depth = values.lo, values.hi, values.depth
    lo[new], hi[new] = sum_interval(lo[a], hi[a], lo[b], hi[b], shift, subtract)
    depth[new] = max(depth[a], depth[b]) + 1
    sign, at = terms[_SIGN, low], min(terms[_SHIFT, low], terms[_SHIFT, other])
    keep, drop = min(i, j), max(i, j)
    terms[_VALUE, keep], terms[_SHIFT, keep], terms[_SIGN, keep] = new, at, sign
    for row in range(3):
        terms[row, drop] = terms[row, count - 1]


@jit
def _ordered(terms: Ints, count: int, i: int, j: int) -> tuple[int, int]:
    """Return two terms in the order of their sum, whose sign is that of the first.

    The lower one comes first, so that its low bits are free. But the last positive term of a column
    must not be lost in a negative difference, or the whole sum has to be negated in the end.
    """
    shift, sign = terms[_SHIFT], terms[_SIGN]
    low = i if shift[i] < shift[j] or (shift[i] == shift[j] and sign[i] > 0) else j
    other = j if low == i else i
    if sign[low] < 0 < sign[other]:
        positive = 0
        for k in range(count):
            positive += sign[k] > 0
        if positive == 1:
            return other, low
    return low, other
