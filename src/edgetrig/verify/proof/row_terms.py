"""Terms of the solver row by row, cut where a value of both circuits comes by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgetrig.circuit import OPERANDS, Circuit, Op
from edgetrig.verify.proof.forms import Atoms
from edgetrig.verify.proof.linear import Form
from edgetrig.verify.proof.ranges import Ranges
from edgetrig.verify.proof.words import Word, Words

_MOST = 200
"""Rows in one question; more would not be answered in time."""
COMPARISONS = (Op.LT, Op.EQ, Op.REG)
"""Never cut off: what they say of the numbers compared is needed, before and behind a register."""
PARTS = (*COMPARISONS, Op.SHR, Op.LOW, Op.LOWS)
"""Operations that say something of a value: as terms for the value, they hang together."""


class RowTerms:
    """Makes the terms of one question about a row of each of two circuits.

    A normal form may take a sum apart that the row computes as a whole (``floor((4 * a + b) / 4)``
    is ``a + floor(b / 4)``); the rows themselves keep it together.

    Parameters
    ----------
    words, atoms
        Where terms are made, and what forms mean.
    bases
        Forms without offset and factor that values of both circuits have: any number within their
        interval stands for them. ``given`` collects these intervals.
    through
        Operations that are never cut off: what they say of their operands is needed.
    """

    def __init__(
        self, words: Words, atoms: Atoms, bases: set[Form], through: Sequence[Op] = COMPARISONS
    ) -> None:
        self._words, self._atoms, self._bases, self._through = words, atoms, bases, through
        self.given: list[Any] = []
        self._free: dict[Form, Word] = {}
        self._rows = 0

    def of(self, circuit: Circuit, forms: dict[int, Form], ranges: Ranges, row: int) -> Word | None:
        """Return the term of a row, or None if it would be too large."""
        made: dict[int, Word] = {}
        stack = [row]
        while stack:
            at = stack[-1]
            word = made.get(at)
            if word is None and at != row and circuit.rows.op[at] not in self._through:
                word = self._known(forms[at])
                if word is not None:
                    self.given += self._words.within(word, *ranges.ends[at])
            inner = [int(getattr(circuit.rows, name)[at]) for name in "abc"]
            inner = inner[: OPERANDS[circuit.rows.op[at]]]
            waiting = [k for k in inner if k not in made]
            if word is None and waiting:
                stack += waiting
                continue
            if word is None:
                self._rows += 1
                if self._rows > _MOST:
                    return None
                word = self._meaning(circuit, at, [made[k] for k in inner], forms)
                word = self._words.fitted(word, *ranges.ends[at])
            made[at] = word
            stack.pop()
        return made[row]

    def _known(self, form: Form) -> Word | None:
        """Return the term of a constant, or of a value that both circuits have."""
        if not form.terms:
            return self._words.constant(form.offset)
        base, factor = form.primitive()
        if base not in self._bases:
            return None
        return self._words.linear([(self._number(base), factor)], form.offset)

    def _number(self, base: Form) -> Word:
        """Return any number within a form's interval."""
        if base not in self._free:
            self._free[base], given = self._words.number(*self._atoms.interval(base))
            self.given += given
        return self._free[base]

    def _meaning(
        self, circuit: Circuit, row: int, inner: list[Word], forms: dict[int, Form]
    ) -> Word:
        op, p = Op(circuit.rows.op[row]), int(circuit.rows.p[row])
        if op == Op.CONST:
            return self._words.constant(int(circuit.rows.lo[row]))
        if op == Op.INPUT:
            base, factor = forms[row].primitive()
            return self._words.linear([(self._number(base), factor)], forms[row].offset)
        return self._words.meaning(op, inner, p, circuit.tables[p] if op == Op.TABLE else None)
