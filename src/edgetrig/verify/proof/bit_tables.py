"""Tables that mean something simpler: sums of few values, and comparisons with constants.

Both are recognised by every entry that can be read. A table whose entries are a number plus a
weight times each of the values side by side in its index is that sum; a counter of bits is one. A
table of the upper bits of a value, and of whether its lower bits are below a number, is a
comparison if its entries are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from edgetrig.circuit import Circuit, Op
from edgetrig.verify.proof.forms import Atoms
from edgetrig.verify.proof.linear import Form, combine, linear_parts

_MOST_FIELDS = 8
_MOST_PATTERNS = 1 << 12
"""Entries of a table that are read to see whether it is a sum."""
_MOST_BITS = 16
"""Bits of a value that is written as the sum of its bits."""

Ends = tuple[int, int]


@dataclass(frozen=True)
class Bits:
    """Bits ``first .. first + count - 1`` of the value of a row, as a number from 0 up."""

    row: int
    first: int
    count: int


@dataclass(frozen=True)
class Sum:
    """``base + sum of weight * value of a row``."""

    terms: tuple[tuple[int, int], ...]
    base: int


@dataclass(frozen=True)
class _Part:
    """Part of an index: `scale` times the value of a row, or its lowest `bits` if these are few."""

    row: int
    lo: int
    hi: int
    scale: int
    bits: int = 0

    def code(self, value: int) -> int:
        return self.scale * (value % (1 << self.bits) if self.bits else value)


@dataclass(frozen=True)
class Below:
    """Whether the lowest `size` bits of the value of a row are below a number (if `holds`)."""

    row: int
    size: int
    limit: int
    holds: bool


class BitTables:
    """Finds the meaning of rows of one circuit.

    Parameters
    ----------
    circuit
        The circuit; registers are looked through.
    atoms
        What forms mean.
    forms, ends
        Forms and proved intervals of the rows before the one that is asked for.
    """

    def __init__(
        self, circuit: Circuit, atoms: Atoms, forms: Mapping[int, Form], ends: Mapping[int, Ends]
    ) -> None:
        rows = circuit.rows
        self._tables, self._atoms, self._forms, self._ends = circuit.tables, atoms, forms, ends
        self._op, self._a, self._b, self._c, self._p = (
            column.tolist() for column in (rows.op, rows.a, rows.b, rows.c, rows.p)
        )
        self._linear: dict[int, Form] = {}
        self._sums: dict[int, Sum | None] = {}
        self._below: dict[int, Below | None] = {}

    def comparison(self, row: int) -> Form | None:
        """Return the comparison with a constant that a row is by its tables, if it is one."""
        asked = self._asked(row) if self._op[row] == Op.TABLE else None
        if asked is None or not self._whole(asked.row, asked.size):
            return None
        truth = self._atoms.below(self._forms[asked.row].shifted(-asked.limit))
        return truth if asked.holds else truth.scaled(-1).shifted(1)

    def sum(self, row: int) -> Form | None:
        """Return the sum that a row is by its table, if it is one."""
        total = self._sum(row)
        if total is None:
            return None
        parts = [(self._forms[term], weight) for term, weight in total.terms]
        return combine(parts).shifted(total.base)

    def linear(self, row: int) -> Form:
        """Return the form of a row in which bits are written by the values they are bits of."""
        stack = [row]
        while stack:
            at = stack[-1]
            waiting = [k for k in self._needed(at) if k not in self._linear]
            if at not in self._linear and waiting:
                stack += waiting
                continue
            if at not in self._linear:
                self._linear[at] = self._expanded(at)
            stack.pop()
        return self._linear[row]

    def _needed(self, row: int) -> list[int]:
        """Return the rows whose linear forms make that of a row."""
        if (bits := self._single(row)) is not None:
            return [bits.row]
        if (other := self._inverted(row)) is not None:
            return [other]
        if self._op[row] == Op.TABLE:
            total = self._sum(row)
            return [term for term, _ in total.terms] if total else []
        count = len(linear_parts(Op(self._op[row]), self._p[row]))
        return [self._a[row], self._b[row], self._c[row]][:count]

    def _expanded(self, row: int) -> Form:
        if (bits := self._single(row)) is not None:
            pair = self._upper(bits.row, bits.first), self._upper(bits.row, bits.first + 1)
            return combine(((pair[0], 1), (pair[1], -2)))
        if (other := self._inverted(row)) is not None:
            return self._linear[other].scaled(-1).shifted(1)
        if self._op[row] == Op.TABLE:
            total = self._sum(row)
            if total is None:
                return self._forms[row]
            parts = [(self._linear[term], weight) for term, weight in total.terms]
            return combine(parts).shifted(total.base)
        factors = linear_parts(Op(self._op[row]), self._p[row])
        if not factors:
            return self._forms[row]
        return combine(
            (self._linear[k], f) for k, f in zip(self._needed(row), factors, strict=True)
        )

    # ---- bits -----------------------------------------------------------------------------------

    def _behind(self, row: int) -> int:
        while self._op[row] == Op.REG:
            row = self._a[row]
        return row

    def _bits(self, row: int) -> Bits:
        """Return of which value a row, from 0 up, is some bits; of its own if of no other's."""
        at, first, count = self._behind(row), 0, self._ends[row][1].bit_length()
        if self._op[at] == Op.LOW:
            at, count = self._behind(self._a[at]), self._p[at]
        if self._op[at] == Op.SHR:
            at, first = self._behind(self._a[at]), self._p[at]
        return Bits(at, first, count)

    def _whole(self, row: int, size: int) -> bool:
        """Return whether so many bits tell all values of a row apart."""
        lo, hi = self._ends[row]
        return hi < 1 << size if lo >= 0 else -(1 << size - 1) <= lo and hi < 1 << size - 1

    def _signed(self, row: int, size: int) -> bool:
        """Return whether the highest of so many bits of a row is its sign."""
        return self._ends[row][0] < 0 and self._whole(row, size)

    def _upper(self, row: int, shift: int) -> Form:
        """Return ``floor(value / 2**shift)``."""
        lo, hi = self._ends[row]
        if lo >> shift == hi >> shift:
            return Form((), lo >> shift)
        if lo < 0:  # shifting a sign further changes nothing
            shift = min(shift, max(hi, -1 - lo).bit_length())
        return self._atoms.shift_right(self._linear[row], shift, lo >> shift, hi >> shift)

    def _single(self, row: int) -> Bits | None:
        """Return of which narrow value a row is one bit, if of another's.

        As the difference of two shifts: all bits of a value then add up to it.
        """
        at, (lo, hi) = self._behind(row), self._ends[row]
        if self._op[at] not in (Op.LOW, Op.SHR) or lo < 0 or hi > 1:
            return None
        bits = self._bits(row)
        return bits if bits.count == 1 and self._whole(bits.row, _MOST_BITS) else None

    def _inverted(self, row: int) -> int | None:
        """Return the bit that a row inverts."""
        if self._op[row] == Op.XOR:
            for bit, one in ((self._a[row], self._b[row]), (self._b[row], self._a[row])):
                lo, hi = self._ends[bit]
                if self._ends[one] == (1, 1) and lo >= 0 and hi <= 1:
                    return int(bit)
        return None

    def _fields(self, row: int) -> list[tuple[int, int]] | None:
        """Return the rows that stand side by side in an index, each with its place."""
        found: list[tuple[int, int]] = []
        stack = [(row, 0)]
        while stack:
            here, place = stack.pop()
            at = self._behind(here)
            if self._op[at] == Op.ADD and self._p[at] > 0:
                a, b, p = self._a[at], self._b[at], self._p[at]
                lo, hi = self._ends[a]
                if lo >= 0 and hi < 1 << p and self._ends[b][0] >= 0:
                    stack += [(a, place), (b, place + p)]
                    continue
            found.append((here, place))
            if len(found) > _MOST_FIELDS or self._ends[here][0] < 0:
                return None
        return sorted(found, key=lambda field: field[1])

    # ---- tables ---------------------------------------------------------------------------------

    def _entry(self, row: int, index: int) -> int | None:
        table = self._tables[self._p[row]]
        inside = table.start <= index < table.stop
        return int(table.values[index - table.start]) if inside else None

    def _sum(self, row: int) -> Sum | None:
        """Return the sum that a table is, after reading all its entries."""
        if row not in self._sums:
            self._sums[row] = self._find_sum(row) if self._op[row] == Op.TABLE else None
        return self._sums[row]

    def _find_sum(self, row: int) -> Sum | None:
        found = self._index(self._a[row])
        if found is None:
            return None
        index, offset = found
        if prod(part.hi - part.lo + 1 for part in index) > _MOST_PATTERNS:
            return None

        def entry(values: Sequence[int]) -> int | None:
            codes = (part.code(value) for part, value in zip(index, values, strict=True))
            return self._entry(row, offset + sum(codes))

        lowest = [part.lo for part in index]
        first = entry(lowest)
        if first is None:
            return None
        weights = []
        for k, part in enumerate(index):
            beside = entry([*lowest[:k], min(part.lo + 1, part.hi), *lowest[k + 1 :]])
            if beside is None:
                return None
            weights.append(beside - first)
        base = first - sum(w * lo for w, lo in zip(weights, lowest, strict=True))
        for values in product(*(range(part.lo, part.hi + 1) for part in index)):
            if entry(values) != base + sum(w * v for w, v in zip(weights, values, strict=True)):
                return None
        return Sum(tuple((part.row, w) for part, w in zip(index, weights, strict=True)), base)

    def _index(self, row: int) -> tuple[list[_Part], int] | None:
        """Return the values that an index is made of, and a constant.

        They stand side by side; what is a sum by its table is taken apart.
        """
        fields = self._fields(row)
        if fields is None:
            return None
        parts, offset = [], 0
        for field, place in fields:
            at = self._behind(field)
            total = self._sum(at)
            if total is not None:
                offset += total.base << place
                parts += [_Part(k, *self._ends[k], w << place) for k, w in total.terms]
            elif self._op[at] == Op.LOW and self._whole(self._a[at], self._p[at]):
                value = self._a[at]
                parts.append(_Part(value, *self._ends[value], 1 << place, self._p[at]))
            else:
                parts.append(_Part(field, *self._ends[field], 1 << place))
        return parts, offset

    def _asked(self, row: int) -> Below | None:
        """Return the comparison that a table is, of the lowest bits of some value."""
        row = self._behind(row)
        if self._op[row] != Op.TABLE:
            return None
        if row not in self._below:
            self._below[row] = self._find_asked(row)
        return self._below[row]

    def _find_asked(self, row: int) -> Below | None:
        fields = self._fields(self._a[row])
        if not fields or fields[0][1] != 0 or len(fields) > 2:
            return None
        if len(fields) == 1:
            upper = self._bits(fields[0][0])
            return self._limit(row, upper, None) if upper.first == 0 else None
        (low, _), (high, place) = fields
        rest, upper = self._asked(low), self._bits(high)
        if rest is None or not rest.holds or place != 1 or upper.first != rest.size:
            return None
        if self._forms[rest.row] != self._forms[upper.row] or self._signed(rest.row, rest.size):
            return None
        return self._limit(row, upper, rest)

    def _limit(self, row: int, upper: Bits, rest: Below | None) -> Below | None:
        """Return the number that a table compares with, after reading all its entries."""
        size = upper.first + upper.count
        if size > _MOST_BITS * 4 or upper.count > _MOST_FIELDS:
            return None
        # The lower half of signed numbers has the highest bit set.
        signed = self._signed(upper.row, size)
        half = 1 << upper.count - 1 if signed else 0
        steps = []
        for number in range(1 << upper.count):
            for inner in (1, 0) if rest else (0,):
                index = (number ^ half) << bool(rest) | inner
                entry = self._entry(row, index)
                if entry not in (0, 1):
                    return None
                steps.append(entry)
        holds = bool(steps[0])
        changed = steps.index(1 - steps[0]) if 1 - steps[0] in steps else len(steps)
        if steps[changed:] != [1 - steps[0]] * (len(steps) - changed):
            return None
        if rest is None:
            limit = changed
        else:
            limit = (changed // 2 << upper.first) + (rest.limit if changed % 2 else 0)
        if signed:
            limit -= 1 << size - 1
        return Below(upper.row, size, limit, holds)
