"""One shard: a fixed number of jets of one class.

A shard depends on the seed, its class, its place and the number of constituents kept, on nothing
else; and a shorter shard is the beginning of a longer one. That is what makes a run independent of
the number of processes and able to go on after a kill.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit
from edgetrig.physics.events import CLASSES, Collisions
from edgetrig.physics.features import FEATURES, jet_features

KINEMATICS = ("jet_pt", "jet_eta", "jet_phi", "jet_mass")
CONSTITUENTS = ("constituent_pt", "constituent_eta", "constituent_phi")
BITS = 13  # significant bits of a stored number


class Shard(NamedTuple):
    """What a worker is asked to make."""

    label: int
    place: int
    size: int
    seed: int
    constituents: int

    @property
    def name(self) -> str:
        """The file's name within the folder of shards."""
        return f"{CLASSES[self.label]}-{self.place:05d}.npz"

    @property
    def kind(self) -> str:
        """What it holds, for errors."""
        return f"jets of class {CLASSES[self.label]!r}"


def make(task: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Make the jets of the shard with these fields: what a worker does."""
    return make_shard(Shard(**task))


def make_shard(shard: Shard) -> dict[str, NDArray[Any]]:
    """Make the jets of a shard.

    Returns
    -------
    dict
        float32 columns named as `FEATURES`, `KINEMATICS` and, if any are kept, `CONSTITUENTS`
        (jets, k); ``found``, the jets found, ``generated``, the collisions made, and ``cpu``, the
        seconds spent.
    """
    start = time.process_time()
    seed = np.random.SeedSequence(shard.seed, spawn_key=(shard.label, shard.place))
    collisions = Collisions(CLASSES[shard.label], seed)
    kept: dict[str, list[NDArray[Any]]] = {}
    have = 0
    while have < shard.size:
        jets = collisions.batch()
        have += len(jets.counts)
        columns = dict(zip(FEATURES, jet_features(jets.constituents, jets.counts).T, strict=True))
        columns |= dict(zip(KINEMATICS, jets.axis.T, strict=True))
        if shard.constituents:
            leading = _leading(jets.constituents, jets.counts, jets.axis, shard.constituents)
            columns |= {name: leading[:, :, i] for i, name in enumerate(CONSTITUENTS)}
        for name, values in columns.items():
            kept.setdefault(name, []).append(values)
    result = {name: rounded(np.concatenate(parts)[: shard.size]) for name, parts in kept.items()}
    result["found"] = np.array(have)
    result["generated"] = np.array(collisions.generated)
    result["cpu"] = np.array(time.process_time() - start)
    return result


def rounded(values: NDArray[Any]) -> NDArray[np.float32]:
    """Round to `BITS` significant bits (an error of at most 1.2e-4), which compress well.

    This is far below the resolution of the detector. Whole numbers up to 8192 stay exact.
    """
    mantissa, exponent = np.frexp(values)
    short: NDArray[np.float64] = np.ldexp(np.rint(np.ldexp(mantissa, BITS)), exponent - BITS)
    return short.astype(np.float32)


@jit
def _leading(
    constituents: NDArray[Any], counts: NDArray[Any], axis: NDArray[Any], most: int
) -> NDArray[Any]:
    """Return (jets, most, 3): pT, eta and phi from the axis, by falling pT, then zeros."""
    result = np.zeros((len(counts), most, 3))
    start = 0
    for jet in range(len(counts)):
        stop = start + counts[jet]
        # Stable, so that equal pT cannot depend on the sorting library.
        order = np.argsort(-constituents[start:stop, 0], kind="mergesort")
        for place in range(min(most, counts[jet])):
            one = constituents[start + order[place]]
            phi = one[2] - axis[jet, 2]
            result[jet, place, 0] = one[0]
            result[jet, place, 1] = one[1] - axis[jet, 1]
            result[jet, place, 2] = phi - 2.0 * np.pi * np.floor(phi / (2.0 * np.pi) + 0.5)
        start = stop
    return result
