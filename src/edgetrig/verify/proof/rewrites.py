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

from edgetrig.circuit import Circuit, Op, Output
from edgetrig.errors import VerificationError
from edgetrig.verify.proof.bit_tables import BitTables
from edgetrig.verify.proof.forms import Atoms, form_of
from edgetrig.verify.proof.linear import Form, combine
from edgetrig.verify.proof.ranges import Ranges
from edgetrig.verify.proof.row_terms import COMPARISONS, PARTS, RowTerms
from edgetrig.verify.proof.sides import PAIRED, Side, input_ends, operands, row_values
from edgetrig.verify.proof.terms import FormTerms
from edgetrig.verify.proof.twins import Twins
from edgetrig.verify.proof.words import Words
from edgetrig.verify.reference import evaluate

_SECONDS = (5.0, 1.0, 1.0, 1.0)
_CANDIDATES = 20
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
    between: Sequence[tuple[Circuit, Ranges]] = (),
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
        Processor time for the solver, all in all.
    between
        Circuits of the same inputs, and their proved intervals, whose values may come by on the
        way from one to the other. They are hints: what is no value of theirs is not proved.

    Raises
    ------
    VerificationError
        At the first output and vector that differ; or if inputs are narrower than traced.
    """
    for circuit in (compiled, *(hint for hint, _ in between)):
        _demand_inputs(traced, circuit)
    known, last = (
        Side(circuit, its, row_values(circuit, codes))
        for circuit, its in zip((traced, compiled), ranges, strict=True)
    )
    _demand_equal(known, last, codes)
    result = Rewrites(vectors=len(codes))
    atoms = Atoms()
    known.forms = Twins(known, atoms, seconds / 4).forms()
    sides = [known]
    hints = [Side(circuit, its, row_values(circuit, codes)) for circuit, its in between]
    for side in (*hints, last):
        sweep = _Sweep(sides, side, atoms, result, seconds / (1 + len(between)))
        sweep.run()
        sides.append(side)
    pairs = zip(traced.output_rows.tolist(), compiled.output_rows.tolist(), strict=True)
    result.outputs = [sweep.how(a, b) for a, b in pairs]
    return result


def _demand_inputs(traced: Circuit, circuit: Circuit) -> None:
    """Demand that a circuit takes all that the traced one takes."""
    ends = input_ends(traced)
    rows = circuit.rows
    for row in np.flatnonzero(rows.op == Op.INPUT).tolist():
        element = int(rows.p[row])
        lo, hi = ends[element]
        if rows.lo[row] > lo or rows.hi[row] < hi:
            raise VerificationError(
                f"input element {element}: a compiled circuit takes {rows.lo[row]} to "
                f"{rows.hi[row]}, the traced circuit {lo} to {hi}"
            )


def _demand_equal(known: Side, last: Side, codes: Sequence[Sequence[int]]) -> None:
    traced, compiled = known.circuit, last.circuit
    names = [f"{port.name}[{k}]" for port in traced.outputs for k in range(port.rows.size)]
    pairs = zip(names, traced.output_rows.tolist(), compiled.output_rows.tolist(), strict=True)
    for name, a, b in pairs:
        if known.values[a] != last.values[b]:
            both = zip(known.values[a], last.values[b], strict=True)
            event = next(k for k, (x, y) in enumerate(both) if x != y)
            raise VerificationError(
                f"output {name}: row {b} of the compiled circuit gives {last.values[b][event]}, "
                f"the traced circuit {known.values[a][event]} for the inputs {list(codes[event])}"
            )


class _Sweep:
    """Gives the rows of a circuit forms, from the inputs on, and pairs them with known rows."""

    def __init__(
        self, sides: Sequence[Side], own: Side, atoms: Atoms, result: Rewrites, seconds: float
    ) -> None:
        (self.traced, *self.hints), self.own = sides, own
        self.atoms, self.result = atoms, result
        self.end = time.thread_time() + seconds
        self.words = Words()
        self.known = set(self.traced.forms.values())
        self.shared_atoms: set[int] = set()
        self.known_atoms = {atom for form in self.known for atom, _ in form.terms}
        self.known_bases = {form.primitive()[0] for form in self.known}
        self.shared_bases: set[Form] = set()
        self.shared_sums: set[Form] = set()
        hinted = (form for side in self.hints for form in side.forms.values())
        self.hint_bases = {form.primitive()[0] for form in hinted}
        self.shared_hints: set[Form] = set()
        self.solved: set[int] = set()
        self.solved_before = result.solved > 0
        self.by_values = self.traced.by_values()
        self.hints_by_values = [(side, side.by_values()) for side in self.hints]

    def run(self) -> None:
        """Give every row its form."""
        circuit, ends, forms = self.own.circuit, self.own.ranges.ends, self.own.forms
        tables = BitTables(circuit, self.atoms, forms, ends)
        for row in sorted(ends):
            inner = [forms[k] for k in operands(circuit, row)]
            form = tables.comparison(row) or tables.sum(row) or self._wrapped(row, tables)
            if form is None:
                form = form_of(circuit, row, inner, ends[row], self.atoms)
            if form in self.known:
                self.result.forms += 1
            elif circuit.rows.op[row] in PAIRED:
                form = self._paired(row, form)
            forms[row] = form
            self.shared_atoms |= {atom for atom, _ in form.terms} & self.known_atoms
            base = form.primitive()[0]
            if base in self.known_bases:
                self.shared_bases.add(base)
                if self.atoms.is_loose(base):
                    self.shared_sums.add(base)
            if base in self.hint_bases:
                self.shared_hints.add(base)

    def _wrapped(self, row: int, tables: BitTables) -> Form | None:
        """Return the value that a wrap of a congruent number leaves.

        Such a value lies within the wrap's interval and differs by a multiple of its modulus: a
        known value, or the sum without its terms that are such multiples.
        """
        circuit = self.own.circuit
        op, bits = circuit.rows.op[row], int(circuit.rows.p[row])
        if op not in (Op.LOW, Op.LOWS) or not circuit.tables:
            return None
        bottom = -(1 << bits - 1) if op == Op.LOWS else 0
        total = tables.linear(int(circuit.rows.a[row]))
        for traced in self.by_values.get(self.own.values[row], [])[:_CANDIDATES]:
            lo, hi = self.traced.ranges.ends[traced]
            apart = combine(((total, 1), (self.traced.forms[traced], -1)))
            modulus = gcd(apart.offset, *(c for _, c in apart.terms))
            if bottom <= lo and hi < bottom + (1 << bits) and modulus % (1 << bits) == 0:
                return self.traced.forms[traced]
        return self._left(total, bits, bottom)

    def _left(self, total: Form, bits: int, bottom: int) -> Form | None:
        """Return the sum that is congruent to another and lies within a wrap's interval."""
        modulus = 1 << bits
        own = Form(tuple((a, c) for a, c in total.terms if c % modulus))
        for terms in (own, self.atoms.residues.of(own, bits)):
            lo, hi = self.atoms.interval(terms)
            offset = total.offset % modulus
            offset -= (lo + offset - bottom) // modulus * modulus
            if hi + offset < bottom + modulus:
                return terms.shifted(offset)
        return None

    def _paired(self, row: int, form: Form) -> Form:
        """Return the form of a known row that is proved equal, or the own one."""
        found = self._of_traced(row, form) or self._of_hint(row, form)
        if found is None:
            return form
        self.result.solved += 1
        self.solved.add(row)
        return found

    def _of_traced(self, row: int, form: Form) -> Form | None:
        same = self.by_values.get(self.own.values[row], [])
        op, ops = self.own.circuit.rows.op[row], self.traced.circuit.rows.op
        same = sorted(same, key=lambda k: (bool(ops[k] != op), -k))
        for traced in same[:_CANDIDATES]:
            if time.thread_time() < self.end and self._equal_rows(self.traced, traced, row):
                return self.traced.forms[traced]
        candidates = list(dict.fromkeys(self.traced.forms[k] for k in same))[:_CANDIDATES]
        for way in range(len(_SECONDS)):
            if way and op != Op.SELECT:
                break
            for other in candidates if way == 0 else candidates[:1]:
                if time.thread_time() < self.end and self._equal(other, form, way):
                    return other
        return None

    def _of_hint(self, row: int, form: Form) -> Form | None:
        for side, by_values in self.hints_by_values:
            for other in by_values.get(self.own.values[row], [])[:_CANDIDATES]:
                if side.forms[other] == form:
                    return None
                if time.thread_time() < self.end and self._equal_rows(side, other, row):
                    return side.forms[other]
        return None

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

    def _equal_rows(self, side: Side, a: int, b: int) -> bool:
        """Ask the solver whether two rows are equal, by the rows down to values both circuits have.

        First down to the nearest such values. If a clip looks at the sum in front of a rounding,
        the two no longer hang together then; so down to sums alone, the second time.
        """
        if side is not self.traced:
            return self._equal_down_to(self.shared_hints, PARTS, side, a, b)
        return self._equal_down_to(
            self.shared_bases, COMPARISONS, side, a, b
        ) or self._equal_down_to(self.shared_sums, PARTS, side, a, b)

    def _equal_down_to(
        self, bases: set[Form], through: Sequence[Op], side: Side, a: int, b: int
    ) -> bool:
        """Ask whether two rows are equal whatever the values of some forms are.

        The base of the form of the known row itself is none of them.
        """
        base = side.forms[a].primitive()[0]
        terms = RowTerms(self.words, self.atoms, bases - {base}, through)
        left = terms.of(side.circuit, side.forms, side.ranges, a)
        right = terms.of(self.own.circuit, self.own.forms, self.own.ranges, b)
        if left is None or right is None:
            return False
        goal = self.words.compare("EQUAL", left, right)
        return bool(self.words.holds(goal, terms.given, _SECONDS[-1]))

    def how(self, a: int, b: int) -> str:
        """Return how an output was proved."""
        forms = self.traced.forms[a], self.own.forms[b]
        if forms[0] == forms[1]:
            return "solver" if self.solved_before or self._rests_on_solver(b) else "form"
        if self._equal_rows(self.traced, a, b) or any(
            self._equal(*forms, way) for way in range(len(_SECONDS))
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
                stack += operands(self.own.circuit, at)
        return False

    def _all_inputs(self, a: int, b: int) -> bool:
        """Evaluate one output of both circuits on every input there is, if there are few."""
        ends = input_ends(self.traced.circuit)
        count = 1
        for lo, hi in ends:
            count *= hi - lo + 1
        if count > 1 << _EXHAUSTIVE_BITS:
            return False
        codes: list[list[int]] = [[]]
        for lo, hi in ends:
            codes = [[*code, value] for code in codes for value in range(lo, hi + 1)]
        results = []
        for circuit, row in ((self.traced.circuit, a), (self.own.circuit, b)):
            output = Output("y", np.array([row]), np.zeros(1, np.int64))
            results.append(evaluate(str(circuit.replace(outputs=(output,))), codes))
        if results[0] != results[1]:
            event = next(k for k, (x, y) in enumerate(zip(*results, strict=True)) if x != y)
            raise VerificationError(
                f"row {b} of the compiled circuit gives {results[1][event][0]}, the traced circuit "
                f"{results[0][event][0]} for the inputs {codes[event]}"
            )
        return True
