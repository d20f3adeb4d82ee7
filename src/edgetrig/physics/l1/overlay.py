"""One bunch crossing: collisions laid over each other in the calorimeter and the muon system."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.physics.l1.collisions import Collisions
from edgetrig.physics.l1.geometry import ETAS, PHIS

LSB: Final = 0.5
"""GeV; transverse energy in towers comes in these steps, rounded down."""

HIGHEST: Final = 255
"""Largest code of a tower, ECAL and HCAL each."""


class Picks(NamedTuple):
    """Which collisions of a pool make the crossings, and how each is turned.

    Those of crossing ``i`` are between ``ends[i]`` and ``ends[i + 1]``.
    """

    chosen: NDArray[np.int64]
    """Its number in the pool."""

    turn: NDArray[np.int64]
    """Towers by which it is turned in phi."""

    mirrored: NDArray[np.bool_]
    """Whether the two beams are exchanged."""

    ends: NDArray[np.int64]


@jit
def add_deposits(
    grid: NDArray[Any], collisions: Collisions, which: int, turn: int, mirrored: bool
) -> None:
    """Add one collision to the towers, an array of shape (ECAL or HCAL, towers) in GeV."""
    for i in range(collisions.deposit_ends[which], collisions.deposit_ends[which + 1]):
        row, column = divmod(np.int64(collisions.tower[i]), PHIS)
        if mirrored:
            row = ETAS - 1 - row
        column += turn
        if column >= PHIS:
            column -= PHIS
        place = row * PHIS + column
        grid[0, place] += collisions.em[i]
        grid[1, place] += collisions.had[i]


@jit
def add_truth(
    row: NDArray[Any], collisions: Collisions, which: int, turn: int, mirrored: bool
) -> None:
    """Keep the hardest objects of all collisions of a crossing; add up the neutrinos."""
    angle = turn * 2.0 * np.pi / PHIS
    truth = collisions.truth[which]
    for place in (0, 3, 6, 9):
        if truth[place] > row[place]:
            phi = truth[place + 2] + angle
            row[place] = truth[place]
            row[place + 1] = -truth[place + 1] if mirrored else truth[place + 1]
            row[place + 2] = phi - 2.0 * np.pi * np.floor(phi / (2.0 * np.pi) + 0.5)
    row[12] += truth[12] * np.cos(angle) - truth[13] * np.sin(angle)
    row[13] += truth[12] * np.sin(angle) + truth[13] * np.cos(angle)
    row[14] = max(row[14], truth[14])


@jit
def read_out(grid: NDArray[Any], towers: NDArray[Any]) -> None:
    """Round the towers to codes, an array of shape (2, ETAS, PHIS), and clear them."""
    for layer in range(2):
        for row in range(ETAS):
            for column in range(PHIS):
                code = int(grid[layer, row * PHIS + column] / LSB)
                towers[layer, row, column] = min(code, HIGHEST)
    grid[:] = 0.0
