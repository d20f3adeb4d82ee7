"""From particles to calorimeter towers and to what may reach the muon system.

A parametrised detector of CMS's size; the numbers are of the size of published ones, not a fit.

===============  ===================================================================================
magnetic field   3.8 T: charged particles meet the calorimeter at 1.29 m from the beam or at 3.14 m
                 along it where their helix does; curling ones end in the endcaps
electrons,       ECAL, sigma(E)/E = 3 %/sqrt(E/GeV) (+) 3 %; shared with the next tower within 0.12
photons          of a tower from the border
hadrons          60 % begin to shower in the ECAL and leave 10 to 90 % there; response of a
                 non-compensating calorimeter [1]_, 1 at 50 GeV; sigma(E)/E = 100 %/sqrt(E/GeV)
                 (+) 7 %; shared within 0.45 of a tower
muons            0.3 GeV in the ECAL, 2 GeV in the HCAL
in flight        pions and kaons decay to muons before the calorimeter with the probability of their
                 lifetime, or punch through it with `PUNCH_THROUGH`
left out         material in front, noise, other crossings' signals, anomalous hits
===============  ===================================================================================

References
----------
.. [1] T. A. Gabriel et al., Nucl. Instrum. Meth. A 338 (1994) 336: the hadronic part of a shower is
   (E / 0.96 GeV)^(0.82 - 1).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.physics.l1.geometry import ETAS, HALF, PHIS, STEP

FIELD: Final = 3.8  # T
RADIUS: Final = 1.29  # m
LENGTH: Final = 3.14  # m
EM_STOCHASTIC: Final = 0.03
EM_CONSTANT: Final = 0.03
EM_SHARED: Final = 0.12  # of a tower
HAD_STOCHASTIC: Final = 1.0
HAD_CONSTANT: Final = 0.07
HAD_SHARED: Final = 0.45
HAD_IN_ECAL: Final = 0.6
HAD_RESPONSE: Final = 0.4  # 1 - h/e
MUON_EM: Final = 0.3  # GeV
MUON_HAD: Final = 2.0
MUON_MAX_ETA: Final = 2.45
TRACK_MIN_PT: Final = 1.5  # of hadrons that may become muons
TRACK_MIN_P: Final = 3.0
PUNCH_THROUGH: Final = 5e-4
PION: Final = (0.1396, 7.80, 1.0, 0.573)  # mass [GeV], c tau [m], to muon, least share for it
KAON: Final = (0.4937, 3.71, 0.6356, 0.046)

_Deposits = tuple[
    NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]
]


def deposit(
    ids: NDArray[Any], momenta: NDArray[Any], counts: NDArray[Any], rng: np.random.Generator
) -> _Deposits:
    """Turn final-state particles into deposits and tracks.

    Parameters
    ----------
    ids
        (particles,) PDG codes, collision after collision.
    momenta
        (particles, 4) px, py, pz, E in GeV.
    counts
        (collisions,) particles of each.
    rng
        Source of resolutions and shower shapes.

    Returns
    -------
    tuple
        ``tower``, ``em``, ``had``, ``deposit_ends``, ``track``, ``track_ends`` of
        `edgetrig.physics.l1.collisions.Collisions`.
    """
    return _collisions(
        np.ascontiguousarray(ids, np.int64),
        np.ascontiguousarray(momenta, np.float64),
        np.ascontiguousarray(counts, np.int64),
        rng,
    )


@jit
def _collisions(
    ids: NDArray[Any], momenta: NDArray[Any], counts: NDArray[Any], rng: np.random.Generator
) -> _Deposits:
    most = 4 * len(ids)
    tower = np.empty(most, np.int16)
    em, had = np.empty(most, np.float32), np.empty(most, np.float32)
    track = np.empty((len(ids), 7), np.float32)
    deposit_ends = np.zeros(len(counts) + 1, np.int64)
    track_ends = np.zeros(len(counts) + 1, np.int64)
    grid = np.zeros((2, ETAS * PHIS))
    start, size, tracks = 0, 0, 0
    for collision in range(len(counts)):
        for i in range(start, start + counts[collision]):
            code = ids[i]
            if abs(code) in (12, 14, 16):
                continue
            px, py, pz, energy = momenta[i]
            pt = np.hypot(px, py)
            if pt < 1e-3:
                continue
            eta, phi = np.arcsinh(pz / pt), np.arctan2(py, px)
            if _track(track[tracks], code, pt, eta, phi):
                tracks += 1
            at_eta, at_phi = _entry(pt, eta, phi, _charge(code))
            if abs(at_eta) < HALF * STEP:
                _shower(grid, abs(code), energy, at_eta, at_phi, rng)
        for place in range(ETAS * PHIS):
            if grid[0, place] > 0 or grid[1, place] > 0:
                tower[size], em[size], had[size] = place, grid[0, place], grid[1, place]
                size += 1
        grid[:] = 0.0
        start += counts[collision]
        deposit_ends[collision + 1], track_ends[collision + 1] = size, tracks
    return (
        tower[:size].copy(),
        em[:size].copy(),
        had[:size].copy(),
        deposit_ends,
        track[:tracks].copy(),
        track_ends,
    )


@jit
def _charge(code: int) -> int:
    """Return the charge of a stable particle after Pythia's decays, from its PDG code."""
    sign = 1 if code > 0 else -1
    kind = abs(code)
    if kind in (211, 321, 2212, 3222):
        return sign
    if kind in (11, 13, 3112, 3312, 3334):
        return -sign
    return 0


@jit
def _entry(pt: float, eta: float, phi: float, charge: int) -> tuple[float, float]:
    """Return where a particle from the origin meets the calorimeter.

    The transverse path is an arc of radius ``rho``; ``turn`` is the angle run through on it, at
    which the distance from the beam is ``2 rho sin(turn / 2)``.
    """
    if charge == 0:
        return eta, phi
    rho = pt / (0.299792458 * FIELD)
    barrel = 2.0 * np.arcsin(RADIUS / (2.0 * rho)) if 2.0 * rho > RADIUS else np.inf
    endcap = LENGTH / (rho * max(abs(np.sinh(eta)), 1e-9))
    turn = min(barrel, endcap)
    if turn > 50.0:
        return 10.0, phi  # stopped by the material of the tracker after many turns
    away = abs(2.0 * rho * np.sin(turn / 2.0))
    along = rho * turn * np.sinh(eta)
    chord = phi - charge * turn / 2.0
    if np.sin(turn / 2.0) < 0.0:
        chord += np.pi
    return np.arcsinh(along / max(away, 1e-6)), chord


@jit
def _shower(
    grid: NDArray[Any], kind: int, energy: float, eta: float, phi: float, rng: np.random.Generator
) -> None:
    """Add what a particle leaves to the towers of ECAL (row 0) and HCAL (row 1)."""
    to_transverse = 1.0 / np.cosh(eta)
    if kind in (11, 22):
        width = np.hypot(EM_STOCHASTIC / np.sqrt(energy), EM_CONSTANT)
        seen = energy * max(1.0 + width * rng.standard_normal(), 0.0)
        _spread(grid[0], seen * to_transverse, eta, phi, EM_SHARED)
        return
    if kind == 13:
        _spread(grid[0], MUON_EM * to_transverse, eta, phi, EM_SHARED)
        _spread(grid[1], MUON_HAD * to_transverse, eta, phi, EM_SHARED)
        return
    width = np.hypot(HAD_STOCHASTIC / np.sqrt(energy), HAD_CONSTANT)
    response = 1.0 - HAD_RESPONSE * (max(energy, 1.0) / 0.96) ** -0.18
    response /= 1.0 - HAD_RESPONSE * (50.0 / 0.96) ** -0.18
    seen = energy * response * max(1.0 + width * rng.standard_normal(), 0.0)
    early = min(MUON_EM, seen)
    if rng.random() < HAD_IN_ECAL:
        early = seen * (0.1 + 0.8 * rng.random())
    _spread(grid[0], early * to_transverse, eta, phi, HAD_SHARED)
    _spread(grid[1], (seen - early) * to_transverse, eta, phi, HAD_SHARED)


@jit
def _spread(layer: NDArray[Any], energy: float, eta: float, phi: float, shared: float) -> None:
    """Share energy among the tower that is hit and those that it is near to."""
    x = eta / STEP + HALF
    y = (phi / (2.0 * np.pi)) % 1.0 * PHIS
    row, column = int(np.floor(x)), int(np.floor(y)) % PHIS
    next_row, across = _beside(x - np.floor(x), shared)
    next_column, around = _beside(y - np.floor(y), shared)
    for di, in_row in ((0, 1.0 - across), (next_row, across)):
        for dj, in_column in ((0, 1.0 - around), (next_column, around)):
            part = energy * in_row * in_column
            if part > 0.0 and 0 <= row + di < ETAS:
                layer[(row + di) * PHIS + (column + dj) % PHIS] += part


@jit
def _beside(place: float, shared: float) -> tuple[int, float]:
    """Return which neighbour gets a share, by the place in the tower from 0 to 1, and its share."""
    if place < shared:
        return -1, 0.5 * (1.0 - place / shared)
    if place > 1.0 - shared:
        return 1, 0.5 * (1.0 - (1.0 - place) / shared)
    return 0, 0.0


@jit
def _track(row: NDArray[Any], code: int, pt: float, eta: float, phi: float) -> bool:
    """Note a particle that may reach the muon system; whether it may."""
    kind, momentum = abs(code), pt * np.cosh(eta)
    if abs(eta) > MUON_MAX_ETA or momentum < TRACK_MIN_P:
        return False
    decay, softest, punch = 0.0, 1.0, 0.0
    if kind == 13:
        decay = 1.0
    elif pt > TRACK_MIN_PT and kind in (211, 321, 2212):
        if kind != 2212:
            mass, lifetime, to_muon, softest = PION if kind == 211 else KAON
            path = min(RADIUS * np.cosh(eta), LENGTH / max(np.tanh(abs(eta)), 1e-9))
            decay = to_muon * (1.0 - np.exp(-path * mass / (momentum * lifetime)))
        punch = PUNCH_THROUGH if momentum > 8.0 else 0.0
    else:
        return False
    row[0], row[1], row[2], row[3] = pt, eta, phi, _charge(code)
    row[4], row[5], row[6] = decay, softest, punch
    return True
