"""Sums of two to six shifted terms: what they take, and how they are entered into a graph.

Sums of four and more are counters with a sum of three behind them (`edgetrig.optimize.sum_rows`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.sums import bits, sum_interval

_PLACE_BITS: Final = 32


class Terms(NamedTuple):
    """What is left of a column: intervals, shifts and signs, and how deep in the tree it is.

    A term that is gone has the level -1.
    """

    lo: Ints
    hi: Ints
    shift: Ints
    sign: Ints
    level: Ints


class Tree(NamedTuple):
    """The terms that each sum adds (-1 for none), and what is counted of them.

    A sum takes the place of the first of its terms. ``totals`` holds the number of sums, the terms
    left, LUTs and register bits.
    """

    joined: Ints
    totals: Ints


SUMS, LEFT, LUTS, BITS = range(4)
"""Places in `Tree.totals`."""


@jit
def width_of(k: int, terms: Terms) -> int:
    """Return the bits of a term."""
    return bits(terms.lo[k], terms.hi[k])


@jit
def sorted_terms(chosen: NDArray[np.bool_], terms: Terms) -> Ints:
    """Return the chosen terms by shift, then by width, then as they come."""
    keys, count = np.zeros(len(chosen), np.int64), 0
    for k in range(len(chosen)):
        if chosen[k]:
            keys[count] = ((terms.shift[k] << 8 | width_of(k, terms)) << _PLACE_BITS) | k
            count += 1
    return np.sort(keys[:count]) & ((1 << _PLACE_BITS) - 1)


@jit
def join(members: Ints, at_end: bool, level: int, terms: Terms, tree: Tree) -> None:
    """Put the sum of two to six terms, the lowest first, in the place of the first of them."""
    tree.totals[LUTS] += luts_of(members, at_end, terms)
    lo, hi, shift, sign = _sum_of(members, terms)
    first = members[0]
    terms.lo[first], terms.hi[first] = lo, hi
    terms.shift[first], terms.sign[first], terms.level[first] = shift, sign, level
    made = tree.totals[SUMS]
    for k in range(len(members)):
        tree.joined[made, k] = members[k]
        if k > 0:
            terms.level[members[k]] = -1
    tree.totals[LEFT] -= len(members) - 1
    tree.totals[SUMS] += 1


@jit
def _sum_of(members: Ints, terms: Terms) -> tuple[int, int, int, int]:
    """Return interval, shift and sign of a sum."""
    first = members[0]
    lo, hi, shift, sign = terms.lo[first], terms.hi[first], terms.shift[first], terms.sign[first]
    minus = 1 if sign < 0 else 0
    for other in members[1:]:
        apart = terms.shift[other] - shift
        subtract = 1 if terms.sign[other] != sign else 0
        lo, hi = sum_interval(lo, hi, terms.lo[other], terms.hi[other], apart, subtract)
        shift = min(shift, terms.shift[other])
        minus += 1 if terms.sign[other] < 0 else 0
    wanted = sign_of_sum(len(members), minus)
    if sign != wanted:
        lo, hi = -hi, -lo
    return lo, hi, shift, wanted


@jit
def sign_of_sum(count: int, minus: int) -> int:
    """Return the sign of a sum so many of whose terms are negative.

    An adder needs one positive term; a counter inverts those that are not like most.
    """
    return -1 if minus == count or (count > 3 and 2 * minus > count) else 1


@jit
def luts_of(members: Ints, at_end: bool, terms: Terms) -> int:
    """Return the LUTs of the sum of terms, the lowest first, in front of registers or not."""
    lo, hi, shift, _ = _sum_of(members, terms)
    top = shift + bits(lo, hi)
    if len(members) <= 3:
        each = 1 if len(members) == 2 or at_end else 2
        return each * int(max(top - terms.shift[members[1]], 1))
    second, last = terms.shift[members[1]], 0
    for k in members:
        last = max(last, terms.shift[k] + width_of(k, terms))
    luts = int(max(top - second - 1, 1))  # the sum of three of what is counted
    for place in range(second, last):
        there = 0
        for k in members:
            there += 1 if terms.shift[k] <= place else 0
        luts += 2 if there <= 3 else 3
    return luts


@jit
def plant_staged(
    listed: Ints, joined: Ints, sums: Ints, halves: NDArray[np.bool_], first: int, inputs: int
) -> tuple[int, int, int, int]:
    """Enter a tree's sums, from number `first` on; return value (or -1), shift and sign of it all.

    And the number of the next sum.

    Parameters
    ----------
    listed
        The terms, as for `staged_tree`; used up.
    joined
        The terms that the sums add, from `staged_tree`.
    sums
        Operands, shift of the second, and 1 if it is subtracted, of all sums, shape (4, sums).
    halves
        Set for a sum that is, with the next one, part of a sum of three or more.
    first, inputs
        Number of the tree's first sum; number of inputs.
    """
    if listed.shape[1] == 0:
        return -1, 0, 1, first
    value, shift, sign = listed[0], listed[1], listed[2]
    last = 0
    for step in range(len(joined)):
        last = joined[step, 0]
        order = _leading_first(joined[step], shift, sign)
        one, at, by = value[order[0]], shift[order[0]], sign[order[0]]
        for k in range(1, len(order)):
            other = order[k]
            sums[0, first], sums[1, first] = one, value[other]
            sums[2, first] = shift[other] - at
            sums[3, first] = 1 if sign[other] != by else 0
            halves[first] = k + 1 < len(order)
            one, at = inputs + first, min(at, shift[other])
            first += 1
        value[last], shift[last], sign[last] = one, at, by
    return value[last], shift[last], sign[last], first


@jit
def _leading_first(members: Ints, shift: Ints, sign: Ints) -> Ints:
    """Return the terms of a sum, those of the sum's own sign first, then by shift."""
    order = members[members >= 0]
    wanted = sign_of_sum(len(order), (sign[order] < 0).sum())
    for i in range(len(order)):
        for j in range(i):
            one, other = order[j], order[i]
            if (-wanted * sign[other], shift[other]) < (-wanted * sign[one], shift[one]):
                order[i], order[j] = one, other
    return order
