"""Terms of the solver for normal forms, cut where both circuits have the same value."""

from __future__ import annotations

from typing import Any

from edgetrig.circuit import Op, Table
from edgetrig.verify.proof.forms import Atoms
from edgetrig.verify.proof.linear import Form, combine
from edgetrig.verify.proof.words import Word, Words

_MOST = 400
"""Atoms in one question; more would not be answered in time."""


class FormTerms:
    """Makes the terms of one question.

    Parameters
    ----------
    words, atoms
        Where terms are made, and what atoms mean.
    shared, bases
        Atoms, and sums without offset, that both circuits have: any number within their interval
        stands for them. ``given`` collects these intervals.
    """

    def __init__(self, words: Words, atoms: Atoms, shared: set[int], bases: set[Form]) -> None:
        self._words, self._atoms, self._shared, self._bases = words, atoms, shared, bases
        self.given: list[Any] = []
        self._made: dict[Any, Word] = {}

    def of(self, form: Form) -> Word | None:
        """Return the term of a form, or None if it would be too large."""
        try:
            return self._form(form)
        except (RecursionError, _TooLargeError):
            return None

    def _form(self, form: Form) -> Word:
        if not form.terms:
            return self._words.constant(form.offset)
        base, factor = form.primitive()
        if base in self._bases and len(base.terms) > 1:
            return self._words.linear([(self._free(base, base), factor)], form.offset)
        terms = []
        inside = self._sum_inside(form)
        if inside is not None:  # x + where(c, k - x) stands on x, not on the terms of x
            base, factor = inside
            terms.append((self._free(base, base), factor))
            form = combine(((form, 1), (base, -factor)))
        terms += [(self._atom(atom), c) for atom, c in form.terms]
        return self._words.linear(terms, form.offset)

    def _sum_inside(self, form: Form) -> tuple[Form, int] | None:
        """Return a shared sum that is part of a form, and how often, if an atom stands on it."""
        have = dict(form.terms)
        for atom, _ in form.terms:
            for part in self._atoms.keys[atom] if atom not in self._shared else ():
                base = part.primitive()[0] if isinstance(part, Form) else Form(())
                if len(base.terms) > 1 and base in self._bases:
                    factor = have.get(base.terms[0][0], 0) // base.terms[0][1]
                    if factor and all(have.get(a) == factor * c for a, c in base.terms):
                        return base, factor
        return None

    def _free(self, name: Any, form: Form) -> Word:
        """Return any number within a form's interval."""
        if name not in self._made:
            self._made[name], given = self._words.number(*self._atoms.interval(form))
            self.given += given
        return self._made[name]

    def _atom(self, atom: int) -> Word:
        if atom in self._shared or self._atoms.keys[atom][0] == "input":
            return self._free(atom, Form(((atom, 1),)))
        if atom not in self._made:
            if len(self._made) > _MOST:
                raise _TooLargeError
            self._made[atom] = self._operation(self._atoms.keys[atom])
        return self._made[atom]

    def _operation(self, key: tuple[Any, ...]) -> Word:
        words, kind = self._words, key[0]
        inner = [self._form(part) for part in key[1:] if isinstance(part, Form)]
        if kind == "shr":
            return words.meaning(Op.SHR, inner, key[2])
        if kind == "part":
            _, _, start, count = key
            upper = words.meaning(Op.SHR, inner, start) if start else inner[0]
            return words.meaning(Op.LOW, [upper], count)
        if kind == "less":
            return words.meaning(Op.LT, [inner[0], words.constant(key[2])], 0)
        if kind == "equal":
            return words.meaning(Op.EQ, [inner[0], words.constant(key[2])], 0)
        if kind == "where":
            return words.meaning(Op.SELECT, [*inner, words.constant(0)], 0)
        if kind == "table":
            return words.meaning(Op.TABLE, inner, 0, _table(key))
        if kind == "bitwise":
            return words.bitwise(key[1], inner)
        return words.meaning(Op.MUL, inner, 0)


class _TooLargeError(Exception):
    """A question of too many operations."""


def _table(key: tuple[Any, ...]) -> Table:
    import numpy as np

    return Table(key[2], np.array(key[3], np.int64))
