"""Sums of what no pair was shared of: trees of the least depth, cheapest pairs first.

Where stages of so many adders are known, what crosses their ends takes registers. A tree then costs
those, too, and pairs that fit into a stage and leave fewer bits to cross its end come earlier.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.optimize.digits import Columns, Digits, Values
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.sums import bits, sum_cost, sum_interval

Floats = NDArray[np.float64]

LUT_COST: Final = 8
"""Cost of a LUT; a register bit costs 1. More for registers costs more LUTs than it saves bits."""
_NOISE: Final = 1.5
"""Half LUTs that a pair may seem dearer than it is, in all trees of a column but the first."""


class Terms(NamedTuple):
    """What is to be summed in a column: intervals, shifts and signs.

    ``weight`` is ``2**depth``. The first terms count; a sum takes the place of one of its two,
    and the last term that of the other.
    """

    lo: Ints
    hi: Ints
    weight: Floats
    shift: Ints
    sign: Ints


class Scores(NamedTuple):
    """LUTs of the sum of each two terms (the later one first), and how bad a choice it is."""

    luts: Ints
    score: Floats


@jit
def listed_terms(digits: Digits, columns: Columns, column: int, bias: int, shift: int) -> Ints:
    """Return value, shift and sign of what is left of a column and of its constant (or -1)."""
    count = columns.length[column]
    terms = np.ones((3, count + (1 if bias >= 0 else 0)), np.int64)
    digit = columns.head[column]
    for k in range(count - 1, -1, -1):
        terms[0, k] = digits.value[digit]
        terms[1, k] = digits.shift[digit]
        terms[2, k] = digits.sign[digit]
        digit = digits.after[digit]
    if bias >= 0:
        terms[0, count], terms[1, count] = bias, shift
    return terms


@jit
def best_tree(listed: Ints, values: Values, tries: int, stage: int) -> tuple[int, Ints]:
    """Return the cost of the cheapest of several trees, and which terms its sums add, in order.

    Parameters
    ----------
    listed
        Value, shift and sign of the terms, shape (3, terms).
    values
        The values.
    tries
        How many trees to grow: the first of the cheapest pairs, the others with some noise.
    stage
        Adders between two registers, or 0 for none.
    """
    cost, joined = _tree(listed, values, 0, 0.0, stage)
    for k in range(1, tries):
        other, by = _tree(listed, values, k, _NOISE, stage)
        if other < cost:
            cost, joined = other, by
    return cost, joined


@jit
def _tree(listed: Ints, values: Values, seed: int, noise: float, stage: int) -> tuple[int, Ints]:
    """Grow a tree from the cheapest pairs; return its cost and the terms that its sums add."""
    count, cost = listed.shape[1], 0
    lo, hi, depth = values.lo[listed[0]], values.hi[listed[0]], values.depth[listed[0]]
    terms = Terms(lo, hi, 2.0**depth, listed[1].copy(), listed[2].copy())
    scores = Scores(np.zeros((count, count), np.int64), np.zeros((count, count)))
    state = np.full(1, seed)
    for i in range(count):
        for j in range(i):
            _weigh(i, j, terms, scores, state, noise)
    if stage > 0:
        for i in range(count):
            _weigh_registers(i, i, terms, scores, stage)
    joined = np.zeros((max(count - 1, 0), 2), np.int64)
    for step in range(len(joined)):
        weight = terms.weight[:count]
        i, j = _cheapest(scores.score, weight, _power_above(weight) - weight.sum())
        joined[step, 0], joined[step, 1] = i, j
        cost += LUT_COST * scores.luts[i, j] + _crossing(i, j, terms, stage)
        _join(i, j, count, terms)
        count -= 1
        _move(count, i, scores)
        for k in range(count):
            if k != j:
                _weigh(max(j, k), min(j, k), terms, scores, state, noise)
        if stage > 0:
            _weigh_registers(j, count, terms, scores, stage)
    return cost, joined


@jit
def _crossing(i: int, j: int, terms: Terms, stage: int) -> int:
    """Return the register bits of two terms that wait for the stage of their sum."""
    waiting = 0
    if stage > 0:
        added = 2 * max(terms.weight[i], terms.weight[j])
        for k in (i, j):
            end = 2.0**stage
            while end < added:
                if terms.weight[k] <= end:
                    waiting += bits(terms.lo[k], terms.hi[k])
                end *= 2.0**stage
    return waiting


@jit
def _power_above(weight: Floats) -> float:
    """Return the least power of two that is no less than the sum of all weights."""
    return float(2.0 ** np.ceil(np.log2(max(weight.sum(), 1.0))))


@jit
def _growth(one: float, other: float) -> float:
    """Return what putting a sum in the place of two terms adds to the weights of all."""
    return 2 * max(one, other) - one - other


@jit
def _by_shift(i: int, j: int, terms: Terms) -> tuple[int, int, int, int]:
    """Return two terms, the lower shift first, how far apart they are, and whether one is less."""
    low, high = (i, j) if terms.shift[i] <= terms.shift[j] else (j, i)
    subtract = 1 if terms.sign[low] != terms.sign[high] else 0
    return low, high, terms.shift[high] - terms.shift[low], subtract


@jit
def _weigh(i: int, j: int, terms: Terms, scores: Scores, state: Ints, noise: float) -> None:
    """Say what the sum of two terms costs, and how bad a choice it is.

    Of pairs that cost the same, or one LUT more, those of closer shifts are better: what lies far
    apart is added late, when more low bits are free.
    """
    low, high, apart, subtract = _by_shift(i, j, terms)
    lo, hi = terms.lo, terms.hi
    luts = sum_cost(lo[low], hi[low], lo[high], hi[high], apart, subtract)
    scores.luts[i, j], scores.score[i, j] = luts, 2 * luts + apart
    if noise > 0:
        # A linear congruential generator (D. E. Knuth's MMIX).
        state[0] = state[0] * 6364136223846793005 + 1442695040888963407
        scores.score[i, j] += noise * float((state[0] >> 33) & 0xFFFFFF) / float(1 << 24)


@jit
def _weigh_registers(i: int, count: int, terms: Terms, scores: Scores, stage: int) -> None:
    """Let sums of term `i` and the first terms that fit into a stage be as good as they narrow.

    On its own, since a rare branch would make `_weigh` twice as slow.
    """
    lo, hi = terms.lo, terms.hi
    for k in range(count):
        if k == i or 2 * max(terms.weight[i], terms.weight[k]) > 1 << stage:
            continue
        later, earlier = max(i, k), min(i, k)
        low, high, apart, subtract = _by_shift(later, earlier, terms)
        least, most = sum_interval(lo[low], hi[low], lo[high], hi[high], apart, subtract)
        fewer = bits(lo[low], hi[low]) + bits(lo[high], hi[high]) - bits(least, most)
        scores.score[later, earlier] -= 2.0 * fewer / LUT_COST


@jit
def _cheapest(score: Floats, weight: Floats, room: float) -> tuple[int, int]:
    """Return the best pair of terms whose sum leaves the tree flat enough."""
    best, best_i, best_j = np.inf, 1, 0
    for i in range(len(weight)):
        for j in range(i):
            if score[i, j] < best and _growth(weight[i], weight[j]) <= room:
                best, best_i, best_j = score[i, j], i, j
    return best_i, best_j


@jit
def _join(i: int, j: int, count: int, terms: Terms) -> None:
    """Put the sum of two terms in the place of the second, the last term in that of the first."""
    low, other = _ordered(i, j, count, terms.shift, terms.sign)
    lo, hi, weight, shift, sign = terms
    apart = shift[other] - shift[low]
    subtract = 1 if sign[low] != sign[other] else 0
    lo[j], hi[j] = sum_interval(lo[low], hi[low], lo[other], hi[other], apart, subtract)
    sign[j], shift[j] = sign[low], min(shift[low], shift[other])
    weight[j] = 2 * max(weight[i], weight[j])
    for column in (lo, hi, shift, sign):
        column[i] = column[count - 1]
    weight[i] = weight[count - 1]


@jit
def _move(last: int, place: int, scores: Scores) -> None:
    """Let the last term's scores be those of the term in its new place."""
    for k in range(last):
        i, j = max(place, k), min(place, k)
        scores.luts[i, j], scores.score[i, j] = scores.luts[last, k], scores.score[last, k]


@jit
def _ordered(i: int, j: int, count: int, shift: Ints, sign: Ints) -> tuple[int, int]:
    """Return two terms in the order of their sum, whose sign is that of the first.

    The lower one comes first, so that its low bits are free. But the last positive term of a column
    must not be lost in a negative difference, or the whole sum has to be negated in the end.
    """
    low = i if shift[i] < shift[j] or (shift[i] == shift[j] and sign[i] > 0) else j
    other = j if low == i else i
    if sign[low] < 0 < sign[other]:
        positive = 0
        for k in range(count):
            positive += sign[k] > 0
        if positive == 1:
            return other, low
    return low, other


@jit
def plant(listed: Ints, joined: Ints, sums: Ints, first: int, inputs: int) -> tuple[int, int, int]:
    """Enter a tree's sums, from number `first` on; return value (or -1), shift and sign of it all.

    Parameters
    ----------
    listed
        The terms, as for `best_tree`; used up.
    joined
        The terms that the sums add, from `best_tree`.
    sums
        Operands, shift of the second, and 1 if it is subtracted, of all sums, shape (4, sums).
    first, inputs
        Number of the tree's first sum; number of inputs.
    """
    count = listed.shape[1]
    if count == 0:
        return -1, 0, 1
    value, shift, sign = listed[0], listed[1], listed[2]
    for step in range(len(joined)):
        i, j = joined[step, 0], joined[step, 1]
        low, high = _ordered(i, j, count, shift, sign)
        number = first + step
        sums[0, number], sums[1, number] = value[low], value[high]
        sums[2, number] = shift[high] - shift[low]
        sums[3, number] = 1 if sign[low] != sign[high] else 0
        at, by = min(shift[low], shift[high]), sign[low]
        value[j], shift[j], sign[j] = inputs + number, at, by
        count -= 1
        for row in range(3):
            listed[row, i] = listed[row, count]
    return value[0], shift[0], sign[0]
