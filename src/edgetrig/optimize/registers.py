"""The placement of least register bits: which stage each row belongs to.

Minimum-area retiming (C. E. Leiserson, J. B. Saxe, Algorithmica 6, 1991) of a circuit without
loops. A placement is legal if no row comes before its operands and, for every path longer than a
stage, its last row comes at least a stage after its first. Register bits are then an L-natural
convex function of the stages, and steepest descent reaches its global minimum (K. Murota, Discrete
Convex Analysis, SIAM 2003): from the soonest placement on, raise by one stage the set of rows that
saves most, until none saves anything. The best set is a minimum cut.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from edgetrig.jit import jit
from edgetrig.optimize.cut import SINK, SOURCE, UNCUT, source_side
from edgetrig.optimize.stages import (
    SLACK,
    Flags,
    Floats,
    Flow,
    Ints,
    Operands,
    latest,
    needed_until,
    soonest,
)

PAIRS: Final = 16_000_000
"""Beyond this many pairs of rows (long stages of large circuits) memory would run out."""


def least_registers(flow: Flow, latency: int, budget: float, most_pairs: int = PAIRS) -> Ints:
    """Return the stage of every row for the least register bits.

    Parameters
    ----------
    flow
        The circuit; it must fit.
    latency
        Number of stages.
    budget
        Time for logic in a stage, in ns; no row takes longer.
    most_pairs
        The minimum is global while at most so many pairs of rows have to be kept a stage apart.
        With more, rows rise from every other stage at a time, where all their paths allow it: the
        result is legal and no worse than the soonest placement, but only locally best.
    """
    stage, last = soonest(flow, budget), latest(flow, budget, latency)
    users, first = _users(flow.operands)
    pairs = _too_far(flow.operands, flow.delay, stage, last, budget, most_pairs)
    exact, parity, idle = len(pairs) <= most_pairs, 0, 0
    while True:
        can_rise = stage < last
        if not exact:
            pairs, parity = pairs[:0], 1 - parity
            can_rise &= _end_in_time(flow.operands, flow.delay, stage, parity, budget)
        until = needed_until(flow.operands, flow.is_output, stage, latency)
        raised = _best_raised(users, first, flow.bits, stage, until, can_rise, pairs)
        idle = 0 if raised.any() else idle + 1
        if idle == (1 if exact else 2):
            return stage
        stage = stage + raised


@jit
def _users(operands: Operands) -> tuple[Ints, Ints]:
    """Return the users of all rows, row by row, each once, and where each row's begin."""
    first = np.zeros(len(operands) + 1, np.int64)
    for row in range(len(operands)):
        for k in range(3):
            if _is_new(operands[row], k):
                first[operands[row, k] + 1] += 1
    for row in range(len(operands)):
        first[row + 1] += first[row]
    users, place = np.zeros(first[-1], np.int64), first[:-1].copy()
    for row in range(len(operands)):
        for k in range(3):
            if _is_new(operands[row], k):
                users[place[operands[row, k]]] = row
                place[operands[row, k]] += 1
    return users, first


@jit
def _is_new(operands: Operands, k: int) -> bool:
    """Return whether there is a k-th operand and none before it is the same row."""
    for earlier in range(k):
        if operands[earlier] == operands[k]:
            return False
    return bool(operands[k] >= 0)


@jit
def _too_far(
    operands: Operands, delay: Floats, soon: Ints, late: Ints, budget: float, most: int
) -> Ints:
    """Return the pairs (earlier row, later row) that must not share a stage, shape (pairs, 2).

    Those that follow from others, or that no placement between `soon` and `late` breaks, are left
    out. The search ends when there are more than `most`.
    """
    count, size = len(operands), 0
    pairs = np.zeros((max(4 * count, 1), 2), np.int64)
    path = np.zeros(count)  # the longest from a row to the end at hand, both included
    queue, met = np.zeros(count, np.int64), np.zeros(count, np.int64)
    waits = np.zeros(count, np.bool_)
    for end in range(count):
        if delay[end] <= 0:
            continue
        path[end], queue[0], met[0] = delay[end], end, end
        begin, waiting, reached = 0, 1, 1
        while waiting > 0:
            row = queue[begin]
            begin, waiting, waits[row] = (begin + 1) % count, waiting - 1, False
            for k in range(3):
                operand = operands[row, k]
                if operand < 0 or late[operand] < soon[end]:
                    continue
                longer = path[row] + delay[operand]
                if longer <= path[operand]:
                    continue
                if path[operand] == 0:
                    met[reached] = operand
                    reached += 1
                path[operand] = longer
                if longer <= budget + SLACK and not waits[operand]:
                    queue[(begin + waiting) % count], waits[operand] = operand, True
                    waiting += 1
        if size + reached > len(pairs):
            pairs = np.concatenate((pairs, np.zeros((len(pairs) + reached, 2), np.int64)))
        for row in met[:reached]:
            inside = path[row] - max(delay[row], delay[end]) <= budget + SLACK
            if path[row] > budget + SLACK and inside:
                pairs[size, 0], pairs[size, 1] = row, end
                size += 1
            path[row] = 0
        if size > most:
            break
    return pairs[:size]


@jit
def _end_in_time(
    operands: Operands, delay: Floats, stage: Ints, parity: int, budget: float
) -> Flags:
    """Return the rows of every other stage whose paths through it and the next fit one stage."""
    time = np.zeros(len(operands))  # of the longest path from each row on, itself included
    for row in range(len(operands) - 1, -1, -1):
        time[row] += delay[row]
        for k in range(3):
            operand = operands[row, k]
            if operand >= 0 and (
                stage[operand] == stage[row]
                or (stage[operand] + 1 == stage[row] and stage[operand] % 2 == parity)
            ):
                time[operand] = max(time[operand], time[row])
    ends: Flags = (stage % 2 == parity) & (time <= budget + SLACK)
    return ends


@jit
def _best_raised(
    users: Ints, first: Ints, bits: Ints, stage: Ints, until: Ints, can_rise: Flags, pairs: Ints
) -> Flags:
    """Return which rows to raise by a stage to save the most register bits."""
    node = np.full(len(stage), SINK, np.int64)
    rising = np.flatnonzero(can_rise)
    nodes = SINK + 1 + len(rising)
    node[rising] = np.arange(SINK + 1, nodes)
    edges = np.full((4 * len(stage) + 2 * len(users) + len(pairs), 3), UNCUT, np.int64)
    size = _add_orders(users, first, stage, pairs, node, edges)
    nodes, size = _add_bits(users, first, bits, stage, until, node, nodes, edges, size)
    return source_side(nodes, edges[:size])[node]


@jit
def _add_orders(users: Ints, first: Ints, stage: Ints, pairs: Ints, node: Ints, edges: Ints) -> int:
    """Add an edge from every row that may rise to those that then have to; return how many."""
    size = 0
    for row in range(len(stage)):
        for user in users[first[row] : first[row + 1]]:
            if node[row] != SINK and stage[user] == stage[row]:
                edges[size, 0], edges[size, 1] = node[row], node[user]
                size += 1
    for k in range(len(pairs)):
        row, end = pairs[k, 0], pairs[k, 1]
        if node[row] != SINK and stage[end] == stage[row] + 1:
            edges[size, 0], edges[size, 1] = node[row], node[end]
            size += 1
    return size


@jit
def _add_bits(
    users: Ints,
    first: Ints,
    bits: Ints,
    stage: Ints,
    until: Ints,
    node: Ints,
    nodes: int,
    edges: Ints,
    size: int,
) -> tuple[int, int]:
    """Add what raising costs and saves; return the number of nodes and of edges.

    A row saves its bits by rising, and costs them if any user that reads it last rises: such users
    share a node, which is on the source's side as soon as one of them is.
    """
    saving = np.zeros(len(stage), np.int64)
    for row in range(len(stage)):
        # A row read in its own stage only cannot rise without all its users.
        alone = until[row] == stage[row]
        if not alone:
            saving[row] += bits[row]
        readers, reader = 0, 0
        for user in users[first[row] : first[row + 1]]:
            if stage[user] == until[row] and node[user] != SINK:
                readers, reader = readers + 1, int(user)
        if readers == 0:
            continue
        if readers == 1 and not alone:
            saving[reader] -= bits[row]
            continue
        read = int(node[reader])
        if readers > 1:
            read, nodes = nodes, nodes + 1
            for user in users[first[row] : first[row + 1]]:
                if stage[user] == until[row] and node[user] != SINK:
                    edges[size, 0], edges[size, 1] = node[user], read
                    size += 1
        edges[size, 0], edges[size, 1] = read, node[row] if alone else SINK
        edges[size, 2] = bits[row]
        size += 1
    for row in range(len(stage)):
        if node[row] != SINK:
            edges[size, 0] = SOURCE if saving[row] > 0 else node[row]
            edges[size, 1] = node[row] if saving[row] > 0 else SINK
            edges[size, 2] = abs(saving[row])
            size += 1
    return nodes, size
