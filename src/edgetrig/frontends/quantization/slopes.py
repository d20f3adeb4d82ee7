"""Range and slope of a function of one number, looked at closely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from edgetrig.frontends.quantizer import Floats

_POINTS: Final = 2049
"""Arguments at which the slope of a function is looked at."""


def range_and_slope(
    function: Callable[[Floats], Floats], low: float, high: float, bottom: float, top: float
) -> tuple[float, ...]:
    """Return ranges on [low, high] and [bottom, top], the slope on both, and float32's noise."""
    first, last = min(low, bottom), max(high, top)
    x = np.linspace(first, last, _POINTS)
    y = np.asarray(function(x), np.float64)
    step = (last - first) / (_POINTS - 1)
    noise = 1e-6 * float(np.abs(y).max())  # the function's own rounding to float32
    if step == 0:
        value = float(y[0])
        return value, value, value - noise, value + noise, 0.0, noise
    rises = np.diff(y)
    bend = float(np.abs(np.diff(rises)).max())
    slope = (float(np.abs(rises).max()) + bend) / step
    slack = bend + noise
    ranges = []
    for ends in ((low, high), (bottom, top)):
        inside = np.asarray(function(np.linspace(*ends, _POINTS)), np.float64)
        ranges += [float(inside.min()) - slack, float(inside.max()) + slack]
    return (*ranges, slope, noise)
