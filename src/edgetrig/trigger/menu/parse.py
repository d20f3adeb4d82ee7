"""From a seed's text to its tree: Python's grammar, but nothing is ever run.

A seed is built from selections such as ``muon[pt >= 22 and quality >= 12]`` (true if there is one),
``count(jet[pt > 30]) >= 4``, combinations of different objects such as
``pair(muon[pt > 15], muon[pt > 7], mass > 2, opposite_charge)`` (also ``triple``, ``quad``), sums
(``htt >= 280``), scores of models, names of other seeds, and ``and``, ``or``, ``not``. Numbers are
in GeV and radians and may say so: ``22*GeV``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Final, NoReturn

from edgetrig.errors import MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.tree import (
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
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_UNITS: Final = ("GeV", "rad")


@dataclass(frozen=True)
class Names:
    """What a seed may speak of.

    Parameters
    ----------
    types
        Object types by name.
    scores
        Names of the models' scores.
    seeds
        Names of the menu's seeds.
    parameters
        Numbers that stand in the text by name, such as a threshold to be tuned, as text.
    """

    types: Mapping[str, ObjectType]
    scores: Collection[str] = ()
    seeds: Collection[str] = ()
    parameters: Mapping[str, str] | None = None


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


@dataclass(frozen=True)
class _Parser:
    text: str
    names: Names

    def condition(self, node: ast.expr) -> Condition:
        """Return a whole seed, or a part of it between ``and`` and ``or``."""
        logical = self._logical(node, self.condition)
        if logical is not None:
            return logical
        if isinstance(node, ast.Compare):
            return self._compared(node, self._event_cut)
        if isinstance(node, ast.Call) and _name(node.func) in COMBINATIONS:
            return self._combination(node)
        if isinstance(node, ast.Name) and node.id in self.names.seeds:
            return Reference(node.id)
        if isinstance(node, ast.Subscript | ast.Name):
            selection = self._selection(node)
            if selection.type.single and selection.condition is None:
                self._refuse(node, f"{selection.type.name} needs a cut: {selection.type.name} > 60")
            return selection
        self._refuse(
            node, "a cut, a selection such as muon[pt >= 22], or pair(...) must stand here"
        )

    def _logical(self, node: ast.expr, inner: Callable[[ast.expr], Condition]) -> Condition | None:
        if isinstance(node, ast.BoolOp):
            terms = tuple(inner(value) for value in node.values)
            return All(terms) if isinstance(node.op, ast.And) else Some(terms)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(inner(node.operand))
        self._refuse_bitwise(node)
        return None

    def _refuse_bitwise(self, node: ast.expr) -> None:
        """Refuse NumPy's ``&`` and ``|``, which bind tighter than a comparison."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            self._refuse(node, "write 'and' and 'or' for & and |")

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
                self._refuse(node, "only < <= > >= == != compare")
            if self._is_number(left):
                cuts.append(cut(right, _MIRRORED[relation], left))
            else:
                cuts.append(cut(left, relation, right))
            left = right
        return cuts[0] if len(cuts) == 1 else All(tuple(cuts))

    def _event_cut(self, subject: ast.expr, relation: str, number: ast.expr) -> Condition:
        """Return a cut on a count, a sum, or a score."""
        if isinstance(subject, ast.Call) and _name(subject.func) == "count":
            if len(subject.args) != 1 or subject.keywords:
                self._refuse(subject, "count takes one selection: count(jet[pt > 30])")
            count = Cut("count", relation, self._number(number, ""))
            return Count(self._selection(subject.args[0]), count)
        if isinstance(subject, ast.Name) and subject.id in self.names.scores:
            return ScoreCut(Cut(subject.id, relation, self._number(number, "")))
        absolute, inner = self._absolute(subject)
        type_name, field = _name(inner), None
        if isinstance(inner, ast.Attribute):
            type_name, field = _name(inner.value), inner.attr
        kind = self.names.types.get(type_name or "")
        if kind is None:
            known = [*self._sums(), *self.names.scores]
            self._refuse(subject, f"no sum or score '{self._source(subject)}'", type_name, known)
        if not kind.single:
            self._refuse(
                subject, f"there are {kind.count} {kind.name}s; write {kind.name}[pt > 20]"
            )
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
            self._refuse(node, f"{kind.name} has no '{field}'", field, kind.fields)
        value = self._number(number, quantity.unit)
        cut = Cut(field, relation, value, absolute)
        low, high = quantity.value(quantity.lowest), quantity.value(quantity.highest)
        if absolute:
            low, high = Fraction(0), max(abs(low), abs(high))
        never = {">": value >= high, ">=": value > high, "<": value <= low, "<=": value < low}
        if never.get(relation, not low <= value <= high):
            self._refuse(
                number,
                f"{field} {relation} {float(value):g} is never or always true:"
                f" the {kind.name}'s {field} is {float(low):g} to {float(high):g} {quantity.unit}",
            )
        if relation in ("==", "!=") and not absolute:
            codes = quantity.least_code(value), quantity.largest_code(value)
            if codes[0] != codes[1]:
                self._refuse(number, f"no code of {field} is {float(value):g}; use < or >")
        return cut

    # ---- selections and combinations ----

    def _selection(self, node: ast.expr) -> Selection:
        inner = node.value if isinstance(node, ast.Subscript) else node
        name = _name(inner)
        kind = self.names.types.get(name or "")
        if kind is None:
            known = [*self.names.types, *self.names.seeds, *COMBINATIONS]
            self._refuse(node, f"no object or seed '{self._source(inner)}'", name, known)
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
            absolute, inner = self._absolute(subject)
            field = _name(inner) or self._source(inner)
            return self._field_cut(kind, inner, field, relation, number, absolute)

        if isinstance(node, ast.Compare):
            return self._compared(node, cut)
        self._refuse(node, f"a cut on a field of {kind.name} must stand here, such as pt >= 22")

    def _combination(self, node: ast.Call) -> Combination:
        word = _name(node.func) or ""
        count = COMBINATIONS[word]
        if node.keywords or len(node.args) < count:
            self._refuse(node, f"{word} takes {count} selections, then conditions")
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
        name = _name(node)
        if name not in FLAGS:
            known = [*PAIR_QUANTITIES, *FLAGS]
            self._refuse(node, f"no quantity '{self._source(node)}' of a combination", name, known)
        self._needs(node, name, selections, ("charge",), 2)
        return Flag(name)

    def _shared_cut(
        self, selections: Sequence[Selection], subject: ast.expr, relation: str, number: ast.expr
    ) -> Cut:
        name = _name(subject)
        if name is None or name not in PAIR_QUANTITIES:
            known = [*PAIR_QUANTITIES, *FLAGS]
            what = f"no quantity '{self._source(subject)}' of a combination"
            self._refuse(subject, what, name, known)
        most = 3 if name == "mass" else 2
        angles = {"delta_eta": ("eta",), "delta_phi": ("phi",), "transverse_mass": ("phi",)}
        self._needs(subject, name, selections, angles.get(name, ("eta", "phi")), most)
        value = self._number(number, PAIR_QUANTITIES[name])
        if value < 0 or (value == 0 and relation == "<") or relation in ("==", "!="):
            self._refuse(number, f"{name} {relation} {float(value):g} makes no sense")
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
            self._refuse(node, f"{name} is of {words} objects, not of {len(selections)}")
        for selection in selections:
            missing = [field for field in fields if field not in selection.type.fields]
            if missing:
                self._refuse(
                    node, f"{name} needs {missing[0]}, which {selection.type.name} does not have"
                )

    # ---- numbers and names ----

    def _absolute(self, node: ast.expr) -> tuple[bool, ast.expr]:
        if isinstance(node, ast.Call) and _name(node.func) == "abs":
            if len(node.args) != 1 or node.keywords:
                self._refuse(node, "abs takes one quantity")
            return True, node.args[0]
        return False, node

    def _is_number(self, node: ast.expr) -> bool:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._is_number(node.operand)
        if isinstance(node, ast.BinOp):
            return self._is_number(node.left) or self._is_number(node.right)
        return isinstance(node, ast.Constant) or _name(node) in (self.names.parameters or {})

    def _number(self, node: ast.expr, unit: str) -> Fraction:
        """Return a number in ``unit``; a unit that is written must be that one."""
        self._refuse_bitwise(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            written = _name(node.right)
            if written not in _UNITS:
                self._refuse(
                    node.right, f"'{self._source(node.right)}' is no unit; GeV and rad are"
                )
            if written != unit:
                needed = f"in {unit}" if unit else "without a unit"
                self._refuse(node, f"a number {needed} is needed, not in {written}")
            return self._number(node.left, unit)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._number(node.operand, unit)
        parameter = (self.names.parameters or {}).get(_name(node) or "")
        if parameter is not None:
            return self._parameter(node, parameter, unit)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            # As written, not as a float; bounded, since 1e999999999 would fill the memory.
            source = self._source(node)
            if re.fullmatch(r"\d{1,12}(\.\d{0,12})?", source):
                return Fraction(source)
        self._refuse(
            node, f"a plain number such as 22 or 2.5 is needed, not '{self._source(node)}'"
        )

    def _parameter(self, node: ast.expr, text: str, unit: str) -> Fraction:
        try:
            value = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError) as error:
            raise self._error(node, f"the parameter is '{text}', no number") from error
        return _Parser(text.strip(), Names({}))._number(value, unit)

    def _sums(self) -> list[str]:
        return [name for name, kind in self.names.types.items() if kind.single]

    def _source(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or ""

    def _error(self, node: ast.expr, message: str) -> MenuError:
        return MenuError(f"column {node.col_offset + 1}: {message}")

    def _refuse(
        self,
        node: ast.expr,
        message: str,
        name: str | None = None,
        known: Collection[str] | None = None,
    ) -> NoReturn:
        if known is not None:
            close = get_close_matches(name or "", known, n=3, cutoff=0.5) or [*known]
            message += f"; {'did you mean' if name else 'there are'} {', '.join(close)}"
        raise self._error(node, message)


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None
