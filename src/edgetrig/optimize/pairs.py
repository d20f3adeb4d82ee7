"""Sharing: pairs of digits that occur in several places become sums of their own.

The digits of all outputs stand in columns. A pair ``u +- v * 2**d`` is named by one integer, its
key; a hash table counts how often each key occurs, a priority queue says which is worth most.
Making a sum takes its digits out of the columns, with all the pairs they were part of, and puts one
digit of the sum in.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.sums import bits, sum_cost, sum_interval

_SHIFT_BITS = 9
_VALUE_BITS = 24
MOST_VALUES = 1 << _VALUE_BITS
"""Values (inputs and sums together) one problem may have."""

_EMPTY = -1


class Columns(NamedTuple):
    """Digits of every output: column ``c`` has ``length[c]`` of them from ``start[c]`` on.

    ``kraft`` is the sum of ``2**depth`` over a column's digits: its tree is as deep as the
    logarithm of that (Kraft's inequality), and it must not grow beyond ``bound``.
    """

    start: Ints
    length: Ints
    value: Ints
    shift: Ints
    sign: Ints
    kraft: NDArray[np.float64]
    bound: NDArray[np.float64]


class Values(NamedTuple):
    """Interval and depth of inputs and sums; column ``k`` of ``made`` is sum ``k``.

    The rows of ``made``: both operands, the shift of the second, 1 if it is subtracted.
    """

    lo: Ints
    hi: Ints
    depth: Ints
    made: Ints


class Counts(NamedTuple):
    """A hash table from keys to how often they occur; ``used`` holds the number of slots taken."""

    keys: Ints
    counts: Ints
    used: Ints


@jit
def share_pairs(columns: Columns, values: Values, inputs: int) -> int:
    """Make all sums worth sharing; return how many were made."""
    table = _count_pairs(columns)
    queue = [(0.0, 0)]
    queue.pop()
    for slot in range(len(table.keys)):
        if table.counts[slot] >= 2:
            key = table.keys[slot]
            queue.append((-_worth(key, table.counts[slot], values), key))
    heapq.heapify(queue)
    made = 0
    while len(queue) > 0:
        worth, key = heapq.heappop(queue)
        slot = _slot(table.keys, key)
        if table.keys[slot] != key or table.counts[slot] < 2:
            continue
        now = -_worth(key, table.counts[slot], values)
        if now > worth:  # other sums have used some of its places since
            heapq.heappush(queue, (now, key))
            continue
        if _places(columns, values, key) < 2:
            table.counts[slot] = 0
            continue
        new = inputs + made
        _make(values, key, new, made)
        made += 1
        for column in range(len(columns.length)):
            table = _replace(columns, column, values, key, new, table, queue)
    return made


@jit
def _key(v1: int, s1: int, g1: int, v2: int, s2: int, g2: int) -> int:
    """Name the pair of two digits: the lower shift first, then the relative shift and sign."""
    if s1 > s2 or (s1 == s2 and v1 > v2):
        v1, s1, g1, v2, s2, g2 = v2, s2, g2, v1, s1, g1
    opposite = 1 if g1 != g2 else 0
    return ((((v1 << _VALUE_BITS) | v2) << _SHIFT_BITS | (s2 - s1)) << 1) | opposite


@jit
def _parts(key: int) -> tuple[int, int, int, int]:
    """Return the two values of a pair, their relative shift, and 1 if their signs differ."""
    shift = (key >> 1) & ((1 << _SHIFT_BITS) - 1)
    second = (key >> (1 + _SHIFT_BITS)) & (MOST_VALUES - 1)
    return key >> (1 + _SHIFT_BITS + _VALUE_BITS), second, shift, key & 1


@jit
def _worth(key: int, count: int, values: Values) -> float:
    """Return what making a pair once instead of `count` times is worth.

    That is the LUTs saved, and twice the bits in which both numbers overlap: such sums leave the
    least behind for the sums that follow (found by trying, ``docs/benchmarks.md``).
    """
    a, b, shift, opposite = _parts(key)
    lo, hi = values.lo, values.hi
    cost = sum_cost(lo[a], hi[a], lo[b], hi[b], shift, opposite)
    overlap = max(min(bits(lo[a], hi[a]), bits(lo[b], hi[b]) + shift) - shift, 1)
    return float((count - 1) * (cost + 2 * overlap))


# ---- counting -----------------------------------------------------------------------------------


@jit
def _slot(keys: Ints, key: int) -> int:
    """Return where a key is, or where it would go, in the open-addressing table."""
    mask = len(keys) - 1
    mixed = key * -7046029254386353131
    slot = (mixed ^ (mixed >> 29)) & mask
    while keys[slot] != key and keys[slot] != _EMPTY:
        slot = (slot + 1) & mask
    return slot


@jit
def _count(table: Counts, key: int, change: int) -> int:
    """Change how often a key occurs; return how often it does now."""
    slot = _slot(table.keys, key)
    if table.keys[slot] == _EMPTY:
        table.keys[slot] = key
        table.used[0] += 1
    table.counts[slot] += change
    return int(table.counts[slot])


@jit
def _with_room(table: Counts, more: int) -> Counts:
    """Return a table that is at most half full with `more` further keys; keys of count 0 go."""
    if 2 * (table.used[0] + more) <= len(table.keys):
        return table
    needed = more
    for count in table.counts:
        needed += count > 0
    size = 1024
    while size < 4 * needed:
        size *= 2
    grown = Counts(np.full(size, _EMPTY, np.int64), np.zeros(size, np.int64), np.zeros(1, np.int64))
    for k in range(len(table.keys)):
        if table.counts[k] > 0:
            _count(grown, table.keys[k], table.counts[k])
    return grown


@jit
def _count_pairs(columns: Columns) -> Counts:
    """Count every pair of digits within a column."""
    size = 1 << 12
    table = Counts(np.full(size, _EMPTY, np.int64), np.zeros(size, np.int64), np.zeros(1, np.int64))
    value, shift, sign = columns.value, columns.shift, columns.sign
    for column in range(len(columns.length)):
        first = columns.start[column]
        for i in range(first, first + columns.length[column]):
            table = _with_room(table, i - first)
            for j in range(first, i):
                _count(table, _key(value[i], shift[i], sign[i], value[j], shift[j], sign[j]), 1)
    return table


# ---- replacing ----------------------------------------------------------------------------------


@jit
def _growth(values: Values, a: int, b: int) -> float:
    """Return what replacing two digits by their sum adds to a column's Kraft sum."""
    deeper = max(values.depth[a], values.depth[b]) + 1
    return float(2.0**deeper - 2.0 ** values.depth[a] - 2.0 ** values.depth[b])


@jit
def _partner(columns: Columns, column: int, i: int, key: int) -> int:
    """Return the digit that makes the pair with digit `i`, or -1."""
    _, second, shift, opposite = _parts(key)
    first = columns.start[column]
    for j in range(first, first + columns.length[column]):
        if (
            columns.value[j] == second
            and columns.shift[j] == columns.shift[i] + shift
            and i != j
            and (columns.sign[i] != columns.sign[j]) == (opposite == 1)
        ):
            return int(j)
    return -1


@jit
def _places(columns: Columns, values: Values, key: int) -> int:
    """Return in how many places a pair can be replaced, with disjoint digits, within the bounds."""
    a, b, _, _ = _parts(key)
    growth = _growth(values, a, b)
    places = 0
    for column in range(len(columns.length)):
        room = columns.bound[column] - columns.kraft[column]
        taken = 0
        first = columns.start[column]
        for i in range(first, first + columns.length[column]):
            if columns.value[i] == a and growth * (taken + 1) <= room:
                taken += _partner(columns, column, i, key) >= 0
        # Of a chain of digits of one value every second pair at most is disjoint.
        places += taken if a != b else (taken + 1) // 2
    return places


@jit
def _make(values: Values, key: int, new: int, number: int) -> None:
    """Enter a new sum."""
    a, b, shift, opposite = _parts(key)
    lo, hi = values.lo, values.hi
    values.made[0, number], values.made[1, number] = a, b
    values.made[2, number], values.made[3, number] = shift, opposite
    lo[new], hi[new] = sum_interval(lo[a], hi[a], lo[b], hi[b], shift, opposite)
    values.depth[new] = max(values.depth[a], values.depth[b]) + 1


@jit
def _replace(
    columns: Columns,
    column: int,
    values: Values,
    key: int,
    new: int,
    table: Counts,
    queue: list[tuple[float, int]],
) -> Counts:
    """Put a sum in place of its pair everywhere in a column; return the table, perhaps grown."""
    a, b, _, _ = _parts(key)
    growth = _growth(values, a, b)
    first = columns.start[column]
    i = first
    while i < first + columns.length[column]:
        partner = -1
        if columns.value[i] == a and growth <= columns.bound[column] - columns.kraft[column]:
            partner = _partner(columns, column, i, key)
        if partner < 0:
            i += 1
            continue
        columns.kraft[column] += growth
        shift, sign = columns.shift[i], columns.sign[i]
        _take_out(columns, column, max(i, partner), table)
        _take_out(columns, column, min(i, partner), table)
        table = _with_room(table, columns.length[column])
        _put_in(columns, column, new, shift, sign, values, table, queue)
        i = first  # digits have moved: look again from the start
    return table


@jit
def _take_out(columns: Columns, column: int, at: int, table: Counts) -> None:
    """Remove a digit, and its pairs from the counts; the column's last digit takes its place."""
    value, shift, sign = columns.value, columns.shift, columns.sign
    first = columns.start[column]
    last = first + columns.length[column] - 1
    v, s, g = value[at], shift[at], sign[at]
    value[at], shift[at], sign[at] = value[last], shift[last], sign[last]
    columns.length[column] -= 1
    for k in range(first, last):
        _count(table, _key(v, s, g, value[k], shift[k], sign[k]), -1)


@jit
def _put_in(
    columns: Columns,
    column: int,
    v: int,
    s: int,
    g: int,
    values: Values,
    table: Counts,
    queue: list[tuple[float, int]],
) -> None:
    """Add a digit, its pairs to the counts, and those that occur again to the queue."""
    value, shift, sign = columns.value, columns.shift, columns.sign
    first = columns.start[column]
    last = first + columns.length[column]
    for k in range(first, last):
        key = _key(v, s, g, value[k], shift[k], sign[k])
        count = _count(table, key, 1)
        if count >= 2:
            heapq.heappush(queue, (-_worth(key, count, values), key))
    value[last], shift[last], sign[last] = v, s, g
    columns.length[column] += 1
