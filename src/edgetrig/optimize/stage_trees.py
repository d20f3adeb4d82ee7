"""Trees of sums of three for pipelines: as few values as can be cross the ends of stages.

A sum of three takes one LUT a bit in front of registers and two elsewhere, as two sums do, but the
time of less than two. So each stage but the last adds up its values by sums of three of sums of
three, and the last one, whose numbers are the widest, by sums of two. The first stage has the
inputs: it makes the sums that many columns share (`edgetrig.optimize.pairs`), and what is still too
much for the stages behind it is added up in groups, three times three inputs or three short sums.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.optimize.digits import Values
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.sums import bits, sum_interval

SHORT: Final = -1
"""`Values.early` of a sum of two inputs that groups of the first stage alone read."""
_GROUP: Final = 9
"""Inputs of a group: three of each of three sums."""
_PLACE_BITS: Final = 32


class Plan(NamedTuple):
    """What fits between registers.

    Parameters
    ----------
    adders
        Adders of a sum that is made in front of the first registers; 0 for no such sums.
    levels
        Sums of three in a row in a stage between the first and the last; 0 for sums of two alone.
    stages
        Stages behind the first.
    tail
        Sums of two in a row in the last stage.
    places
        Places in which a sum of inputs has to occur to be worth registers of its own.
    crowded
        Whether columns have many more terms than the stages behind the first hold.
    """

    adders: int
    levels: int
    stages: int
    tail: int
    places: int
    crowded: bool


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
    """The terms that each sum adds (the third may be -1), and what is counted of them.

    A sum takes the place of the first of its terms. ``totals`` holds the number of sums, the terms
    left, LUTs and register bits.
    """

    joined: Ints
    totals: Ints


_SUMS, _LEFT, _LUTS, _BITS = range(4)


@jit
def room(plan: Plan) -> float:
    """Return how many terms the stages behind the first hold."""
    return 3.0 ** (plan.levels * (plan.stages - 1)) * 2.0**plan.tail


@jit
def weight_of(depth: int, early: int, plan: Plan) -> float:
    """Return how many terms of the least depth take as much of the tree as one value does."""
    if early == SHORT:
        return 1 / 3
    flat = min(depth, plan.levels * (plan.stages - 1))
    return 3.0**flat * 2.0 ** (depth - flat)


@jit
def staged_tree(listed: Ints, values: Values, inputs: int, plan: Plan) -> tuple[int, Ints]:
    """Return what a column's tree takes, LUTs and register bits, and the terms its sums add.

    Parameters
    ----------
    listed
        Value, shift and sign of the terms, shape (3, terms).
    values
        The values, of which the first `inputs` are inputs.
    plan
        What fits between registers.
    """
    count = listed.shape[1]
    terms = Terms(
        values.lo[listed[0]],
        values.hi[listed[0]],
        listed[1].copy(),
        listed[2].copy(),
        values.depth[listed[0]],
    )
    tree = Tree(np.full((max(count - 1, 0), 3), -1), np.zeros(4, np.int64))
    tree.totals[_LEFT] = count
    weight = 0.0
    short, raw = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for k in range(count):
        value = listed[0, k]
        short[k] = values.early[value] == SHORT
        raw[k] = value < inputs and values.depth[value] == 0
        weight += weight_of(values.depth[value], 0, plan) if not short[k] else 0.0
    weight += _short_groups(short, raw, terms, tree)
    _input_groups(weight - room(plan), raw, terms, tree)
    _grow(plan, terms, tree)
    made = tree.totals[_SUMS]
    return tree.totals[_LUTS] + tree.totals[_BITS], tree.joined[:made]


@jit
def _short_groups(
    short: NDArray[np.bool_], raw: NDArray[np.bool_], terms: Terms, tree: Tree
) -> int:
    """Add up short sums, three at a time, the last ones with inputs; return the change of weight.

    That is the number of groups, less the inputs in them.
    """
    order = _sorted(short, terms)
    groups, taken = 0, 0
    for first in range(0, len(order), 3):
        members = np.full(3, -1)
        for k in range(3):
            if first + k < len(order):
                members[k] = order[first + k]
            else:
                members[k] = _nearest(terms.shift[members[0]], raw, terms)
                if members[k] >= 0:
                    raw[members[k]] = False
                    taken += 1
        if members[1] >= 0:
            _join(members[0], members[1], members[2], True, 0, terms, tree)
        tree.totals[_BITS] += bits(terms.lo[members[0]], terms.hi[members[0]])
        groups += 1
    return groups - taken


@jit
def _nearest(shift: int, raw: NDArray[np.bool_], terms: Terms) -> int:
    """Return the input of the nearest shift, or -1 if there is none."""
    best = -1
    for k in range(len(raw)):
        if raw[k] and (best < 0 or abs(terms.shift[k] - shift) < abs(terms.shift[best] - shift)):
            best = k
    return best


@jit
def _input_groups(excess: float, raw: NDArray[np.bool_], terms: Terms, tree: Tree) -> None:
    """Add up inputs of close shifts, up to nine at a time, until `excess` terms are gone."""
    while excess > 0:
        order = _sorted(raw, terms)
        size = min(_GROUP, int(np.ceil(excess)) + 1, len(order))
        if size < 2:
            return
        best, spread = 0, 1 << _PLACE_BITS
        for k in range(len(order) - size + 1):
            apart = terms.shift[order[k + size - 1]] - terms.shift[order[k]]
            if apart < spread:
                best, spread = k, apart
        for k in range(best, best + size):
            raw[order[k]] = False
        members, first = np.full(3, -1), best
        for k in range(3 if size > 3 else size):
            part = (best + size - first) // (3 - k) if size > 3 else 1
            members[k] = order[first]
            if part > 1:
                third = order[first + 2] if part > 2 else -1
                _join(order[first], order[first + 1], third, False, 0, terms, tree)
            first += part
        _join(members[0], members[1], members[2], True, 0, terms, tree)
        tree.totals[_BITS] += bits(terms.lo[members[0]], terms.hi[members[0]])
        excess -= size - 1


@jit
def _grow(plan: Plan, terms: Terms, tree: Tree) -> None:
    """Add up all terms behind the first stage, level by level."""
    level, flat = 0, plan.levels * (plan.stages - 1)
    while tree.totals[_LEFT] > 1:
        left = tree.totals[_LEFT]
        ready = (terms.level >= 0) & (terms.level <= level)
        if level < flat:
            at_end = (level + 1) % plan.levels == 0
            _add_level(3, left, ready, at_end, level + 1, terms, tree)
        elif level == flat and 3 < left <= 6:
            _add_level(2, left - 3, ready, False, level + 1, terms, tree)  # then a sum of three
        else:
            three = left == 3 and level <= flat + 1
            _add_level(3 if three else 2, left, ready, three, level + 1, terms, tree)
        level += 1
        if level <= flat and level % plan.levels == 0:
            for k in range(len(terms.level)):
                if terms.level[k] >= 0:
                    tree.totals[_BITS] += bits(terms.lo[k], terms.hi[k])


@jit
def _add_level(
    size: int,
    most: int,
    ready: NDArray[np.bool_],
    at_end: bool,
    level: int,
    terms: Terms,
    tree: Tree,
) -> None:
    """Add terms of close shifts, so many at a time, in `most` sums at most.

    Of the terms left over, two are added and one waits; these are the widest, which take longest.
    """
    order = _sorted(ready, terms)
    count = len(order)
    for last in range(count - 1, count - 1 - count % size, -1):
        widest = last
        for k in range(last):
            if _width(order[k], terms) > _width(order[widest], terms):
                widest = k
        moved = order[widest]
        for k in range(widest, last):
            order[k] = order[k + 1]
        order[last] = moved
    for made in range(min((count + 1) // size if size > 2 else count // 2, most)):
        first = made * size
        third = order[first + 2] if size > 2 and first + 2 < count else -1
        _join(order[first], order[first + 1], third, at_end, level, terms, tree)


@jit
def _width(k: int, terms: Terms) -> int:
    return bits(terms.lo[k], terms.hi[k])


@jit
def _sorted(chosen: NDArray[np.bool_], terms: Terms) -> Ints:
    """Return the chosen terms by shift, then by width, then as they come."""
    keys, count = np.zeros(len(chosen), np.int64), 0
    for k in range(len(chosen)):
        if chosen[k]:
            keys[count] = ((terms.shift[k] << 8 | _width(k, terms)) << _PLACE_BITS) | k
            count += 1
    return np.sort(keys[:count]) & ((1 << _PLACE_BITS) - 1)


@jit
def _join(a: int, b: int, c: int, at_end: bool, level: int, terms: Terms, tree: Tree) -> None:
    """Put the sum of two or three terms, the lowest first, in the place of the first of them."""
    lo, hi, shift, sign = terms.lo, terms.hi, terms.shift, terms.sign
    middle = shift[b]
    for other in (b, c):
        if other >= 0:
            apart = shift[other] - shift[a]
            subtract = 1 if sign[other] != sign[a] else 0
            lo[a], hi[a] = sum_interval(lo[a], hi[a], lo[other], hi[other], apart, subtract)
            if sign[a] < 0 < sign[other]:
                lo[a], hi[a], sign[a] = -hi[a], -lo[a], 1
            shift[a] = min(shift[a], shift[other])
            terms.level[other] = -1
            tree.totals[_LEFT] -= 1
    terms.level[a] = level
    luts = max(_width(a, terms) - (middle - shift[a]), 1)
    tree.totals[_LUTS] += luts if c < 0 or at_end else 2 * luts
    made = tree.totals[_SUMS]
    tree.joined[made, 0], tree.joined[made, 1], tree.joined[made, 2] = a, b, c
    tree.totals[_SUMS] += 1


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
        Set for a sum that is, with the next one, a sum of three.
    first, inputs
        Number of the tree's first sum; number of inputs.
    """
    if listed.shape[1] == 0:
        return -1, 0, 1, first
    value, shift, sign = listed[0], listed[1], listed[2]
    last = 0
    for step in range(len(joined)):
        last = joined[step, 0]
        order = _positive_first(joined[step], shift, sign)
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
def _positive_first(members: Ints, shift: Ints, sign: Ints) -> Ints:
    """Return two or three terms, those of positive sign first, then by shift."""
    order = members[: 3 if members[2] >= 0 else 2].copy()
    for i in range(len(order)):
        for j in range(i):
            one, other = order[j], order[i]
            if (-sign[other], shift[other]) < (-sign[one], shift[one]):
                order[i], order[j] = one, other
    return order
