"""Linear forms: sums of numbered atoms times whole numbers, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

from edgetrig.circuit import Op


@dataclass(frozen=True)
class Form:
    """``offset + sum of coefficient * atom``; terms sorted by atom."""

    terms: tuple[tuple[int, int], ...]
    offset: int = 0

    def __add__(self, other: Form) -> Form:
        return combine(((self, 1), (other, 1)))

    def scaled(self, factor: int) -> Form:
        """Return the form times a constant."""
        if factor == 0:
            return Form(())
        return Form(tuple((a, c * factor) for a, c in self.terms), self.offset * factor)

    def shifted(self, offset: int) -> Form:
        """Return the form plus a constant."""
        return Form(self.terms, self.offset + offset)

    @property
    def atom(self) -> int:
        """The atom that the form is, or -1."""
        single = len(self.terms) == 1 and self.terms[0][1] == 1 and self.offset == 0
        return self.terms[0][0] if single else -1

    def primitive(self) -> tuple[Form, int]:
        """Return the form without offset and common factor, its first sign positive; the factor."""
        if not self.terms:
            return self, 0
        factor = gcd(*(c for _, c in self.terms))
        factor = -factor if self.terms[0][1] < 0 else factor
        return Form(tuple((a, c // factor) for a, c in self.terms)), factor


def combine(parts: Any) -> Form:
    """Return a sum of forms, each times a constant."""
    total: dict[int, int] = {}
    offset = 0
    for form, factor in parts:
        offset += form.offset * factor
        for atom, coefficient in form.terms:
            total[atom] = total.get(atom, 0) + coefficient * factor
    return Form(tuple(sorted((a, c) for a, c in total.items() if c)), offset)


def inverted(form: Form) -> Form:
    """Return a form with every bit turned round: ``-1 - form``."""
    return form.scaled(-1).shifted(-1)


def order(form: Form) -> tuple[Any, ...]:
    """Return by what forms are sorted."""
    return form.terms, form.offset


def linear_parts(op: Op, p: int) -> tuple[int, ...]:
    """Return what a linear operation multiplies each operand with; nothing for any other."""
    if op in (Op.ADD, Op.SUB):
        return 1 << max(-p, 0), (1 if op == Op.ADD else -1) << max(p, 0)
    if op == Op.ADD3:
        return 1, -1 if p == 2 else 1, -1 if p else 1
    if op == Op.SHL:
        return (1 << p,)
    return {Op.NEG: (-1,), Op.REG: (1,)}.get(op, ())
