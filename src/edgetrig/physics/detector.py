"""A parametrised detector: what a CMS-like particle-flow reconstruction would see of an event.

No simulation of showers or material: each final particle becomes a track or a deposit in a
calorimeter cell, with the numbers below. They are of the size of the published CMS performance and
of the parametrisations in common use (Delphes), not a fit to either; the public benchmark [1]_ was
made with a detector of the same kind.

=====================  =========================================================================
tracks                 charged, pT > 0.5 GeV, abs(eta) < 2.5; 98 % are found; direction exact;
                       sigma(pT)/pT = 1 % (+) 0.015 % pT/GeV
ECAL                   photons and lost electrons, abs(eta) < 3; cells of 0.0174 x 0.0174;
                       sigma(E)/E = 3 %/sqrt(E/GeV) (+) 0.5 %; cell kept if ET > 0.5 GeV
HCAL                   neutral hadrons and lost charged ones, abs(eta) < 3; towers of
                       0.0873 x 0.0873 (5 degrees); sigma(E)/E = 100 %/sqrt(E/GeV) (+) 5 %;
                       tower kept if ET > 1 GeV
left out               neutrinos; magnetic field; energy shared between cells; pile-up;
                       muons are tracks like any other charged particle
=====================  =========================================================================

((+) is the quadratic sum.) A cell sums what enters it, is smeared once, and stands at its centre.
All objects are massless.

References
----------
.. [1] E. Coleman et al., arXiv:1709.08705.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit

TRACK_MIN_PT = 0.5
TRACK_MAX_ETA = 2.5
TRACK_EFFICIENCY = 0.98
TRACK_CONSTANT = 0.01
TRACK_SLOPE = 1.5e-4  # per GeV
CALO_MAX_ETA = 3.0
ECAL_CELLS = 360  # around phi: 0.0174 rad; the same step in eta
ECAL_STOCHASTIC = 0.03
ECAL_CONSTANT = 0.005
ECAL_MIN_ET = 0.5
HCAL_CELLS = 72
HCAL_STOCHASTIC = 1.0
HCAL_CONSTANT = 0.05
HCAL_MIN_ET = 1.0


def detect(
    ids: NDArray[Any], momenta: NDArray[Any], counts: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Turn final-state particles into reconstructed objects.

    Parameters
    ----------
    ids
        (particles,) PDG codes, event after event.
    momenta
        (particles, 4) px, py, pz, E in GeV.
    counts
        (events,) particles of each event.
    rng
        Source of the resolution and of the tracking efficiency.

    Returns
    -------
    objects
        (objects, 3) pT [GeV], eta, phi [rad, -pi to pi], event after event: tracks in the order
        of the particles, then ECAL cells and HCAL towers in the order of (eta, phi).
    sizes
        (events,) objects of each event.
    """
    ids = np.ascontiguousarray(ids, dtype=np.int64)
    momenta = np.ascontiguousarray(momenta, dtype=np.float64)
    counts = np.ascontiguousarray(counts, dtype=np.int64)
    # One normal and one uniform number per particle: no more objects than particles exist.
    draws = rng.standard_normal(len(ids)), rng.random(len(ids))
    return _events(ids, momenta, counts, draws)


@jit
def _events(
    ids: NDArray[Any],
    momenta: NDArray[Any],
    counts: NDArray[Any],
    draws: tuple[NDArray[Any], NDArray[Any]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    gauss, uniform = draws
    objects = np.empty((len(ids), 3))
    sizes = np.empty(len(counts), np.int64)
    ecal = np.zeros((2 * int(CALO_MAX_ETA / (2 * np.pi / ECAL_CELLS)) + 2, ECAL_CELLS))
    hcal = np.zeros((2 * int(CALO_MAX_ETA / (2 * np.pi / HCAL_CELLS)) + 2, HCAL_CELLS))
    start, total = 0, 0
    for event in range(len(counts)):
        stop = start + counts[event]
        first, draw = total, start
        for i in range(start, stop):
            code = abs(ids[i])
            px, py, pz, energy = momenta[i]
            pt = np.hypot(px, py)
            if code in (12, 14, 16) or pt <= 0.0:
                continue
            eta = np.arcsinh(pz / pt)
            phi = np.arctan2(py, px)
            if abs(eta) >= CALO_MAX_ETA:
                continue
            if _is_charged(code):
                if pt <= TRACK_MIN_PT:
                    continue  # curls up in the field before the calorimeter
                if abs(eta) < TRACK_MAX_ETA and uniform[i] < TRACK_EFFICIENCY:
                    width = np.hypot(TRACK_CONSTANT, TRACK_SLOPE * pt)
                    measured = pt * (1.0 + width * gauss[draw])
                    draw += 1
                    if measured > TRACK_MIN_PT:
                        objects[total] = measured, eta, phi
                        total += 1
                    continue
            if code in (11, 22):
                _deposit(ecal, eta, phi, energy)
            elif code != 13:
                _deposit(hcal, eta, phi, energy)
        at = total, draw
        at = _read_out(ecal, (ECAL_STOCHASTIC, ECAL_CONSTANT, ECAL_MIN_ET), gauss, objects, at)
        at = _read_out(hcal, (HCAL_STOCHASTIC, HCAL_CONSTANT, HCAL_MIN_ET), gauss, objects, at)
        total = at[0]
        sizes[event] = total - first
        start = stop
    return objects[:total].copy(), sizes


@jit
def _is_charged(code: int) -> bool:
    """Whether a stable particle after Pythia's decays is charged (PDG code without sign)."""
    return code in (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)


@jit
def _deposit(cells: NDArray[Any], eta: float, phi: float, energy: float) -> None:
    rows, columns = cells.shape
    step = 2.0 * np.pi / columns
    row = int(np.floor(eta / step)) + rows // 2
    column = int(np.floor(phi / step)) % columns
    cells[row, column] += energy


@jit
def _read_out(
    cells: NDArray[Any],
    numbers: tuple[float, float, float],
    gauss: NDArray[Any],
    objects: NDArray[Any],
    at: tuple[int, int],
) -> tuple[int, int]:
    """Smear, cut and clear the cells of one event.

    `numbers` are the two terms of the resolution and the threshold, `at` the objects written and
    the normal numbers drawn so far.
    """
    stochastic, constant, threshold = numbers
    total, draw = at
    rows, columns = cells.shape
    step = 2.0 * np.pi / columns
    for row in range(rows):
        for column in range(columns):
            energy = cells[row, column]
            if energy > 0.0:
                cells[row, column] = 0.0
                width = np.hypot(stochastic * np.sqrt(energy), constant * energy)
                energy += width * gauss[draw]
                draw += 1
                eta = (row - rows // 2 + 0.5) * step
                et = energy / np.cosh(eta)
                if et > threshold:
                    phi = (column + 0.5) * step
                    objects[total, 0] = et
                    objects[total, 1] = eta
                    objects[total, 2] = phi if phi < np.pi else phi - 2.0 * np.pi
                    total += 1
    return total, draw
