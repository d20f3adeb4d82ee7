"""Bitwise functions of words, and sums of them that are sums of the words themselves.

AND, OR and XOR treat all bits of their operands alike. A row made of them alone is a truth table
over its leaves: words that are made by anything else. A word is the sum of its bits times powers of
two (the sign's negative). So a sum of such rows that is linear in the bits, for all ``2**n`` bits
that `n` leaves can have at one place, is the same sum of the leaves: carry-save adders add. A bit
that is 1 at every place is the word -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from edgetrig.circuit import Op
from edgetrig.verify.proof.linear import Form, inverted

TABLES = {Op.AND: 0b1000, Op.OR: 0b1110, Op.XOR: 0b0110}
"""The truth tables of the operations."""
_MOST_LEAVES = 8
"""Beyond, operands count as leaves, whatever they are made of."""


@dataclass(frozen=True)
class Bitwise:
    """A bitwise function of words.

    Parameters
    ----------
    leaves
        Numbers of the words that it depends on, rising.
    table
        Bit `i` is the function's value where leaf `k` has bit `k` of `i`.
    """

    leaves: tuple[int, ...]
    table: int

    def inverted(self) -> Bitwise:
        """Return the function with every bit turned round: ``-1 - value``."""
        return Bitwise(self.leaves, self.table ^ _ones(len(self.leaves)))


class Functions:
    """Which atoms are bitwise functions, and of what."""

    def __init__(self) -> None:
        self.leaves: list[Form] = []
        self._number: dict[Form, int] = {}
        self._of_atom: dict[int, Bitwise] = {}

    def name(self, atom: int, function: Bitwise) -> None:
        """Let an atom stand for a function."""
        self._of_atom[atom] = function

    def apply(self, table: int, operands: Sequence[Form]) -> Bitwise:
        """Return a bitwise function of forms: of the leaves of those that are functions."""
        shifted = _inverted_above(*operands) if table == TABLES[Op.XOR] else None
        if shifted is not None:
            return self._leaf(shifted)
        inner = [self._read(form) for form in operands]
        if len(_union(inner)) > _MOST_LEAVES:
            inner = [self._leaf(form) for form in operands]
        leaves = _union(inner)
        spread = [_spread(f.table, tuple(map(leaves.index, f.leaves)), len(leaves)) for f in inner]
        return _reduced(leaves, _value(table, spread, _ones(len(leaves))))

    def plain(self, function: Bitwise) -> Form | None:
        """Return the form of a function of one leaf at most."""
        if not function.leaves:
            return Form((), -function.table)
        if len(function.leaves) > 1:
            return None
        form = self.leaves[function.leaves[0]]
        return form if function.table == 0b10 else inverted(form)

    def added(self, form: Form) -> tuple[Form, list[tuple[Form, int]]]:
        """Return a form without functions that add up to a sum of leaves, and that sum."""
        by_leaves: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for term in form.terms:
            if term[0] in self._of_atom:
                by_leaves.setdefault(self._of_atom[term[0]].leaves, []).append(term)
        rest, found, offset = dict(form.terms), [], form.offset
        pairs = [leaves for leaves, group in by_leaves.items() if len(group) > 1]
        for leaves in sorted(pairs, key=len, reverse=True):
            if leaves not in by_leaves:
                continue
            inner = [some for n in range(2, len(leaves) + 1) for some in combinations(leaves, n)]
            group = [term for some in inner for term in by_leaves.get(some, ())]
            weights = self._weights(leaves, group)
            if not weights:
                continue
            for some in inner:
                by_leaves.pop(some, None)
            for atom, _ in group:
                del rest[atom]
            offset -= weights[0]
            found += [(self.leaves[k], w) for k, w in zip(leaves, weights[1:], strict=True)]
        return Form(tuple(rest.items()), offset), found

    def _weights(self, leaves: tuple[int, ...], group: Sequence[tuple[int, int]]) -> list[int]:
        """Return the bit that a sum of functions always has, and the weight of each leaf's.

        Nothing if the sum is not linear.
        """
        total = [0] * (1 << len(leaves))
        for atom, factor in group:
            own = self._of_atom[atom]
            table = _spread(own.table, tuple(map(leaves.index, own.leaves)), len(leaves))
            for case in range(len(total)):
                total[case] += factor * (table >> case & 1)
        for case in range(1, len(total)):
            if total[case] + total[0] != total[case & case - 1] + total[case & -case]:
                return []
        return [total[0]] + [total[1 << k] - total[0] for k in range(len(leaves))]

    def _read(self, form: Form) -> Bitwise:
        """Return the function that a form is."""
        if not form.terms and form.offset in (0, -1):
            return Bitwise((), -form.offset)
        base, turned = upright(form)
        function = self._of_atom.get(base.atom)
        if function is None:
            return self._leaf(form)
        return function.inverted() if turned else function

    def _leaf(self, form: Form) -> Bitwise:
        base, turned = upright(form)
        number = self._number.setdefault(base, len(self.leaves))
        if number == len(self.leaves):
            self.leaves.append(base)
        return Bitwise((number,), 0b01 if turned else 0b10)


def upright(form: Form) -> tuple[Form, bool]:
    """Return the one that is named of a form and the same inverted, and whether it is the other."""
    turned = (form.terms[0][1] if form.terms else form.offset) < 0
    return (inverted(form) if turned else form), turned


def _inverted_above(x: Form, y: Form) -> Form | None:
    """Return the form of ``x ^ y`` if one is -2**s and the other has zeros below that place.

    So an inverted word is shifted to the left.
    """
    for one, other in ((x, y), (y, x)):
        unit = -one.offset
        mask = not one.terms and unit > 0 and unit & unit - 1 == 0
        if mask and all(c % unit == 0 for c in (other.offset, *(c for _, c in other.terms))):
            return other.scaled(-1).shifted(-unit)
    return None


def _union(functions: Sequence[Bitwise]) -> tuple[int, ...]:
    return tuple(sorted({leaf for function in functions for leaf in function.leaves}))


def _reduced(leaves: tuple[int, ...], table: int) -> Bitwise:
    """Return a function without the leaves that it does not depend on."""
    kept = list(leaves)
    for k in reversed(range(len(leaves))):
        variable = _variable(k, len(kept))
        if (table & variable) >> (1 << k) == table & ~variable:
            cases = [case for case in range(1 << len(kept)) if not case >> k & 1]
            table = sum((table >> case & 1) << place for place, case in enumerate(cases))
            del kept[k]
    return Bitwise(tuple(kept), table)


@lru_cache(maxsize=1 << 12)
def _spread(table: int, places: tuple[int, ...], count: int) -> int:
    """Return the truth table over `count` leaves of a function of those at some places."""
    return _value(table, [_variable(place, count) for place in places], _ones(count))


def _value(table: int, operands: Sequence[int], ones: int) -> int:
    """Return a function of words that end at `ones`."""
    if not operands:
        return ones if table & 1 else 0
    half = 1 << len(operands) - 1
    low = _value(table & (1 << half) - 1, operands[:-1], ones)
    if table >> half == table & (1 << half) - 1:
        return low
    high = _value(table >> half, operands[:-1], ones)
    return operands[-1] & high | (ones ^ operands[-1]) & low


def _variable(place: int, count: int) -> int:
    """Return the truth table of a leaf itself."""
    ones = _ones(count)
    return ones - ones // ((1 << (1 << place)) + 1)


def _ones(count: int) -> int:
    return (1 << (1 << count)) - 1
