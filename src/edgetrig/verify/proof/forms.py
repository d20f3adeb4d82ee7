"""Normal forms of values: linear forms over atoms, the same for two circuits.

Every row is ``offset + sum of coefficients * atoms``, exactly. An atom is an input, or an operation
that is not linear, on forms. Rows of two circuits that have the same form are equal for every
input, however differently their sums are arranged. The rules below, each a fact about integers, let
operations that mean the same become the same atom:

- ``floor((2**s * A + B) / 2**s) = A + floor(B / 2**s)``;
- a wrap to ``2**k`` sees its operand modulo ``2**k`` only, and so do sums, products, choices and
  bitwise operations in front of it;
- ``a < b`` is a question about the primitive part of ``a - b``: is it below a whole number?
- ``select(c, a, b) = b + (a - b where c)``, of which the common factor comes out;
- AND, OR and XOR are truth tables over words, of which some sums are linear (`bitwise`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd
from typing import Any

from edgetrig.circuit import Circuit, Op
from edgetrig.verify.proof.bitwise import TABLES, Functions
from edgetrig.verify.proof.linear import Form, combine, inverted, linear_parts, order
from edgetrig.verify.proof.residues import Residues

Key = tuple[Any, ...]


class Atoms:
    """Numbers for atoms, shared by all circuits that are compared; what each of them can be."""

    def __init__(self) -> None:
        self._number: dict[Key, int] = {}
        self.keys: list[Key] = []
        self.ends: list[tuple[int, int]] = []
        self.functions = Functions()
        self.residues = Residues(self)

    def of(self, key: Key, lo: int, hi: int) -> Form:
        """Return the atom of a key as a form; its interval is the intersection of all given."""
        number = self._number.setdefault(key, len(self.keys))
        if number == len(self.keys):
            self.keys.append(key)
            self.ends.append((lo, hi))
        else:
            low, high = self.ends[number]
            self.ends[number] = max(low, lo), min(high, hi)
        return Form(((number, 1),))

    def interval(self, form: Form) -> tuple[int, int]:
        """Return the interval of a form, by its atoms'."""
        lo = hi = form.offset
        for atom, c in form.terms:
            low, high = self.ends[atom]
            lo += c * (low if c > 0 else high)
            hi += c * (high if c > 0 else low)
        return lo, hi

    def is_loose(self, form: Form) -> bool:
        """Return whether a form is a sum of which no term is made from the others.

        ``x + (bit 1 of x)`` is not: it says more of `x` than any number would.
        """
        own = {atom for atom, _ in form.terms}
        inner = (part for atom in own for part in self.keys[atom] if isinstance(part, Form))
        return len(own) > 1 and all(own.isdisjoint(a for a, _ in part.terms) for part in inner)

    # ---- rules ----------------------------------------------------------------------------------

    def shift_right(self, form: Form, s: int, lo: int, hi: int) -> Form:
        """Return ``floor(form / 2**s)``."""
        unit = 1 << s
        whole = Form(tuple((a, c >> s) for a, c in form.terms if c % unit == 0), form.offset >> s)
        rest = Form(tuple((a, c) for a, c in form.terms if c % unit), form.offset % unit)
        if not rest.terms:
            return whole
        factor = gcd(unit, *(c for _, c in rest.terms))
        rest = Form(tuple((a, c // factor) for a, c in rest.terms), rest.offset // factor)
        s -= factor.bit_length() - 1
        lo, hi = self._rest(whole, lo, hi)
        if rest.terms[0][1] < 0:
            return whole + inverted(self.shift_right(inverted(rest), s, -1 - hi, -1 - lo))
        key = self.keys[rest.terms[0][0]] if len(rest.terms) == 1 else ("",)
        if rest.terms[0][1] == 1 and key[0] == "shr":
            inner, t = key[1], key[2]
            return whole + self.shift_right(inner.shifted(rest.offset << t), s + t, lo, hi)
        if rest.atom >= 0 and key[0] == "part":
            _, inner, start, count = key
            if count > s:
                return whole + self.residues.part(inner, start + s, count - s, False)
        return whole + self.of(("shr", rest, s), lo, hi)

    def _rest(self, whole: Form, lo: int, hi: int) -> tuple[int, int]:
        """Return the interval of what is left of a value when a part is taken away."""
        low, high = self.interval(whole)
        return lo - high, hi - low

    def wrap(self, form: Form, bits: int, signed: bool) -> Form:
        """Return the low bits of a form, as a signed or an unsigned number."""
        lo, hi = self.interval(form)
        bottom = -(1 << bits - 1) if signed else 0
        if bottom <= lo and hi < bottom + (1 << bits):
            return form
        return self.residues.part(form, 0, bits, signed)

    def below(self, form: Form) -> Form:
        """Return 1 where a form is negative, else 0."""
        if not form.terms:
            return Form((), int(form.offset < 0))
        base, factor = form.primitive()
        # factor * base + offset < 0
        if factor > 0:
            return self._less(base, -(form.offset // factor))
        return Form((), 1) + self._less(base, form.offset // -factor + 1).scaled(-1)

    def _less(self, base: Form, limit: int) -> Form:
        """Return 1 where a primitive form is less than a whole number."""
        shifts = [(a, c) for a, c in base.terms if self.keys[a][0] == "shr"]
        if len(shifts) == 1 and abs(shifts[0][1]) == 1:  # R + floor(y / 2**s) < t
            ((atom, sign),) = shifts
            _, inner, s = self.keys[atom]
            rest = combine(((base, sign), (Form(((atom, 1),)), -1))).scaled(1 << s)
            if sign > 0:
                return self.below(rest + inner.shifted(-(limit << s)))
            negated = self.below(rest + inner.shifted((limit - 1) << s))
            return Form((), 1) + negated.scaled(-1)
        lo, hi = self.interval(base)
        if base.atom >= 0 and (lo, hi) == (0, 1) and limit == 1:
            return Form((), 1) + base.scaled(-1)
        if limit <= lo or limit > hi:
            return Form((), int(limit > hi))
        return self.of(("less", base, limit), 0, 1)

    def same(self, form: Form) -> Form:
        """Return 1 where a form is 0, else 0."""
        if not form.terms:
            return Form((), int(form.offset == 0))
        base, factor = form.primitive()
        value, rest = divmod(-form.offset, factor)
        lo, hi = self.interval(base)
        if rest or not lo <= value <= hi:
            return Form(())
        if base.atom >= 0 and (lo, hi) == (0, 1):
            return base if value == 1 else Form((), 1) + base.scaled(-1)
        return self.of(("equal", base, value), 0, 1)

    def choose(self, condition: Form, then: Form, other: Form) -> Form:
        """Return ``then`` where the condition is 1, ``other`` where it is 0."""
        if not condition.terms:
            return then if condition.offset else other
        if condition.offset == 1 and condition.terms[0][1] == -1 and len(condition.terms) == 1:
            condition, then, other = condition.scaled(-1).shifted(1), other, then
        return other + self.where(condition, combine(((then, 1), (other, -1))))

    def where(self, condition: Form, value: Form) -> Form:
        """Return a value where a condition is 1, 0 where it is 0."""
        factor = gcd(value.offset, *(c for _, c in value.terms))
        if factor == 0:
            return value
        first = value.terms[0][1] if value.terms else value.offset
        factor = -factor if first < 0 else factor
        inner = Form(tuple((a, c // factor) for a, c in value.terms), value.offset // factor)
        if not inner.terms:  # a constant where the condition holds
            return condition.scaled(factor * inner.offset)
        condition = self._at_edge(condition, inner)
        if not condition.terms:
            return inner.scaled(factor * condition.offset)
        low, high = self.interval(inner)
        atom = self.of(("where", condition, inner), min(low, 0), max(high, 0))
        return atom.scaled(factor)

    def _at_edge(self, condition: Form, inner: Form) -> Form:
        """Take the lower of two limits where the values chosen between are equal at the edge."""
        own, factor = inner.primitive()
        edge, rest = divmod(-inner.offset, factor)
        if rest:
            return condition
        upper = self._less(own, edge + 1)
        if condition == upper:
            return self._less(own, edge)
        if condition == upper.scaled(-1).shifted(1):
            return self._less(own, edge).scaled(-1).shifted(1)
        return condition

    def bitwise(self, op: Op, x: Form, y: Form, lo: int, hi: int) -> Form:
        """Return AND, OR or XOR of two forms."""
        if op == Op.XOR:
            for one, other in ((x, y), (y, x)):
                truth = self.interval(other) == (0, 1)
                if not one.terms and (one.offset == -1 or (one.offset == 1 and truth)):
                    return other.scaled(-1).shifted(one.offset)
        return self.function(TABLES[op], (x, y), (lo, hi))

    def function(
        self, table: int, words: Sequence[Form], ends: tuple[int, int] | None = None
    ) -> Form:
        """Return a bitwise function of forms, given an interval or from those of the forms."""
        function = self.functions.apply(table, words)
        plain = self.functions.plain(function)
        if plain is not None:
            return plain
        leaves = [self.functions.leaves[k] for k in function.leaves]
        if ends is None:
            every = [end for leaf in leaves for end in self.interval(leaf)]
            unit = 1 << max(max(end, -1 - end).bit_length() for end in every)
            ends = -unit, unit - 1
        turned = function.table & 1
        if turned:  # of a function and its inverse, the one is an atom that is 0 if all leaves are
            function, ends = function.inverted(), (-1 - ends[1], -1 - ends[0])
        form = self.of(("bitwise", function.table, *leaves), *ends)
        self.functions.name(form.atom, function)
        return inverted(form) if turned else form

    def product(self, x: Sequence[Form], ends: tuple[int, int] | None = None) -> Form:
        """Return a product of two forms, given an interval or from those of the forms."""
        for one, other in ((x[0], x[1]), (x[1], x[0])):
            if not one.terms:
                return other.scaled(one.offset)
        if ends is None:
            every = [a * b for a in self.interval(x[0]) for b in self.interval(x[1])]
            ends = min(every), max(every)
        return self.of(("mul", *sorted(x, key=order)), *ends)

    def sum(self, form: Form) -> Form:
        """Return a form in which bitwise functions that add up to a sum of words are that sum."""
        rest, leaves = self.functions.added(form)
        return combine(((rest, 1), *leaves)) if leaves else form


def form_of(circuit: Circuit, row: int, x: list[Form], ends: tuple[int, int], atoms: Atoms) -> Form:
    """Return the form of a row, given its operands' forms and an interval that was proved."""
    op, p = Op(circuit.rows.op[row]), int(circuit.rows.p[row])
    if ends[0] == ends[1]:
        return Form((), ends[0])
    if op == Op.INPUT:
        return atoms.of(("input", p), *ends)
    if op == Op.TABLE:
        table = circuit.tables[p]
        return atoms.of(("table", x[0], table.start, tuple(table.values.tolist())), *ends)
    if op == Op.MUL:
        return atoms.product(x, ends)
    if op == Op.REG:
        return x[0]
    linear = linear_parts(op, p)
    if linear:
        return atoms.sum(combine(zip(x, linear, strict=True)))
    rules: dict[Op, Callable[[], Form]] = {
        Op.SHR: lambda: atoms.shift_right(x[0], p, *ends),
        Op.LOW: lambda: atoms.wrap(x[0], p, False),
        Op.LOWS: lambda: atoms.wrap(x[0], p, True),
        Op.LT: lambda: atoms.below(combine(((x[0], 1), (x[1], -1)))),
        Op.EQ: lambda: atoms.same(combine(((x[0], 1), (x[1], -1)))),
        Op.SELECT: lambda: atoms.choose(*x),
    }
    return rules[op]() if op in rules else atoms.bitwise(op, x[0], x[1], *ends)
