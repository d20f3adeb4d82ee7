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
from edgetrig.verify.proof.linear import Form, combine, linear_parts, order

Key = tuple[Any, ...]
_DEEP = 60
"""How many wraps are seen through; beyond, a value counts as an atom."""


class Atoms:
    """Numbers for atoms, shared by all circuits that are compared; what each of them can be."""

    def __init__(self) -> None:
        self._number: dict[Key, int] = {}
        self.keys: list[Key] = []
        self.ends: list[tuple[int, int]] = []
        self.functions = Functions()

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
        ends = self._rest(whole, lo, hi)
        key = self.keys[rest.terms[0][0]] if len(rest.terms) == 1 else ("",)
        if rest.terms[0][1] == 1 and key[0] == "shr":
            inner, t = key[1], key[2]
            return whole + self.shift_right(inner.shifted(rest.offset << t), s + t, *ends)
        if rest.atom >= 0 and key[0] == "part":
            _, inner, start, count, signed = key
            if count > s:
                return whole + self._part(inner, start + s, count - s, signed)
        return whole + self.of(("shr", rest, s), *ends)

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
        key = self.keys[form.terms[0][0]] if len(form.terms) == 1 else ("",)
        if key[0] == "shr" and form.terms[0][1] == 1:
            return self._part(key[1].shifted(form.offset << key[2]), key[2], bits, signed)
        if key[0] == "part" and form.atom >= 0 and bits <= key[3]:
            return self._part(key[1], key[2], bits, signed)
        return self._part(form, 0, bits, signed)

    def _part(self, form: Form, start: int, count: int, signed: bool) -> Form:
        """Return bits ``start .. start + count - 1`` of a form as a number."""
        seen = self.modulo(form, start + count)
        bottom = -(1 << count - 1) if signed else 0
        ends = bottom, bottom + (1 << count) - 1
        if not seen.terms:
            value = (seen.offset >> start) % (1 << count)
            return Form((), value - (1 << count) if value > ends[1] else value)
        return self.of(("part", seen, start, count, signed), *ends)

    def modulo(self, form: Form, bits: int, depth: int = 0) -> Form:
        """Return a form that is equal modulo ``2**bits``, with wraps seen through."""
        parts, half = [(Form((), form.offset), 1)], 1 << bits - 1
        for atom, c in form.terms:
            zeros = (c & -c).bit_length() - 1
            if zeros < bits:
                parts.append((self._atom_modulo(atom, bits - zeros, depth), c))
        total = combine(parts)

        def centred(value: int) -> int:
            return (value + half) % (2 * half) - half

        terms = ((a, centred(c)) for a, c in total.terms)
        return Form(tuple((a, c) for a, c in terms if c), centred(total.offset))

    def _atom_modulo(self, atom: int, bits: int, depth: int) -> Form:
        key = self.keys[atom]
        same = Form(((atom, 1),))
        if depth > _DEEP:
            return same
        anything = -(1 << bits), 1 << bits
        if key[0] == "part" and key[3] >= bits:
            _, inner, start, _, _ = key
            if start == 0:
                return self.modulo(inner, bits, depth + 1)
            return self.of(
                ("part", self.modulo(inner, start + bits, depth + 1), start, bits, False),
                0,
                (1 << bits) - 1,
            )
        if key[0] == "where":
            inner = self.modulo(key[2], bits, depth + 1)
            return self.of(("where modulo", key[1], inner, bits), *anything)
        if key[0] == "mul":
            pair = sorted((self.modulo(k, bits, depth + 1) for k in key[1:]), key=order)
            return self.of(("mul modulo", *pair, bits), *anything)
        if key[0] == "bitwise":
            leaves = [self.modulo(leaf, bits, depth + 1) for leaf in key[2:]]
            return self._function(key[1], leaves, anything, bits)
        return same

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
        difference = combine(((then, 1), (other, -1)))
        if not difference.terms and difference.offset == 0:
            return other
        factor = gcd(difference.offset, *(c for _, c in difference.terms))
        first = difference.terms[0][1] if difference.terms else difference.offset
        factor = -factor if first < 0 else factor
        inner = Form(
            tuple((a, c // factor) for a, c in difference.terms), difference.offset // factor
        )
        if not inner.terms:  # a constant where the condition holds
            return other + condition.scaled(factor * inner.offset)
        condition = self._at_edge(condition, inner)
        if not condition.terms:
            return other + inner.scaled(factor * condition.offset)
        low, high = self.interval(inner)
        atom = self.of(("where", condition, inner), min(low, 0), max(high, 0))
        return other + atom.scaled(factor)

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
        return self._function(TABLES[op], (x, y), (lo, hi))

    def _function(
        self, table: int, words: Sequence[Form], ends: tuple[int, int], bits: int = 0
    ) -> Form:
        """Return a bitwise function of forms; one that is equal modulo ``2**bits`` if given."""
        function = self.functions.apply(table, words)
        plain = self.functions.plain(function)
        if plain is not None:
            return plain
        turned = function.table & 1
        if turned:  # of a function and its inverse, the one is an atom that is 0 if all leaves are
            function, ends = function.inverted(), (-1 - ends[1], -1 - ends[0])
        leaves = [self.functions.leaves[k] for k in function.leaves]
        if bits:
            form = self.of(("bitwise modulo", function.table, *leaves, bits), *ends)
        else:
            form = self.of(("bitwise", function.table, *leaves), *ends)
            self.functions.name(form.atom, function)
        return form.scaled(-1).shifted(-1) if turned else form

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
        return _product(x, ends, atoms)
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


def _product(x: list[Form], ends: tuple[int, int], atoms: Atoms) -> Form:
    for one, other in ((x[0], x[1]), (x[1], x[0])):
        if not one.terms:
            return other.scaled(one.offset)
    return atoms.of(("mul", *sorted(x, key=order)), *ends)
