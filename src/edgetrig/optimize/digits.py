"""The digits that are still to be summed: columns of shifted, signed values, and pairs of them.

Every output is a column of digits. A pair ``u +- v * 2**d`` is named by one integer, its key, so
that equal pairs of different columns are found. Making a sum of a pair takes its digits out of the
columns and puts one digit of the sum in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.optimize.rows import Ints

_SHIFT_BITS = 9
_VALUE_BITS = 24
MOST_VALUES = 1 << _VALUE_BITS
"""Values (inputs and sums together) one problem may have."""

_NONE = -1


class Digits(NamedTuple):
    """The digits of all columns, a column's chained, a value's one after another.

    ``after`` and ``before`` are the neighbours in the column (-1 at the ends); ``alive`` is false
    for digits that a sum has taken. ``used[0]`` digits are there so far.
    """

    value: Ints
    shift: Ints
    sign: Ints
    column: Ints
    after: Ints
    before: Ints
    alive: NDArray[np.bool_]
    used: Ints


class Columns(NamedTuple):
    """First digit and number of digits of every column, and how deep its tree may be.

    ``kraft`` is the sum of ``2**depth`` over a column's digits: its tree is as deep as the
    logarithm of that (Kraft's inequality), and it must not grow beyond ``bound``.
    """

    head: Ints
    length: Ints
    kraft: NDArray[np.float64]
    bound: NDArray[np.float64]


class Values(NamedTuple):
    """Interval and depth of inputs and sums; column ``k`` of ``made`` is sum ``k``.

    ``early`` says how many adders lie in front of sums that count no depth of their own. The rows
    of ``made``: both operands, the shift of the second, 1 if it is subtracted. The digits of value
    ``v`` are ``places[first[v] : first[v] + living[v]]``, by column and shift; ``spots`` says where
    each of them is (`spot_of`). If ``stale[v]``, some are no longer alive.
    """

    lo: Ints
    hi: Ints
    depth: Ints
    early: Ints
    made: Ints
    places: Ints
    spots: Ints
    first: Ints
    living: Ints
    stale: NDArray[np.bool_]


@jit
def pair_key(digits: Digits, i: int, j: int) -> int:
    """Name the pair of two digits: the lower shift first, then the relative shift and sign."""
    if (digits.shift[i], digits.value[i]) > (digits.shift[j], digits.value[j]):
        i, j = j, i
    opposite = 1 if digits.sign[i] != digits.sign[j] else 0
    return key_of(digits.value[i], digits.value[j], digits.shift[j] - digits.shift[i], opposite)


@jit
def key_of(a: int, b: int, shift: int, opposite: int) -> int:
    """Name the pair of value `a` and value `b`, by `shift` to the left; 1 if signs differ."""
    return int((((((a << _VALUE_BITS) | b) << _SHIFT_BITS) | shift) << 1) | opposite)


@jit
def key_parts(key: int) -> tuple[int, int, int, int]:
    """Return the two values of a pair, their relative shift, and 1 if their signs differ."""
    shift = (key >> 1) & ((1 << _SHIFT_BITS) - 1)
    second = (key >> (1 + _SHIFT_BITS)) & (MOST_VALUES - 1)
    return key >> (1 + _SHIFT_BITS + _VALUE_BITS), second, shift, key & 1


# ---- finding ------------------------------------------------------------------------------------


@jit
def spot_of(column: int, shift: int, sign: int) -> int:
    """Name where a digit stands, in the order of columns, then shifts; the lowest bit is its sign.

    No two digits of one value have the same column and shift.
    """
    return int((((column << _SHIFT_BITS) | shift) << 1) | (1 if sign < 0 else 0))


@jit
def places_of(value: int, digits: Digits, values: Values) -> Ints:
    """Return a value's digits that are still there, by column and shift."""
    first, count = values.first[value], values.living[value]
    if values.stale[value]:
        count = 0
        for k in range(first, first + values.living[value]):
            digit = values.places[k]
            if digits.alive[digit]:
                values.places[first + count], values.spots[first + count] = digit, values.spots[k]
                count += 1
        values.living[value], values.stale[value] = count, False
    return values.places[first : first + count]


@jit
def occurrences(key: int, digits: Digits, values: Values) -> Ints:
    """Return the pairs of digits that a key names, shape (pairs, 2), by column and shift."""
    a, b, shift, opposite = key_parts(key)
    left, right = places_of(a, digits, values), places_of(b, digits, values)
    found = np.zeros((min(len(left), len(right)), 2), np.int64)
    count, k, end = 0, values.first[b], values.first[b] + len(right)
    for i in range(values.first[a], values.first[a] + len(left)):
        wanted = (values.spots[i] + (shift << 1)) ^ opposite
        while k < end and values.spots[k] >> 1 < wanted >> 1:
            k += 1
        if k == end:
            break
        if values.spots[k] == wanted:
            found[count, 0], found[count, 1] = values.places[i], values.places[k]
            count += 1
    return found[:count]


@jit
def replaceable(pairs: Ints, growth: float, digits: Digits, columns: Columns) -> Ints:
    """Return those of the pairs that are disjoint and leave their columns within their bounds.

    `growth` is what replacing a pair adds to its column's Kraft sum.
    """
    kept, column, taken = 0, -1, 0
    for i, j in pairs:
        if digits.column[i] != column:
            column, taken = digits.column[i], 0
        room = columns.bound[column] - columns.kraft[column]
        fits = growth <= 0 or growth * (taken + 1) <= room
        if digits.alive[i] and digits.alive[j] and fits:
            digits.alive[i] = digits.alive[j] = False
            pairs[kept, 0], pairs[kept, 1] = i, j
            taken += 1
            kept += 1
    for i, j in pairs[:kept]:
        digits.alive[i] = digits.alive[j] = True
    return pairs[:kept]


# ---- replacing ----------------------------------------------------------------------------------


@jit
def replace_pairs(
    pairs: Ints, new: int, growth: float, digits: Digits, columns: Columns, values: Values
) -> None:
    """Put a digit of value `new` in the place of every pair, each adding to a Kraft sum."""
    values.first[new], values.living[new] = digits.used[0], len(pairs)
    for i, j in pairs:
        column = digits.column[i]
        values.stale[digits.value[i]] = values.stale[digits.value[j]] = True
        _take_out(i, digits, columns)
        _take_out(j, digits, columns)
        digit = digits.used[0]
        digits.value[digit], digits.column[digit] = new, column
        digits.shift[digit], digits.sign[digit] = digits.shift[i], digits.sign[i]
        put_in(digit, digits, columns)
        values.places[digit] = digit
        values.spots[digit] = spot_of(column, digits.shift[i], digits.sign[i])
        columns.kraft[column] += growth


@jit
def put_in(digit: int, digits: Digits, columns: Columns) -> None:
    """Add a digit, the next unused one, to its column."""
    column = digits.column[digit]
    head = columns.head[column]
    digits.after[digit], digits.before[digit] = head, _NONE
    if head != _NONE:
        digits.before[head] = digit
    columns.head[column] = digit
    columns.length[column] += 1
    digits.alive[digit] = True
    digits.used[0] += 1


@jit
def _take_out(digit: int, digits: Digits, columns: Columns) -> None:
    before, after = digits.before[digit], digits.after[digit]
    if before != _NONE:
        digits.after[before] = after
    else:
        columns.head[digits.column[digit]] = after
    if after != _NONE:
        digits.before[after] = before
    columns.length[digits.column[digit]] -= 1
    digits.alive[digit] = False
