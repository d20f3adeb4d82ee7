"""From a seed's text to its tree: Python's grammar, but nothing is ever run.

A seed is built from selections such as ``muon[pt >= 22 and quality >= 12]`` (true if there is one),
``count(jet[pt > 30]) >= 4``, combinations of different objects such as
``pair(muon[pt > 15], muon[pt > 7], mass > 2, opposite_charge)`` (also ``triple``, ``quad``), sums
(``htt >= 280``), scores of models, names of other seeds, and ``and``, ``or``, ``not``. Numbers are
in GeV and radians and may say so: ``22*GeV``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from typing import Final

from edgetrig.errors import MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.tree import (
    MIRRORED,
    All,
    Combination,
    Condition,
    Count,
    Cut,
    Flag,
    Not,
    Reference,
    ScoreCut,
    Selection,
    Some,
    SumCut,
)
from edgetrig.trigger.menu.words import Names, Words, name_of

LONGEST: Final = 10_000
"""Characters a seed may have."""

COMBINATIONS: Final[Mapping[str, int]] = {"pair": 2, "triple": 3, "quad": 4}
"""How many different objects each word asks for."""

PAIR_QUANTITIES: Final[Mapping[str, str]] = {
    "mass": "GeV",
    "transverse_mass": "GeV",
    "delta_eta": "",
    "delta_phi": "rad",
    "delta_r": "",
}
"""Quantities of two objects, with their units; ``mass`` is one of three objects too."""

FLAGS: Final = ("same_charge", "opposite_charge")
"""Quantities of two objects that are true or false."""

_RELATIONS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def parse(text: str, names: Names) -> Condition:
    """Return what a seed says.

    Raises
    ------
    MenuError
        If it is not an expression of this language, or speaks of something unknown; the line gives
        the column, counted from 1.
    """
    if len(text) > LONGEST:
        raise MenuError(f"the seed has {len(text)} characters; at most {LONGEST} are read")
    try:
        root = ast.parse(text.strip(), mode="eval").body
        return _Parser(text.strip(), names).condition(root)
    except SyntaxError as error:
        raise MenuError(f"column {error.offset}: {error.msg}") from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise MenuError("the seed is nested too deeply or holds a null character") from error


class _Parser(Words):
    def condition(self, node: ast.expr) -> Condition:
        """Return a whole seed, or a part of it between ``and`` and ``or``."""
        logical = self._logical(node, self.condition)
        if logical is not None:
            return logical
        if isinstance(node, ast.Compare):
            return self._compared(node, self._event_cut)
        if isinstance(node, ast.Call) and name_of(node.func) in COMBINATIONS:
            return self._combination(node)
        if isinstance(node, ast.Name) and node.id in self.names.seeds:
            return Reference(node.id)
        if isinstance(node, ast.Subscript | ast.Name):
            selection = self._selection(node)
            if selection.type.single and selection.condition is None:
                self.refuse(node, f"{selection.type.name} needs a cut: {selection.type.name} > 60")
            return selection
        self.refuse(node, "a cut, a selection such as muon[pt >= 22], or pair(...) must stand here")

    def _logical(self, node: ast.expr, inner: Callable[[ast.expr], Condition]) -> Condition | None:
        if isinstance(node, ast.BoolOp):
            terms = tuple(inner(value) for value in node.values)
            return All(terms) if isinstance(node.op, ast.And) else Some(terms)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(inner(node.operand))
        self.refuse_bitwise(node)
        return None

    # ---- cuts: a subject, a relation, a number ----

    def _compared(
        self, node: ast.Compare, cut: Callable[[ast.expr, str, ast.expr], Condition]
    ) -> Condition:
        """Return the cuts in ``a < b < c``; of each pair one side is a number."""
        cuts = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            relation = _RELATIONS.get(type(operator))
            if relation is None:
                self.refuse(node, "only < <= > >= == != compare")
            if self.is_number(left):
                cuts.append(cut(right, MIRRORED[relation], left))
            else:
                cuts.append(cut(left, relation, right))
            left = right
        return cuts[0] if len(cuts) == 1 else All(tuple(cuts))

    def _event_cut(self, subject: ast.expr, relation: str, number: ast.expr) -> Condition:
        """Return a cut on a count, a sum, or a score."""
        if isinstance(subject, ast.Call) and name_of(subject.func) == "count":
            if len(subject.args) != 1 or subject.keywords:
                self.refuse(subject, "count takes one selection: count(jet[pt > 30])")
            count = Cut("count", relation, self.number(number, ""))
            return Count(self._selection(subject.args[0]), count)
        if isinstance(subject, ast.Name) and subject.id in self.names.scores:
            return ScoreCut(Cut(subject.id, relation, self.number(number, "")))
        absolute, inner = self.absolute(subject)
        type_name, field = name_of(inner), None
        if isinstance(inner, ast.Attribute):
            type_name, field = name_of(inner.value), inner.attr
        kind = self.names.types.get(type_name or "")
        if kind is None:
            known = [*self._sums(), *self.names.scores]
            self.refuse(subject, f"no sum or score '{self.source(subject)}'", type_name, known)
        if not kind.single:
            self.refuse(subject, f"there are {kind.count} {kind.name}s; write {kind.name}[pt > 20]")
        field = field or kind.energy.name
        return SumCut(kind, self._field_cut(kind, inner, field, relation, number, absolute))

    def _field_cut(
        self,
        kind: ObjectType,
        node: ast.expr,
        field: str,
        relation: str,
        number: ast.expr,
        absolute: bool,
    ) -> Cut:
        quantity = kind.fields.get(field)
        if quantity is None:
            self.refuse(node, f"{kind.name} has no '{field}'", field, kind.fields)
        value = self.number(number, quantity.unit)
        subject = f"abs({field})" if absolute else field
        cut = Cut(field, relation, value, absolute)
        low, high = quantity.value(quantity.lowest), quantity.value(quantity.highest)
        if absolute:
            low, high = Fraction(0), max(abs(low), abs(high))
        never = {">": value >= high, ">=": value > high, "<": value <= low, "<=": value < low}
        if never.get(relation, not low <= value <= high):
            extent = f"{float(low):g} to {float(high):g} {quantity.unit}".rstrip()
            self.refuse(
                number,
                f"{subject} {relation} {float(value):.12g} is never or always true:"
                f" the {kind.name}'s {subject} is {extent}",
            )
        if relation in ("==", "!="):
            codes = quantity.least_code(value), quantity.largest_code(value)
            if codes[0] != codes[1]:
                self.refuse(number, f"no code of {subject} is {float(value):.12g}; use < or >")
        return cut

    def _sums(self) -> list[str]:
        return [name for name, kind in self.names.types.items() if kind.single]

    # ---- selections and combinations ----

    def _selection(self, node: ast.expr) -> Selection:
        inner = node.value if isinstance(node, ast.Subscript) else node
        name = name_of(inner)
        kind = self.names.types.get(name or "")
        if kind is None:
            known = [*self.names.types, *self.names.seeds, *COMBINATIONS]
            self.refuse(node, f"no object or seed '{self.source(inner)}'", name, known)
        if not isinstance(node, ast.Subscript):
            return Selection(kind)
        terms = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        conditions = tuple(self._object_condition(kind, term) for term in terms)
        return Selection(kind, conditions[0] if len(conditions) == 1 else All(conditions))

    def _object_condition(self, kind: ObjectType, node: ast.expr) -> Condition:
        logical = self._logical(node, lambda inner: self._object_condition(kind, inner))
        if logical is not None:
            return logical

        def cut(subject: ast.expr, relation: str, number: ast.expr) -> Condition:
            absolute, inner = self.absolute(subject)
            field = name_of(inner) or self.source(inner)
            return self._field_cut(kind, inner, field, relation, number, absolute)

        if isinstance(node, ast.Compare):
            return self._compared(node, cut)
        self.refuse(node, f"a cut on a field of {kind.name} must stand here, such as pt >= 22")

    def _combination(self, node: ast.Call) -> Combination:
        word = name_of(node.func) or ""
        count = COMBINATIONS[word]
        if node.keywords or len(node.args) < count:
            self.refuse(node, f"{word} takes {count} selections, then conditions")
        selections = tuple(self._selection(argument) for argument in node.args[:count])
        conditions = tuple(self._shared(selections, term) for term in node.args[count:])
        return Combination(selections, conditions)

    def _shared(self, selections: Sequence[Selection], node: ast.expr) -> Condition:
        """Return a condition on a combination."""
        logical = self._logical(node, lambda inner: self._shared(selections, inner))
        if logical is not None:
            return logical
        if isinstance(node, ast.Compare):
            return self._compared(node, lambda s, r, n: self._shared_cut(selections, s, r, n))
        name = name_of(node)
        if name not in FLAGS:
            known = [*PAIR_QUANTITIES, *FLAGS]
            self.refuse(node, f"no quantity '{self.source(node)}' of a combination", name, known)
        self._needs(node, name, selections, ("charge",), 2)
        return Flag(name)

    def _shared_cut(
        self, selections: Sequence[Selection], subject: ast.expr, relation: str, number: ast.expr
    ) -> Cut:
        name = name_of(subject)
        if name is None or name not in PAIR_QUANTITIES:
            known = [*PAIR_QUANTITIES, *FLAGS]
            what = f"no quantity '{self.source(subject)}' of a combination"
            self.refuse(subject, what, name, known)
        most = 3 if name == "mass" else 2
        angles = {"delta_eta": ("eta",), "delta_phi": ("phi",), "transverse_mass": ("phi",)}
        self._needs(subject, name, selections, angles.get(name, ("eta", "phi")), most)
        value = self.number(number, PAIR_QUANTITIES[name])
        if value < 0 or (value == 0 and relation == "<") or relation in ("==", "!="):
            self.refuse(number, f"{name} {relation} {float(value):g} makes no sense")
        return Cut(name, relation, value)

    def _needs(
        self,
        node: ast.expr,
        name: str,
        selections: Sequence[Selection],
        fields: Collection[str],
        most: int,
    ) -> None:
        """Refuse a quantity that these objects, or so many of them, do not have."""
        if len(selections) > most:
            words = "2 or 3" if most == 3 else "2"
            self.refuse(node, f"{name} is of {words} objects, not of {len(selections)}")
        for selection in selections:
            missing = [field for field in fields if field not in selection.type.fields]
            if missing:
                self.refuse(
                    node, f"{name} needs {missing[0]}, which {selection.type.name} does not have"
                )
