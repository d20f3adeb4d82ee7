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
from edgetrig.optimize.digits import Columns, Digits, Values, put_in, spot_of
from edgetrig.optimize.pairs import share_pairs
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.stage_trees import Plan, plant_staged, room, staged_tree, weight_of
from edgetrig.optimize.sums import bits, sum_cost
from edgetrig.optimize.trees import LUT_COST, best_tree, listed_terms, plant

Flags = NDArray[np.bool_]

_LEFT_OUT: Final = 10
"""Sums that an attempt leaves out in the mean."""
_NOISE: Final = 0.3
_AHEAD_DIGITS: Final = 1_000
"""Digits of a problem from which on an attempt is long beside handing it to another core."""
_OVERFULL: Final = 1.5
"""Digits of a column, by those that full stages hold, beyond which early sums save no registers."""
_EARLY_PLACES: Final = 5
"""Places in which a sum of inputs has to occur to be worth registers of its own."""
_CROWDED_PLACES: Final = 7
"""The same where sums in fewer places may go into groups of the first stage."""
_FREE: Final = Plan(0, 0, 0, 0, _EARLY_PLACES, False)
"""Nothing is known of stages."""
_MOST_AHEAD: Final = 4
"""Attempts at once: more would double the work for a third less time."""
_TREES: Final = 16
_TREE_WORK: Final = 1_000_000
"""Cubes of terms that one column's trees may take for each unit of effort, 16 trees at most."""


class Problem(NamedTuple):
    """Columns of shifted, signed inputs to be summed.

    Column ``j`` holds the digits ``begin[j]`` to ``begin[j + 1] - 1`` and the input ``bias[j]``
    (-1 for none), ``bias_shift[j]`` to the left. Inputs have intervals and depths.
    """

    begin: Ints
    value: Ints
    shift: Ints
    sign: Ints
    bias: Ints
    bias_shift: Ints
    lo: Ints
    hi: Ints
    depth: Ints


class State(NamedTuple):
    """A problem some of whose pairs are shared: ``made[0]`` sums.

    ``stage`` is the number of adders between two registers, or 0; ``plan`` says what fits there.
    """

    digits: Digits
    columns: Columns
    values: Values
    made: Ints
    stage: int
    plan: Plan


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
    best = _shared(problem, extra_depth, stage, ternary, np.zeros((4, 0), np.int64), 0)
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
        state = _shared(problem, extra_depth, best.stage, best.plan.levels > 0, kept, attempt)
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
def _shared(
    problem: Problem, extra_depth: int, stage: int, ternary: bool, kept: Ints, seed: int
) -> State:
    """Share pairs, first those of `kept`."""
    digits, columns, values = _digits_of(problem)
    _weigh_columns(problem, _FREE, columns)
    for column in range(len(problem.bias)):
        if extra_depth >= 0 and columns.kraft[column] > 0:
            least = np.ceil(np.log2(columns.kraft[column]))
            columns.bound[column] = 2.0 ** (least + extra_depth)
    noise, plan = _NOISE if seed > 0 else 0.0, _within_stages(columns, stage, ternary)
    if plan.levels > 0:
        _weigh_columns(problem, plan, columns)
    made = share_pairs(digits, columns, values, len(problem.lo), kept, seed, noise, plan)
    return State(digits, columns, values, np.full(1, made), stage, plan)


@jit
def _weigh_columns(problem: Problem, plan: Plan, columns: Columns) -> None:
    for column in range(len(problem.bias)):
        columns.kraft[column] = 0.0
        for k in range(problem.begin[column], problem.begin[column + 1]):
            columns.kraft[column] += weight_of(problem.depth[problem.value[k]], 0, plan)
        if problem.bias[column] >= 0:
            columns.kraft[column] += weight_of(problem.depth[problem.bias[column]], 0, plan)


@jit
def _within_stages(columns: Columns, stage: int, ternary: bool) -> Plan:
    """Let no column be deeper than stages full of adders; return what these hold.

    The deepest column decides how many full stages there are behind the first. If that is none, or
    it has many more digits than they hold and there are no sums of three, bounds stay as they are,
    and there is no first stage.
    """
    most = 1.0
    for kraft in columns.kraft:
        most = max(most, kraft)
    deepest = int(np.ceil(np.log2(most)))
    stages = (deepest - 1) // stage if stage > 0 else 0
    if stages < 1:
        return _FREE
    if ternary:
        plan = Plan(stage, (stage + 1) // 2, stages, stage, _EARLY_PLACES, False)
        if most > _OVERFULL * room(plan):
            plan = Plan(stage, plan.levels, stages, stage, _CROWDED_PLACES, True)
    else:
        plan = Plan(stage, 0, stages, stage * stages, _EARLY_PLACES, False)
        if most > _OVERFULL * room(plan):
            return _FREE
    for column in range(len(columns.bound)):
        columns.bound[column] = min(columns.bound[column], room(plan))
    return plan


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
    digits, columns, values, shared, stage, plan = state
    made, outputs, inputs = shared[0], len(problem.bias), len(problem.lo)
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


@jit
def _digits_of(problem: Problem) -> tuple[Digits, Columns, Values]:
    """Return the digits, value by value, in their columns."""
    inputs, outputs, count = len(problem.lo), len(problem.bias), len(problem.value)
    most = inputs + count + 2 * outputs + 1
    places = 2 * count  # every sum takes two digits for one
    digits = Digits(
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.bool_),
        np.zeros(1, np.int64),
    )
    columns = Columns(
        np.full(outputs, -1),
        np.zeros(outputs, np.int64),
        np.zeros(outputs, np.float64),
        np.full(outputs, np.inf),
    )
    values = Values(
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros((4, most), np.int64),
        np.arange(places),
        np.zeros(places, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.bool_),
    )
    for value in range(inputs):
        values.lo[value], values.hi[value] = problem.lo[value], problem.hi[value]
        values.depth[value] = problem.depth[value]
    for value in problem.value:
        values.living[value] += 1
    for value in range(1, inputs):
        values.first[value] = values.first[value - 1] + values.living[value - 1]
    place = values.first.copy()
    for column in range(outputs):
        for old in range(problem.begin[column], problem.begin[column + 1]):
            value = problem.value[old]
            new = place[value]
            place[value] += 1
            digits.value[new], digits.column[new] = value, column
            digits.shift[new], digits.sign[new] = problem.shift[old], problem.sign[old]
            values.spots[new] = spot_of(column, problem.shift[old], problem.sign[old])
    for new in range(count):
        put_in(new, digits, columns)
    return digits, columns, values
