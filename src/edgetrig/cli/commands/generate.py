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


def generate_l1(
    process: Annotated[str, typer.Option(help="zero-bias, qcd, w, z, top, a4l, lq, h0 or hch.")],
    out: Annotated[Path, typer.Option(help="File to write: .parquet, .h5 or .hdf5.")],
    events: Annotated[int, typer.Option(help="Bunch crossings to make.")] = 10_000,
    seed: Seed = 1,
    pileup: Annotated[float, typer.Option(help="Mean collisions in a crossing, 0 to 300.")] = 60.0,
    pool: Annotated[
        int, typer.Option(help="Inelastic collisions to draw pile-up from; made once, then kept.")
    ] = 40_000,
    processes: Annotated[
        int | None, typer.Option(help="Worker processes; one a processor by default.")
    ] = None,
) -> None:
    """Simulate bunch crossings at the LHC as Level-1 trigger objects, in hardware integers.

    Pythia 8 at 13.6 TeV, pile-up, a parametrised detector and trigger algorithms. The first run
    makes the pool of pile-up, some minutes; then zero bias takes seconds. After an interrupt the
    same command goes on from there.
    """
    from edgetrig.physics.l1 import generate_l1 as generate

    with step("pool, then events") as progress:
        made = generate(
            out,
            process=process,
            events=events,
            seed=seed,
            pileup=pileup,
            pool=pool,
            processes=processes,
            progress=progress,
        )
    sigma = "" if made.cross_section_pb is None else f", {made.cross_section_pb:.4g} pb"
    say(f"{made.path}: {made.events:,} events{sigma}, {made.cpu_seconds:.0f} CPU s")
