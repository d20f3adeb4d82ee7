"""What is made: Pythia's settings for each process, in slices of pT-hat where it takes them.

Proton-proton collisions at 13.6 TeV, Pythia's default (Monash) tune. The four last are the signals
of the public anomaly-detection data challenge (E. Govorkova et al., arXiv:2107.02157).

=============  ====================================================================================
``qcd``        two hard quarks or gluons with pT-hat above 20 GeV, in slices with weights
``w``          W -> e, mu or tau and a neutrino
``z``          Z or gamma* -> e e, mu mu, tau tau with a mass above 50 GeV
``top``        pairs of top quarks
``a4l``        A (50 GeV) -> Z* Z* -> 4 e or mu, made as gg -> H
``lq``         pairs of leptoquarks (80 GeV), each -> b tau
``h0``         h0 (60 GeV) -> tau tau, made as gg -> H
``hch``        h+- (60 GeV) -> tau nu
=============  ====================================================================================

Zero bias has none of these: it is an overlay of inelastic collisions, which come in strata. Soft
ones are Pythia's inelastic collisions with pT-hat below `HARD`; harder ones come in slices of
pT-hat, so that a crossing with a hard jet, one in thousands, is not always the same one. W and Z
are a stratum as well.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

HARD: Final = 15.0
"""GeV; pT-hat from which inelastic collisions are made as hard QCD scattering."""

_COMMON = ("Print:quiet = on", "Beams:eCM = 13600.", "Random:setSeed = on")
_LEPTONS = ("onMode = off", "onIfAny = 11 13 15")
_W = ("WeakSingleBoson:ffbar2W = on",)
_Z = ("WeakSingleBoson:ffbar2gmZ = on", "23:mMin = 50.")
_SLICES = (15.0, 20.0, 30.0, 50.0, 80.0, 120.0, 170.0, 300.0, -1.0)


class Source(NamedTuple):
    """One run of Pythia."""

    name: str
    settings: tuple[str, ...]
    """Everything but the seed."""

    below: float = -1.0
    """GeV; collisions with pT-hat from there on are left out; -1 for none."""


def _slices(least: float) -> tuple[Source, ...]:
    edges = [edge for edge in _SLICES if edge >= least or edge < 0]
    return tuple(
        Source(
            f"qcd-{low:g}",
            (
                *_COMMON,
                "HardQCD:all = on",
                f"PhaseSpace:pTHatMin = {low}",
                f"PhaseSpace:pTHatMax = {high}",
            ),
        )
        for low, high in pairwise(edges)
    )


def _of(name: str, *settings: str) -> tuple[Source, ...]:
    return (Source(name, (*_COMMON, *settings)),)


def _only(particle: int, *lines: str) -> tuple[str, ...]:
    return tuple(f"{particle}:{line}" for line in lines)


STRATA: Final = (
    Source("soft", (*_COMMON, "SoftQCD:inelastic = on"), HARD),
    *_slices(HARD),
    *_of("electroweak", *_W, *_Z),
)
"""What zero bias and pile-up consist of; the first has what the others leave of the whole."""

PROCESSES: Final = {
    "zero-bias": (),
    "qcd": _slices(20.0),
    "w": _of("w", *_W, *_only(24, *_LEPTONS)),
    "z": _of("z", *_Z, *_only(23, *_LEPTONS)),
    "top": _of("top", "Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    "a4l": _of(
        "a4l",
        "HiggsSM:gg2H = on",
        *_only(25, "m0 = 50.", "onMode = off", "onIfMatch = 23 23"),
        *_only(23, "mMin = 1.", "onMode = off", "onIfAny = 11 13"),
    ),
    "lq": _of(
        "lq",
        "LeptoQuark:gg2LQLQbar = on",
        "LeptoQuark:qqbar2LQLQbar = on",
        *_only(42, "m0 = 80.", "mMin = 75.", "mMax = 85.", "chargeType = 2", "0:products = 5 -15"),
    ),
    "h0": _of(
        "h0",
        "HiggsSM:gg2H = on",
        *_only(25, "m0 = 60.", "onMode = off", "onIfMatch = 15 -15"),
    ),
    "hch": _of(
        "hch",
        "Higgs:useBSM = on",
        "HiggsBSM:ffbar2H+- = on",
        *_only(37, "m0 = 60.", "mMin = 55.", "mMax = 65.", "onMode = off", "onIfMatch = 15 16"),
    ),
}
"""Runs of Pythia for the hard collision of each process; zero bias has none."""
