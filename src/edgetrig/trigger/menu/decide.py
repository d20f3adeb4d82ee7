"""From a seed's tree to its bit, on arrays of hardware integers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import combinations, permutations, product
from operator import and_, or_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.cuts import compare, compare_absolute
from edgetrig.trigger.menu.kinematics import Particles, cut_on, opposite_charge
from edgetrig.trigger.menu.reach import Reach, cuts_ask_for_energy
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

Ints = NDArray[np.int64]


@dataclass
class Decisions:
    """Decides seeds on one event's symbolic arrays; what seeds share is decided once.

    Parameters
    ----------
    columns
        Codes by column name, each of shape (objects,).
    scores
        Scores of models by name, each one number.
    seeds
        Trees of all seeds by name: for references, and for what seeds can share.
    """

    columns: Mapping[str, Any]
    scores: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, Condition] = field(default_factory=dict)
    _known: dict[Condition, Any] = field(default_factory=dict)

    def decide(self, condition: Condition) -> Any:
        """Return the bit of a seed or of a part of one."""
        if condition not in self._known:
            self._known[condition] = self._decide(condition)
        return self._known[condition]

    @cached_property
    def _reach(self) -> Reach:
        return Reach.of(self.seeds.values())

    def _decide(self, condition: Condition) -> Any:
        if isinstance(condition, Selection):
            return np.any(self._passing(condition))
        if isinstance(condition, Count):
            count = np.sum(self._passing(condition.selection))
            return compare(count, condition.cut.relation, condition.cut.value)
        if isinstance(condition, Combination):
            return self._combination(condition)
        if isinstance(condition, SumCut):
            codes = self.columns[condition.type.column(condition.cut.subject)][0]
            return _field_cut(condition.type, condition.cut, codes)
        if isinstance(condition, ScoreCut):
            cut = condition.cut
            return compare(self.scores[cut.subject], cut.relation, cut.value)
        if isinstance(condition, Reference):
            return self.decide(self.seeds[condition.seed])
        return _logical(condition, self.decide)

    def _passing(self, selection: Selection) -> Any:
        """Return which objects of a type are there and pass; shape (count,)."""
        kind = selection.type
        there = self.columns[kind.column(kind.energy.name)] > 0
        if selection.condition is None:
            return there

        def on_fields(condition: Condition) -> Any:
            if isinstance(condition, Cut):
                codes = self.columns[kind.column(condition.subject)]
                return _field_cut(kind, condition, codes)
            return _logical(condition, on_fields)

        passing = on_fields(selection.condition)
        return passing if cuts_ask_for_energy(selection) else there & passing

    def _combination(self, combination: Combination) -> Any:
        for selection in combination.selections:
            kind = selection.type
            wanted = sum(other.type.name == kind.name for other in combination.selections)
            if wanted > kind.count:
                raise MenuError(
                    f"{wanted} different {kind.name} asked for, an event has {kind.count}"
                )
        if combination.conditions:
            return self._correlated(combination)
        groups: dict[str, list[Selection]] = {}
        for selection in combination.selections:
            groups.setdefault(selection.type.name, []).append(selection)
        return _all([self._distinct(group) for group in groups.values()])

    def _distinct(self, selections: Sequence[Selection]) -> Any:
        """Return whether different objects of one type can fill the selections.

        They can if any n of the selections have n objects between them (P. Hall, J. London Math.
        Soc. 10 (1935) 26).
        """
        wanted = Counter(selections)
        masks = {selection: self._passing(selection) for selection in wanted}
        enough = []
        for size in range(1, len(wanted) + 1):
            for some in combinations(wanted, size):
                union = _some([masks[selection] for selection in some])
                needed = sum(wanted[selection] for selection in some)
                enough.append(np.any(union) if needed == 1 else np.sum(union) >= needed)
        return _all(enough)

    def _correlated(self, combination: Combination) -> Any:
        """Return whether some choice of different objects passes selections and conditions."""
        selections = combination.selections
        passing = [self._passing(selection) for selection in selections]
        chosen, orders = _choices([selection.type for selection in selections])
        filled = [
            _all([mask[chosen[:, place]] for mask, place in zip(passing, order, strict=True)])
            for order in orders
        ]
        particles = [
            Particles(kind, self._codes(kind, chosen[:, place]))
            for place, kind in enumerate(selection.type for selection in selections)
        ]

        def on_choice(condition: Condition) -> Any:
            if isinstance(condition, Cut):
                return cut_on(condition, particles, self._reach)
            if isinstance(condition, Flag):
                opposite = opposite_charge(particles[0], particles[1])
                return opposite if condition.name == "opposite_charge" else ~opposite
            return _logical(condition, on_choice)

        conditions = _all([on_choice(condition) for condition in combination.conditions])
        return np.any(_some(filled) & conditions)

    def _codes(self, kind: ObjectType, chosen: Any) -> dict[str, Any]:
        """Return the fields that combinations are made of, for the chosen objects."""
        fields = [
            name for name in ("eta", "phi", "charge", kind.energy.name) if name in kind.fields
        ]
        columns = {name: kind.column(name) for name in fields}
        return {n: self.columns[c][chosen] for n, c in columns.items() if c in self.columns}


def columns_of(condition: Condition) -> Iterator[tuple[ObjectType, str]]:
    """Yield the object types and fields that a seed reads, perhaps several times."""
    if isinstance(condition, Selection):
        yield condition.type, condition.type.energy.name
        if condition.condition is not None:
            yield from ((condition.type, cut.subject) for cut in _cuts(condition.condition))
    elif isinstance(condition, Count):
        yield from columns_of(condition.selection)
    elif isinstance(condition, SumCut):
        yield condition.type, condition.cut.subject
    elif isinstance(condition, Combination):
        for selection in condition.selections:
            yield from columns_of(selection)
            for shared in condition.conditions:
                for cut in _cuts(shared):
                    name = cut.subject if isinstance(cut, Cut) else "charge"
                    yield from ((selection.type, f) for f in _FIELDS.get(name, (name,)))
    elif isinstance(condition, Not):
        yield from columns_of(condition.term)
    elif isinstance(condition, All | Some):
        for term in condition.terms:
            yield from columns_of(term)


_FIELDS = {
    "delta_eta": ("eta",),
    "delta_phi": ("phi",),
    "delta_r": ("eta", "phi"),
    "mass": ("eta", "phi"),
    "transverse_mass": ("phi",),
}


def _cuts(condition: Condition) -> Iterator[Any]:
    """Yield the cuts and flags in a condition."""
    if isinstance(condition, Not):
        yield from _cuts(condition.term)
    elif isinstance(condition, All | Some):
        for term in condition.terms:
            yield from _cuts(term)
    else:
        yield condition


def _field_cut(kind: ObjectType, cut: Cut, codes: Any) -> Any:
    """Return where codes of a field pass a cut."""
    quantity = kind.fields[cut.subject]
    steps = codes if not quantity.offset else codes + float(quantity.offset)
    function = compare_absolute if cut.absolute else compare
    return function(steps, cut.relation, cut.value / quantity.lsb)


def _logical(condition: Condition, decide: Callable[[Condition], Any]) -> Any:
    if isinstance(condition, Not):
        return ~decide(condition.term)
    if isinstance(condition, All):
        return _all([decide(term) for term in condition.terms])
    if isinstance(condition, Some):
        return _some([decide(term) for term in condition.terms])
    raise MenuError(f"a {type(condition).__name__} cannot stand here")


def _all(truths: Sequence[Any]) -> Any:
    return reduce(and_, truths)


def _some(truths: Sequence[Any]) -> Any:
    return reduce(or_, truths)


def _choices(types: Sequence[ObjectType]) -> tuple[Ints, list[tuple[int, ...]]]:
    """Return every choice of different objects, and every order to fill selections with it.

    A choice has one object number for each place; in an order, selection ``s`` takes the object at
    place ``order[s]``. Objects of one type fill their places in ascending order, so that each set
    of objects is one choice and its quantities are formed once.
    """
    groups: dict[str, list[int]] = {}
    for place, kind in enumerate(types):
        groups.setdefault(kind.name, []).append(place)
    counts = {kind.name: kind.count for kind in types}
    sets = [combinations(range(counts[name]), len(places)) for name, places in groups.items()]
    chosen = [np.concatenate(choice) for choice in product(*sets)]
    every = [place for places in groups.values() for place in places]
    orders = []
    for shuffled in product(*(permutations(places) for places in groups.values())):
        flat = [place for places in shuffled for place in places]
        order = dict(zip(every, flat, strict=True))
        orders.append(tuple(order[place] for place in range(len(types))))
    back = np.argsort(every)
    return np.array(chosen, np.int64).reshape(-1, len(types))[:, back], orders
