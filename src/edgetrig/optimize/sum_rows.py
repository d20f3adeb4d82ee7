"""Rows for a shift-add graph: sums of two, of three, and counters with a sum of three behind them.

A counter takes up to six numbers and counts the ones in each place. Its three bits are three
numbers, and as bitwise operations are those of two's complement of unbounded width, the sum of
these is that of the six, exactly: full adders say the same of three numbers and two
(``a + b + c = (a ^ b ^ c) + 2 * majority(a, b, c)``). A number that is subtracted is inverted,
``-x = ~x + 1``, and the ones are a constant that the counter counts, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgetrig.circuit import Op
from edgetrig.jit import jit
from edgetrig.optimize.rows import Edit, Ints
from edgetrig.optimize.shift_add import Sums
from edgetrig.optimize.sums import bits, sum_interval


def add_sums(edit: Edit, names: Ints, lo: Ints, hi: Ints, sums: Sums, origin: Ints) -> Ints:
    """Add a graph's sums to a circuit; return their rows.

    Parameters
    ----------
    edit
        The circuit.
    names, lo, hi
        Row and interval of each input.
    sums
        The graph.
    origin
        Of each output.
    """
    count = len(sums.a)
    every = np.concatenate([names, edit.next_row + np.arange(count)])
    op = np.where(sums.subtract == 1, Op.SUB, Op.ADD)
    a, b, c, p = every[sums.a], every[sums.b], np.zeros_like(sums.a), sums.shift.copy()
    origin = _origins(sums.a, sums.b, sums.output, origin, len(names))
    later = _Later(edit.next_row + count)  # sums have numbers already
    last = np.flatnonzero(~sums.half)
    halves = np.diff(last, prepend=-1) - 1
    for many in range(1, halves.max(initial=0) + 1):
        outer = last[halves == many]
        inputs, shift, minus = _terms_of(sums, outer, many)
        terms, labels = every[inputs], {"origin": origin[outer]}
        if many == 1:
            op[outer], p[outer] = Op.ADD3, minus.sum(axis=0)
            a[outer], b[outer], c[outer] = (
                later.shifted(*term, labels) for term in zip(terms, shift, strict=True)
            )
            continue
        total = _counted(later, terms, shift, minus, labels)
        low, high = _interval(lo, hi, sums, outer)
        op[outer] = np.where(low < 0, Op.LOWS, Op.LOW)
        a[outer] = total
        p[outer] = [bits(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)]
    made = edit.add(op, a=a, b=b, c=c, p=p, origin=origin)
    later.add_to(edit)
    return made


class _Later:
    """Rows that get their numbers before they are added."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._rows: list[dict[str, Any]] = []

    def add(self, op: Op, **columns: Any) -> Ints:
        """Return the numbers of rows, of one or more columns of the same length."""
        self._rows.append({"op": op, **columns})
        count = np.broadcast(*columns.values()).size
        self._next += count
        return np.arange(self._next - count, self._next)

    def add_to(self, edit: Edit) -> None:
        """Add all of them."""
        for columns in self._rows:
            edit.add(**columns)

    def shifted(self, rows: Ints, shift: Ints, labels: Mapping[str, Ints]) -> Ints:
        """Return rows, those to be shifted to the left so."""
        moved = np.flatnonzero(shift)
        result = rows.copy()
        own = {name: column[moved] for name, column in labels.items()}
        result[moved] = self.add(Op.SHL, a=rows[moved], p=shift[moved], **own)
        return result

    def inverted(self, rows: Ints, chosen: Ints, shift: Ints, labels: Mapping[str, Ints]) -> Ints:
        """Return rows, the chosen ones with their bits inverted from the places `shift` on."""
        inverted = np.flatnonzero(chosen)
        result = rows.copy()
        own = {name: column[inverted] for name, column in labels.items()}
        ones = -1 << shift[inverted]
        mask = self.add(Op.CONST, lo=ones, hi=ones, **own)
        result[inverted] = self.add(Op.XOR, a=rows[inverted], b=mask, **own)
        return result


def _counted(
    later: _Later, terms: Ints, shift: Ints, minus: Ints, labels: Mapping[str, Ints]
) -> Ints:
    """Return the rows of sums through counters: terms, shifts and signs of shape (terms, sums)."""
    words = [
        later.inverted(later.shifted(row, places, labels), chosen, places, labels)
        for row, places, chosen in zip(terms, shift, minus, strict=True)
    ]
    ones = (minus << shift).sum(axis=0)
    total: Ints = np.zeros_like(ones)
    for with_ones in (False, True):
        group = np.flatnonzero((ones > 0) == with_ones)
        own = {name: column[group] for name, column in labels.items()}
        counted = [word[group] for word in words]
        if with_ones:
            counted.append(later.add(Op.CONST, lo=ones[group], hi=ones[group], **own))
        bits_of_count = [
            later.shifted(number, np.full(len(group), place), own)
            for place, number in enumerate(_counts(later, counted, own))
        ]
        a, b, c = bits_of_count
        total[group] = later.add(Op.ADD3, a=a, b=b, c=c, p=np.zeros_like(a), **own)
    return total


def _counts(later: _Later, words: Sequence[Ints], labels: Mapping[str, Ints]) -> list[Ints]:
    """Return how many of four to seven words have a one in each place, in binary: three words."""
    ones, twos = words[0], []
    for k in range(1, len(words), 2):
        ones, carry = _full_adder(later, ones, words[k : k + 2], labels)
        twos.append(carry)
    two, four = _full_adder(later, twos[0], twos[1:], labels)
    return [ones, two, four]


def _full_adder(
    later: _Later, a: Ints, others: Sequence[Ints], labels: Mapping[str, Ints]
) -> tuple[Ints, Ints]:
    """Return the sum of two or three bits in each place, and what it carries."""
    total = later.add(Op.XOR, a=a, b=others[0], **labels)
    carry = later.add(Op.AND, a=a, b=others[0], **labels)
    if len(others) > 1:
        also = later.add(Op.AND, a=total, b=others[1], **labels)
        carry = later.add(Op.OR, a=carry, b=also, **labels)
        total = later.add(Op.XOR, a=total, b=others[1], **labels)
    return total, carry


def _terms_of(sums: Sums, outer: Ints, halves: int) -> tuple[Ints, Ints, Ints]:
    """Return the terms of sums of more than two: inputs or sums, shifts, and 1 where subtracted.

    Each of shape (terms, sums); no shift is negative.
    """
    first = outer - halves
    inner = first + np.arange(halves + 1)[:, None]
    terms = np.concatenate([sums.a[first][None], sums.b[inner]])
    shift, lowest = np.zeros(terms.shape, np.int64), np.zeros(len(outer), np.int64)
    for k in range(1, len(terms)):
        shift[k] = lowest + sums.shift[inner[k - 1]]
        lowest = np.minimum(lowest, shift[k])
    minus = np.concatenate([np.zeros((1, len(outer)), np.int64), sums.subtract[inner]])
    return terms, shift - lowest, minus


@jit
def _interval(lo: Ints, hi: Ints, sums: Sums, chosen: Ints) -> tuple[Ints, Ints]:
    """Return the intervals of the chosen sums."""
    inputs, count = len(lo), len(sums.a)
    low, high = np.zeros(inputs + count, np.int64), np.zeros(inputs + count, np.int64)
    low[:inputs], high[:inputs] = lo, hi
    for k in range(count):
        a, b = sums.a[k], sums.b[k]
        low[inputs + k], high[inputs + k] = sum_interval(
            low[a], high[a], low[b], high[b], sums.shift[k], sums.subtract[k]
        )
    return low[inputs + chosen], high[inputs + chosen]


@jit
def _origins(a: Ints, b: Ints, output: Ints, origin: Ints, first: int) -> Ints:
    """Give each sum the origin of an output that uses it."""
    result = np.zeros(len(a), np.int64)
    for k in range(len(output) - 1, -1, -1):
        if output[k] >= first:
            result[output[k] - first] = origin[k]
    for k in range(len(a) - 1, -1, -1):
        for operand in (a[k], b[k]):
            if operand >= first:
                result[operand - first] = result[k]
    return result
