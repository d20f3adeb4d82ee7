"""What a seed says, as a tree whose leaves are cuts; every name in it is known to exist."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from edgetrig.physics.l1 import ObjectType

MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""The relation that says the same with its sides exchanged."""


@dataclass(frozen=True)
class Cut:
    """``subject relation value``, for instance ``pt >= 22``.

    Parameters
    ----------
    subject
        A field of an object, a quantity of a combination (``mass``), or the name of a score.
    relation
        One of ``<``, ``<=``, ``>``, ``>=``, ``==``, ``!=``.
    value
        In the subject's unit, exactly as written.
    absolute
        Whether the subject's absolute value is compared.
    """

    subject: str
    relation: str
    value: Fraction
    absolute: bool = False


@dataclass(frozen=True)
class Flag:
    """A quantity of a combination that is true or false: ``opposite_charge``."""

    name: str


@dataclass(frozen=True)
class Selection:
    """The objects of one type that pass a condition on their own fields; true if there is one."""

    type: ObjectType
    condition: Condition | None = None


@dataclass(frozen=True)
class Count:
    """A cut on how many objects a selection has."""

    selection: Selection
    cut: Cut


@dataclass(frozen=True)
class Combination:
    """Whether different objects fill the selections and together pass the conditions."""

    selections: tuple[Selection, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class SumCut:
    """A cut on a field of an object that every event has exactly once: a sum."""

    type: ObjectType
    cut: Cut


@dataclass(frozen=True)
class ScoreCut:
    """A cut on the score of a model."""

    cut: Cut


@dataclass(frozen=True)
class Reference:
    """Another seed's decision, before its prescale."""

    seed: str


@dataclass(frozen=True)
class Not:
    """Not."""

    term: Condition


@dataclass(frozen=True)
class All:
    """And."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """Or."""

    terms: tuple[Condition, ...]


Condition = (
    Cut | Flag | Selection | Count | Combination | SumCut | ScoreCut | Reference | Not | All | Some
)
"""Anything that is true or false."""
