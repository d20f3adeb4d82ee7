"""The search for low cost: sharing is done over and over, each time with some sums left out.

The first solution takes the most valuable pair first, which is good and not best: an early sum may
stand in the way of better ones. So a few of its shared sums are left out, the others are made
again, and what is left is shared with some noise in the worths. What costs no more is the next to
start from (ruin and recreate: G. Schrimpf et al., J. Comput. Phys. 159, 2000).

Four of five attempts come to nothing. So several cores make the next attempts at once, as if each
were the first to find something; what follows one that did is thrown away and made again. The
result is that of one core.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.optimize.digits import Values
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.sharing import Problem, State, shared
from edgetrig.optimize.stage_trees import staged_tree
from edgetrig.optimize.sums import bits, sum_cost
from edgetrig.optimize.terms import plant_staged
from edgetrig.optimize.trees import LUT_COST, best_tree, listed_terms, plant

Flags = NDArray[np.bool_]

_LEFT_OUT: Final = 10
"""Sums that an attempt leaves out in the mean."""
_AHEAD_DIGITS: Final = 1_000
"""Digits of a problem from which on an attempt is long beside handing it to another core."""
_MOST_AHEAD: Final = 4
"""Attempts at once: more would double the work for a third less time."""
_TREES: Final = 16
_TREE_WORK: Final = 1_000_000
"""Cubes of terms that one column's trees may take for each unit of effort, 16 trees at most."""


class Known(NamedTuple):
    """The cost of each column's tree, and a number that tells its terms from others."""

    cost: Ints
    name: Ints


def solve(
    problem: Problem,
    extra_depth: int,
    attempts: int,
    effort: int,
    stage: int,
    ternary: bool = False,
    cores: int = 1,
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Flags]:
    """Share pairs and add up what is left; return the fields of `shift_add.Sums`.

    Parameters
    ----------
    problem
        What to sum.
    extra_depth
        Adders an output may be deeper than the least possible; negative for no bound.
    attempts
        How often to look for a better solution than the first.
    effort
        How many trees to try for what is left of a column.
    stage
        Adders between two registers, or 0: see `edgetrig.optimize.shift_add`.
    ternary
        Whether stages may be full of sums of three.
    cores
        How many cores may look; the result is the same for any number.
    """
    best = shared(problem, extra_depth, stage, ternary, np.zeros((4, 0), np.int64), 0)
    if attempts > 0:
        ahead = min(cores, _MOST_AHEAD) if len(problem.value) >= _AHEAD_DIGITS else 1
        best = _searched(problem, best, extra_depth, attempts, ahead)
    return _graph(problem, best, effort)


def _searched(problem: Problem, best: State, extra_depth: int, attempts: int, ahead: int) -> State:
    """Return the best state found, making so many attempts at once."""
    outputs = len(problem.bias)
    known = [Known(*np.zeros((2, outputs), np.int64)) for _ in range(ahead)]
    cost = _cost(problem, best, known[0])
    random, done = np.ones(1, np.int64), 0
    if ahead == 1:
        return _improved(problem, best, cost, known[0], random, extra_depth, 1, attempts).state

    def attempt(k: int) -> tuple[Improved, Ints]:
        own, number = _without(random, best, k), done + 1 + k
        found = _improved(problem, best, cost, known[k], own, extra_depth, number, number)
        return found, own

    with ThreadPoolExecutor(ahead) as pool:
        while done < attempts:
            for found, own in list(pool.map(attempt, range(min(ahead, attempts - done)))):
                random, done = own, done + 1
                if found.taken:
                    best, cost = found.state, found.cost
                    break
    return best


class Improved(NamedTuple):
    """The best state of some attempts, its cost, and whether an attempt made it."""

    state: State
    cost: int
    taken: bool


@jit
def _improved(
    problem: Problem,
    best: State,
    cost: int,
    known: Known,
    random: Ints,
    extra_depth: int,
    first: int,
    last: int,
) -> Improved:
    """Make the attempts with the numbers `first` to `last`, each from the best state so far."""
    taken = False
    for attempt in range(first, last + 1):
        kept = _some(best, random)
        state = shared(problem, extra_depth, best.stage, best.plan.levels > 0, kept, attempt)
        found = _cost(problem, state, known)
        if found <= cost:
            best, cost, taken = state, found, True
    return Improved(best, cost, taken)


@jit
def _without(random: Ints, state: State, attempts: int) -> Ints:
    """Return the random number that is next if so many attempts left the state as it is."""
    later = random.copy()
    for _ in range(attempts * (1 + state.made[0])):  # the numbers that `_some` takes
        _uniform(later)
    return later


@jit
def _uniform(random: Ints) -> float:
    """Return the next random number from 0 to 1 (a linear congruential generator, D. E. Knuth)."""
    random[0] = random[0] * 6364136223846793005 + 1442695040888963407
    return float((random[0] >> 33) & 0xFFFFFF) / float(1 << 24)


@jit
def _some(state: State, random: Ints) -> Ints:
    """Return the sums of a state without a few."""
    made = state.made[0]
    part = 2 * _LEFT_OUT * _uniform(random) / max(made, 1)
    kept = state.values.made[:, :made].copy()
    for k in range(made):
        if _uniform(random) < part:
            kept[0, k] = -1
    return kept


@jit
def _cost(problem: Problem, state: State, known: Known) -> int:
    """Return the cost of a state: of its shared sums, and of trees for what is left."""
    digits, columns, values, made, stage, plan = state
    lo, hi, total, inputs = values.lo, values.hi, 0, len(problem.lo)
    for k in range(made[0]):
        a, b, shift, subtract = values.made[:, k]
        total += LUT_COST * sum_cost(lo[a], hi[a], lo[b], hi[b], shift, subtract)
        if plan.levels > 0 and values.early[inputs + k] > 0:
            total += LUT_COST * bits(lo[inputs + k], hi[inputs + k])
    for column in range(len(problem.bias)):
        bias, bias_shift = problem.bias[column], problem.bias_shift[column]
        listed = listed_terms(digits, columns, column, bias, bias_shift)
        name = _name_of(listed, values)
        if name != known.name[column]:
            if plan.levels > 0:
                cost, _ = staged_tree(listed, values, inputs, plan)
                known.cost[column] = LUT_COST * cost
            else:
                known.cost[column], _ = best_tree(listed, values, 1, stage)
            known.name[column] = name
        total += known.cost[column]
    return int(total)


@jit
def _name_of(listed: Ints, values: Values) -> int:
    """Return a number that other terms hardly have too."""
    name = 1
    for k in range(listed.shape[1]):
        value = listed[0, k]
        for part in (values.lo[value], values.hi[value], values.depth[value]):
            name = (name ^ part) * -7046029254386353131
            name ^= name >> 29
        name = (name ^ (listed[1, k] * 2 + (listed[2, k] > 0))) * -4658895280553007687
    return int(name)


@jit
def _graph(
    problem: Problem, state: State, effort: int
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Flags]:
    """Return the fields of `shift_add.Sums`: the shared sums, then the columns' trees."""
    digits, columns, values, sums_made, stage, plan = state
    made, outputs, inputs = sums_made[0], len(problem.bias), len(problem.lo)
    most = made + outputs + columns.length.sum()
    sums, ends = np.zeros((4, most), np.int64), np.zeros((3, outputs), np.int64)
    halves = np.zeros(most, np.bool_)
    for k in range(made):  # slices of arrays would take Numba seconds to compile
        for row in range(4):
            sums[row, k] = values.made[row, k]
    for column in range(outputs):
        bias, bias_shift = problem.bias[column], problem.bias_shift[column]
        listed = listed_terms(digits, columns, column, bias, bias_shift)
        if plan.levels > 0:
            _, joined = staged_tree(listed, values, inputs, plan)
            ends[0, column], ends[1, column], ends[2, column], made = plant_staged(
                listed, joined, sums, halves, made, inputs
            )
            continue
        work = listed.shape[1] ** 3 + 1
        tries = max(1, min(effort * _TREES, effort * _TREE_WORK // work))
        _, joined = best_tree(listed, values, tries, stage)
        ends[0, column], ends[1, column], ends[2, column] = plant(
            listed, joined, sums, made, inputs
        )
        made += len(joined)
    a, b, shift, minus = sums[0, :made], sums[1, :made], sums[2, :made], sums[3, :made]
    half = halves[:made].copy()
    return a.copy(), b.copy(), shift.copy(), minus.copy(), ends[0], ends[1], ends[2], half
