"""Quantities of two and three trigger objects in integers, as a global trigger's firmware has them.

Angles are compared in the finer LSB of the two objects. Functions of an angle are rounded to
`DIGITS` decimal digits; all that follows is exact arithmetic on these integers, and a cut becomes
one integer: ``m**2 = 2 pt1 pt2 (cosh(delta_eta) - cos(delta_phi))``,
``delta_r**2 = delta_eta**2 + delta_phi**2``, ``m_t**2 = 2 pt1 pt2 (1 - cos(delta_phi))``
(Particle Data Group, Review of Particle Physics, "Kinematics").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil, floor
from typing import Any, Final

import numpy as np

from edgetrig.circuit import lookup
from edgetrig.errors import MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.cuts import compare
from edgetrig.trigger.menu.tree import Cut

DIGITS: Final = 3
"""Decimal digits of the tables of angles, cosh and cos."""

_SCALE: Final = 10**DIGITS


@dataclass(frozen=True)
class Particles:
    """One object from each of several combinations: arrays of codes, one element a combination."""

    type: ObjectType
    codes: Mapping[str, Any]

    def energy(self) -> Any:
        """Return the energy in steps of its LSB; nothing below zero."""
        quantity = self.type.energy
        return np.maximum(self.codes[quantity.name] + float(quantity.offset), 0)

    def position(self, field: str, step: Fraction) -> Any:
        """Return an angle in units of ``step``."""
        quantity = self.type.fields[field]
        factor = quantity.lsb / step
        return self.codes[field] * float(factor) + float(quantity.offset * factor)


def cut_on(cut: Cut, particles: Sequence[Particles]) -> Any:
    """Return where combinations pass a cut on a quantity of theirs."""
    return _CUTS[cut.subject](cut, particles)


def opposite_charge(first: Particles, second: Particles) -> Any:
    """Return where two objects have different charges."""
    return first.codes["charge"] != second.codes["charge"]


def _distance(field: str, first: Particles, second: Particles) -> tuple[Any, Fraction]:
    """Return how far apart two objects are, and the unit it is in."""
    one, two = (particles.type.fields[field] for particles in (first, second))
    step = min(one.lsb, two.lsb)
    if any((quantity.lsb / step).denominator != 1 for quantity in (one, two)):
        names = f"{first.type.name} and {second.type.name}"
        raise MenuError(f"the LSBs of {field} of {names} are no multiples of each other")
    distance = np.abs(first.position(field, step) - second.position(field, step))
    finest = one if one.lsb == step else two
    if finest.circle is not None:
        distance = np.minimum(distance, finest.circle - distance)
    return distance, step


def _table(x: Any, function: Callable[[Any], Any]) -> Any:
    """Return the integers of a function of codes, by a table."""
    low, high = (int(np.min(x.interval[0])), int(np.max(x.interval[1])))
    codes = np.arange(low, high + 1) / 2.0 ** int(np.max(x.fraction))
    bits = int(np.abs(function(codes)).max()).bit_length()
    return lookup(x, function, 1, bits, 0)


def _angle_cut(field: str) -> Callable[[Cut, Sequence[Particles]], Any]:
    def cut_angle(cut: Cut, particles: Sequence[Particles]) -> Any:
        distance, step = _distance(field, *particles)
        return compare(distance, cut.relation, cut.value / step)

    return cut_angle


def _delta_r_cut(cut: Cut, particles: Sequence[Particles]) -> Any:
    """Return where a distance passes: no square is formed, since each delta_phi allows an interval.

    Squares grow with distance, so that ``delta_eta**2 + delta_phi**2 < cut**2`` just where
    delta_eta is below a number that a table gives for delta_phi.
    """
    across, step = _distance("eta", *particles)
    around, turn = _distance("phi", *particles)
    point = int(np.max(across.fraction))
    count = int(np.max(across.interval[1])) + 1
    squares = np.rint(np.arange(count) / 2.0**point * float(step * _SCALE)) ** 2
    limit = (cut.value * _SCALE) ** 2
    within = cut.relation in ("<", ">=")  # these two are decided by `<`, the others by `<=`

    def allowed(x: Any) -> Any:
        rest = float(ceil(limit) if within else floor(limit) + 1)
        rest = rest - np.rint(x * float(turn * _SCALE)) ** 2
        return np.searchsorted(squares, rest, side="left") / 2.0**point

    bits = int(count).bit_length() - point
    near = across < lookup(around, allowed, 0, bits, point)
    return near if cut.relation in ("<", "<=") else ~near


def _cosine(first: Particles, second: Particles) -> Any:
    distance, step = _distance("phi", first, second)
    return _table(distance, lambda x: np.rint(np.cos(x * float(step)) * _SCALE))


def _half_mass_squared(first: Particles, second: Particles) -> tuple[Any, Fraction]:
    """Return m**2 / 2 in units of the product of the two LSBs and of the tables."""
    distance, step = _distance("eta", first, second)
    cosh = _table(distance, lambda x: np.rint(np.cosh(x * float(step)) * _SCALE))
    unit = first.type.energy.lsb * second.type.energy.lsb / _SCALE
    return first.energy() * second.energy() * (cosh - _cosine(first, second)), unit


def _mass_cut(cut: Cut, particles: Sequence[Particles]) -> Any:
    terms = [_half_mass_squared(a, b) for a, b in combinations(particles, 2)]
    unit = min(unit for _, unit in terms)
    total = sum(term * float(own / unit) for term, own in terms)
    return compare(total, cut.relation, cut.value**2 / (2 * unit))


def _transverse_mass_cut(cut: Cut, particles: Sequence[Particles]) -> Any:
    first, second = particles
    unit = first.type.energy.lsb * second.type.energy.lsb / _SCALE
    half = first.energy() * second.energy() * (_SCALE - _cosine(first, second))
    return compare(half, cut.relation, cut.value**2 / (2 * unit))


_CUTS: Final[Mapping[str, Callable[[Cut, Sequence[Particles]], Any]]] = {
    "delta_eta": _angle_cut("eta"),
    "delta_phi": _angle_cut("phi"),
    "delta_r": _delta_r_cut,
    "mass": _mass_cut,
    "transverse_mass": _transverse_mass_cut,
}
