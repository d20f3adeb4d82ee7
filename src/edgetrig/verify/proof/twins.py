"""Rows of the traced circuit that are equal, however differently they are written."""

from __future__ import annotations

import time

from edgetrig.circuit import Op
from edgetrig.verify.proof.forms import Atoms, form_of
from edgetrig.verify.proof.linear import Form
from edgetrig.verify.proof.row_terms import RowTerms
from edgetrig.verify.proof.sides import PAIRED, Side, operands
from edgetrig.verify.proof.words import Words

_SECONDS = 0.3
_SUMS = (Op.INPUT, Op.ADD, Op.SUB, Op.NEG, Op.MUL)
"""Where questions about the traced circuit alone are cut."""


class Twins:
    """Gives the rows of the traced circuit forms; rows proved equal get one.

    A network clips a value again for each layer that reads it: one value, written in many ways.
    """

    def __init__(self, side: Side, atoms: Atoms, seconds: float) -> None:
        self.circuit, self.ranges, self.values = side.circuit, side.ranges, side.values
        self.atoms = atoms
        self.end = time.thread_time() + seconds
        self.words = Words()
        self.made: dict[int, Form] = {}
        self.sums: set[Form] = set()
        self.last: dict[tuple[int, ...], int] = {}

    def forms(self) -> dict[int, Form]:
        """Return the form of every live row."""
        op = self.circuit.rows.op
        for row in sorted(self.ranges.ends):
            inner = [self.made[k] for k in operands(self.circuit, row)]
            form = form_of(self.circuit, row, inner, self.ranges.ends[row], self.atoms)
            if op[row] in PAIRED:
                twin = self.last.get(self.values[row])
                if twin is not None and self._equal(twin, row, form):
                    form = self.made[twin]
                self.last[self.values[row]] = row
            elif op[row] in _SUMS:
                self.sums.add(form.primitive()[0])
            self.made[row] = form
        return self.made

    def _equal(self, twin: int, row: int, form: Form) -> bool:
        if form == self.made[twin] or time.thread_time() > self.end:
            return False
        own = {form.primitive()[0], self.made[twin].primitive()[0]}
        terms = RowTerms(self.words, self.atoms, self.sums - own)
        sides = [terms.of(self.circuit, self.made, self.ranges, k) for k in (twin, row)]
        if sides[0] is None or sides[1] is None:
            return False
        goal = self.words.compare("EQUAL", sides[0], sides[1])
        return bool(self.words.holds(goal, terms.given, _SECONDS))
