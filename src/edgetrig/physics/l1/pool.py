"""Inelastic collisions for pile-up, made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, require
from edgetrig.files import whole_folder
from edgetrig.physics import farm
from edgetrig.physics.l1 import detector, geometry
from edgetrig.physics.l1.collisions import Collisions, joined, load_folder, save_folder
from edgetrig.physics.l1.geometry import PHIS
from edgetrig.physics.l1.overlay import Picks
from edgetrig.physics.l1.processes import STRATA
from edgetrig.physics.l1.source import BATCH, make_collisions
from edgetrig.progress import Progress, silent

SIZE = 40_000
"""Collisions of a pool, where nothing else is asked for."""

SHARD = 5000
LEAST = 2 * len(STRATA)


@dataclass(frozen=True)
class Pool:
    """Collisions in strata, and how often each stratum occurs."""

    collisions: Collisions

    ends: NDArray[np.int64]
    """(strata + 1,) those of stratum ``s`` are between ``ends[s]`` and ``ends[s + 1]``."""

    shares: NDArray[np.float64]
    """(strata,) probability that an inelastic collision belongs to each."""

    def draw(self, crossings: int, pileup: float, rng: np.random.Generator) -> Picks:
        """Pick the collisions of crossings: Poisson numbers, each turned and mirrored at random."""
        numbers = rng.poisson(pileup * self.shares, (crossings, len(self.shares)))
        strata = np.repeat(np.tile(np.arange(len(self.shares)), crossings), numbers.ravel())
        low, high = self.ends[strata], self.ends[strata + 1]
        chosen = low + (rng.random(len(strata)) * (high - low)).astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(numbers.sum(axis=1))])
        turn = rng.integers(0, PHIS, len(strata))
        return Picks(chosen, turn, rng.random(len(strata)) < 0.5, ends)


class PoolShard(NamedTuple):
    """Some collisions of one stratum."""

    stratum: int
    place: int
    size: int
    seed: int

    @property
    def name(self) -> str:
        """The file's name within the folder of shards."""
        return f"{STRATA[self.stratum].name}-{self.place:05d}.npz"

    @property
    def kind(self) -> str:
        """What it holds, for errors."""
        return f"collisions of {STRATA[self.stratum].name!r}"


def make(task: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Make the collisions of the shard with these fields: what a worker does."""
    shard = PoolShard(**task)
    seed = np.random.SeedSequence(shard.seed, spawn_key=(shard.stratum, shard.place))
    collisions, cross_section = make_collisions(STRATA[shard.stratum], shard.size, seed)
    more = {"cross_section": np.array(cross_section), "cpu": np.array(0.0)}
    return {**collisions._asdict(), **more}


def make_pool(
    size: int = SIZE,
    seed: int = 1,
    processes: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Return the folder of a pool; make it if it is not there.

    Pools are kept in ``edgetrig/l1-pools`` of the user's cache folder (``XDG_CACHE_HOME``), each
    under a name that tells everything it depends on. Runs that want the same one wait for the one
    that makes it; an interrupted run goes on where it was.

    Parameters
    ----------
    size
        Collisions: half of them soft, the others shared evenly among the hard strata.
    seed
        Any whole number from 0.
    processes
        Worker processes; by default one for each processor this process may use.
    progress
        Called with collisions made and collisions to make; not at all where the pool is there.

    Raises
    ------
    DataError
        If an argument is out of range.
    ToolError
        If Pythia 8 or FastJet is missing, or a worker fails.
    KeyboardInterrupt
        On Ctrl-C, with a line that says how to go on.
    """
    if size < LEAST:
        raise DataError(f"the pool's size is {size}; give at least {LEAST}")
    if seed < 0:
        raise DataError(f"seed is {seed}; give a whole number from 0")
    workers = farm.processors(processes)
    recipe = _recipe(size, seed)
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "edgetrig" / "l1-pools" / f"{size}-{seed}-{key}"
    if (folder / "pool.json").exists():
        return folder
    shards_folder = folder.with_name(f".{folder.name}.shards")
    with farm.locked(shards_folder, folder, patient=True):
        if not (folder / "pool.json").exists():
            plan = _plan(size, seed)
            work = farm.Work(f"{__name__}:make", "truth", "collisions of the pool")
            gather = partial(_gather, folder, shards_folder, plan, recipe)
            farm.finish(shards_folder, plan, work, workers, progress, gather)
            for file in shards_folder.glob("*.npz"):
                file.unlink()
    return folder


def load_pool(folder: Path) -> Pool:
    """Map a pool into memory."""
    noted = json.loads((folder / "pool.json").read_text())
    sigmas = np.array(noted["cross_sections_mb"])
    # The first stratum has what the others leave of all inelastic collisions.
    shares = np.append(sigmas[0] - sigmas[1:].sum(), sigmas[1:]) / sigmas[0]
    return Pool(load_folder(folder), np.array(noted["ends"], np.int64), shares)


def _plan(size: int, seed: int) -> list[PoolShard]:
    hard = size // 2 // (len(STRATA) - 1)
    counts = [size - hard * (len(STRATA) - 1)] + [hard] * (len(STRATA) - 1)
    return [
        PoolShard(stratum, place, min(SHARD, count - place * SHARD), seed)
        for stratum, count in enumerate(counts)
        for place in range(-(-count // SHARD))
    ]


def _recipe(size: int, seed: int) -> dict[str, Any]:
    """Everything a pool depends on."""
    for module in ("pythia8mc", "fastjet", "awkward"):
        require(module, "physics")
    return {
        "size": size,
        "seed": seed,
        "shard": SHARD,
        "batch": BATCH,
        "pythia8mc": version("pythia8mc"),
        "fastjet": version("fastjet"),
        "strata": [source._asdict() for source in STRATA],
        "detector": _numbers(detector) | _numbers(geometry),
    }


def _numbers(module: Any) -> dict[str, Any]:
    return {name.lower(): value for name, value in vars(module).items() if name.isupper()}


def _gather(
    folder: Path, shards_folder: Path, plan: list[PoolShard], recipe: dict[str, Any]
) -> None:
    """Put all shards into the pool's folder."""
    parts: list[Collisions] = []
    sigmas: list[list[float]] = [[] for _ in STRATA]
    for shard in plan:
        with np.load(shards_folder / shard.name, allow_pickle=False) as made:
            parts.append(Collisions(*(made[name] for name in Collisions._fields)))
            sigmas[shard.stratum].append(float(made["cross_section"]))
    counts = [sum(s.size for s in plan if s.stratum == i) for i in range(len(STRATA))]
    noted = {
        "recipe": recipe,
        "ends": [0, *accumulate(counts)],
        "cross_sections_mb": [float(np.mean(values)) for values in sigmas],
    }
    with whole_folder(folder) as temporary:
        save_folder(temporary, joined(parts))
        (temporary / "pool.json").write_text(json.dumps(noted, indent=1))
