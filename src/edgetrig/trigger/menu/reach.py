"""Which codes the objects of combinations can have: what is outside need not be computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Final

from edgetrig.physics.l1 import ObjectType, Quantity
from edgetrig.trigger.menu.tree import (
    MIRRORED,
    All,
    Combination,
    Condition,
    Cut,
    Not,
    Selection,
    Some,
)

Codes = tuple[int, int]
"""Smallest and largest code."""

_NEGATED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Need:
    """A cut on a quantity of two objects, and the least energies of objects that it is asked of.

    Parameters
    ----------
    cut
        The cut.
    least
        Product of the two smallest energies, in steps of their LSBs.
    """

    cut: Cut
    least: Fraction


@dataclass
class PairReach:
    """What all combinations of a menu ask of two types of objects together.

    Parameters
    ----------
    codes
        By type and field, the codes that objects in some combination can have.
    needs
        The cuts on their quantities.
    """

    codes: dict[tuple[str, str], Codes] = field(default_factory=dict)
    needs: set[Need] = field(default_factory=set)


@dataclass(frozen=True)
class Reach:
    """What the combinations of a menu ask of each pair of types.

    All of a menu together: seeds that make combinations of the same objects then share their
    distances and masses.
    """

    pairs: Mapping[frozenset[str], PairReach]

    @classmethod
    def of(cls, trees: Iterable[Condition]) -> Reach:
        """Return the reach of seeds."""
        pairs: dict[frozenset[str], PairReach] = {}
        for tree in trees:
            for combination in _combinations(tree):
                for first, second in combinations(combination.selections, 2):
                    names = frozenset((first.type.name, second.type.name))
                    _widen(pairs.setdefault(names, PairReach()), first, second, combination)
        return cls(pairs)

    def between(self, first: ObjectType, second: ObjectType) -> PairReach:
        """Return what is asked of two types."""
        return self.pairs[frozenset((first.name, second.name))]


def admitted(selection: Selection, name: str) -> Codes:
    """Return between which codes of a field the objects of a selection lie."""
    quantity = selection.type.fields[name]
    low = 1 if quantity is selection.type.energy else quantity.lowest
    ends = low, quantity.highest
    if selection.condition is not None:
        ends = _within(selection.condition, quantity, ends, negated=False)
    # Nothing passes a selection without codes: any code will do.
    return ends if ends[0] <= ends[1] else (low, low)


def cuts_ask_for_energy(selection: Selection) -> bool:
    """Return whether a selection's cuts alone let no object without energy pass."""
    energy = selection.type.energy
    ends = energy.lowest, energy.highest
    condition = selection.condition
    return condition is not None and _within(condition, energy, ends, negated=False)[0] > 0


def _widen(reach: PairReach, first: Selection, second: Selection, combination: Combination) -> None:
    least = Fraction(1)
    for selection in (first, second):
        for name in selection.type.fields:
            low, high = admitted(selection, name)
            known = reach.codes.setdefault((selection.type.name, name), (low, high))
            reach.codes[selection.type.name, name] = min(low, known[0]), max(high, known[1])
        energy = selection.type.energy
        least *= max(admitted(selection, energy.name)[0] + energy.offset, Fraction(0))
    for condition in combination.conditions:
        reach.needs |= {Need(cut, least) for cut in _cuts(condition)}


def _within(condition: Condition, quantity: Quantity, ends: Codes, *, negated: bool) -> Codes:
    """Return between which of some codes a condition, or its contrary, can hold."""
    if isinstance(condition, Not):
        return _within(condition.term, quantity, ends, negated=not negated)
    if isinstance(condition, All | Some):
        parts = [_within(term, quantity, ends, negated=negated) for term in condition.terms]
        if isinstance(condition, All) != negated:
            return max(low for low, _ in parts), min(high for _, high in parts)
        possible = [(low, high) for low, high in parts if low <= high] or parts[:1]
        return min(low for low, _ in possible), max(high for _, high in possible)
    if not isinstance(condition, Cut) or condition.subject != quantity.name:
        return ends
    relation = _NEGATED[condition.relation] if negated else condition.relation
    low, high = _codes_of(quantity, relation, condition.value, ends)
    if condition.absolute:
        least, _ = _codes_of(quantity, MIRRORED[relation], -condition.value, ends)
        low = least if relation in ("<", "<=", "==") else ends[0]
        high = high if relation in ("<", "<=", "==") else ends[1]
    return low, high


def _codes_of(quantity: Quantity, relation: str, value: Fraction, ends: Codes) -> Codes:
    low, high = ends
    if relation in (">", ">=", "=="):
        above = quantity.largest_code(value) + 1 if relation == ">" else quantity.least_code(value)
        low = max(low, above)
    if relation in ("<", "<=", "=="):
        below = quantity.least_code(value) - 1 if relation == "<" else quantity.largest_code(value)
        high = min(high, below)
    return low, high


def _combinations(condition: Condition) -> Iterator[Combination]:
    if isinstance(condition, Combination):
        yield condition
    elif isinstance(condition, Not):
        yield from _combinations(condition.term)
    elif isinstance(condition, All | Some):
        for term in condition.terms:
            yield from _combinations(term)


def _cuts(condition: Condition) -> Iterator[Cut]:
    if isinstance(condition, Cut):
        yield condition
    elif isinstance(condition, Not):
        yield from _cuts(condition.term)
    elif isinstance(condition, All | Some):
        for term in condition.terms:
            yield from _cuts(term)
