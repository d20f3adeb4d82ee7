"""The muon trigger: who reaches it, and what it measures.

=============  ====================================================================================
acceptance     abs(eta) < 2.4; pT above 3.5 GeV in the barrel, momentum above 5 GeV elsewhere
efficiency     96 %: `QUALITIES` says with which quality; hadrons that punch through get 8 at most
pT             sigma(1/pT) / (1/pT) = 22 % (+) 0.2 % pT/GeV, for 3 % of the muons twice that;
               scaled by 1.05 so that most muons above a cut pass it, as the trigger's own scale is
charge         changes where the curvature does
eta, phi       smeared by 0.01 and 0.02 rad
=============  ====================================================================================
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.physics.l1.collisions import Collisions
from edgetrig.physics.l1.geometry import PHIS, STEP

MAX_ETA: Final = 2.4
BARREL_ETA: Final = 0.9
BARREL_MIN_PT: Final = 3.5
ENDCAP_MIN_P: Final = 5.0
QUALITIES: Final = ((12, 0.89), (8, 0.94), (4, 0.96))
"""Quality codes with the share of muons that have it or a better one."""

DECAY_QUALITIES: Final = ((12, 0.60), (8, 0.80), (4, 0.90))
"""The same for pions and kaons that decay in flight: their tracks have a kink."""

WIDTH: Final = 0.22
WIDTH_PER_GEV: Final = 0.002
TAIL: Final = 0.03
SCALE: Final = 1.05
ETA_WIDTH: Final = 0.01
PHI_WIDTH: Final = 0.02
UNCONSTRAINED_WIDTH: Final = 0.35
PUNCH_SHARE: Final = 0.5
"""A hadron that punches through looks like a muon with 0 to this share of its momentum."""

FIELDS: Final = ("pt", "eta", "phi", "quality", "charge", "unconstrained_pt")
"""What is filled in, in this order."""


@jit
def add_muons(
    found: NDArray[Any],
    size: int,
    collisions: Collisions,
    which: int,
    turn: int,
    mirrored: bool,
    rng: np.random.Generator,
) -> int:
    """Append the codes of one collision's muons to `found`, of shape (most, 6); return its size."""
    angle = turn * 2.0 * np.pi / PHIS
    for i in range(collisions.track_ends[which], collisions.track_ends[which + 1]):
        pt, eta, phi, charge, decay, softest, punch = collisions.track[i]
        chance = rng.random()
        qualities = QUALITIES
        if chance < decay:
            pt *= softest + (1.0 - softest) * rng.random()
            if softest < 1.0:
                qualities = DECAY_QUALITIES
        elif chance < decay + punch:
            pt *= PUNCH_SHARE * rng.random()
            qualities = ((8, 0.5), (8, 0.5), (4, 0.9))
        else:
            continue
        in_barrel = abs(eta) < BARREL_ETA
        reaches = pt > BARREL_MIN_PT if in_barrel else pt * np.cosh(eta) > ENDCAP_MIN_P
        if abs(eta) > MAX_ETA or not reaches or size == len(found):
            continue
        luck = rng.random()
        quality = 0
        for code, share in qualities:
            if luck < share:
                quality = code
                break
        if quality == 0:
            continue
        width = np.hypot(WIDTH, WIDTH_PER_GEV * pt)
        if rng.random() < TAIL:
            width *= 2.0
        bend = 1.0 + width * rng.standard_normal()
        free = max(abs(1.0 + UNCONSTRAINED_WIDTH * rng.standard_normal()), 0.05)
        eta = (-eta if mirrored else eta) + ETA_WIDTH * rng.standard_normal()
        phi += angle + PHI_WIDTH * rng.standard_normal()
        measured = SCALE * pt / max(abs(bend), 0.02)
        turns = phi / (2.0 * np.pi)
        found[size, 0] = min(int(measured / 0.5) + 1, 511)
        found[size, 1] = min(max(int(np.rint(eta / (STEP / 8.0))), -225), 225)
        found[size, 2] = int((turns - np.floor(turns)) * 576.0) % 576
        found[size, 3] = quality
        found[size, 4] = 1 if charge * bend < 0.0 else 0
        found[size, 5] = min(int(pt / free) + 1, 255)
        size += 1
    return size
