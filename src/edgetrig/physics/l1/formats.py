"""The trigger objects of real experiments, with their widths and LSBs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import pi
from typing import Final

from edgetrig.physics.l1.quantity import ObjectType, Quantity

_HALF = Fraction(1, 2)
_GEV = Fraction(1, 2)
_ETA = Fraction("0.087")
_TURN = 2 * Fraction(pi)


def _energy(
    name: str, bits: int, first: int = 0, offset: int = 0, lsb: Fraction = _GEV
) -> Quantity:
    return Quantity(name, first, bits, lsb, "GeV", offset=Fraction(offset), saturates=True)


def _calorimeter(name: str, energy_bits: int, more: tuple[Quantity, ...]) -> ObjectType:
    at = energy_bits
    eta = Quantity("eta", at, 8, _ETA / 2, signed=True, offset=_HALF, nearest=True)
    phi = Quantity("phi", at + 8, 8, _TURN / 144, "rad", offset=_HALF, nearest=True, circle=144)
    return ObjectType(name, 12, 32, (_energy("pt", energy_bits), eta, phi, *more))


def _vector_sum(name: str) -> ObjectType:
    phi = Quantity("phi", 12, 8, _TURN / 144, "rad", offset=_HALF, nearest=True, circle=144)
    return ObjectType(name, 1, 32, (_energy("et", 12), phi, Quantity("asymmetry", 20, 8)))


_MUON = ObjectType(
    "muon",
    8,
    64,
    (
        # Code 0 is no muon; code 1 is 0 to 0.5 GeV.
        _energy("pt", 9, first=10, offset=-1),
        Quantity("eta", 23, 9, _ETA / 8, signed=True, nearest=True),
        Quantity("phi", 0, 10, _TURN / 576, "rad", offset=_HALF, nearest=True, circle=576),
        Quantity("quality", 19, 4),
        Quantity("isolation", 32, 2),
        Quantity("charge", 34, 1),
        Quantity("index", 36, 7),
        Quantity(
            "unconstrained_pt", 53, 8, Fraction(1), "GeV", offset=Fraction(-1), saturates=True
        ),
        Quantity("impact_parameter", 62, 2),
    ),
)

CMS: Final[Mapping[str, ObjectType]] = {
    kind.name: kind
    for kind in (
        _MUON,
        _calorimeter("egamma", 9, (Quantity("isolation", 25, 2),)),
        _calorimeter("tau", 9, (Quantity("isolation", 25, 2),)),
        _calorimeter("jet", 11, (Quantity("displaced", 27, 1), Quantity("quality", 28, 2))),
        ObjectType("ett", 1, 32, (_energy("et", 12),)),
        ObjectType("htt", 1, 32, (_energy("et", 12),)),
        _vector_sum("etm"),
        _vector_sum("htm"),
        _vector_sum("etmhf"),
    )
}
"""Inputs of the CMS global trigger (CMS L1 menu scales, May 2024), by name.

The muon's charge is 1 for negative ones. Bit 43 to 52 of a muon, the azimuth outside the detector,
is not used.
"""
