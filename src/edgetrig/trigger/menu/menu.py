"""A trigger menu: seeds with prescales, and the models whose scores they cut on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Input, origin, trace
from edgetrig.errors import CircuitError, MenuError
from edgetrig.physics.l1 import CMS, ObjectType
from edgetrig.trigger.menu.decide import Decisions, columns_of
from edgetrig.trigger.menu.parse import parse
from edgetrig.trigger.menu.prescale import Prescalers
from edgetrig.trigger.menu.scores import Model
from edgetrig.trigger.menu.tree import All, Condition, Not, Reference, Some
from edgetrig.trigger.menu.words import Names

ORBIT_HZ: Final = 11_245.5
"""Turns of the LHC's beams in a second (26,659 m at the speed of light)."""

SLOTS: Final = 3564
"""Bunch crossings in a turn, filled or not."""

BUNCH_CROSSING_NS: Final = 1e9 / (ORBIT_HZ * SLOTS)
"""From one bunch crossing to the next: 24.95 ns, 40.08 MHz."""

SEED_LIMIT: Final = 4096
"""Most seeds in a menu."""


@dataclass(frozen=True)
class Seed:
    """One algorithm of a menu.

    Parameters
    ----------
    name
        Such as ``L1_SingleMu22``.
    expression
        What it asks for (`edgetrig.trigger.menu.parse`).
    prescale
        Of so many events that pass, one is kept: 1 or more, in steps of 1/100; 0 switches it off.
    parameters
        Numbers that stand in the expression by name, as text.
    budget_khz
        The most that it may take when the menu is tuned (`edgetrig.trigger.menu.tune`), in kHz;
        None for a seed that is left alone.
    """

    name: str
    expression: str
    prescale: Fraction = Fraction(1)
    parameters: Mapping[str, str] = field(default_factory=dict)
    budget_khz: float | None = None

    def __post_init__(self) -> None:
        prescale = self.prescale
        if (prescale < 1 and prescale != 0) or (prescale * 100).denominator != 1:
            raise MenuError(
                f"seed '{self.name}': prescale {float(prescale):g};"
                " 1 or more in steps of 0.01 is needed, or 0 for off"
            )
        if prescale >= 1 << 17:
            raise MenuError(f"seed '{self.name}': prescale {float(prescale):g} is above 131071")
        if self.budget_khz is not None and not 0 < self.budget_khz < float("inf"):
            raise MenuError(
                f"seed '{self.name}': budget_khz {self.budget_khz:g}: a rate above 0 is needed"
            )


@dataclass(frozen=True)
class Menu:
    """Seeds that together make the trigger's decision.

    Parameters
    ----------
    name
        Name of the menu, and of the hardware's top module.
    seeds
        The algorithms, in the order of their bits.
    models
        Models that score every event.
    bunches
        Colliding bunches in the ring, which scale rates.
    budget_khz
        Rate that the whole menu may take, in kHz.
    types
        Objects that seeds may speak of, by name; those of the CMS global trigger if left out.
    latency_bx
        Bunch crossings from object words to the decision that the firmware may take at most; None
        for no such limit.
    """

    name: str
    seeds: tuple[Seed, ...]
    models: tuple[Model, ...] = ()
    bunches: int = 2748
    budget_khz: float = 100.0
    types: Mapping[str, ObjectType] = field(default_factory=lambda: CMS)
    latency_bx: int | None = None

    def __post_init__(self) -> None:
        names = [seed.name for seed in self.seeds]
        for name in names + [model.name for model in self.models]:
            if names.count(name) + sum(model.name == name for model in self.models) > 1:
                raise MenuError(f"two seeds or models are called '{name}'")
            if not name.isidentifier() or name in self.types:
                raise MenuError(
                    f"'{name}' cannot name a seed or model: letters, digits and _ can,"
                    " and no object's name"
                )
        if self.bunches < 1:
            raise MenuError(f"bunches {self.bunches}: 1 colliding bunch or more is needed")
        if not 0 < self.budget_khz < float("inf"):
            raise MenuError(f"budget_khz {self.budget_khz:g}: a rate above 0 is needed")
        if self.latency_bx is not None and self.latency_bx < 1:
            raise MenuError(f"latency_bx {self.latency_bx}: 1 bunch crossing or more is needed")
        if not 0 < len(names) <= SEED_LIMIT:
            raise MenuError(
                f"menu '{self.name}' has {len(names)} seeds; 1 to {SEED_LIMIT} are read"
            )

    @property
    def khz_of_all(self) -> float:
        """The rate of a seed that every crossing of filled bunches passes, in kHz."""
        return self.bunches * ORBIT_HZ / 1000

    @cached_property
    def trees(self) -> Mapping[str, Condition]:
        """What each seed says.

        Raises
        ------
        MenuError
            If a seed has no meaning, or seeds refer to each other in a circle.
        """
        names = [seed.name for seed in self.seeds]
        scores = [model.name for model in self.models]
        trees = {}
        for seed in self.seeds:
            try:
                known = Names(self.types, scores, names, seed.parameters)
                trees[seed.name] = parse(seed.expression, known)
            except MenuError as error:
                raise MenuError(f"seed '{seed.name}': {error}") from error
        edges = {name: set(references(tree)) for name, tree in trees.items()}
        try:
            TopologicalSorter(edges).prepare()
        except CycleError as error:
            circle = " -> ".join(error.args[1])
            raise MenuError(f"seeds refer to each other in a circle: {circle}") from error
        return trees

    def columns(self) -> tuple[tuple[ObjectType, str], ...]:
        """Return the object types and fields that the menu reads, in the order of the format."""
        used = {
            (kind.name, name) for tree in self.trees.values() for kind, name in columns_of(tree)
        }
        used |= {
            (kind.name, name) for model in self.models for kind, name in model.reads(self.types)
        }
        return tuple(
            (kind, quantity.name)
            for kind in self.types.values()
            for quantity in kind.quantities
            if (kind.name, quantity.name) in used
        )

    def circuit(self) -> Circuit:
        """Return one circuit of all seeds and models, with shared logic.

        Its inputs are the columns of codes that the menu reads (``muon_pt`` of shape (8,), ...);
        its output ``seeds`` has one bit a seed, before prescales.

        Raises
        ------
        MenuError
            If a seed or a model has no meaning; the line names it.
        """
        columns = self.columns()
        names = [kind.column(name) for kind, name in columns]

        def decide(*arrays: Any) -> dict[str, Any]:
            given = dict(zip(names, arrays, strict=True))
            scores = {}
            for model in self.models:
                with origin(model.name):
                    scores[model.name] = model.score(given, self.types)
            decisions = Decisions(given, scores, self.trees)
            bits = []
            for seed in self.seeds:
                with origin(seed.name):
                    try:
                        bits.append(decisions.decide(self.trees[seed.name]))
                    except (CircuitError, MenuError, ValueError) as error:
                        raise MenuError(f"seed '{seed.name}': {error}") from error
            return {"seeds": np.stack(bits)}

        return trace(decide, *(_port(kind, name) for kind, name in columns))

    def decide(
        self,
        fired: NDArray[np.bool_],
        *,
        prescalers: Prescalers | None = None,
        clear: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what is left after prescales, and the menu's decisions.

        Parameters
        ----------
        fired
            Seeds' bits of consecutive crossings, of shape (crossings, seeds).
        prescalers
            The counters, which go on counting; fresh ones if left out.
        clear
            Crossings before which counters are set to zero.

        Returns
        -------
        kept, accept
            Of shapes (crossings, seeds) and (crossings,).
        """
        counters = prescalers or self.prescalers()
        kept = counters.keep(np.asarray(fired, np.bool_), clear)
        return kept, np.asarray(kept.any(axis=1))

    def prescalers(self) -> Prescalers:
        """Return fresh prescale counters."""
        return Prescalers([seed.prescale for seed in self.seeds])

    def only(self, names: Sequence[str]) -> Menu:
        """Return a menu of some of the seeds, and of those that they refer to."""
        wanted = list(names)
        for name in wanted:
            if name not in self.trees:
                raise MenuError(f"no seed '{name}' in menu '{self.name}'")
            wanted += [n for n in references(self.trees[name]) if n not in wanted]
        return replace(self, seeds=tuple(seed for seed in self.seeds if seed.name in wanted))


def _port(kind: ObjectType, name: str) -> Input:
    """Return the input of a field; every code that its wires can carry belongs to its range."""
    quantity = kind.fields[name]
    whole = 1 << (quantity.bits - quantity.signed)
    shape = (kind.count,)
    low = np.full(shape, -whole if quantity.signed else 0)
    point = np.zeros(shape, np.int64)
    return Input(kind.column(name), low, np.full(shape, whole - 1), point, "TRN", "SAT")


def references(condition: Condition) -> list[str]:
    """Return the names of the seeds that a condition refers to."""
    if isinstance(condition, Reference):
        return [condition.seed]
    if isinstance(condition, Not):
        return references(condition.term)
    if isinstance(condition, All | Some):
        return [name for term in condition.terms for name in references(term)]
    return []
