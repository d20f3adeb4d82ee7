"""The true leading leptons of a collision, for turn-on curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit

LEPTON_MAX_ETA = 2.5


@jit
def leading_leptons(
    ids: NDArray[Any],
    status: NDArray[Any],
    mother: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    momenta: NDArray[Any],
    counts: NDArray[Any],
    truth: NDArray[Any],
) -> None:
    """Fill in the hardest muon, electron and visible hadronic tau, and the neutrinos' sum.

    Parameters
    ----------
    ids, status, mother, first, last
        (particles,) of Pythia's event records, one after another: PDG code, status, first mother,
        first and last daughter.
    momenta
        (particles, 4) px, py, pz, E in GeV.
    counts
        (collisions,) particles of each.
    truth
        (collisions, 15), the result.
    """
    start = 0
    for collision in range(len(counts)):
        for i in range(start, start + counts[collision]):
            kind = abs(ids[i])
            if status[i] <= 0:
                continue
            if kind in (12, 14, 16):
                truth[collision, 12] += momenta[i, 0]
                truth[collision, 13] += momenta[i, 1]
            if kind == 13:
                _keep_harder(truth[collision], 0, momenta[i])
            elif kind == 11:
                _keep_harder(truth[collision], 3, momenta[i])
            elif kind == 16 and abs(ids[start + mother[i]]) == 15:
                tau = start + mother[i]
                seen = momenta[tau] - momenta[i]
                leptonic = False
                for daughter in range(start + first[tau], start + last[tau] + 1):
                    leptonic = leptonic or abs(ids[daughter]) in (11, 13)
                if not leptonic:
                    _keep_harder(truth[collision], 6, seen)
        start += counts[collision]


@jit
def _keep_harder(row: NDArray[Any], place: int, momentum: NDArray[Any]) -> None:
    pt = np.hypot(momentum[0], momentum[1])
    if pt > row[place]:
        eta = np.arcsinh(momentum[2] / pt)
        if abs(eta) < LEPTON_MAX_ETA:
            row[place], row[place + 1] = pt, eta
            row[place + 2] = np.arctan2(momentum[1], momentum[0])
