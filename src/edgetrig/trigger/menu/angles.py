"""Distances of two trigger objects in angles, and tables of them.

Angles are compared in the finer LSB of the two objects. A distance is a whole number of steps, or
lies half a step above one where one object's codes stand for edges and the other's for middles;
around the beam no distance is turned back: what reads it knows that two ways lead from one object
to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import lookup, quantize
from edgetrig.errors import MenuError
from edgetrig.physics.l1 import ObjectType
from edgetrig.trigger.menu.cuts import compare

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """How far apart objects are in an angle: ``(index + offset) * step``, or the other way round.

    Parameters
    ----------
    index
        Whole numbers from 0 on, one element a combination.
    offset
        0 or 1/2.
    step
        The finer of the two LSBs.
    circle
        Steps of one turn, for azimuths.
    """

    index: Any
    offset: Fraction
    step: Fraction
    circle: int | None

    @property
    def largest(self) -> int:
        """Largest index."""
        return int(np.max(self.index.interval[1]))

    def values(self, index: Floats) -> Floats:
        """Return what indices stand for, the shorter way round, in steps."""
        steps = index + float(self.offset)
        return steps if self.circle is None else np.minimum(steps, np.abs(self.circle - steps))

    def compare(self, relation: str, value: Fraction) -> Any:
        """Return where ``distance relation value``; ``value`` is in the angle's own unit."""
        steps = value / self.step
        if self.circle is not None and steps > Fraction(self.circle, 2):
            # No two azimuths are farther apart; codes beyond a turn do not occur.
            return self.index >= 0 if relation[0] == "<" else self.index < 0
        one_way = compare(self.index, relation, steps - self.offset)
        if self.circle is None:
            return one_way
        mirrored = (">" if relation[0] == "<" else "<") + relation[1:]
        other_way = compare(self.index, mirrored, self.circle - steps - self.offset)
        return one_way | other_way if relation[0] == "<" else one_way & other_way

    def table(self, function: Callable[[Floats], Floats]) -> Any:
        """Return whole numbers, 0 or more, that a function of the distance in steps gives."""
        return table(self.index, lambda index: function(self.values(index)))


def table(index: Any, function: Callable[[Floats], Floats]) -> Any:
    """Return whole numbers, 0 or more, that a function of whole numbers from 0 on gives."""
    largest = int(np.max(index.interval[1]))
    bits = max(int(function(np.arange(largest + 1.0)).max()).bit_length(), 1)
    return lookup(index, function, 0, bits, 0)


def distance(field: str, types: tuple[ObjectType, ObjectType], codes: tuple[Any, Any]) -> Distance:
    """Return how far apart two objects are in an angle.

    Parameters
    ----------
    field
        ``eta`` or ``phi``.
    types
        Of the two objects.
    codes
        Of that field: arrays with one element a combination.

    Raises
    ------
    MenuError
        If the two formats do not fit each other.
    """
    fields = [kind.fields[field] for kind in types]
    (fine, fine_codes), (coarse, coarse_codes) = sorted(
        zip(fields, codes, strict=True), key=lambda pair: pair[0].lsb
    )
    factor = coarse.lsb / fine.lsb
    between = fine.offset - coarse.offset * factor
    if factor.denominator != 1 or (2 * between).denominator != 1:
        names = " and ".join(kind.name for kind in types)
        raise MenuError(f"the LSBs of {field} of {names} are no multiples of each other")
    whole = floor(between)
    apart = fine_codes - (coarse_codes * float(factor) - float(whole))
    if between == whole:
        return Distance(np.abs(apart), Fraction(0), fine.lsb, fine.circle)
    # Half a step above `apart`, whose complement is as far from -1/2 on the other side; it is 0 or
    # more, which its interval alone does not show.
    index = np.where(apart < 0, ~apart, apart)
    low, high = (int(end) for end in (np.min(index.interval[0]), np.max(index.interval[1])))
    index = quantize(index, 0, max(high, -low).bit_length(), 0)
    return Distance(index, Fraction(1, 2), fine.lsb, fine.circle)
