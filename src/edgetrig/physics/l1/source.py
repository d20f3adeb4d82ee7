"""Run Pythia and let its collisions enter the detector."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ToolError, require
from edgetrig.physics.l1.collisions import TRUTH, Collisions, first, joined, no_collisions
from edgetrig.physics.l1.detector import deposit
from edgetrig.physics.l1.processes import Source
from edgetrig.physics.l1.truth import leading_leptons

BATCH = 100
"""Collisions a call; fixed, because the random numbers of a shard depend on it."""

JET_RADIUS = 0.4
JET_MIN_PT = 10.0
JET_MAX_ETA = 5.0


def make_collisions(
    source: Source, count: int, seed: np.random.SeedSequence
) -> tuple[Collisions, float]:
    """Make collisions of one source.

    Parameters
    ----------
    source
        What Pythia is to make.
    count
        How many, at least 1.
    seed
        Everything random follows from it.

    Returns
    -------
    collisions
        So many of them.
    cross_section
        Of all that the source makes, in mb, as Pythia estimates it so far.

    Raises
    ------
    ToolError
        If Pythia 8 or FastJet is not installed, or Pythia does not start.
    """
    pythia8 = require("pythia8mc", "physics")
    rng = np.random.default_rng(seed)
    pythia = pythia8.Pythia("", False)
    # Pythia's seeds end at 900 000 000.
    number = int(seed.generate_state(1)[0]) % 900_000_000 + 1
    for line in (*source.settings, f"Random:seed = {number}"):
        if not pythia.readString(line):
            raise ToolError(f"Pythia refused the setting {line!r}; install pythia8mc 8.317.2")
    if not pythia.init():
        raise ToolError(f"Pythia could not start {source.name!r}; install pythia8mc 8.317.2")
    parts = [no_collisions()]
    have = 0
    while have < count:
        events = pythia.nextBatch(BATCH)
        if len(events) == 0:
            raise ToolError(f"Pythia made no event of {source.name!r}; install pythia8mc 8.317.2")
        part = _seen(events, source.below, rng)
        have += len(part.truth)
        parts.append(part)
    cross_section = float(pythia.infoPython().sigmaGen())
    return first(joined(parts), count), cross_section


def _seen(events: Any, below: float, rng: np.random.Generator) -> Collisions:
    """Return what the detector sees of Pythia's events."""
    awkward = require("awkward", "physics")
    pt_hat = np.sqrt(np.asarray(awkward.flatten(events.info.pT2Hat, axis=None), np.float64))
    if below >= 0:
        events, pt_hat = events[pt_hat < below], pt_hat[pt_hat < below]
    particles = events.prt
    counts = np.asarray(awkward.num(particles), np.int64)
    columns = {
        name: np.asarray(awkward.flatten(particles[name]), np.int64)
        for name in ("id", "status", "mother1", "daughter1", "daughter2")
    }
    momenta = np.column_stack(
        [np.asarray(awkward.flatten(particles.p[axis])) for axis in ("px", "py", "pz", "e")]
    )
    final = columns["status"] > 0
    owner = np.repeat(np.arange(len(counts)), counts)
    sizes = np.bincount(owner[final], minlength=len(counts))
    tower, em, had, deposit_ends, track, track_ends = deposit(
        columns["id"][final], momenta[final], sizes, rng
    )
    truth = np.zeros((len(counts), len(TRUTH)), np.float32)
    leading_leptons(
        columns["id"],
        columns["status"],
        columns["mother1"],
        columns["daughter1"],
        columns["daughter2"],
        momenta,
        counts,
        truth,
    )
    visible = final & ~np.isin(np.abs(columns["id"]), (12, 13, 14, 16))
    _leading_jets(momenta[visible], np.bincount(owner[visible], minlength=len(counts)), truth)
    truth[:, TRUTH.index("pt_hat")] = pt_hat
    return Collisions(tower, em, had, deposit_ends, track, track_ends, truth)


def _leading_jets(momenta: NDArray[Any], sizes: NDArray[Any], truth: NDArray[Any]) -> None:
    """Note the hardest anti-kT jet of visible particles in each collision."""
    awkward = require("awkward", "physics")
    fastjet = require("fastjet", "physics")
    axes = dict(zip(("px", "py", "pz", "E"), momenta.T, strict=True))
    particles = awkward.unflatten(awkward.zip(axes), sizes)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS)
    jets = fastjet.ClusterSequence(particles, definition).inclusive_jets(min_pt=JET_MIN_PT)
    owner = np.repeat(np.arange(len(sizes)), np.asarray(awkward.num(jets)))
    px, py, pz = (np.asarray(awkward.flatten(jets[name])) for name in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    eta, phi = np.arcsinh(pz / pt), np.arctan2(py, px)
    place = TRUTH.index("jet_pt")
    for jet in np.argsort(pt, kind="stable"):
        if abs(eta[jet]) < JET_MAX_ETA:
            truth[owner[jet], place : place + 3] = pt[jet], eta[jet], phi[jet]
