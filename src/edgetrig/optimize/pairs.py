"""Sharing: pairs of digits that occur in several places become sums of their own.

A priority queue says which pair is worth most. A pair occurs most often at the moment the younger
of its two values is made; from then on it can only become rarer. So pairs are counted once, when a
value is made, and again only when they come to the head of the queue: nothing is kept for the many
pairs that occur a single time.
"""

from __future__ import annotations

import heapq
from typing import Final, NamedTuple

import numpy as np

from edgetrig.jit import jit
from edgetrig.optimize.digits import (
    Columns,
    Digits,
    Values,
    key_of,
    key_parts,
    occurrences,
    pair_key,
    places_of,
    replace_pairs,
    replaceable,
)
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.stage_trees import PAIR, Plan, weight_of
from edgetrig.optimize.sums import bits, sum_cost, sum_interval

_EMPTY: Final = -1
_EARLY_PLACES: Final = 5
"""Places in which a sum of inputs has to occur to be worth registers of its own."""


@jit
def share_pairs(
    digits: Digits,
    columns: Columns,
    values: Values,
    inputs: int,
    kept: Ints,
    seed: int,
    noise: float,
    plan: Plan,
) -> int:
    """Make all sums worth sharing; return how many were made.

    Parameters
    ----------
    digits, columns, values
        What is to be summed; it is changed.
    inputs
        Number of inputs.
    kept
        Sums to make first, as in the rows of `Values.made`, shape (4, sums); without those whose
        first operand is -1, and what is made of them.
    seed, noise
        Worths are multiplied by random numbers from ``1 - noise / 2`` to ``1 + noise / 2``.
    plan
        What fits between registers. Sums of the least deep inputs alone, of few adders and in many
        places, count as deep as inputs: they are made in front of the first registers.
    """
    made = _make_again(kept, digits, columns, values, inputs, plan)
    queue = [(0.0, 0)]
    queue.pop()
    for value in range(inputs + made):
        for key, count in _recurring(value, digits, columns, values):
            queue.append((-_worth(key, count, values) * _chance(key, seed, noise), key))
    heapq.heapify(queue)
    while len(queue) > 0:
        worth, key = heapq.heappop(queue)
        pairs = occurrences(key, digits, values)
        if len(pairs) < 2:
            continue
        now = -_worth(key, len(pairs), values) * _chance(key, seed, noise)
        if now > worth:  # other sums have used some of its places since
            heapq.heappush(queue, (now, key))
            continue
        if not _make(key, pairs, inputs, made, digits, columns, values, plan):
            continue
        new = inputs + made
        made += 1
        for other, count in _recurring(new, digits, columns, values):
            worth = -_worth(other, count, values) * _chance(other, seed, noise)
            heapq.heappush(queue, (worth, other))
    return made


@jit
def _make_again(
    kept: Ints, digits: Digits, columns: Columns, values: Values, inputs: int, plan: Plan
) -> int:
    """Make given sums in their order, without those of sums that are gone or in one place only."""
    made, sums = 0, kept.shape[1]
    name = np.full(inputs + sums, _EMPTY)
    for value in range(inputs):
        name[value] = value
    for k in range(sums):
        if kept[0, k] == _EMPTY or name[kept[0, k]] == _EMPTY or name[kept[1, k]] == _EMPTY:
            continue
        a, b = name[kept[0, k]], name[kept[1, k]]
        key = key_of(a, b, kept[2, k], kept[3, k])
        pairs = occurrences(key, digits, values)
        if _make(key, pairs, inputs, made, digits, columns, values, plan):
            name[inputs + k] = inputs + made
            made += 1
    return made


@jit
def _chance(key: int, seed: int, noise: float) -> float:
    """Return a random factor around 1 that depends on the key and the seed alone."""
    mixed = (key + seed * 1000003) * -7046029254386353131
    mixed = (mixed ^ (mixed >> 29)) * -4658895280553007687
    mixed ^= mixed >> 32
    return 1.0 + noise * (float(mixed & 0xFFFFFF) / float(1 << 24) - 0.5)


@jit
def _worth(key: int, count: int, values: Values) -> float:
    """Return what making a pair once instead of `count` times is worth.

    That is the LUTs saved, and twice the bits in which both numbers overlap: such sums leave the
    least behind for the sums that follow (found by trying, ``docs/benchmarks.md``).
    """
    a, b, shift, opposite = key_parts(key)
    lo, hi = values.lo, values.hi
    cost = sum_cost(lo[a], hi[a], lo[b], hi[b], shift, opposite)
    overlap = max(min(bits(lo[a], hi[a]), bits(lo[b], hi[b]) + shift) - shift, 1)
    return float((count - 1) * (cost + 2 * overlap))


@jit
def _make(
    key: int,
    pairs: Ints,
    inputs: int,
    number: int,
    digits: Digits,
    columns: Columns,
    values: Values,
    plan: Plan,
) -> bool:
    """Make a sum and put it in the place of its pairs; false if fewer than two may be replaced."""
    a, b, shift, opposite = key_parts(key)
    depth = max(values.depth[a], values.depth[b])
    early = max(values.early[a], values.early[b]) + 1
    if depth > 0 or early > plan.adders or len(pairs) < _EARLY_PLACES:
        depth, early = depth + 1, PAIR if depth == 0 and max(a, b) < inputs else 0
    growth = weight_of(depth, plan)
    growth -= weight_of(values.depth[a], plan) + weight_of(values.depth[b], plan)
    pairs = replaceable(pairs, growth, digits, columns)
    if len(pairs) < 2:
        return False
    lo, hi, new = values.lo, values.hi, inputs + number
    values.made[0, number], values.made[1, number] = a, b
    values.made[2, number], values.made[3, number] = shift, opposite
    lo[new], hi[new] = sum_interval(lo[a], hi[a], lo[b], hi[b], shift, opposite)
    values.depth[new], values.early[new] = depth, early
    replace_pairs(pairs, new, growth, digits, columns, values)
    return True


# ---- counting -----------------------------------------------------------------------------------


class _Counts(NamedTuple):
    """A hash table from keys to how often they occur; ``used`` holds the number of slots taken."""

    keys: Ints
    counts: Ints
    used: Ints


@jit
def _recurring(value: int, digits: Digits, columns: Columns, values: Values) -> Ints:
    """Return the keys of pairs of a value with it or an older one that occur more than once.

    Returns
    -------
    array
        Key and number of occurrences, shape (keys, 2).
    """
    table = _counts(1 << 8)
    for digit in places_of(value, digits, values):
        column = digits.column[digit]
        table = _with_room(table, columns.length[column])
        other = columns.head[column]
        while other >= 0:
            older = digits.value[other] < value
            if older or (digits.value[other] == value and other < digit):
                _count(table, pair_key(digits, digit, other), 1)
            other = digits.after[other]
    slots = np.flatnonzero(table.counts > 1)
    return np.stack((table.keys[slots], table.counts[slots]), axis=1)


@jit
def _counts(size: int) -> _Counts:
    return _Counts(np.full(size, _EMPTY), np.zeros(size, np.int64), np.zeros(1, np.int64))


@jit
def _count(table: _Counts, key: int, times: int) -> None:
    """Count a key in the open-addressing table."""
    mask = len(table.keys) - 1
    mixed = key * -7046029254386353131
    slot = (mixed ^ (mixed >> 29)) & mask
    while table.keys[slot] != key and table.keys[slot] != _EMPTY:
        slot = (slot + 1) & mask
    table.used[0] += table.keys[slot] == _EMPTY
    table.keys[slot] = key
    table.counts[slot] += times


@jit
def _with_room(table: _Counts, more: int) -> _Counts:
    """Return a table that is at most half full with `more` further keys."""
    if 2 * (table.used[0] + more) <= len(table.keys):
        return table
    size = len(table.keys)
    while size < 4 * (table.used[0] + more):
        size *= 2
    grown = _counts(size)
    for k in range(len(table.keys)):
        if table.counts[k] > 0:
            _count(grown, table.keys[k], table.counts[k])
    return grown
