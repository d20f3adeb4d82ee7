"""Make jets in many processes, survive a kill, and put them in one file."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, require
from edgetrig.physics import detector, farm
from edgetrig.physics import events as collisions
from edgetrig.physics.events import CLASSES
from edgetrig.physics.features import FEATURES
from edgetrig.physics.shards import CONSTITUENTS, KINEMATICS, Shard
from edgetrig.physics.tables import write_blocks
from edgetrig.progress import Progress, silent

SHARD = 2000
"""Jets of a shard; part of what a seed means."""

MOST_CONSTITUENTS = 128


@dataclass(frozen=True)
class JetSummary:
    """What a run of `generate_jets` made."""

    path: Path
    jets: dict[str, int]
    """Jets of each class."""

    generated: int
    """Collisions simulated, two hard objects each."""

    efficiency: float
    """Jets found per hard object."""

    cpu_seconds: float
    """Processor time of all processes, of interrupted runs too."""


def generate_jets(
    out: str | os.PathLike[str],
    *,
    events: int,
    seed: int,
    constituents: int = 0,
    processes: int | None = None,
    progress: Progress = silent,
) -> JetSummary:
    """Simulate jets of five classes and write their features to a file.

    The jets depend on `events`, `seed` and `constituents` only, not on the number of processes.
    They are made in shards kept in a folder beside `out`; a run that was interrupted or killed goes
    on from there when started again, and the folder is removed at the end. Rows are shuffled, so
    that any part of the file holds all classes. What is simulated, and how, is told in
    `edgetrig.physics.events`, `edgetrig.physics.detector` and `edgetrig.physics.features`.

    Parameters
    ----------
    out
        The file: ``.parquet``, ``.h5`` or ``.hdf5``. Columns: the 16 `FEATURES`; ``jet_pt``,
        ``jet_eta``, ``jet_phi``, ``jet_mass`` (GeV, rad) of the whole jet; ``label`` (0 to 4 in the
        order of `CLASSES`); and, if asked for, ``constituent_pt`` [GeV], ``constituent_eta``,
        ``constituent_phi`` (from the jet axis), each (constituents,) a row, padded with 0.
        Numbers are rounded to 13 significant bits.
    events
        Jets to make, at least 1, shared evenly among the classes.
    seed
        Any whole number from 0.
    constituents
        Leading constituents to keep of each jet, 0 to 128.
    processes
        Worker processes; by default one for each processor this process may use.
    progress
        Called with jets made and jets to make, after each shard.

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
    _check(target, events, seed, constituents)
    for module in ("pythia8mc", "fastjet", "awkward"):
        require(module, "physics")
    count = farm.processors(processes)
    recipe = _recipe(events, seed, constituents)
    shards = _plan(events, seed, constituents)
    folder = target.parent / f".{target.name}.shards"

    def gather() -> tuple[int, int, float]:
        write_blocks(target, _merged(folder, shards), {"recipe": recipe})
        totals = _totals(folder, shards)
        shutil.rmtree(folder)
        return totals

    work = farm.Work(f"{Shard.__module__}:make", FEATURES[-1], "jets")
    with farm.claimed(folder, recipe, target):
        found, generated, cpu = farm.finish(folder, shards, work, count, progress, gather)
    jets = {name: _share(events, label) for label, name in enumerate(CLASSES)}
    return JetSummary(target, jets, generated, found / (2 * generated), cpu)


def _check(target: Path, events: int, seed: int, constituents: int) -> None:
    farm.check_request(target, "jets", events, seed)
    if not 0 <= constituents <= MOST_CONSTITUENTS:
        raise DataError(f"constituents is {constituents}; keep 0 to {MOST_CONSTITUENTS}")


def _share(events: int, label: int) -> int:
    return events // len(CLASSES) + (label < events % len(CLASSES))


def _plan(events: int, seed: int, constituents: int) -> list[Shard]:
    """List the shards, group by group of one shard a class."""
    plan = []
    for place in range(math.ceil(_share(events, 0) / SHARD)):
        for label in range(len(CLASSES)):
            jets = min(SHARD, _share(events, label) - place * SHARD)
            if jets > 0:
                plan.append(Shard(label, place, jets, seed, constituents))
    return plan


def _recipe(events: int, seed: int, constituents: int) -> dict[str, Any]:
    """Everything the jets depend on; stored with them."""
    return {
        "command": f"edgetrig generate jets --events {events} --seed {seed}"
        + (f" --constituents {constituents}" if constituents else ""),
        "events": events,
        "seed": seed,
        "constituents": constituents,
        "shard": SHARD,
        "classes": list(CLASSES),
        "pythia8mc": version("pythia8mc"),
        "fastjet": version("fastjet"),
        "pythia": {name: list(collisions.settings(name)) for name in CLASSES},
        "jets": {
            "radius": collisions.RADIUS,
            "pt_gev": list(collisions.JET_PT),
            "max_abs_eta": collisions.JET_ETA,
            "hard_pt_gev": {name: list(collisions.HARD_PT[name]) for name in CLASSES},
            "hard_max_abs_eta": collisions.HARD_ETA,
            "parton_match": collisions.PARTON_MATCH,
        },
        "detector": {
            name.lower(): value for name, value in vars(detector).items() if name.isupper()
        },
    }


def _totals(folder: Path, shards: list[Shard]) -> tuple[int, int, float]:
    """Return the jets found, the collisions made and the seconds spent on them."""
    totals = []
    for shard in shards:
        with np.load(folder / shard.name, allow_pickle=False) as made:
            totals.append((int(made["found"]), int(made["generated"]), float(made["cpu"])))
    found, generated, cpu = zip(*totals, strict=True)
    return sum(found), sum(generated), sum(cpu)


def _merged(folder: Path, shards: list[Shard]) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the jets group by group, each group shuffled; memory holds one group."""
    for place in range(shards[-1].place + 1):
        group = [shard for shard in shards if shard.place == place]
        names = [*FEATURES, *KINEMATICS, *(CONSTITUENTS if group[0].constituents else ())]
        parts = []
        for shard in group:
            with np.load(folder / shard.name, allow_pickle=False) as made:
                parts.append({name: made[name] for name in names})
        order = shuffle(group)
        block = {name: np.concatenate([part[name] for part in parts])[order] for name in names}
        labels = np.repeat([shard.label for shard in group], [shard.size for shard in group])
        yield block | {"label": labels[order].astype(np.int8)}


def shuffle(group: list[Shard]) -> NDArray[np.int64]:
    """Return the order in which the jets of a group, shard after shard, stand in the file."""
    key = (len(CLASSES), group[0].place)  # no shard has this key
    rng = np.random.default_rng(np.random.SeedSequence(group[0].seed, spawn_key=key))
    return rng.permutation(sum(shard.size for shard in group))
