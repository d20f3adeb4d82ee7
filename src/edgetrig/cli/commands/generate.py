"""``edgetrig generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.console import say, step
from edgetrig.cli.options import Seed


def generate_jets(
    out: Annotated[Path, typer.Option(help="File to write: .parquet, .h5 or .hdf5.")],
    events: Annotated[int, typer.Option(help="Jets to make, all classes together.")] = 10_000,
    seed: Seed = 1,
    constituents: Annotated[
        int, typer.Option(help="Leading constituents to keep of each jet, 0 to 128.")
    ] = 0,
    processes: Annotated[
        int | None, typer.Option(help="Worker processes; one a processor by default.")
    ] = None,
) -> None:
    """Simulate jets of five classes (gluon, quark, W, Z, top) with their 16 features.

    Pythia 8, a parametrised detector and FastJet; about 230 jets a second and processor. After an
    interrupt the same command goes on from there.
    """
    from edgetrig.physics import generate_jets as generate

    with step("jets") as progress:
        made = generate(
            out,
            events=events,
            seed=seed,
            constituents=constituents,
            processes=processes,
            progress=progress,
        )
    counts = ", ".join(f"{count:,} {name}" for name, count in made.jets.items())
    say(f"{made.path}: {sum(made.jets.values()):,} jets ({counts}), {made.cpu_seconds:.0f} CPU s")
