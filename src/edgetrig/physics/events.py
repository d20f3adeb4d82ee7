"""Five classes of jets from Pythia 8 and FastJet.

Proton-proton collisions at 13 TeV, Pythia's default (Monash) tune, with multi-parton interactions
and without pile-up. The hard objects are produced in a narrow window of transverse momentum around
1 TeV, as in the public benchmark (arXiv:1709.08705). Its centre is shifted by up to 14 GeV from
class to class so that the jets, which lose different shares of it, all have a median pT of 1 TeV:
pT does not give the class away.

=========  ==================================================================================
class      process
=========  ==================================================================================
``g``      gg -> gg, q qbar -> gg
``q``      qq -> qq, gg -> q qbar, q qbar -> q' qbar' (nearly all u, d, s)
``W``      gg -> H -> WW, W -> q q'
``Z``      gg -> H -> ZZ, Z -> q qbar (u to b)
``t``      gg, q qbar -> t tbar, t -> b q q'
=========  ==================================================================================

H is a narrow scalar of 2.05 TeV. Its W and Z are longitudinally polarised, as the benchmark's are:
the transverse part is 8 (mW / mH)^4, some 1e-5. Transverse ones share their momentum less
evenly between the two quarks, so that fewer of their jets look two-pronged.

Jets are anti-kT, R = 0.8, of the objects that `edgetrig.physics.detector` sees. A jet is kept with
its true class if the parton (q, g) is within 0.4 of its axis, or all quarks of the decay (W, Z, t)
are within 0.8, and if it lies in the windows of `JET_PT` and `JET_ETA`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ToolError, require
from edgetrig.jit import jit
from edgetrig.physics.detector import detect

CLASSES = ("g", "q", "W", "Z", "t")
"""The classes in the order of their labels, 0 to 4 (j_g, j_q, j_w, j_z, j_t in the benchmark)."""

RADIUS = 0.8
HARD_PT = {
    "g": (986.0, 1036.0),
    "q": (980.0, 1030.0),
    "W": (961.0, 1011.0),
    "Z": (967.0, 1017.0),
    "t": (989.0, 1039.0),
}
HARD_ETA = 1.7
JET_PT = (800.0, 1200.0)
JET_ETA = 1.7  # the whole jet is inside the tracker
PARTON_MATCH = 0.4
BATCH = 25  # events a call; fixed, because the random numbers of a shard depend on it

_COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    "Random:setSeed = on",
)


def _window_of(name: str) -> tuple[str, str]:
    low, high = HARD_PT[name]
    return f"PhaseSpace:pTHatMin = {low}", f"PhaseSpace:pTHatMax = {high}"


_SCALAR = (
    "HiggsSM:gg2H = on",
    "25:m0 = 2050.",
    "25:mWidth = 1.",
    "25:doForceWidth = on",
    "25:mMin = 2040.",
    "25:mMax = 2060.",
    "25:onMode = off",
)
_HADRONIC_W = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")
_PROCESSES = {
    "g": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on", *_window_of("g")),
    "q": (
        "HardQCD:qq2qq = on",
        "HardQCD:gg2qqbar = on",
        "HardQCD:qqbar2qqbarNew = on",
        *_window_of("q"),
    ),
    "W": (*_SCALAR, "25:onIfMatch = 24 -24", *_HADRONIC_W),
    "Z": (*_SCALAR, "25:onIfMatch = 23 23", "23:onMode = off", "23:onIfAny = 1 2 3 4 5"),
    "t": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *_window_of("t"), *_HADRONIC_W),
}


def settings(name: str) -> tuple[str, ...]:
    """Return the lines that set Pythia up for one of `CLASSES`, all but the seed."""
    return (*_COMMON, *_PROCESSES[name])


class Jets(NamedTuple):
    """Jets of one class, with their constituents one after another."""

    axis: NDArray[np.float64]
    """(jets, 4) pT [GeV], eta, phi [rad], mass [GeV] of the jet before grooming."""

    counts: NDArray[np.int64]
    """(jets,) constituents of each jet."""

    constituents: NDArray[np.float64]
    """(sum of counts, 3) pT [GeV], eta, phi [rad]."""


class Collisions:
    """Jets of one class, made batch by batch.

    Parameters
    ----------
    name
        One of `CLASSES`.
    seed
        Everything random follows from it.

    Raises
    ------
    ToolError
        If Pythia 8 or FastJet is not installed, or Pythia does not start.
    """

    def __init__(self, name: str, seed: np.random.SeedSequence) -> None:
        pythia8 = require("pythia8mc", "physics")
        self.name = name
        self.generated = 0
        self._rng = np.random.default_rng(seed)
        self._pythia = pythia8.Pythia("", False)
        # Pythia's seeds end at 900 000 000.
        number = int(seed.generate_state(1)[0]) % 900_000_000 + 1
        for line in (*settings(name), f"Random:seed = {number}"):
            if not self._pythia.readString(line):
                raise ToolError(f"Pythia refused the setting {line!r}; install pythia8mc 8.317.2")
        self._window = _window(pythia8, name)
        self._pythia.setUserHooksPtr(self._window)
        if not self._pythia.init():
            raise ToolError(f"Pythia could not start class {name!r}; install pythia8mc 8.317.2")

    def batch(self) -> Jets:
        """Make `BATCH` collisions and return the jets that they give."""
        events = self._pythia.nextBatch(BATCH).prt
        self.generated += len(events)
        counts = _sizes(events)
        columns = {name: _flat(events[name]) for name in ("id", "status", "mother1")}
        momenta = np.column_stack([_flat(events.p[axis]) for axis in ("px", "py", "pz", "e")])
        owner = np.repeat(np.arange(len(counts)), counts)

        final = columns["status"] > 0
        objects, sizes = detect(
            columns["id"][final],
            momenta[final],
            np.bincount(owner[final], minlength=len(counts)),
            self._rng,
        )
        partons = _hard_partons(
            columns["id"], columns["status"], columns["mother1"], momenta, counts
        )
        return _cluster(objects, sizes, partons, PARTON_MATCH if self.name in "qg" else RADIUS)


def _window(pythia8: Any, name: str) -> Any:
    """Return a hook that drops collisions outside the window before they are showered."""
    low, high = HARD_PT[name]
    first = 6 if name in "WZ" else 5  # where the process record has the first hard object

    class Window(pythia8.UserHooks):  # type: ignore[misc]  # an untyped base
        def canVetoProcessLevel(self) -> bool:  # noqa: N802  # Pythia's name
            return True

        def doVetoProcessLevel(self, process: Any) -> bool:  # noqa: N802
            one, two = process[first], process[first + 1]
            return not (
                low < one.pT() < high and abs(one.eta()) < HARD_ETA and abs(two.eta()) < HARD_ETA
            )

    return Window()


def _flat(array: Any) -> NDArray[Any]:
    awkward = require("awkward", "physics")
    return np.asarray(awkward.flatten(array))


def _sizes(array: Any) -> NDArray[np.int64]:
    awkward = require("awkward", "physics")
    return np.asarray(awkward.num(array), dtype=np.int64)


@jit
def _hard_partons(
    ids: NDArray[Any],
    status: NDArray[Any],
    mother: NDArray[Any],
    momenta: NDArray[Any],
    counts: NDArray[Any],
) -> NDArray[Any]:
    """Return (partons, 4): event, hard object within the event, eta, phi.

    Quarks and gluons that leave the hard process or the decay of a W, Z or top have status 23.
    Those of one decay share a mother; a top's quarks are the b with mother t and the two with
    mother W, so the sign of the mother tells top from antitop.
    """
    rows = np.empty((8 * len(counts), 4))
    size, start = 0, 0
    for event in range(len(counts)):
        top = False
        for i in range(start, start + counts[event]):
            top = top or abs(ids[i]) == 6
        for i in range(start, start + counts[event]):
            if abs(status[i]) != 23 or (abs(ids[i]) > 5 and ids[i] != 21) or size == len(rows):
                continue
            source = start + mother[i]
            code = ids[source]
            if top:
                key = 0 if code > 0 else 1
            elif code in (24, -24, 23):
                key = mother[i]
            else:
                key = i - start
            px, py, pz = momenta[i, 0], momenta[i, 1], momenta[i, 2]
            eta, phi = np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)
            rows[size] = float(event), float(key), eta, phi
            size += 1
        start += counts[event]
    return rows[:size].copy()


def _cluster(
    objects: NDArray[Any], sizes: NDArray[Any], partons: NDArray[Any], reach: float
) -> Jets:
    awkward = require("awkward", "physics")
    fastjet = require("fastjet", "physics")
    pt, eta, phi = objects.T
    momenta = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)
    vectors = awkward.zip(dict(zip(("px", "py", "pz", "E"), momenta, strict=True)))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    sequence = fastjet.ClusterSequence(awkward.unflatten(vectors, sizes), definition)
    jets = sequence.inclusive_jets(min_pt=JET_PT[0])
    members = sequence.constituent_index(min_pt=JET_PT[0])
    per_event = _sizes(jets)
    px, py, pz, energy = (_flat(jets[name]) for name in ("px", "py", "pz", "E"))
    jet_pt = np.hypot(px, py)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
    axis = np.column_stack([jet_pt, np.arcsinh(pz / jet_pt), np.arctan2(py, px), mass])
    event = np.repeat(np.arange(len(sizes)), per_event)
    inside = (jet_pt < JET_PT[1]) & (np.abs(axis[:, 1]) < JET_ETA)
    keep = inside & _matched(axis, event, partons, reach)

    flat_members = awkward.flatten(members)[keep]
    counts = _sizes(flat_members)
    first = np.concatenate([[0], np.cumsum(sizes)])[event[keep]]
    return Jets(axis[keep], counts, objects[_flat(flat_members) + np.repeat(first, counts)])


@jit
def _matched(
    axis: NDArray[Any], event: NDArray[Any], partons: NDArray[Any], reach: float
) -> NDArray[Any]:
    """Whether each jet holds every parton of some hard object of its event within `reach`."""
    good = np.zeros(len(axis), np.bool_)
    for jet in range(len(axis)):
        for one in range(len(partons)):
            if partons[one, 0] != event[jet]:
                continue
            inside = True
            for other in range(len(partons)):
                if partons[other, 0] == event[jet] and partons[other, 1] == partons[one, 1]:
                    eta = partons[other, 2] - axis[jet, 1]
                    phi = partons[other, 3] - axis[jet, 2]
                    phi -= 2.0 * np.pi * np.floor(phi / (2.0 * np.pi) + 0.5)
                    inside = inside and eta * eta + phi * phi < reach * reach
            good[jet] = good[jet] or inside
    return good
