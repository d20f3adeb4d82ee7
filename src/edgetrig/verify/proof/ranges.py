"""Which intervals of a circuit are facts: proved row by row, from the inputs on."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Op, live_rows
from edgetrig.verify.proof.bitwise import TABLES, Functions, upright
from edgetrig.verify.proof.linear import Form, combine, linear_parts
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.words import Word, Words

_SECONDS = 10.0
_DEPTH = 4

Ends = tuple[int, int]


@dataclass
class Ranges:
    """Proved intervals of the live rows; how they were proved; rows whose own were not.

    A row that claims more than could be proved has here what could be.
    """

    ends: dict[int, Ends] = field(default_factory=dict)
    ways: Counter[str] = field(default_factory=Counter)
    open: list[int] = field(default_factory=list)


def prove_ranges(circuit: Circuit, memory: Memory) -> Ranges:
    """Prove the interval of every live row.

    An operation's own interval rule comes first, then the exact linear form of a sum, then the
    solver on the operations around a choice.
    """
    return _Prover(circuit, memory).run()


class _Prover:
    def __init__(self, circuit: Circuit, memory: Memory) -> None:
        self.circuit, self.memory, self.words = circuit, memory, Words()
        rows = circuit.rows
        self.live = np.flatnonzero(live_rows(rows.operands, circuit.output_rows)).tolist()
        self.op, self.p = rows.op.tolist(), rows.p.tolist()
        self.claimed = list(zip(rows.lo.tolist(), rows.hi.tolist(), strict=True))
        count = np.array(OPERANDS)[rows.op].tolist()
        every = zip(rows.a.tolist(), rows.b.tolist(), rows.c.tolist(), count, strict=True)
        self.operands = [[a, b, c][:n] for a, b, c, n in every]
        self.form: dict[int, Form] = {}
        self.functions = Functions()
        self.words_read: dict[Form, Ends] = {}
        self.sums: dict[int, tuple[Form, list[tuple[Form, int]]]] = {}
        self.result = Ranges()

    def run(self) -> Ranges:
        for row in self.live:
            own = self._own(row)
            self.form[row] = self._form(row)
            for way, ends in (("operation", own), ("linear form", self._by_form(row))):
                if _inside(ends, self.claimed[row]):
                    self._take(row, self.claimed[row], way)
                    break
            else:
                if self._by_solver(row):
                    self._take(row, self.claimed[row], "solver")
                else:
                    self.result.ends[row] = own
                    self.result.open.append(row)
        return self.result

    def _take(self, row: int, ends: Ends, way: str) -> None:
        self.result.ends[row] = ends
        self.result.ways[way] += 1

    def _own(self, row: int) -> Ends:
        op, p = Op(self.op[row]), self.p[row]
        if op in (Op.INPUT, Op.CONST):
            return self.claimed[row]
        x = [self.result.ends[k] for k in self.operands[row]]
        factors = linear_parts(op, p)
        if factors:
            parts = [sorted((lo * f, hi * f)) for (lo, hi), f in zip(x, factors, strict=True)]
            return sum(part[0] for part in parts), sum(part[1] for part in parts)
        if op == Op.MUL:
            ends = [u * v for u in x[0] for v in x[1]]
            square = self.operands[row][0] == self.operands[row][1]
            return max(min(ends), 0) if square else min(ends), max(ends)
        if op == Op.TABLE:
            table = self.circuit.tables[p]
            first, last = x[0][0] - table.start, x[0][1] - table.start
            if first < 0 or last >= len(table.values):
                self.result.open.append(row)
            entries = table.values[max(first, 0) : last + 1].tolist() or [0]
            return min(entries), max(entries)
        return self._own_bits(op, p, x)

    def _own_bits(self, op: Op, p: int, x: list[Ends]) -> Ends:
        if op == Op.SHR:
            return x[0][0] >> p, x[0][1] >> p
        if op in (Op.LOW, Op.LOWS):
            bottom = -(1 << p - 1) if op == Op.LOWS else 0
            turns = {(end - bottom) >> p for end in x[0]}
            if len(turns) == 1:
                moved = turns.pop() << p
                return x[0][0] - moved, x[0][1] - moved
            return bottom, bottom + (1 << p) - 1
        if op == Op.LT:
            return int(x[0][1] < x[1][0]), int(x[0][0] < x[1][1])
        if op == Op.EQ:
            apart = x[0][1] < x[1][0] or x[1][1] < x[0][0]
            return int(x[0] == x[1] and x[0][0] == x[0][1]), int(not apart)
        if op == Op.SELECT:
            return min(x[1][0], x[2][0]), max(x[1][1], x[2][1])
        return _bitwise(op, x)

    def _form(self, row: int) -> Form:
        """Return the row as a sum of rows that no sum can look behind."""
        if self.op[row] == Op.CONST:
            return Form((), self.claimed[row][0])
        forms = [self.form[k] for k in self.operands[row]]
        factors = linear_parts(Op(self.op[row]), self.p[row])
        if factors:
            return self._sum(row, combine(zip(forms, factors, strict=True)))
        if self.op[row] in TABLES:
            return self._bitwise(row, forms)
        if self.op[row] == Op.MUL:
            for one, other in ((forms[0], forms[1]), (forms[1], forms[0])):
                if not one.terms:
                    return other.scaled(one.offset)
        return _itself(row)

    def _sum(self, row: int, form: Form) -> Form:
        """Return the form of a sum, bitwise rows that add up to words written by these."""
        rest, leaves = self.functions.added(form)
        if not leaves:
            return form
        self.sums[row] = rest, leaves
        return combine(((rest, 1), *leaves))

    def _bitwise(self, row: int, forms: list[Form]) -> Form:
        """Return the form of a bitwise row; remember the intervals of the words it reads."""
        for operand, form in zip(self.operands[row], forms, strict=True):
            base, turned = upright(form)
            lo, hi = self.result.ends[operand]
            lo, hi = (-1 - hi, -1 - lo) if turned else (lo, hi)
            low, high = self.words_read.get(base, (lo, hi))
            self.words_read[base] = max(lo, low), min(hi, high)
        function = self.functions.apply(TABLES[Op(self.op[row])], forms)
        plain = self.functions.plain(function)
        if plain is None:
            self.functions.name(row, function)
        return _itself(row) if plain is None else plain

    def _by_form(self, row: int) -> Ends:
        if self.form[row].atom == row:
            return self._own(row)
        form, read = self.sums.get(row, (self.form[row], []))
        parts = [(self.result.ends[atom], c) for atom, c in form.terms]
        parts += [(self.words_read[word], c) for word, c in read]
        low = sum(min(c * lo, c * hi) for (lo, hi), c in parts)
        high = sum(max(c * lo, c * hi) for (lo, hi), c in parts)
        return form.offset + low, form.offset + high

    # ---- the solver -----------------------------------------------------------------------------

    def _by_solver(self, row: int) -> bool:
        text = self._text(row, _DEPTH, {}) + str(self.claimed[row])
        key = hashlib.sha256(f"range\n{text}".encode()).hexdigest()
        known = self.memory.get(key)
        if known is None:
            made: dict[int, Word] = {}
            value = self._word(row, _DEPTH, made)
            given = [
                condition
                for other in made
                if other in self.result.ends
                for condition in self.words.within(made[other], *self.result.ends[other])
            ]
            goals = self.words.within(value, *self.claimed[row])
            goal = self.words.make("AND", goals)
            answer = self.words.holds(goal, given, _SECONDS)
            known = {True: "proved", False: "wrong", None: "open"}[answer]
            self.memory.put(key, known)
        return known == "proved"

    def _is_leaf(self, row: int, depth: int) -> bool:
        return not depth or self.op[row] in (Op.INPUT, Op.MUL, Op.TABLE)

    def _text(self, row: int, depth: int, seen: dict[int, str]) -> str:
        if row in seen:
            return seen[row]
        seen[row] = f"#{len(seen)}"
        if self.op[row] == Op.CONST:
            return f"{self.claimed[row][0]}"
        if self._is_leaf(row, depth):
            return f"{seen[row]} in {self.result.ends[row]}"
        below = depth - (self.op[row] != Op.REG)
        inner = [self._text(k, below, seen) for k in self.operands[row]]
        known = self.result.ends.get(row)
        return f"{seen[row]}={self.op[row]} {self.p[row]} ({'; '.join(inner)}) in {known}"

    def _word(self, row: int, depth: int, made: dict[int, Word]) -> Word:
        if row not in made:
            if self.op[row] == Op.CONST:
                made[row] = self.words.constant(self.claimed[row][0])
            elif self._is_leaf(row, depth):
                ends = [self.words.constant(end).width for end in self.result.ends[row]]
                made[row] = self.words.variable(max(ends))
            else:
                below = depth - (self.op[row] != Op.REG)
                inner = [self._word(k, below, made) for k in self.operands[row]]
                made[row] = self.words.meaning(Op(self.op[row]), inner, self.p[row])
        return made[row]


def _itself(row: int) -> Form:
    return Form(((row, 1),))


def _inside(ends: Ends, claimed: Ends) -> bool:
    return claimed[0] <= ends[0] and ends[1] <= claimed[1]


def _bitwise(op: Op, x: list[Ends]) -> Ends:
    (lo_a, hi_a), (lo_b, hi_b) = x
    size = max(max(end, -1 - end).bit_length() for ends in x for end in ends)
    if op == Op.XOR:
        for (lo, hi), mask in ((x[0], x[1]), (x[1], x[0])):
            if mask == (-1, -1):
                return -1 - hi, -1 - lo
    if op == Op.AND and (lo_a >= 0 or lo_b >= 0):
        return 0, min(hi for lo, hi in x if lo >= 0)
    if lo_a >= 0 and lo_b >= 0:
        return max(lo_a, lo_b) if op == Op.OR else 0, (1 << size) - 1
    if op == Op.OR and (hi_a < 0 or hi_b < 0):
        return -(1 << size), -1
    return -(1 << size), (1 << size) - 1
