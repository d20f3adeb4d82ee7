"""Make trigger objects of whole bunch crossings, in many processes, into one file."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.physics import farm
from edgetrig.physics.l1 import calorimeter, detector, muons, sums
from edgetrig.physics.l1.collisions import no_collisions
from edgetrig.physics.l1.crossing import simulate
from edgetrig.physics.l1.pool import SIZE, load_pool, make_pool
from edgetrig.physics.l1.processes import PROCESSES
from edgetrig.physics.l1.source import make_collisions
from edgetrig.physics.tables import write_blocks
from edgetrig.progress import Progress, silent

SHARD = 500
"""Events of a shard with a hard collision; part of what a seed means."""

ZERO_BIAS_SHARD = 10_000
BLOCK = 500
"""Crossings picked at a time; fixed, because a shard's random numbers depend on it."""

HIGHEST_PILEUP = 300.0
MB_IN_PB = 1e9


@dataclass(frozen=True)
class L1Summary:
    """What a run of `generate_l1` made."""

    path: Path
    events: int
    cross_section_pb: float | None
    """Of the process, as Pythia computes it; None for zero bias."""

    cpu_seconds: float
    """Processor time of all processes, of interrupted runs too, without the pool's."""


class EventShard(NamedTuple):
    """Some events of one slice of a process."""

    process: str
    source: int
    place: int
    size: int
    seed: int
    pileup: float
    pool: str

    @property
    def name(self) -> str:
        """The file's name within the folder of shards."""
        return f"{self.process}-{self.source}-{self.place:05d}.npz"

    @property
    def kind(self) -> str:
        """What it holds, for errors."""
        return f"events of {self.process!r}"


def generate_l1(
    out: str | os.PathLike[str],
    *,
    process: str,
    events: int,
    seed: int,
    pileup: float = 60.0,
    pool: int = SIZE,
    processes: int | None = None,
    progress: Progress = silent,
) -> L1Summary:
    """Simulate bunch crossings and write the Level-1 trigger objects found in them to a file.

    The events depend on `process`, `events`, `seed`, `pileup` and `pool` only. They are made in
    shards, and a run that was interrupted goes on, as for `edgetrig.physics.generate_jets`. The
    pool of pile-up is made first if this user has none yet (`edgetrig.physics.l1.pool.make_pool`).

    Parameters
    ----------
    out
        The file: ``.parquet``, ``.h5`` or ``.hdf5``. Columns: the codes of every field of every
        object of `edgetrig.physics.l1.CMS`, of shape (objects,), the hardest first, zeros behind
        them; ``weight`` (pb an event; 1 for zero bias); ``pt_hat`` [GeV]; ``pileup``, the number of
        collisions besides the hard one; and the truth: ``true_muon_pt``, ``_eta``, ``_phi``
        [GeV, rad], likewise ``electron`` and ``tau`` (visible, hadronic) within abs(eta) < 2.5 and
        ``jet`` (anti-kT, R = 0.4) within 5, zeros where there is none; ``true_met``,
        ``true_met_phi`` of the neutrinos.
    process
        One of `edgetrig.physics.l1.processes.PROCESSES`.
    events
        How many, at least 1.
    seed
        Any whole number from 0.
    pileup
        Mean number of inelastic collisions in a crossing, 0 to 300; their number is Poissonian.
        A hard process comes on top of them.
    pool
        Inelastic collisions to draw pile-up from.
    processes
        Worker processes; by default one for each processor this process may use.
    progress
        Called after each shard: with collisions made and to make while the pool is made, then with
        events made and to make.

    Raises
    ------
    DataError
        If an argument is out of range, or the folder holds the shards of another run.
    ToolError
        If Pythia 8 or FastJet is missing, or a worker fails.
    Error
        If the file cannot be written.
    KeyboardInterrupt
        On Ctrl-C, with a line that says how to go on.
    """
    target = Path(out)
    _check(target, process, events, seed, pileup)
    folder_of_pool = make_pool(pool, processes=processes, progress=progress)
    workers = farm.processors(processes)
    shards = _plan(process, events, seed, pileup, str(folder_of_pool))
    recipe = _recipe(process, events, seed, pileup, pool, folder_of_pool.name)
    folder = target.parent / f".{target.name}.shards"

    def gather() -> tuple[list[float], float]:
        sigmas, cpu = _totals(folder, shards)
        metadata = {"recipe": recipe} | _normalisation(process, sigmas)
        write_blocks(target, _merged(folder, shards, sigmas), metadata)
        shutil.rmtree(folder)
        return sigmas, cpu

    work = farm.Work(f"{__name__}:make", "pileup", "events")
    with farm.claimed(folder, recipe, target):
        sigmas, cpu = farm.finish(folder, shards, work, workers, progress, gather)
    total = None if not sigmas else sum(sigmas)
    return L1Summary(target, events, total, cpu)


def _check(target: Path, process: str, events: int, seed: int, pileup: float) -> None:
    farm.check_request(target, "events", events, seed)
    if process not in PROCESSES:
        raise DataError(f"no process {process!r}; there are {', '.join(PROCESSES)}")
    if not 0 <= pileup <= HIGHEST_PILEUP:
        raise DataError(f"pileup is {pileup:g}; give a mean of 0 to {HIGHEST_PILEUP:g}")


def _plan(process: str, events: int, seed: int, pileup: float, pool: str) -> list[EventShard]:
    """List the shards, place by place with one shard of each slice."""
    slices = len(PROCESSES[process]) or 1
    size = SHARD if PROCESSES[process] else ZERO_BIAS_SHARD
    plan = []
    for place in range(math.ceil(events / slices / size)):
        for source in range(slices):
            share = events // slices + (source < events % slices)
            count = min(size, share - place * size)
            if count > 0:
                plan.append(EventShard(process, source, place, count, seed, pileup, pool))
    return plan


def _recipe(
    process: str, events: int, seed: int, pileup: float, size: int, pool: str
) -> dict[str, Any]:
    """Everything the events depend on; stored with them."""
    return {
        "command": f"edgetrig generate l1 --process {process} --pileup {pileup:g}"
        f" --events {events} --seed {seed} --pool {size}",
        "process": process,
        "events": events,
        "seed": seed,
        "pileup": pileup,
        "pool": pool,
        "shard": SHARD,
        "zero_bias_shard": ZERO_BIAS_SHARD,
        "pythia8mc": version("pythia8mc"),
        "pythia": [list(source.settings) for source in PROCESSES[process]],
        "simulation": {
            name.lower(): value
            for module in (detector, muons, calorimeter, sums)
            for name, value in vars(module).items()
            if name.isupper()
        },
    }


def _normalisation(process: str, sigmas: list[float]) -> dict[str, Any]:
    if not sigmas:
        return {"weight": "1: every event is a crossing of filled bunches"}
    names = [source.name for source in PROCESSES[process]]
    return {
        "weight": "cross section over events, in pb: times the luminosity it is a rate",
        "cross_sections_pb": dict(zip(names, sigmas, strict=True)),
    }


def make(task: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Make the events of the shard with these fields: what a worker does."""
    start = time.process_time()
    shard = EventShard(**task)
    number = list(PROCESSES).index(shard.process)
    key = (1 + number, shard.source, shard.place)  # the pool's shards have keys of two numbers
    first, second = np.random.SeedSequence(shard.seed, spawn_key=key).spawn(2)
    sources = PROCESSES[shard.process]
    hard, cross_section = no_collisions(), 0.0
    if sources:
        hard, cross_section = make_collisions(sources[shard.source], shard.size, first)
    pool = load_pool(Path(shard.pool))
    rng = np.random.default_rng(second)
    blocks = []
    for row in range(0, shard.size, BLOCK):
        count = min(BLOCK, shard.size - row)
        picks = pool.draw(count, shard.pileup, rng)
        blocks.append(simulate(pool.collisions, picks, hard, row, rng))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    columns["cross_section"] = np.array(cross_section * MB_IN_PB)
    columns["cpu"] = np.array(time.process_time() - start)
    return columns


def _totals(folder: Path, shards: list[EventShard]) -> tuple[list[float], float]:
    """Return the cross section of each slice in pb (none for zero bias), and the CPU seconds."""
    sigmas: dict[int, list[float]] = {}
    cpu = 0.0
    for shard in shards:
        with np.load(folder / shard.name, allow_pickle=False) as made:
            cpu += float(made["cpu"])
            sigmas.setdefault(shard.source, []).append(float(made["cross_section"]))
    if not PROCESSES[shards[0].process]:
        return [], cpu
    return [float(np.mean(sigmas[source])) for source in sorted(sigmas)], cpu


def _merged(
    folder: Path, shards: list[EventShard], sigmas: list[float]
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the events place by place, slices shuffled; memory holds the shards of one place."""
    totals = [sum(s.size for s in shards if s.source == i) for i in range(len(sigmas))]
    for place in range(shards[-1].place + 1):
        group = [shard for shard in shards if shard.place == place]
        parts = []
        for shard in group:
            with np.load(folder / shard.name, allow_pickle=False) as made:
                part = {name: made[name] for name in made.files if made[name].ndim}
            weight = sigmas[shard.source] / totals[shard.source] if sigmas else 1.0
            parts.append(part | {"weight": np.full(shard.size, weight)})
        block = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        key = (0, place)
        rng = np.random.default_rng(np.random.SeedSequence(group[0].seed, spawn_key=key))
        order = rng.permutation(len(block["weight"])) if len(group) > 1 else slice(None)
        yield {name: column[order] for name, column in block.items()}
