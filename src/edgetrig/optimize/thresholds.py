"""Comparisons with constants as tables: upper bits, and what the lower bits answer for all.

``x < t`` looks at the upper five bits of ``x`` and at whether its low part is below the low part of
``t``: one 6-input LUT. Low parts are answered once for all thresholds that share them, and again
by upper and lower bits where they are wide themselves.
"""

from __future__ import annotations

import numpy as np

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.row_costs import row_luts
from edgetrig.optimize.rows import Edit, is_narrow_and_combinational

_UPPER = 5
_LOWEST = 6
_LEAST = 4
"""Thresholds of one value: fewer are clips, whose answers narrow what they choose."""


def threshold_tables(circuit: Circuit, family: str = "UltraScale+") -> Circuit:
    """Replace comparisons of one value with many constants by tables of six bits, where cheaper.

    Parameters
    ----------
    circuit
        A combinational circuit; with registers, or with values of more than 62 bits, it stays as it
        is.
    family
        Name of the device family.

    Raises
    ------
    Error
        If the family is unknown.
    """
    if not is_narrow_and_combinational(circuit):
        return circuit
    luts = row_luts(circuit, family)
    answers = _Answers(circuit)
    for value, questions in _questions(circuit).items():
        before = float(luts[[row for row, _, _ in questions]].sum())
        distinct = {threshold for _, threshold, _ in questions}
        # One table a comparison, as logic is: but a cell, which a mapper does not take apart.
        unread = min((t & -t).bit_length() - 1 for t in distinct if t) if any(distinct) else 0
        few = circuit.widths[value] - unread <= _LOWEST
        cheaper = few or _luts(circuit, value, questions) < before
        if len(distinct) >= _LEAST and cheaper:
            for row, threshold, below in questions:
                answers.replace(row, value, threshold, below)
    return answers.edit.circuit() if answers.edit.changed else circuit


Question = tuple[int, int, bool]
"""A comparison's row, its threshold, and whether it asks for less (else: for no less)."""


def _questions(circuit: Circuit) -> dict[int, list[Question]]:
    """Return comparisons with constants by the value they compare, upper bits seen as its own."""
    rows, found = circuit.rows, dict[int, list[Question]]()
    for row in np.flatnonzero(rows.op == Op.LT).tolist():
        a, b = int(rows.a[row]), int(rows.b[row])
        below = bool(circuit.constant[b])
        value, constant = (a, b) if below else (b, a)
        if circuit.constant[value] or not circuit.constant[constant]:
            continue
        threshold = int(rows.lo[constant]) + (not below)
        while rows.op[value] == Op.SHR:
            threshold <<= int(rows.p[value])
            value = int(rows.a[value])
        if rows.lo[value] < threshold <= rows.hi[value]:
            found.setdefault(value, []).append((row, threshold, below))
    return found


def _parts(width: int) -> list[int]:
    """Return how many bits each table looks at, from the lowest part up."""
    lowest = width
    while lowest > _LOWEST:
        lowest -= _UPPER
    return [lowest] + [_UPPER] * ((width - lowest) // _UPPER)


def _unsigned(circuit: Circuit, value: int, threshold: int) -> int:
    """Return a threshold among the numbers from 0 up, of as many bits as the value."""
    half = 1 << int(circuit.widths[value]) - 1
    return threshold + half if circuit.rows.lo[value] < 0 else threshold


def _luts(circuit: Circuit, value: int, questions: list[Question]) -> float:
    """Estimate the LUTs of all tables."""
    asked = set()
    parts = _parts(int(circuit.widths[value]))
    for _, threshold, below in questions:
        number = _unsigned(circuit, value, threshold)
        top = len(parts) - 1
        for part in range(len(parts)):
            size = sum(parts[: part + 1])
            rest = number & ((1 << size) - 1)
            if rest:
                asked.add((part, rest, below or part < top))
    return float(len(asked))


class _Answers:
    """A circuit whose comparisons are being replaced."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self.edit = Edit(circuit)
        self._made: dict[tuple[int, ...], int] = {}

    def replace(self, row: int, value: int, threshold: int, below: bool) -> None:
        """Let tables stand for one comparison."""
        parts = _parts(int(self._circuit.widths[value]))
        number = _unsigned(self._circuit, value, threshold)
        answer = self._answer(row, value, parts, number, below)
        self.edit.replace(row, answer)

    def _answer(self, row: int, value: int, parts: list[int], number: int, below: bool) -> int:
        """Return whether the low bits of a value, as many as all parts have, are below a number."""
        *lower, bits = parts
        first = sum(lower)
        key = (value, first + bits, number, below)
        if key in self._made:
            return self._made[key]
        origin = int(self._circuit.rows.origin[row])
        index = self._bits(value, first, bits, origin)
        rest, upper = number & ((1 << first) - 1), number >> first
        if rest:
            inner = self._answer(row, value, lower, rest, True)
            index = self.edit.side_by_side({0: inner, 1: index}, origin)
        # The highest bit of a signed value is 1 where it is among the lower half of numbers.
        whole = first + bits == int(self._circuit.widths[value])
        flipped = 1 << bits - 1 if whole and self._circuit.rows.lo[value] < 0 else 0
        patterns = np.arange(1 << bits + bool(rest))
        own, is_below = (patterns >> 1, patterns & 1) if rest else (patterns, 0)
        own = own ^ flipped
        answer = (own < upper) | ((own == upper) & (is_below == 1))
        table = self.edit.table(np.asarray(answer == below, np.int64))
        self._made[key] = int(self.edit.add(Op.TABLE, a=index, p=table, origin=origin))
        return self._made[key]

    def _bits(self, value: int, first: int, bits: int, origin: int) -> int:
        """Return some bits of a value as a number from 0 up."""
        key = (value, first, bits)
        if key not in self._made:
            at = value
            if first:
                at = int(self.edit.add(Op.SHR, a=at, p=first, origin=origin))
            self._made[key] = int(self.edit.add(Op.LOW, a=at, p=bits, origin=origin))
        return self._made[key]
