"""From collisions to trigger objects, crossing by crossing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.physics.l1.calorimeter import find_em, find_jets, find_taus, keep_hardest, pile_up
from edgetrig.physics.l1.collisions import TRUTH, Collisions
from edgetrig.physics.l1.columns import smallest
from edgetrig.physics.l1.formats import CMS
from edgetrig.physics.l1.geometry import ETAS, PHIS
from edgetrig.physics.l1.muons import FIELDS, add_muons
from edgetrig.physics.l1.overlay import Picks, add_deposits, add_truth, read_out
from edgetrig.physics.l1.sums import SUMS, add_sums

_MOST = 512  # candidates of one kind looked at


class Crossings(NamedTuple):
    """What the kernels fill in."""

    muon: NDArray[np.int64]
    """(crossings, 8, 6) codes of `FIELDS`."""

    egamma: NDArray[np.int64]
    """(crossings, 12, 4) codes of pt, eta, phi, isolation; likewise the next."""

    tau: NDArray[np.int64]
    jet: NDArray[np.int64]
    """(crossings, 12, 4) codes of pt, eta, phi, and 0."""

    sums: NDArray[np.int64]
    """(crossings, 5, 2) codes of energy and azimuth of `SUMS`."""

    truth: NDArray[np.float64]
    """(crossings, 15) as `TRUTH` says."""


def simulate(
    pool: Collisions, picks: Picks, hard: Collisions, skipped: int, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Return the columns of crossings.

    Parameters
    ----------
    pool, picks
        Pile-up.
    hard
        One collision more for each crossing, or none at all.
    skipped
        Hard collisions used before: the first crossing gets the one with this number.
    rng
        Source of the muons' measurement.
    """
    count = len(picks.ends) - 1
    made = Crossings(
        np.zeros((count, CMS["muon"].count, len(FIELDS)), np.int64),
        np.zeros((count, CMS["egamma"].count, 4), np.int64),
        np.zeros((count, CMS["tau"].count, 4), np.int64),
        np.zeros((count, CMS["jet"].count, 4), np.int64),
        np.zeros((count, len(SUMS), 2), np.int64),
        np.zeros((count, len(TRUTH))),
    )
    _simulate(pool, picks, hard, skipped, rng, made)
    return _columns(made, np.diff(picks.ends))


@jit
def _simulate(
    pool: Collisions,
    picks: Picks,
    hard: Collisions,
    skipped: int,
    rng: np.random.Generator,
    made: Crossings,
) -> None:
    grid = np.zeros((2, ETAS * PHIS))
    towers = np.zeros((2, ETAS, PHIS), np.int64)
    muons = np.zeros((_MOST, 6), np.int64)
    jets = np.zeros((_MOST, 4), np.int64)
    found = np.zeros((_MOST, 4), np.int64)
    for crossing in range(len(picks.ends) - 1):
        truth = made.truth[crossing]
        size = 0
        for i in range(picks.ends[crossing], picks.ends[crossing + 1]):
            which, turn, mirrored = picks.chosen[i], picks.turn[i], picks.mirrored[i]
            add_deposits(grid, pool, which, turn, mirrored)
            add_truth(truth, pool, which, turn, mirrored)
            size = add_muons(muons, size, pool, which, turn, mirrored, rng)
        if len(hard.truth) > 0:
            add_deposits(grid, hard, skipped + crossing, 0, False)
            add_truth(truth, hard, skipped + crossing, 0, False)
            size = add_muons(muons, size, hard, skipped + crossing, 0, False, rng)
        keep_hardest(muons, size, made.muon[crossing])
        read_out(grid, towers)
        total = towers[0] + towers[1]
        level = pile_up(total)
        keep_hardest(found, find_em(towers, total, level, found), made.egamma[crossing])
        keep_hardest(found, find_taus(total, level, found), made.tau[crossing])
        size = find_jets(total, jets)
        add_sums(total, level, jets, size, made.sums[crossing])
        keep_hardest(jets, size, made.jet[crossing])


def _columns(made: Crossings, collisions: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the columns of all objects, and what is known to be true."""
    columns: dict[str, NDArray[Any]] = {}
    fields = ("pt", "eta", "phi", "isolation")
    filled = {"muon": (FIELDS, made.muon), "jet": (fields[:3], made.jet)}
    filled |= {name: (fields, getattr(made, name)) for name in ("egamma", "tau")}
    for place, name in enumerate(SUMS):
        filled[name] = (("et", "phi"), made.sums[:, place : place + 1])
    for kind in CMS.values():
        names, codes = filled[kind.name]
        for quantity in kind.quantities:
            column = np.zeros(codes.shape[:2], np.int64)
            if quantity.name in names:
                column = codes[:, :, names.index(quantity.name)]
            columns[kind.column(quantity.name)] = column.astype(smallest(quantity))
    for place, name in enumerate(TRUTH):
        columns[f"true_{name}"] = made.truth[:, place].astype(np.float32)
    x, y = columns.pop("true_met_x"), columns.pop("true_met_y")
    columns["true_met"], columns["true_met_phi"] = np.hypot(x, y), np.arctan2(y, x)
    columns["pt_hat"] = columns.pop("true_pt_hat")
    columns["pileup"] = collisions.astype(np.int16)
    return columns
