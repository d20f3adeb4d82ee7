"""Where pairs of trigger muons come from: one collision or two, and how few of the pool's decide.

``.venv/bin/python benchmarks/muon_pairs.py`` takes the pool of ``edgetrig generate l1 --pool
60000`` and measures the muons of each of its collisions many times. Prints what docs/benchmarks.md
quotes.
"""

from __future__ import annotations

import argparse

import numpy as np

from edgetrig.physics.l1 import make_pool
from edgetrig.physics.l1.collisions import Collisions
from edgetrig.physics.l1.muons import add_muons
from edgetrig.physics.l1.pool import load_pool
from edgetrig.physics.l1.processes import STRATA
from edgetrig.trigger.menu import ORBIT_HZ

BUNCHES, PILEUP, QUALITY = 2748, 60.0, 8
CODES = (31, 15)
"""pT codes of 15 and 7 GeV, those of L1_DoubleMu_15_7."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pool", type=int, default=60_000)
    pool = load_pool(make_pool(parser.parse_args().pool))
    rng = np.random.default_rng(1)
    khz = BUNCHES * ORBIT_HZ / 1000
    singles, pairs, variance = np.zeros(2), 0.0, 0.0
    for number, source in enumerate(STRATA):
        places = range(pool.ends[number], pool.ends[number + 1])
        one = PILEUP * pool.shares[number] * khz / len(places)  # the rate of one collision
        chances = np.array([chances_of(pool.collisions, place, rng) for place in places])
        pair = one * chances[:, 2].sum()
        spread = one * np.sqrt((chances[:, 2] ** 2).sum())
        print(
            f"{source.name:12} one collision {one:9.4f} kHz; pairs {pair:.3f} +- {spread:.3f} kHz"
            f" from {np.count_nonzero(chances[:, 2])} collisions; above 15 and 7 GeV"
            f" {one * chances[:, 0].sum():.2f} and {one * chances[:, 1].sum():.1f} kHz",
            flush=True,
        )
        singles += one * chances[:, :2].sum(axis=0)
        pairs, variance = pairs + pair, variance + spread**2
    print(f"of one collision {pairs:.2f} +- {variance**0.5:.2f} kHz (error of the pool)")
    print(f"of two collisions {singles[0] * singles[1] / khz:.2f} kHz")


def chances_of(collisions: Collisions, which: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Return how often a collision's muons pass 15 GeV, 7 GeV, and both as a pair."""
    first, last = collisions.track_ends[which], collisions.track_ends[which + 1]
    if first == last:
        return 0.0, 0.0, 0.0
    muons = collisions.track[first:last, 4] >= 1  # they do not have to decay
    tries = (60, 300, 4000)[min(muons.sum(), 2)]
    found = np.zeros((64, 6), np.int64)
    passed = np.zeros(3)
    for _ in range(tries):
        size = add_muons(found, 0, collisions, which, 0, False, rng)
        good = found[:size, 0][found[:size, 3] >= QUALITY]
        hard, soft = (good >= CODES[0]).sum(), (good >= CODES[1]).sum()
        passed += (hard > 0, soft > 0, hard > 0 and soft > 1)
    return tuple(passed / tries)


if __name__ == "__main__":
    main()
