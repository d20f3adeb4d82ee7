"""Cuts on arrays of hardware integers, with thresholds that are exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np


def compare(x: Any, relation: str, value: Fraction) -> Any:
    """Return ``x relation value`` as an array of truths.

    Parameters
    ----------
    x
        A symbolic array of numbers with a binary point.
    relation
        ``<``, ``<=``, ``>``, ``>=``, ``==`` or ``!=``.
    value
        Any fraction; it is moved to the next number that ``x`` can take, on the right side.
    """
    step = Fraction(1, 1 << int(np.max(x.fraction, initial=0)))
    above, below = ceil(value / step) * step, floor(value / step) * step
    if relation == ">=":
        return x >= float(above)
    if relation == "<":
        return x < float(above)
    if relation == "<=":
        return x <= float(below)
    if relation == ">":
        return x > float(below)
    if above != below:
        raise ValueError(f"no value is {float(value):g}")
    return x == float(above) if relation == "==" else x != float(above)


def compare_absolute(x: Any, relation: str, value: Fraction) -> Any:
    """Return ``abs(x) relation value``, by two comparisons of ``x``."""
    if relation in ("<", "<="):
        return compare(x, relation, value) & compare(x, ">" + relation[1:], -value)
    if relation in (">", ">="):
        return compare(x, relation, value) | compare(x, "<" + relation[1:], -value)
    equal = compare(x, "==", value) | compare(x, "==", -value)
    return equal if relation == "==" else ~equal
