"""Constant matrices as shift-add graphs with shared subexpressions.

Every coefficient is written in canonical signed digits (Reitwiesner 1960: no two neighbouring
digits are non-zero, the fewest digits there are), with 4 - 1 written as 2 + 1, since sums have free
low bits and differences often not, so that each output is a sum of shifted inputs.
Pairs ``u +- v * 2**d`` that occur in several places are made once, most valuable first, as long as
no output gets deeper than its bound (Hosangadi et al. 2006; Sun et al., arXiv:2507.04535). What is
left of each output is summed in a tree of the least depth, close neighbours first.

Every solution is proved before it is used: the exact linear form of each output is compared with
the matrix.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import CircuitError
from edgetrig.jit import jit

Ints = NDArray[np.int64]

_SHIFT_BITS = 9
_VALUE_BITS = 24
_FORM_INPUTS = 32
MOST_VALUES = 1 << _VALUE_BITS
"""Values (inputs and sums together) one problem may have."""


class Sums(NamedTuple):
    """A shift-add graph. Value ``v < inputs`` is an input; ``inputs + k`` is sum ``k``.

    Sum ``k`` is ``a + b * 2**shift`` (``subtract`` 0) or ``a - b * 2**shift`` (1), with the meaning
    of ADD and SUB for negative shifts. Output ``j`` is ``sign * value * 2**shift``; value -1 is 0.
    """

    a: Ints
    b: Ints
    shift: Ints
    subtract: Ints
    output: Ints
    output_shift: Ints
    output_sign: Ints


def shift_add(
    start: Ints,
    inputs: Ints,
    coefficients: Ints,
    bias: Ints,
    bias_shift: Ints,
    lo: Ints,
    hi: Ints,
    depth: Ints,
    extra_depth: int,
) -> Sums:
    """Return a shift-add graph for sparse columns of integer coefficients.

    Parameters
    ----------
    start
        Where each output's terms begin, shape (outputs + 1,).
    inputs, coefficients
        Input number and coefficient (non-zero, below 2**61) of every term.
    bias, bias_shift
        For each output the number of an input to be added unshared (a constant), or -1, and how
        far to the left.
    lo, hi, depth
        Interval of every input, and how many adders lie in front of it.
    extra_depth
        Adders an output may be deeper than the least possible; negative for no bound.
    """
    digits, values, shifts, signs = _digits(start, inputs, coefficients)
    sums = Sums(
        *_solve(digits, values, shifts, signs, bias, bias_shift, lo, hi, depth, extra_depth)
    )
    if not _is_matrix(*sums, start, inputs, coefficients, bias, bias_shift, len(lo)):
        raise CircuitError("a shift-add graph does not equal its matrix: please report this model")
    return sums


@jit
def _is_matrix(
    a: Ints,
    b: Ints,
    shift: Ints,
    subtract: Ints,
    output: Ints,
    output_shift: Ints,
    output_sign: Ints,
    start: Ints,
    inputs: Ints,
    coefficients: Ints,
    bias: Ints,
    bias_shift: Ints,
    count: int,
) -> bool:
    """Prove a graph: every output's exact linear form has the coefficients asked for.

    A form is a value's coefficient of every input; a few inputs at a time keep memory small.
    """
    for first in range(0, count, _FORM_INPUTS):
        forms = np.zeros((count + len(a), _FORM_INPUTS), np.int64)
        for value in range(first, min(first + _FORM_INPUTS, count)):
            forms[value, value - first] = 1
        for k in range(len(a)):
            sign = -1 if subtract[k] else 1
            left, right = max(-shift[k], 0), max(shift[k], 0)
            for i in range(_FORM_INPUTS):
                forms[count + k, i] = (forms[a[k], i] << left) + sign * (forms[b[k], i] << right)
        wanted = np.zeros(_FORM_INPUTS, np.int64)
        for column in range(len(output)):
            wanted[:] = 0
            for term in range(start[column], start[column + 1]):
                if first <= inputs[term] < first + _FORM_INPUTS:
                    wanted[inputs[term] - first] += coefficients[term]
            if first <= bias[column] < first + _FORM_INPUTS:
                wanted[bias[column] - first] += 1 << bias_shift[column]
            for i in range(_FORM_INPUTS):
                got = 0
                if output[column] >= 0:
                    got = output_sign[column] * (forms[output[column], i] << output_shift[column])
                if got != wanted[i]:
                    return False
    return True


@jit
def _digits(start: Ints, inputs: Ints, coefficients: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Write all coefficients in signed digits, column by column."""
    count = 0
    for c in coefficients:
        rest = abs(c)
        while rest:
            count += rest & 1
            rest = (rest - (2 - (rest & 3)) * (rest & 1)) >> 1
    begin = np.zeros(len(start), np.int64)
    values, shifts, signs = (
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    at = 0
    for column in range(len(start) - 1):
        for term in range(start[column], start[column + 1]):
            rest, shift, first = coefficients[term], 0, at
            while rest != 0:
                if rest & 1:
                    digit = 2 - (rest & 3)
                    rest -= digit
                    values[at], shifts[at], signs[at] = inputs[term], shift, digit
                    if at > first and shifts[at - 1] == shift - 2 and signs[at - 1] == -digit:
                        shifts[at], signs[at - 1] = shift - 1, digit  # 4 - 1 = 2 + 1
                    at += 1
                rest >>= 1
                shift += 1
        begin[column + 1] = at
    return begin, values, shifts, signs


@jit
def _bits(lo: int, hi: int) -> int:
    """Width of an interval in bits."""
    magnitude = max(hi, -lo - 1)
    bits = 1 if lo < 0 else 0
    while magnitude > 0:
        magnitude >>= 1
        bits += 1
    return bits


@jit
def _sum_interval(
    lo_a: int, hi_a: int, lo_b: int, hi_b: int, shift: int, subtract: int
) -> tuple[int, int]:
    if subtract:
        lo_b, hi_b = -hi_b, -lo_b
    if shift >= 0:
        return lo_a + (lo_b << shift), hi_a + (hi_b << shift)
    return (lo_a << -shift) + lo_b, (hi_a << -shift) + hi_b


@jit
def _cost(lo_a: int, hi_a: int, lo_b: int, hi_b: int, shift: int, subtract: int) -> int:
    """Estimate the LUTs of ``a +- b * 2**shift``: result bits that are not just wires."""
    lo, hi = _sum_interval(lo_a, hi_a, lo_b, hi_b, shift, subtract)
    free = shift if shift >= 0 else (0 if subtract else -shift)
    # Numbers that do not overlap only stand side by side.
    if not subtract:
        if shift >= 0 and lo_a >= 0 and hi_a >> shift == 0:
            return 0
        if shift < 0 and lo_b >= 0 and hi_b >> -shift == 0:
            return 0
    return max(_bits(lo, hi) - free, 1)


@jit
def _key(v1: int, s1: int, g1: int, v2: int, s2: int, g2: int) -> int:
    """Name the pair of digits: lower shift first, then the relative shift and sign."""
    if s1 > s2 or (s1 == s2 and v1 > v2):
        v1, s1, g1, v2, s2, g2 = v2, s2, g2, v1, s1, g1
    opposite = 1 if g1 != g2 else 0
    return ((((v1 << _VALUE_BITS) | v2) << _SHIFT_BITS | (s2 - s1)) << 1) | opposite


@jit
def _slot(keys: Ints, key: int) -> int:
    """Return where a key is, or where it would go, in an open-addressing hash table."""
    mask = len(keys) - 1
    mixed = key * -7046029254386353131
    slot = (mixed ^ (mixed >> 29)) & mask
    while keys[slot] != key and keys[slot] != -1:
        slot = (slot + 1) & mask
    return slot


@jit
def _grow(keys: Ints, counts: Ints) -> tuple[Ints, Ints, int]:
    used = 0
    for count in counts:
        used += count > 0
    size = 1024
    while size < 4 * used:
        size *= 2
    new_keys, new_counts = np.full(size, -1, np.int64), np.zeros(size, np.int64)
    for k in range(len(keys)):
        if counts[k] > 0:
            slot = _slot(new_keys, keys[k])
            new_keys[slot], new_counts[slot] = keys[k], counts[k]
    return new_keys, new_counts, used


@jit
def _push(
    heap_score: NDArray[np.float64], heap_key: Ints, size: int, score: float, key: int
) -> int:
    """Add to a binary heap (largest score first; smaller key wins ties); return its new size."""
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if heap_score[parent] > score or (heap_score[parent] == score and heap_key[parent] <= key):
            break
        heap_score[at], heap_key[at] = heap_score[parent], heap_key[parent]
        at = parent
    heap_score[at], heap_key[at] = score, key
    return size + 1


@jit
def _pop(heap_score: NDArray[np.float64], heap_key: Ints, size: int) -> int:
    """Remove the largest from a binary heap; return its new size."""
    size -= 1
    score, key = heap_score[size], heap_key[size]
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and (
            heap_score[child + 1] > heap_score[child]
            or (
                heap_score[child + 1] == heap_score[child] and heap_key[child + 1] < heap_key[child]
            )
        ):
            child += 1
        if score > heap_score[child] or (score == heap_score[child] and key <= heap_key[child]):
            break
        heap_score[at], heap_key[at] = heap_score[child], heap_key[child]
        at = child
    heap_score[at], heap_key[at] = score, key
    return size


@jit
def _score(key: int, count: int, lo: Ints, hi: Ints) -> float:
    """Return what making a pair once instead of `count` times is worth.

    That is the LUTs saved, and twice the bits in which both numbers overlap: such sums leave the
    least behind for the sums that follow (found by trying, ``docs/benchmarks.md``).
    """
    opposite = key & 1
    d = (key >> 1) & ((1 << _SHIFT_BITS) - 1)
    v2 = (key >> (1 + _SHIFT_BITS)) & (MOST_VALUES - 1)
    v1 = key >> (1 + _SHIFT_BITS + _VALUE_BITS)
    cost = _cost(lo[v1], hi[v1], lo[v2], hi[v2], d, opposite)
    overlap = max(min(_bits(lo[v1], hi[v1]), _bits(lo[v2], hi[v2]) + d) - d, 1)
    return float((count - 1) * (cost + 2 * overlap))


@jit
def _solve(  # noqa: PLR0912, PLR0915 - one loop over one set of tables
    begin: Ints,
    digit_value: Ints,
    digit_shift: Ints,
    digit_sign: Ints,
    bias: Ints,
    bias_shift: Ints,
    lo_in: Ints,
    hi_in: Ints,
    depth_in: Ints,
    extra_depth: int,
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    inputs, columns = len(lo_in), len(begin) - 1
    most = inputs + len(digit_value) + 2 * columns + 1
    lo, hi, depth = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64)
    lo[:inputs], hi[:inputs], depth[:inputs] = lo_in, hi_in, depth_in
    sums = np.zeros((4, most), np.int64)
    made = 0
    length = begin[1:] - begin[:-1]
    kraft = np.zeros(columns, np.float64)
    bound = np.zeros(columns, np.float64)
    for column in range(columns):
        for k in range(begin[column], begin[column + 1]):
            kraft[column] += 2.0 ** depth[digit_value[k]]
        if bias[column] >= 0:
            kraft[column] += 2.0 ** depth[bias[column]]
        if extra_depth < 0 or kraft[column] == 0:
            bound[column] = np.inf
        else:
            bound[column] = 2.0 ** (np.ceil(np.log2(kraft[column])) + extra_depth)

    # Count every pair of digits within a column.
    keys, counts = np.full(1 << 12, -1, np.int64), np.zeros(1 << 12, np.int64)
    used = 0
    for column in range(columns):
        for i in range(begin[column], begin[column + 1]):
            if 2 * (used + columns + len(digit_value)) > len(keys):
                keys, counts, used = _grow_to(keys, counts, used, columns + len(digit_value))
            for j in range(begin[column], i):
                key = _key(
                    digit_value[i],
                    digit_shift[i],
                    digit_sign[i],
                    digit_value[j],
                    digit_shift[j],
                    digit_sign[j],
                )
                slot = _slot(keys, key)
                used += keys[slot] == -1
                keys[slot] = key
                counts[slot] += 1

    heap_score, heap_key = np.zeros(1024, np.float64), np.zeros(1024, np.int64)
    heap = 0
    for slot in range(len(keys)):
        if counts[slot] >= 2:
            if heap == len(heap_key):
                heap_score = np.concatenate((heap_score, np.zeros_like(heap_score)))
                heap_key = np.concatenate((heap_key, np.zeros_like(heap_key)))
            heap = _push(
                heap_score, heap_key, heap, _score(keys[slot], counts[slot], lo, hi), keys[slot]
            )

    while heap > 0:
        score, key = heap_score[0], heap_key[0]
        heap = _pop(heap_score, heap_key, heap)
        slot = _slot(keys, key)
        if keys[slot] != key or counts[slot] < 2:
            continue
        now = _score(key, counts[slot], lo, hi)
        if now < score:  # other sums have used some of its places since
            heap = _push(heap_score, heap_key, heap, now, key)
            continue
        opposite = key & 1
        d = (key >> 1) & ((1 << _SHIFT_BITS) - 1)
        v2 = (key >> (1 + _SHIFT_BITS)) & (MOST_VALUES - 1)
        v1 = key >> (1 + _SHIFT_BITS + _VALUE_BITS)
        new = inputs + made
        deep = max(depth[v1], depth[v2]) + 1
        growth = 2.0**deep - 2.0 ** depth[v1] - 2.0 ** depth[v2]

        # Is it there at least twice, with disjoint digits and within the bound?
        places = 0
        for column in range(columns):
            room = bound[column] - kraft[column]
            taken = 0
            for i in range(begin[column], begin[column] + length[column]):
                if digit_value[i] == v1 and growth * (taken + 1) <= room:
                    for j in range(begin[column], begin[column] + length[column]):
                        if (
                            digit_value[j] == v2
                            and digit_shift[j] == digit_shift[i] + d
                            and i != j
                            and (digit_sign[i] != digit_sign[j]) == (opposite == 1)
                        ):
                            taken += 1
            places += taken if v1 != v2 else (taken + 1) // 2
        if places < 2:
            counts[slot] = 0
            continue

        sums[0, made], sums[1, made], sums[2, made], sums[3, made] = v1, v2, d, opposite
        lo[new], hi[new] = _sum_interval(lo[v1], hi[v1], lo[v2], hi[v2], d, opposite)
        depth[new] = deep
        made += 1
        for column in range(columns):
            first = begin[column]
            i = first
            while i < first + length[column]:
                partner = -1
                if digit_value[i] == v1 and growth <= bound[column] - kraft[column]:
                    for j in range(first, first + length[column]):
                        if (
                            digit_value[j] == v2
                            and digit_shift[j] == digit_shift[i] + d
                            and i != j
                            and (digit_sign[i] != digit_sign[j]) == (opposite == 1)
                        ):
                            partner = j
                            break
                if partner < 0:
                    i += 1
                    continue
                kraft[column] += growth
                shift, sign = digit_shift[i], digit_sign[i]
                # Take both digits out, higher place first; each leaves with all its pairs.
                for gone in (max(i, partner), min(i, partner)):
                    last = first + length[column] - 1
                    v, s, g = digit_value[gone], digit_shift[gone], digit_sign[gone]
                    digit_value[gone] = digit_value[last]
                    digit_shift[gone] = digit_shift[last]
                    digit_sign[gone] = digit_sign[last]
                    length[column] -= 1
                    for k in range(first, last):
                        old = _key(v, s, g, digit_value[k], digit_shift[k], digit_sign[k])
                        counts[_slot(keys, old)] -= 1
                last = first + length[column]
                if 2 * (used + length[column] + 1) > len(keys):
                    keys, counts, used = _grow_to(keys, counts, used, length[column] + 1)
                for k in range(first, last):
                    fresh = _key(new, shift, sign, digit_value[k], digit_shift[k], digit_sign[k])
                    slot = _slot(keys, fresh)
                    used += keys[slot] == -1
                    keys[slot] = fresh
                    counts[slot] += 1
                    if counts[slot] >= 2:
                        if heap == len(heap_key):
                            heap_score = np.concatenate((heap_score, np.zeros_like(heap_score)))
                            heap_key = np.concatenate((heap_key, np.zeros_like(heap_key)))
                        heap = _push(
                            heap_score, heap_key, heap, _score(fresh, counts[slot], lo, hi), fresh
                        )
                digit_value[last], digit_shift[last], digit_sign[last] = new, shift, sign
                length[column] += 1
                i = first  # places have moved: look again from the start
    return _trees(
        begin,
        length,
        digit_value,
        digit_shift,
        digit_sign,
        bias,
        bias_shift,
        inputs,
        made,
        lo,
        hi,
        depth,
        sums,
    )


@jit
def _grow_to(keys: Ints, counts: Ints, used: int, more: int) -> tuple[Ints, Ints, int]:
    """Make room in the hash table for `more` keys, dropping those that count 0."""
    keys, counts, used = _grow(keys, counts)
    while 2 * (used + more) > len(keys):
        size = 2 * len(keys)
        new_keys, new_counts = np.full(size, -1, np.int64), np.zeros(size, np.int64)
        for k in range(len(keys)):
            if keys[k] != -1:
                slot = _slot(new_keys, keys[k])
                new_keys[slot], new_counts[slot] = keys[k], counts[k]
        keys, counts = new_keys, new_counts
    return keys, counts, used


@jit
def _trees(
    begin: Ints,
    length: Ints,
    digit_value: Ints,
    digit_shift: Ints,
    digit_sign: Ints,
    bias: Ints,
    bias_shift: Ints,
    inputs: int,
    made: int,
    lo: Ints,
    hi: Ints,
    depth: Ints,
    sums: Ints,
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """Sum what is left of every column: always the cheapest pair that makes it no deeper."""
    columns = len(length)
    output, output_shift, output_sign = (
        np.full(columns, -1, np.int64),
        np.zeros(columns, np.int64),
        np.ones(columns, np.int64),
    )
    for column in range(columns):
        first, count = begin[column], length[column]
        extra = 1 if bias[column] >= 0 else 0
        v, s, g = (
            np.zeros(count + extra, np.int64),
            np.zeros(count + extra, np.int64),
            np.ones(count + extra, np.int64),
        )
        at_depth = np.zeros(count + extra, np.int64)
        v[:count] = digit_value[first : first + count]
        s[:count] = digit_shift[first : first + count]
        g[:count] = digit_sign[first : first + count]
        for k in range(count):
            at_depth[k] = depth[v[k]]
        if extra:  # a constant is there from the start
            v[count], s[count] = bias[column], bias_shift[column]
            count += 1
        while count > 1:
            i, j = _cheapest(v, s, g, count, lo, hi, at_depth)
            # The lower operand first, so that its low bits are free. A difference then has its
            # sign; but the last positive term must stay one, or the whole sum has to be negated.
            low = i if s[i] < s[j] or (s[i] == s[j] and g[i] > 0) else j
            other = j if low == i else i
            if g[low] < 0 < g[other]:
                positive = 0
                for k in range(count):
                    positive += g[k] > 0
                if positive == 1:
                    low, other = other, low
            subtract = 1 if g[low] != g[other] else 0
            shift = s[other] - s[low]
            a, b = v[low], v[other]
            new = inputs + made
            sums[0, made], sums[1, made], sums[2, made], sums[3, made] = a, b, shift, subtract
            lo[new], hi[new] = _sum_interval(lo[a], hi[a], lo[b], hi[b], shift, subtract)
            deep = max(at_depth[low], at_depth[other]) + 1
            depth[new] = deep
            made += 1
            sign, at = g[low], min(s[low], s[other])
            keep, drop = min(i, j), max(i, j)
            v[keep], s[keep], g[keep], at_depth[keep] = new, at, sign, deep
            count -= 1
            v[drop], s[drop], g[drop] = v[count], s[count], g[count]
            at_depth[drop] = at_depth[count]
        if count == 1:
            output[column], output_shift[column], output_sign[column] = v[0], s[0], g[0]
    return (
        sums[0, :made].copy(),
        sums[1, :made].copy(),
        sums[2, :made].copy(),
        sums[3, :made].copy(),
        output,
        output_shift,
        output_sign,
    )


@jit
def _cheapest(
    v: Ints, s: Ints, g: Ints, count: int, lo: Ints, hi: Ints, at_depth: Ints
) -> tuple[int, int]:
    """Return the cheapest pair of terms whose sum leaves the tree's depth as small as it can be.

    Of pairs that cost the same, or one LUT more, those of closer shifts are better: what lies far
    apart is added late, when more low bits are free.
    """
    total = 0.0
    for k in range(count):
        total += 2.0 ** at_depth[k]
    limit = 2.0 ** np.ceil(np.log2(total))
    best, best_i, best_j = 1 << 40, 0, 1
    for i in range(count):
        for j in range(i + 1, count):
            growth = 2.0 ** (max(at_depth[i], at_depth[j]) + 1)
            growth -= 2.0 ** at_depth[i] + 2.0 ** at_depth[j]
            if total + growth > limit:
                continue
            a, b = (i, j) if s[i] <= s[j] else (j, i)
            subtract = 1 if g[a] != g[b] else 0
            apart = s[b] - s[a]
            cost = 2 * _cost(lo[v[a]], hi[v[a]], lo[v[b]], hi[v[b]], apart, subtract) + apart
            if cost < best:
                best, best_i, best_j = cost, i, j
    return best_i, best_j
