"""Sums over the whole crossing: total and missing transverse energy, of towers and of jets."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.physics.l1.geometry import CENTRAL, ETAS, HALF, PHIS

JET_MIN: Final = 60
"""Least code of a jet in HT sums: 30 GeV."""

JET_MAX_ETA: Final = 57
"""Codes of a jet's eta below this in size are within abs(eta) < 2.5."""

TOWER_MIN: Final = 3.0
"""Towers below this many times the event's pile-up (and 1 GeV) are left out."""

HIGHEST: Final = 4095
SUMS: Final = ("ett", "htt", "etm", "htm", "etmhf")


@jit
def add_sums(
    total: NDArray[Any], level: float, jets: NDArray[Any], size: int, sums: NDArray[Any]
) -> None:
    """Fill in energy and azimuth codes of `SUMS`, an array of shape (5, 2)."""
    least = max(TOWER_MIN * level, 2.0)
    scalar = 0
    inner, outer = np.zeros(2), np.zeros(2)
    for row in range(ETAS):
        central = HALF - CENTRAL <= row < HALF + CENTRAL
        for column in range(PHIS):
            code = total[row, column]
            if code < least:
                continue
            angle = (column + 0.5) * (2.0 * np.pi / PHIS)
            x, y = code * np.cos(angle), code * np.sin(angle)
            outer[0] += x
            outer[1] += y
            if central:
                scalar += code
                inner[0] += x
                inner[1] += y
    scalar_jets = 0
    hard = np.zeros(2)
    for jet in jets[:size]:
        if jet[0] >= JET_MIN and abs(jet[1] + 0.5) < JET_MAX_ETA:
            angle = (jet[2] + 0.5) * (2.0 * np.pi / 144)
            scalar_jets += jet[0]
            hard[0] += jet[0] * np.cos(angle)
            hard[1] += jet[0] * np.sin(angle)
    sums[0, 0] = min(scalar, HIGHEST)
    sums[1, 0] = min(scalar_jets, HIGHEST)
    _missing(inner, sums[2])
    _missing(hard, sums[3])
    _missing(outer, sums[4])


@jit
def _missing(vector: NDArray[Any], row: NDArray[Any]) -> None:
    """Write the opposite of a vector as codes."""
    row[0] = min(int(np.hypot(vector[0], vector[1])), HIGHEST)
    turn = np.arctan2(-vector[1], -vector[0]) / (2.0 * np.pi)
    row[1] = int((turn - np.floor(turn)) * 144.0) % 144 if row[0] > 0 else 0
