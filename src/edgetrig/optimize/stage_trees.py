"""Trees of sums for pipelines: as few values as can be cross the ends of stages.

The first stage has the inputs: it makes the sums that many columns share
(`edgetrig.optimize.pairs`). Each stage but the last then ends in sums of three, which take one LUT
a bit in front of registers and two elsewhere, and the last one, whose numbers are the widest, adds
two at a time.

What lies in front of those sums of three depends on how much there is to add. Sums of three again
hold nine terms. Where columns have many more than that, counters do: six numbers have a count of
three bits in each place, one LUT each, in less time than an adder takes
(`edgetrig.optimize.sum_rows`). So sums of two, a counter of six of them, and a sum of three of what
it counts hold twelve terms.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.optimize.digits import Values
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.terms import (
    BITS,
    LEFT,
    LUTS,
    SUMS,
    Terms,
    Tree,
    join,
    luts_of,
    sorted_terms,
    width_of,
)

PAIR: Final = -1
"""`Values.early` of a sum of two inputs, which groups of the first stage may read, too."""
_COUNTED: Final = 6
"""Numbers that a counter counts."""
_HELD: Final = 2 * _COUNTED
"""Terms that a stage with counters makes one of."""
_STAGE_ADDERS: Final = 3
"""Adders in a row that take as long as a stage with counters."""


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
    counted
        Whether counters stand in front of the sums of three of those stages.
    """

    adders: int
    levels: int
    stages: int
    tail: int
    counted: bool


@jit
def room(plan: Plan) -> float:
    """Return how many terms the stages behind the first hold."""
    each = float(_HELD) if plan.counted else 3.0**plan.levels
    return each ** (plan.stages - 1) * 2.0**plan.tail


@jit
def weight_of(depth: int, plan: Plan) -> float:
    """Return how many terms of the least depth take as much of the tree as one value does."""
    if plan.counted:
        stages = min((depth + 1) // _STAGE_ADDERS, plan.stages - 1)
        return float(_HELD) ** stages * 2.0 ** max(depth - _STAGE_ADDERS * stages, 0)
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
    tree = Tree(np.full((max(count - 1, 0), _COUNTED), -1), np.zeros(4, np.int64))
    tree.totals[LEFT] = count
    weight, pairs, single = 0.0, np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for k in range(count):
        value = listed[0, k]
        pairs[k] = values.early[value] == PAIR
        single[k] = value < inputs and values.depth[value] == 0
        weight += weight_of(values.depth[value], plan)
    _first_groups(weight - room(plan), pairs, single, plan, terms, tree)
    level = 0
    for _ in range(plan.stages - 1):
        if tree.totals[LEFT] == 1:
            break
        if plan.counted:
            level = _count(level, terms, tree)
        else:
            level = _add_threes(level, plan, terms, tree)
        for k in range(count):
            if terms.level[k] >= 0:
                tree.totals[BITS] += width_of(k, terms)
    _add_last(level, terms, tree)
    made = tree.totals[SUMS]
    return tree.totals[LUTS] + tree.totals[BITS], tree.joined[:made]


# ---- stages -------------------------------------------------------------------------------------


@jit
def _first_groups(
    excess: float,
    pairs: NDArray[np.bool_],
    single: NDArray[np.bool_],
    plan: Plan,
    terms: Terms,
    tree: Tree,
) -> None:
    """Add up terms of close shifts in front of the first registers, until `excess` are gone.

    Those are shared sums of two inputs, then inputs, as many as a counter and sums of two hold.
    """
    while excess > 0:
        each = 2 if pairs.sum() > 2 else 1
        chosen = pairs if each == 2 else single
        order = sorted_terms(chosen, terms)
        wanted = int(np.ceil((excess + weight_of(1, plan)) / each))
        size = min(_HELD // each, wanted, len(order))
        if each * size <= weight_of(1, plan):
            return
        best, spread = 0, terms.shift.max() + 1
        for k in range(len(order) - size + 1):
            apart = terms.shift[order[k + size - 1]] - terms.shift[order[k]]
            if apart < spread:
                best, spread = k, apart
        group = np.zeros(len(chosen), np.bool_)
        for k in range(best, best + size):
            chosen[order[k]], group[order[k]] = False, True
        _add_pairs(size - _COUNTED, group.copy(), 0, terms, tree)
        members = sorted_terms(group & (terms.level >= 0), terms)
        join(members, True, 1, terms, tree)  # too wide for a sum in front of a counter
        tree.totals[BITS] += width_of(members[0], terms)
        excess -= each * size - weight_of(1, plan)


@jit
def _count(level: int, terms: Terms, tree: Tree) -> int:
    """Add up all that a stage with counters has time for, into as few values as it can.

    Levels count adders; the level behind the stage is returned.
    """
    single = (terms.level >= 0) & (terms.level <= level)
    ready = (terms.level >= 0) & (terms.level <= level + 1)
    sums = ready.sum() - single.sum()  # shared ones
    made = int(np.ceil((2 * sums + single.sum()) / _HELD))
    _add_pairs(ready.sum() - _COUNTED * made, single, level + 1, terms, tree)
    order = sorted_terms(ready & (terms.level >= 0), terms)
    for k in range(made):
        members = order[k * len(order) // made : (k + 1) * len(order) // made]
        if len(members) > 1:
            join(members, True, level + _STAGE_ADDERS, terms, tree)
    return level + _STAGE_ADDERS


@jit
def _add_pairs(count: int, chosen: NDArray[np.bool_], level: int, terms: Terms, tree: Tree) -> None:
    """Make so many sums of two of the chosen terms, of neighbours by shift, the cheapest first.

    Those that are left are chosen still.
    """
    for _ in range(count):
        order = sorted_terms(chosen & (terms.level >= 0), terms)
        best, least = -1, 0
        for k in range(len(order) - 1):
            luts = luts_of(order[k : k + 2], False, terms)
            if best < 0 or luts < least:
                best, least = k, luts
        if best < 0:
            return
        pair = order[best : best + 2]
        join(pair, False, level, terms, tree)
        chosen[pair[0]] = False


@jit
def _add_threes(level: int, plan: Plan, terms: Terms, tree: Tree) -> int:
    """Add up all in sums of three, one behind the other; return the level behind the stage."""
    for k in range(plan.levels):
        ready = (terms.level >= 0) & (terms.level <= level)
        at_end = k == plan.levels - 1
        _add_level(3, tree.totals[LEFT], ready, at_end, level + 1, terms, tree)
        level += 1
    return level


@jit
def _add_last(first: int, terms: Terms, tree: Tree) -> None:
    """Add up all that is left two at a time, or the last three at once."""
    level = first
    while tree.totals[LEFT] > 1:
        left = tree.totals[LEFT]
        ready = (terms.level >= 0) & (terms.level <= level)
        if level == first and 3 < left <= 6:
            _add_level(2, left - 3, ready, False, level + 1, terms, tree)  # then a sum of three
        else:
            three = left == 3 and level <= first + 1
            _add_level(3 if three else 2, left, ready, three, level + 1, terms, tree)
        level += 1


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
    order = sorted_terms(ready, terms)
    count = len(order)
    for last in range(count - 1, count - 1 - count % size, -1):
        widest = last
        for k in range(last):
            if width_of(order[k], terms) > width_of(order[widest], terms):
                widest = k
        moved = order[widest]
        for k in range(widest, last):
            order[k] = order[k + 1]
        order[last] = moved
    for made in range(min((count + 1) // size if size > 2 else count // 2, most)):
        members = order[made * size : min((made + 1) * size, count)]
        join(members, at_end, level, terms, tree)
