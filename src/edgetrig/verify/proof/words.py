"""Exact integers for a solver: two's-complement words that are always wide enough.

`meaning` gives every operation of the circuit's specification (`edgetrig.circuit.ops`) over them.
It is written from that page alone and knows nothing of how the RTL or a pass does it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgetrig.circuit import Op, Table
from edgetrig.errors import require


@dataclass(frozen=True)
class Word:
    """A signed number of `width` bits: a solver's term."""

    term: Any
    width: int


class Words:
    """Makes terms, and asks the solver about them."""

    def __init__(self) -> None:
        self.api: Any = require("bitwuzla", "prove")
        self.terms = self.api.TermManager()
        self.kind = self.api.Kind

    # ---- terms ----------------------------------------------------------------------------------

    def variable(self, width: int) -> Word:
        """Return any number of `width` bits."""
        return Word(self.terms.mk_const(self.terms.mk_bv_sort(width)), width)

    def constant(self, value: int) -> Word:
        """Return a known number."""
        width = (value if value >= 0 else -1 - value).bit_length() + 1
        return Word(self.bits(value, width), width)

    def bits(self, value: int, width: int) -> Any:
        """Return a known pattern of bits."""
        return self.terms.mk_bv_value(self.terms.mk_bv_sort(width), value % (1 << width))

    def make(self, kind: str, terms: Sequence[Any], numbers: Sequence[int] = ()) -> Any:
        """Return a term of a kind that the solver names."""
        return self.terms.mk_term(getattr(self.kind, kind), list(terms), list(numbers))

    def cut(self, term: Any, low: int, count: int) -> Any:
        """Return bits ``low .. low + count - 1``."""
        return self.make("BV_EXTRACT", [term], [low + count - 1, low])

    def wide(self, x: Word, width: int) -> Any:
        """Return the number in `width` bits: its sign repeated, or its low bits."""
        if width > x.width:
            return self.make("BV_SIGN_EXTEND", [x.term], [width - x.width])
        return x.term if width == x.width else self.cut(x.term, 0, width)

    def fitted(self, x: Word, lo: int, hi: int) -> Word:
        """Return the number in the fewest bits, given that it lies within an interval."""
        width = max(self.constant(lo).width, self.constant(hi).width)
        return x if width >= x.width else Word(self.wide(x, width), width)

    def truth(self, condition: Any) -> Word:
        """Return 1 or 0."""
        return Word(self.make("ITE", [condition, self.bits(1, 2), self.bits(0, 2)]), 2)

    def compare(self, kind: str, x: Word, y: Word) -> Any:
        """Return a condition on two numbers."""
        width = max(x.width, y.width)
        return self.make(kind, [self.wide(x, width), self.wide(y, width)])

    def within(self, x: Word, lo: int, hi: int) -> list[Any]:
        """Return the conditions that a number lies within an interval."""
        ends = self.constant(lo), self.constant(hi)
        return [self.compare("BV_SLE", ends[0], x), self.compare("BV_SLE", x, ends[1])]

    def number(self, lo: int, hi: int) -> tuple[Word, list[Any]]:
        """Return any number, and the conditions that it lies within an interval."""
        made = self.variable(max(self.constant(end).width for end in (lo, hi)))
        return made, self.within(made, lo, hi)

    def linear(self, terms: Sequence[tuple[Word, int]], offset: int) -> Word:
        """Return a sum of numbers times constants, and a constant."""
        parts = [self._product(x, self.constant(scale)) for x, scale in terms]
        parts.append(self.constant(offset))
        width = max(part.width for part in parts) + len(parts).bit_length()
        total = self.wide(parts[0], width)
        for part in parts[1:]:
            total = self.make("BV_ADD", [total, self.wide(part, width)])
        return Word(total, width)

    def _product(self, x: Word, y: Word) -> Word:
        width = x.width + y.width
        return Word(self.make("BV_MUL", [self.wide(x, width), self.wide(y, width)]), width)

    # ---- the operations -------------------------------------------------------------------------

    def meaning(self, op: Op, x: Sequence[Word], p: int, table: Table | None = None) -> Word:
        """Return the exact value of an operation (other than INPUT and CONST)."""
        if op in (Op.ADD, Op.SUB):
            sign = 1 if op == Op.ADD else -1
            return self.linear([(x[0], 1 << max(-p, 0)), (x[1], sign << max(p, 0))], 0)
        if op == Op.ADD3:
            signs = (1, -1 if p == 2 else 1, -1 if p else 1)
            return self.linear(list(zip(x, signs, strict=True)), 0)
        if op == Op.NEG:
            return self.linear([(x[0], -1)], 0)
        if op == Op.SHL:
            return self.linear([(x[0], 1 << p)], 0)
        if op == Op.MUL:
            return self._product(x[0], x[1])
        if op == Op.REG:
            return x[0]
        if op in (Op.SHR, Op.LOW, Op.LOWS):
            return self._part(op, x[0], p)
        if op == Op.LT:
            return self.truth(self.compare("BV_SLT", x[0], x[1]))
        if op == Op.EQ:
            return self.truth(self.compare("EQUAL", x[0], x[1]))
        if op == Op.TABLE:
            assert table is not None
            return self._entry(x[0], table)
        width = max(word.width for word in x[-2:])
        left, right = (self.wide(word, width) for word in x[-2:])
        if op == Op.SELECT:
            is_one = self.compare("EQUAL", x[0], self.constant(1))
            return Word(self.make("ITE", [is_one, left, right]), width)
        kind = {Op.AND: "BV_AND", Op.OR: "BV_OR", Op.XOR: "BV_XOR"}[op]
        return Word(self.make(kind, [left, right]), width)

    def bitwise(self, table: int, x: Sequence[Word]) -> Word:
        """Return a bitwise function: bit `i` of its table where `x[k]` has bit `k` of `i`."""
        if not x:
            return self.constant(-(table & 1))
        *others, last = x
        size = 1 << len(others)
        low, high = table & (1 << size) - 1, table >> size
        if low == high:
            return self.bitwise(low, others)
        chosen = [
            self.meaning(Op.AND, [self.bitwise(half, others), word], 0)
            for half, word in ((high, last), (low, self._inverted(last)))
            if half
        ]
        return self.meaning(Op.OR, chosen, 0) if len(chosen) > 1 else chosen[0]

    def _inverted(self, x: Word) -> Word:
        return Word(self.make("BV_NOT", [x.term]), x.width)

    def _part(self, op: Op, x: Word, p: int) -> Word:
        if op == Op.SHR:
            low = min(p, x.width - 1)
            return Word(self.cut(x.term, low, x.width - low), x.width - low)
        low_bits = self.wide(x, p)
        if op == Op.LOWS:
            return Word(low_bits, p)
        return Word(self.make("BV_ZERO_EXTEND", [low_bits], [1]), p + 1)

    def _entry(self, index: Word, table: Table) -> Word:
        """Choose an entry bit by bit of the index; what has no entry is never read."""
        words = [self.constant(int(value)) for value in table.values]
        width = max(word.width for word in words)
        span = (len(words) - 1).bit_length() or 1
        place = self.wide(self.linear([(index, 1)], -table.start), span)
        level = [self.wide(word, width) for word in words]
        level += [level[-1]] * ((1 << span) - len(level))
        for bit in range(span):
            is_set = self.make("EQUAL", [self.cut(place, bit, 1), self.bits(1, 1)])
            level = [
                low if low is high else self.make("ITE", [is_set, high, low])
                for low, high in zip(level[::2], level[1::2], strict=True)
            ]
        return Word(level[0], width)

    # ---- questions ------------------------------------------------------------------------------

    def holds(self, goal: Any, given: Sequence[Any], seconds: float) -> bool | None:
        """Return whether a condition always holds where the given ones do; None if time ran out.

        Times are the processor's: on a busy machine as much is proved as on an idle one.
        """
        options = self.api.Options()
        solver = self.api.Bitwuzla(self.terms, options)
        end = time.thread_time() + seconds
        solver.configure_terminator(lambda: time.thread_time() > end)
        for condition in given:
            solver.assert_formula(condition)
        solver.assert_formula(self.make("NOT", [goal]))
        result = solver.check_sat()
        if result == self.api.Result.UNSAT:
            return True
        return False if result == self.api.Result.SAT else None
