"""Quantities of two and three trigger objects in integers, as a global trigger's firmware has them.

Functions of an angle are rounded to `DIGITS` decimal digits; all that follows is exact arithmetic
on these integers, and a cut becomes one integer:
``m**2 = 2 pt1 pt2 (cosh(delta_eta) - cos(delta_phi))``,
``delta_r**2 = delta_eta**2 + delta_phi**2``, ``m_t**2 = 2 pt1 pt2 (1 - cos(delta_phi))``
(Particle Data Group, Review of Particle Physics, "Kinematics").

Objects that no combination takes decide nothing, so that a mass need not be known where it is
above every cut whatever the energies that the selections leave: tables of angles end there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import combinations
from math import ceil, floor
from operator import or_
from typing import Any, Final

import numpy as np

from edgetrig.circuit import quantize
from edgetrig.errors import MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.angles import Distance, distance, table
from edgetrig.trigger.menu.cuts import compare
from edgetrig.trigger.menu.reach import PairReach, Reach
from edgetrig.trigger.menu.tree import Cut

DIGITS: Final = 3
"""Decimal digits of the tables of angles, cosh and cos."""

_SCALE: Final = 10**DIGITS


@dataclass(frozen=True)
class Particles:
    """One object from each of several combinations: arrays of codes, one element a combination."""

    type: ObjectType
    codes: Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """Two objects from each of several combinations.

    Parameters
    ----------
    first, second
        The objects.
    reach
        What the menu asks of such pairs.
    """

    first: Particles
    second: Particles
    reach: PairReach

    @property
    def unit(self) -> Fraction:
        """What 1 in `half_mass_squared` is worth, in GeV**2."""
        return self.first.type.energy.lsb * self.second.type.energy.lsb / _SCALE

    def distance(self, field: str) -> Distance:
        """Return how far apart they are in an angle."""
        first, second = self._codes(self.first, field), self._codes(self.second, field)
        return distance(field, (self.first.type, self.second.type), (first, second))

    def energy_product(self) -> Any:
        """Return the product of their energies, in steps of their LSBs."""
        first, second = (self._energy(particles) for particles in (self.first, self.second))
        return first * second

    def enough(self, subject: str) -> int | None:
        """Return the least factor of the energies that passes every cut on a mass from above.

        None if there is no such factor, since energies may be 0.
        """
        factors = [
            None if need.least == 0 else floor(limit(need.cut, self.unit) / need.least) + 1
            for need in self.reach.needs
            if need.cut.subject == subject
        ]
        return None if None in factors else max(f for f in factors if f is not None)

    def _energy(self, particles: Particles) -> Any:
        energy = particles.type.energy
        low, high = self.reach.codes[particles.type.name, energy.name]
        steps = self._codes(particles, energy.name) + float(energy.offset)
        if low + energy.offset < 0 or energy.offset.denominator != 1:
            return np.maximum(steps, 0)
        return quantize(steps, 0, int(high + energy.offset).bit_length(), 0)

    def _codes(self, particles: Particles, field: str) -> Any:
        """Return codes in as few bits as hold those that the combinations can have."""
        low, high = self.reach.codes[particles.type.name, field]
        signed = particles.type.fields[field].signed
        bits = max(high, ~low if signed else 0).bit_length()
        return quantize(particles.codes[field], int(signed), bits, 0)


def cut_on(cut: Cut, particles: Sequence[Particles], reach: Reach) -> Any:
    """Return where combinations pass a cut on a quantity of theirs.

    Raises
    ------
    MenuError
        If the objects' codes cannot differ about it.
    """
    pairs = [Pair(a, b, reach.between(a.type, b.type)) for a, b in combinations(particles, 2)]
    passed = _CUTS[cut.subject](cut, pairs)
    if passed.constant.all():
        names = ", ".join(one.type.name for one in particles)
        text = f"{cut.subject} {cut.relation} {float(cut.value):g}"
        raise MenuError(f"{text} is never or always true of these objects ({names})")
    return passed


def opposite_charge(first: Particles, second: Particles) -> Any:
    """Return where two objects have different charges."""
    return first.codes["charge"] != second.codes["charge"]


def limit(cut: Cut, unit: Fraction) -> Fraction:
    """Return a cut on a mass as one on half of its square, in units."""
    return cut.value**2 / (2 * unit)


def _angle_cut(field: str) -> Callable[[Cut, Sequence[Pair]], Any]:
    def cut_angle(cut: Cut, pairs: Sequence[Pair]) -> Any:
        return pairs[0].distance(field).compare(cut.relation, cut.value)

    return cut_angle


def _delta_r_cut(cut: Cut, pairs: Sequence[Pair]) -> Any:
    """Return where a distance passes: no square is formed, since each delta_phi allows an interval.

    Squares grow with distance, so that ``delta_eta**2 + delta_phi**2 < cut**2`` just where
    delta_eta is below a number that a table gives for delta_phi.
    """
    across, around = pairs[0].distance("eta"), pairs[0].distance("phi")
    squares = _thousandths(across.values(np.arange(across.largest + 1.0)), across.step) ** 2
    square = (cut.value * _SCALE) ** 2
    within = cut.relation in ("<", ">=")  # these two are decided by `<`, the others by `<=`
    least_outside = float(ceil(square) if within else floor(square) + 1)

    def allowed(steps: Any) -> Any:
        rest = least_outside - _thousandths(steps, around.step) ** 2
        return np.searchsorted(squares, rest, side="left")

    near = across.index < around.table(allowed)
    return near if cut.relation in ("<", "<=") else ~near


def _thousandths(steps: Any, step: Fraction) -> Any:
    return np.rint(steps * float(step * _SCALE))


def _one_minus_cosine(pair: Pair, enough: int | None) -> Any:
    """Return 1 - cos(delta_phi), not above what is enough."""
    around = pair.distance("phi")

    def values(steps: Any) -> Any:
        return np.minimum(_SCALE - np.rint(np.cos(steps * float(around.step)) * _SCALE), most)

    most = np.inf if enough is None else enough
    return around.table(values)


def _cosh_minus_one(pair: Pair, enough: int | None) -> tuple[Any, Any]:
    """Return cosh(delta_eta) - 1, not above what is enough, and where it is enough in any case.

    The table ends at a power of two, behind which all distances are enough; there it says anything.
    """
    across = pair.distance("eta")

    def values(index: Any) -> Any:
        rounded = np.rint(np.cosh(across.values(index) * float(across.step)) * _SCALE)
        return np.minimum(rounded - _SCALE, most)

    most = np.inf if enough is None else enough
    growing = values(np.arange(across.largest + 1.0))
    bits = int(np.searchsorted(growing, most, side="left") - 1).bit_length()
    return table(quantize(across.index, 0, bits, 0), values), across.index >= 2.0**bits


def _mass_cut(cut: Cut, pairs: Sequence[Pair]) -> Any:
    """Compare a sum of ``pt1 pt2 (cosh - cos)`` over pairs; one that is large enough decides."""
    unit = min(pair.unit for pair in pairs)
    terms, above = [], []
    for pair in pairs:
        enough = pair.enough("mass")
        cosh, far = _cosh_minus_one(pair, enough)
        half = pair.energy_product() * (cosh + _one_minus_cosine(pair, enough))
        above.append(far)
        if len(pairs) > 1:
            # What is above the cut by itself need not be added up.
            bits = floor(limit(cut, pair.unit)).bit_length()
            above.append(half >= 2.0**bits)
            half = quantize(half, 0, bits, 0)
        terms.append(half * float(pair.unit / unit))
    over = reduce(or_, above)
    passed = compare(sum(terms[1:], terms[0]), cut.relation, limit(cut, unit))
    return passed & ~over if cut.relation in ("<", "<=") else passed | over


def _transverse_mass_cut(cut: Cut, pairs: Sequence[Pair]) -> Any:
    pair = pairs[0]
    half = pair.energy_product() * _one_minus_cosine(pair, pair.enough("transverse_mass"))
    return compare(half, cut.relation, limit(cut, pair.unit))


_CUTS: Final[Mapping[str, Callable[[Cut, Sequence[Pair]], Any]]] = {
    "delta_eta": _angle_cut("eta"),
    "delta_phi": _angle_cut("phi"),
    "delta_r": _delta_r_cut,
    "mass": _mass_cut,
    "transverse_mass": _transverse_mass_cut,
}
