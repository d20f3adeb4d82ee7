"""The calorimeter trigger: jets, e/gamma and tau candidates from towers.

All in integers of 0.5 GeV. `towers` has shape (ECAL or HCAL, numbers in eta, numbers in phi).

=======  ==========================================================================================
jets     9 x 9 towers around a local maximum of at least 4 GeV; less what the three emptiest of the
         four 3 x 9 strips beside it have; calibrated
e/gamma  the ECAL in 2 (eta) x 3 (phi) towers around a local maximum of at least 2 GeV; little HCAL
         behind it; isolated: what 5 x 9 towers have more than it, less pile-up
tau      3 x 5 towers around a local maximum of at least 4 GeV, less pile-up; isolated likewise
=======  ==========================================================================================

The windows and the strips are those of the CMS trigger (CMS Collaboration, arXiv:2006.10165); the
numbers in cuts and calibrations are fits to this simulation. Pile-up is the mean tower of the event
below 4 GeV times the towers in a window.
"""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.physics.l1.geometry import CENTRAL, ETAS, HALF, PHIS, wrapped

JET_SEED: Final = 8
JET_CALIBRATION: Final = ((34, 1.14, 8.0), (58, 1.08, 5.0))
"""Codes of eta (1.5, 2.5) below which a factor and an offset, which soft jets get in part, hold."""

SOFT_JET: Final = 40.0
"""Jets below this get as much of the offset as they have of it: 20 GeV."""

EM_SEED: Final = 4
HADRONIC: Final = 0.04
"""Most energy behind an e/gamma candidate, beyond pile-up, as a share of its own."""

SPREAD: Final = 0.05
"""Most ECAL energy in 3 x 5 towers but not in the candidate, beyond pile-up, likewise."""

EM_LOOSE: Final = (8.0, 0.05)
EM_TIGHT: Final = (5.0, 0.03)
"""Most energy around an isolated candidate: so many steps, and a share of its own."""

TAU_SEED: Final = 8
TAU_SCALE: Final = 1.08
TAU_ISOLATED: Final = (4.0, 0.05)


@jit
def pile_up(total: NDArray[Any]) -> float:
    """Return the mean of the towers below 4 GeV in abs(eta) < 2.96, in steps of 0.5 GeV."""
    energy, number = 0, 0
    for row in range(HALF - CENTRAL, HALF + CENTRAL):
        for column in range(PHIS):
            if total[row, column] < JET_SEED:
                energy += total[row, column]
                number += 1
    return energy / max(number, 1)


@jit
def _is_maximum(layer: NDArray[Any], row: int, column: int, rows: int, columns: int) -> bool:
    """Whether no tower around is higher; of equal ones, the last counts."""
    seed = layer[row, column]
    for i in range(max(row - rows, 0), min(row + rows, ETAS - 1) + 1):
        for dj in range(-columns, columns + 1):
            other = layer[i, wrapped(column + dj)]
            later = i > row or (i == row and dj > 0)
            if other > seed or (later and other == seed):
                return False
    return True


@jit
def _window(layer: NDArray[Any], low: int, high: int, left: int, right: int) -> int:
    """Return the sum over towers low to high in eta, left to right in phi, all included."""
    total = 0
    for i in range(max(low, 0), min(high, ETAS - 1) + 1):
        for j in range(left, right + 1):
            total += layer[i, wrapped(j)]
    return total


@jit
def _position(layer: NDArray[Any], row: int, column: int) -> tuple[int, int]:
    """Return the codes of eta and phi: the half of the tower on the side with more energy."""
    before = layer[row - 1, column] if row > 0 else 0
    after = layer[row + 1, column] if row < ETAS - 1 else 0
    upper = after > before or (after == before and row >= HALF)
    later = layer[row, wrapped(column + 1)] > layer[row, wrapped(column - 1)]
    return 2 * (row - HALF) + upper, 2 * column + later


@jit
def find_jets(total: NDArray[Any], found: NDArray[Any]) -> int:
    """Fill in pt, eta, phi codes of jets, an array of shape (most, 4); return how many."""
    size = 0
    for row in range(ETAS):
        for column in range(PHIS):
            if total[row, column] < JET_SEED or not _is_maximum(total, row, column, 4, 4):
                continue
            own = _window(total, row - 4, row + 4, column - 4, column + 4)
            left = _window(total, row - 4, row + 4, column - 7, column - 5)
            right = _window(total, row - 4, row + 4, column + 5, column + 7)
            below = _window(total, row - 7, row - 5, column - 4, column + 4)
            above = _window(total, row + 5, row + 7, column - 4, column + 4)
            beside = left + right + below + above - max(left, right, below, above)
            eta, phi = _position(total, row, column)
            pt = _calibrated(own - beside, eta)
            if pt <= 0 or size == len(found):
                continue
            found[size, 0], found[size, 1], found[size, 2] = min(pt, 2047), eta, phi
            found[size, 3] = 0
            size += 1
    return size


@jit
def _calibrated(energy: int, eta: int) -> int:
    for below, scale, offset in JET_CALIBRATION:
        if abs(eta + 0.5) < below:
            return int(scale * energy + offset * min(energy / SOFT_JET, 1.0))
    return energy


@jit
def find_em(towers: NDArray[Any], total: NDArray[Any], level: float, found: NDArray[Any]) -> int:
    """Fill in pt, eta, phi, isolation of e/gamma candidates; return how many."""
    size = 0
    em = towers[0]
    for row in range(HALF - CENTRAL, HALF + CENTRAL):
        for column in range(PHIS):
            if em[row, column] < EM_SEED or not _is_maximum(em, row, column, 1, 2):
                continue
            below = _window(em, row - 1, row - 1, column - 1, column + 1)
            above = _window(em, row + 1, row + 1, column - 1, column + 1)
            low, high = (row, row + 1) if above >= below else (row - 1, row)
            own = _window(em, row, row, column - 1, column + 1) + max(below, above)
            behind = _window(towers[1], low, high, column - 1, column + 1)
            beside = _window(em, row - 1, row + 1, column - 2, column + 2) - own
            if behind > HADRONIC * own + 3 * level + 1 or beside > SPREAD * own + 5 * level + 1:
                continue
            if size == len(found):
                continue
            around = _window(total, row - 2, row + 2, column - 4, column + 4)
            around -= _window(total, low, high, column - 1, column + 1)
            excess = around - 39 * level
            isolation = 0
            if excess <= EM_TIGHT[0] + EM_TIGHT[1] * own:
                isolation = 3
            elif excess <= EM_LOOSE[0] + EM_LOOSE[1] * own:
                isolation = 2
            eta, phi = _position(em, row, column)
            found[size, 0] = min(own, 511)
            found[size, 1], found[size, 2], found[size, 3] = eta, phi, isolation
            size += 1
    return size


@jit
def find_taus(total: NDArray[Any], level: float, found: NDArray[Any]) -> int:
    """Fill in pt, eta, phi, isolation of tau candidates; return how many."""
    size = 0
    for row in range(HALF - CENTRAL, HALF + CENTRAL):
        for column in range(PHIS):
            if total[row, column] < TAU_SEED or not _is_maximum(total, row, column, 1, 4):
                continue
            own = _window(total, row - 1, row + 1, column - 2, column + 2)
            around = _window(total, row - 3, row + 3, column - 4, column + 4) - own
            pt = own - 15 * level
            if pt <= 0.0 or size == len(found):
                continue
            excess = around - 48 * level
            eta, phi = _position(total, row, column)
            found[size, 0] = min(int(TAU_SCALE * pt), 511)
            found[size, 1], found[size, 2] = eta, phi
            found[size, 3] = 1 if excess <= TAU_ISOLATED[0] + TAU_ISOLATED[1] * pt else 0
            size += 1
    return size


@jit
def keep_hardest(found: NDArray[Any], size: int, kept: NDArray[Any]) -> None:
    """Copy the objects of highest pt code, in falling order; of equal ones, the first found."""
    for place in range(min(size, len(kept))):
        best = 0
        for i in range(1, size):
            if found[i, 0] > found[best, 0]:
                best = i
        kept[place] = found[best]
        found[best, 0] = -1
