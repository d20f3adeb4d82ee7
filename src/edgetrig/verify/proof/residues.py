"""Forms that are equal modulo a power of two, the same however a sum was cut into bits.

A wrap sees its operand modulo ``2**bits`` only. There, sums that were wrapped, shifted and rounded
in different places and widths are one, if all is written as a sum over what is no wrap, and over
floors of sums whose coefficients are small:

- ``y`` modulo ``2**k`` is ``y - 2**k * floor(y / 2**k)``;
- ``floor((2**s * A + B) / 2**s) = A + floor(B / 2**s)``, with small coefficients in `B`;
- ``floor((A + floor(B / 2**t)) / 2**s) = floor((2**t * A + B) / 2**(s + t))``;
- ``floor((-1 - y) / 2**s) = -1 - floor(y / 2**s)``: of the two, one is written;
- ``2**j * atom`` needs the atom modulo ``2**(bits - j)`` only.

Atoms mean here what they mean everywhere, so that a residue is a form like any other. Its interval
is far too wide to be used.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from edgetrig.verify.proof.linear import Form, combine, inverted, order

if TYPE_CHECKING:
    from edgetrig.verify.proof.forms import Atoms

_DEEP = 60
"""How many wraps are seen through; beyond, a value counts as an atom."""
_MOST_TERMS = 300_000
"""How many terms are looked at; choices between wrapped choices have very many residues."""
_ROUNDS = 4
"""How often a sum is looked through; atoms come together that were apart."""


class Residues:
    """Makes residues of forms; keeps those of atoms."""

    def __init__(self, atoms: Atoms) -> None:
        self._atoms = atoms
        self._made: dict[tuple[int, int], Form] = {}
        self._parts: dict[int, Form] = {}
        self._cut: dict[int, bool] = {}
        self._left = _MOST_TERMS

    def of(self, form: Form, bits: int, depth: int = 0) -> Form:
        """Return a form that is equal modulo ``2**bits``."""
        for _ in range(_ROUNDS):
            self._left -= len(form.terms)
            parts = [(Form((), form.offset), 1)]
            for atom, c in form.terms:
                parts += self._times(atom, c, bits, depth)
            before, form = form, _reduced(combine(parts), bits)
            if form == before:
                break
        return form

    def _times(self, atom: int, c: int, bits: int, depth: int) -> list[tuple[Form, int]]:
        """Return residues times factors that add up to an atom times one.

        ``2**j * atom`` needs fewer bits of the atom than the atom itself: where these have another
        residue, only the lower bits of the factor stand with the wider one.
        """
        parts = []
        level = (c & -c).bit_length() - 1
        while level < bits:
            residue = self._of_atom(atom, bits - level, depth)
            level = bits
            if self._is_cut(atom):
                wider = range((c & -c).bit_length(), bits)
                others = (j for j in wider if self._of_atom(atom, bits - j, depth) != residue)
                level = next(others, bits)
            own = _centred(c, level)
            parts.append((residue, own))
            c -= own
            level = (c & -c).bit_length() - 1 if c else bits
        return parts

    def _is_cut(self, atom: int) -> bool:
        """Return whether the bits that are asked for decide what a residue of an atom says."""
        if atom not in self._cut:
            key = self._atoms.keys[atom]
            inner = key[1].terms if key[0] == "shr" else ()
            self._cut[atom] = key[0] in ("where", "mul", "bitwise") or any(
                self._is_cut(other) for other, _ in inner
            )
        return self._cut[atom]

    def part(self, form: Form, start: int, count: int, signed: bool) -> Form:
        """Return bits ``start .. start + count - 1`` of a form as a number: exactly."""
        half = 1 << count - 1
        if signed:
            return self.part(form.shifted(half << start), start, count, False).shifted(-half)
        seen = self.of(form, start + count)
        if start:
            whole, rest = self._floor(seen, start, count)
            seen = self.of(whole + rest, count)
        if not seen.terms:
            return Form((), seen.offset)
        other = self.of(inverted(seen), count)
        turned = order(seen) < order(other)
        if turned:
            form, seen = inverted(form), other
        atom = self._atoms.of(("part", seen, 0, count), 0, 2 * half - 1)
        if atom.atom not in self._parts:
            self._parts[atom.atom] = seen
            self._atoms.keys[atom.atom] = ("part", form, start, count)
        return atom.scaled(-1).shifted(2 * half - 1) if turned else atom

    def _of_atom(self, atom: int, bits: int, depth: int) -> Form:
        if (atom, bits) not in self._made:
            opened = depth < _DEEP and self._left > 0
            residue = self._looked_into(atom, bits, depth) if opened else None
            self._made[atom, bits] = residue or Form(((atom, 1),))
        return self._made[atom, bits]

    def _looked_into(self, atom: int, bits: int, depth: int) -> Form | None:
        atoms, key, depth = self._atoms, self._atoms.keys[atom], depth + 1
        if key[0] == "part":
            seen, count = self._parts[atom], key[3]
            if count < bits:
                whole, rest = self._floor(seen, count, bits - count, depth)
                seen += (whole + rest).scaled(-1 << count)
            return self.of(seen, bits, depth)
        if key[0] == "shr":
            inner = self.of(key[1], bits + key[2], depth)
            whole, rest = self._floor(inner, key[2], bits, depth)
            return self.of(whole, bits, depth) + rest
        if key[0] == "where":
            return atoms.where(key[1], self.of(key[2], bits, depth))
        if key[0] == "mul":
            return atoms.product([self.of(form, bits, depth) for form in key[1:]])
        if key[0] == "bitwise":
            return atoms.function(key[1], [self.of(form, bits, depth) for form in key[2:]])
        return None

    def _floor(self, form: Form, s: int, bits: int, depth: int = 0) -> tuple[Form, Form]:
        """Return ``floor(form / 2**s)`` modulo ``2**bits``: a form, and an atom or its inverse."""
        other = self.of(inverted(form), s + bits, depth)
        own = _reduced(form, s)
        if order(own) < order(_reduced(other, s)):
            whole, rest = self._upper(other, s, bits, depth)
            return whole.scaled(-1), inverted(rest)
        return self._upper(form, s, bits, depth)

    def _upper(self, form: Form, s: int, bits: int, depth: int) -> tuple[Form, Form]:
        rest = _reduced(form, s)
        whole = combine(((form, 1), (rest, -1)))
        whole = Form(tuple((a, c >> s) for a, c in whole.terms), whole.offset >> s)
        if not rest.terms:
            return whole, Form(())
        factor = gcd(1 << s, *(c for _, c in rest.terms))
        rest = Form(tuple((a, c // factor) for a, c in rest.terms), rest.offset // factor)
        s -= factor.bit_length() - 1
        floors = [(a, c) for a, c in rest.terms if self._atoms.keys[a][0] == "shr"]
        if len(floors) == 1 and floors[0][1] == 1:  # A + floor(B / 2**t)
            _, inner, t = self._atoms.keys[floors[0][0]]
            both = combine(((rest, 1 << t), (Form(tuple(floors)), -1 << t), (inner, 1)))
            upper, rest = self._floor(both, s + t, bits, depth)
            return whole + upper, rest
        lo, hi = self._atoms.interval(rest)
        return whole, self._atoms.of(("shr", rest, s), lo >> s, hi >> s)


def _reduced(form: Form, bits: int) -> Form:
    """Return a form modulo ``2**bits``, coefficients above ``-2**(bits-1)``, not above its half."""
    half = 1 << bits - 1
    terms = ((a, _centred(c, bits)) for a, c in form.terms)
    return Form(tuple((a, c) for a, c in terms if c), form.offset % (2 * half))


def _centred(value: int, bits: int) -> int:
    half = 1 << bits - 1
    return (value + half - 1) % (2 * half) - half + 1
