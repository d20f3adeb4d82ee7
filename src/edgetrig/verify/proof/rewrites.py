"""Traced circuit and compiled circuit: the same function, output by output.

Both circuits are written in one set of normal forms (`forms`); what has the same form is equal.
What a pass rewrote beyond them is proved by the solver, between points already known to be equal:
an operation of the compiled circuit is paired with one of the traced circuit that took the same
values on all vectors, and once proved, everything behind it starts from the same form.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Op, Output
from edgetrig.errors import VerificationError
from edgetrig.verify.proof.bit_tables import BitTables
from edgetrig.verify.proof.forms import Atoms, Form, combine, form_of
from edgetrig.verify.proof.ranges import Ranges
from edgetrig.verify.proof.row_terms import RowTerms
from edgetrig.verify.proof.terms import FormTerms
from edgetrig.verify.proof.words import Words
from edgetrig.verify.reference import evaluate

_SECONDS = (5.0, 1.0, 1.0, 1.0)
_CANDIDATES = 20
_PAIRED = (Op.SELECT, Op.SHR, Op.LOW, Op.LOWS, Op.TABLE, Op.AND, Op.OR, Op.XOR, Op.MUL)
"""Operations worth pairing: sums follow from them, comparisons rarely have a counterpart."""
_SUMS = (Op.INPUT, Op.ADD, Op.SUB, Op.NEG, Op.MUL)
"""Where questions about the traced circuit alone are cut."""
_TWIN_SECONDS = 0.3
_EXHAUSTIVE_BITS = 12


@dataclass
class Rewrites:
    """How each output was proved (``"form"``, ``"solver"``, ``"all inputs"``) or ``"tested"``."""

    outputs: list[str] = field(default_factory=list)
    forms: int = 0
    solved: int = 0
    vectors: int = 0


def prove_rewrites(
    traced: Circuit,
    compiled: Circuit,
    ranges: tuple[Ranges, Ranges],
    codes: Sequence[Sequence[int]],
    seconds: float,
) -> Rewrites:
    """Prove that two circuits are one function.

    Parameters
    ----------
    traced, compiled
        The circuits; registers of `compiled` are looked through.
    ranges
        Proved intervals of both.
    codes
        Input codes on which both are evaluated as well.
    seconds
        Time for the solver, all in all.

    Raises
    ------
    VerificationError
        At the first output and vector that differ.
    """
    values = _values(traced, codes), _values(compiled, codes)
    _demand_equal(traced, compiled, values, codes)
    result = Rewrites(vectors=len(codes))
    atoms = Atoms()
    first = _Twins(traced, ranges[0], atoms, values[0], seconds / 4).forms()
    sweep = _Sweep(traced, compiled, ranges, atoms, first, values, result, seconds)
    sweep.run()
    pairs = zip(traced.output_rows.tolist(), compiled.output_rows.tolist(), strict=True)
    result.outputs = [sweep.how(a, b) for a, b in pairs]
    return result


def _operands(circuit: Circuit, row: int) -> list[int]:
    rows = circuit.rows
    return [int(k) for k in (rows.a[row], rows.b[row], rows.c[row])][: OPERANDS[rows.op[row]]]


def _values(circuit: Circuit, codes: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the values of every row on all vectors."""
    every = np.arange(len(circuit))
    probe = Output("probe", every, np.zeros(len(circuit), np.int64))
    plain = circuit.replace(outputs=(probe,), origins=("",) * len(circuit.origins))
    return list(zip(*evaluate(str(plain), codes), strict=True))


def _demand_equal(
    traced: Circuit,
    compiled: Circuit,
    values: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
    codes: Sequence[Sequence[int]],
) -> None:
    names = [f"{port.name}[{k}]" for port in traced.outputs for k in range(port.rows.size)]
    pairs = zip(names, traced.output_rows.tolist(), compiled.output_rows.tolist(), strict=True)
    for name, a, b in pairs:
        if values[0][a] != values[1][b]:
            both = zip(values[0][a], values[1][b], strict=True)
            event = next(k for k, (x, y) in enumerate(both) if x != y)
            raise VerificationError(
                f"output {name}: row {b} of the compiled circuit gives {values[1][b][event]}, "
                f"the traced circuit {values[0][a][event]} for the inputs {list(codes[event])}"
            )


class _Twins:
    """Gives the rows of the traced circuit forms; rows proved equal get one.

    A network clips a value again for each layer that reads it: one value, written in many ways.
    """

    def __init__(
        self,
        circuit: Circuit,
        ranges: Ranges,
        atoms: Atoms,
        values: list[tuple[int, ...]],
        seconds: float,
    ) -> None:
        self.circuit, self.ranges, self.atoms, self.values = circuit, ranges, atoms, values
        self.end = time.monotonic() + seconds
        self.words = Words()
        self.made: dict[int, Form] = {}
        self.sums: set[Form] = set()
        self.last: dict[tuple[int, ...], int] = {}

    def forms(self) -> dict[int, Form]:
        """Return the form of every live row."""
        op = self.circuit.rows.op
        for row in sorted(self.ranges.ends):
            inner = [self.made[k] for k in _operands(self.circuit, row)]
            form = form_of(self.circuit, row, inner, self.ranges.ends[row], self.atoms)
            if op[row] in _PAIRED:
                twin = self.last.get(self.values[row])
                if twin is not None and self._equal(twin, row, form):
                    form = self.made[twin]
                self.last[self.values[row]] = row
            elif op[row] in _SUMS:
                self.sums.add(form.primitive()[0])
            self.made[row] = form
        return self.made

    def _equal(self, twin: int, row: int, form: Form) -> bool:
        if form == self.made[twin] or time.monotonic() > self.end:
            return False
        own = {form.primitive()[0], self.made[twin].primitive()[0]}
        terms = RowTerms(self.words, self.atoms, self.sums - own)
        sides = [terms.of(self.circuit, self.made, self.ranges, k) for k in (twin, row)]
        if sides[0] is None or sides[1] is None:
            return False
        goal = self.words.compare("EQUAL", sides[0], sides[1])
        return bool(self.words.holds(goal, terms.given, _TWIN_SECONDS))


class _Sweep:
    """Gives the rows of the compiled circuit forms, from the inputs on, and pairs them."""

    def __init__(
        self,
        traced: Circuit,
        compiled: Circuit,
        ranges: tuple[Ranges, Ranges],
        atoms: Atoms,
        first: dict[int, Form],
        values: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
        result: Rewrites,
        seconds: float,
    ) -> None:
        self.traced, self.compiled, self.ranges, self.atoms = traced, compiled, ranges, atoms
        self.first, self.values, self.result = first, values, result
        self.second: dict[int, Form] = {}
        self.end = time.monotonic() + seconds
        self.words = Words()
        self.known = set(first.values())
        self.shared_atoms: set[int] = set()
        self.first_atoms = {atom for form in first.values() for atom, _ in form.terms}
        self.first_bases = {form.primitive()[0] for form in first.values()}
        self.shared_bases: set[Form] = set()
        self.solved: set[int] = set()
        self.by_values: dict[tuple[int, ...], list[int]] = {}
        for row in first:
            if traced.rows.op[row] not in (Op.INPUT, Op.CONST, Op.LT, Op.EQ):
                self.by_values.setdefault(values[0][row], []).append(row)

    def run(self) -> None:
        """Give every row its form."""
        tables = BitTables(self.compiled, self.atoms, self.second, self.ranges[1].ends)
        for row in sorted(self.ranges[1].ends):
            inner = [self.second[k] for k in _operands(self.compiled, row)]
            ends = self.ranges[1].ends[row]
            form = tables.comparison(row) or tables.sum(row) or self._wrapped(row, tables)
            if form is None:
                form = form_of(self.compiled, row, inner, ends, self.atoms)
            if form in self.known:
                self.result.forms += 1
            elif self.compiled.rows.op[row] in _PAIRED:
                form = self._paired(row, form)
            self.second[row] = form
            self.shared_atoms |= {atom for atom, _ in form.terms} & self.first_atoms
            base = form.primitive()[0]
            if base in self.first_bases:
                self.shared_bases.add(base)

    def _wrapped(self, row: int, tables: BitTables) -> Form | None:
        """Return the value that a wrap of a congruent number leaves.

        Such a value lies within the wrap's interval and differs by a multiple of its modulus: a
        value of the traced circuit, or the sum without its terms that are such multiples.
        """
        op, bits = self.compiled.rows.op[row], int(self.compiled.rows.p[row])
        if op not in (Op.LOW, Op.LOWS) or not self.compiled.tables:
            return None
        bottom = -(1 << bits - 1) if op == Op.LOWS else 0
        total = tables.linear(int(self.compiled.rows.a[row]))
        for traced in self.by_values.get(self.values[1][row], [])[:_CANDIDATES]:
            lo, hi = self.ranges[0].ends[traced]
            apart = combine(((total, 1), (self.first[traced], -1)))
            modulus = gcd(apart.offset, *(c for _, c in apart.terms))
            if bottom <= lo and hi < bottom + (1 << bits) and modulus % (1 << bits) == 0:
                return self.first[traced]
        return self._left(total, bits, bottom)

    def _left(self, total: Form, bits: int, bottom: int) -> Form | None:
        """Return the sum that is congruent to another and lies within a wrap's interval."""
        modulus = 1 << bits
        own = Form(tuple((a, c) for a, c in total.terms if c % modulus))
        for terms in (own, self.atoms.modulo(own, bits)):
            lo, hi = self.atoms.interval(terms)
            offset = total.offset % modulus
            offset -= (lo + offset - bottom) // modulus * modulus
            if hi + offset < bottom + modulus:
                return terms.shifted(offset)
        return None

    def _paired(self, row: int, form: Form) -> Form:
        """Return the form of a row of the traced circuit that is proved equal, or the own one."""
        same = self.by_values.get(self.values[1][row], [])
        op = self.compiled.rows.op[row]
        same = sorted(same, key=lambda k: (bool(self.traced.rows.op[k] != op), -k))
        for traced in same[:_CANDIDATES]:
            if time.monotonic() < self.end and self._equal_rows(traced, row):
                self.result.solved += 1
                self.solved.add(row)
                return self.first[traced]
        candidates = list(dict.fromkeys(self.first[k] for k in same))[:_CANDIDATES]
        for way in range(len(_SECONDS)):
            if way and op != Op.SELECT:
                break
            for other in candidates if way == 0 else candidates[:1]:
                if time.monotonic() < self.end and self._equal(other, form, way):
                    self.result.solved += 1
                    self.solved.add(row)
                    return other
        return form

    def _equal(self, x: Form, y: Form, way: int) -> bool:
        """Ask the solver whether two forms are equal, for all values of what both stand on.

        A question cut at too many points forgets how these hang together; so there are four ways.
        """
        shared = self.shared_atoms if way in (0, 2) else set()
        bases = self.shared_bases if way in (0, 1) else set()
        terms = FormTerms(self.words, self.atoms, shared, bases)
        left, right = terms.of(x), terms.of(y)
        if left is None or right is None:
            return False
        goal = self.words.compare("EQUAL", left, right)
        return bool(self.words.holds(goal, terms.given, _SECONDS[way]))

    def _equal_rows(self, a: int, b: int) -> bool:
        """Ask the solver whether two rows are equal, by the rows down to values both circuits have.

        The base of the form of row `b` itself does not count as such a value.
        """
        own = self.first[a].primitive()[0]
        terms = RowTerms(self.words, self.atoms, self.shared_bases - {own})
        left = terms.of(self.traced, self.first, self.ranges[0], a)
        right = terms.of(self.compiled, self.second, self.ranges[1], b)
        if left is None or right is None:
            return False
        goal = self.words.compare("EQUAL", left, right)
        return bool(self.words.holds(goal, terms.given, _SECONDS[-1]))

    def how(self, a: int, b: int) -> str:
        """Return how an output was proved."""
        if self.first[a] == self.second[b]:
            return "solver" if self._rests_on_solver(b) else "form"
        if self._equal_rows(a, b) or any(
            self._equal(self.first[a], self.second[b], way) for way in range(len(_SECONDS))
        ):
            self.result.solved += 1
            return "solver"
        return "all inputs" if self._all_inputs(a, b) else "tested"

    def _rests_on_solver(self, row: int) -> bool:
        seen, stack = set(), [row]
        while stack:
            at = stack.pop()
            if at in self.solved:
                return True
            if at not in seen:
                seen.add(at)
                stack += _operands(self.compiled, at)
        return False

    def _all_inputs(self, a: int, b: int) -> bool:
        """Evaluate one output of both circuits on every input there is, if there are few."""
        ends = [
            (int(lo), int(hi))
            for port in self.traced.inputs
            for lo, hi in zip(port.lo.ravel(), port.hi.ravel(), strict=True)
        ]
        count = 1
        for lo, hi in ends:
            count *= hi - lo + 1
        if count > 1 << _EXHAUSTIVE_BITS:
            return False
        codes: list[list[int]] = [[]]
        for lo, hi in ends:
            codes = [[*code, value] for code in codes for value in range(lo, hi + 1)]
        results = []
        for circuit, row in ((self.traced, a), (self.compiled, b)):
            output = Output("y", np.array([row]), np.zeros(1, np.int64))
            results.append(evaluate(str(circuit.replace(outputs=(output,))), codes))
        if results[0] != results[1]:
            event = next(k for k, (x, y) in enumerate(zip(*results, strict=True)) if x != y)
            raise VerificationError(
                f"row {b} of the compiled circuit gives {results[1][event][0]}, the traced circuit "
                f"{results[0][event][0]} for the inputs {codes[event]}"
            )
        return True
