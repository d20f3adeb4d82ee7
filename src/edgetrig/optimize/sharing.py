"""One way to share: a problem's digits, what stages allow, and the pairs made once.

How deep columns may become follows from the least depth, or from the stages of a pipeline
(`edgetrig.optimize.stage_trees.Plan`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from edgetrig.jit import jit
from edgetrig.optimize.digits import Columns, Digits, Values, put_in, spot_of
from edgetrig.optimize.pairs import share_pairs
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.stage_trees import Plan, room, weight_of

_NOISE: Final = 0.3
_OVERFULL: Final = 1.5
"""Digits of a column, by those that full stages hold, from which on they do not fit there by early
sums alone.
"""
_FREE: Final = Plan(0, 0, 0, 0, False)
"""Nothing is known of stages."""


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


@jit
def shared(
    problem: Problem, extra_depth: int, stage: int, ternary: bool, kept: Ints, seed: int
) -> State:
    """Share pairs, first those of `kept`.

    Parameters
    ----------
    problem, extra_depth, stage, ternary
        See `edgetrig.optimize.search.solve`.
    kept, seed
        See `share_pairs`; seed 0 is without noise.
    """
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
            columns.kraft[column] += weight_of(problem.depth[problem.value[k]], plan)
        if problem.bias[column] >= 0:
            columns.kraft[column] += weight_of(problem.depth[problem.bias[column]], plan)


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
        plan = Plan(stage, (stage + 1) // 2, stages, stage, False)
        if most > _OVERFULL * room(plan):
            plan = Plan(stage, plan.levels, stages, stage, True)
    else:
        plan = Plan(stage, 0, stages, stage * stages, False)
        if most > _OVERFULL * room(plan):
            return _FREE
    for column in range(len(columns.bound)):
        columns.bound[column] = min(columns.bound[column], room(plan))
    return plan


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
