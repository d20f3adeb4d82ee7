"""``edgetrig demo``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.options import Clock, Part, Seed, Vectors, check_folder, numbers


def demo_jets(
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = Path(
        "demo-jets"
    ),
    events: Annotated[
        int | None, typer.Option(help="Jets to use of the 100,000 that come with edgetrig.")
    ] = None,
    seed: Seed = 0,
    layers: Annotated[str, typer.Option(help="Sizes of the hidden layers.")] = "64,32,32",
    epochs: Annotated[int, typer.Option(help="Epochs of the quantised training.")] = 1000,
    float_epochs: Annotated[int, typer.Option(help="Epochs of the float reference.")] = 80,
    cost_target: Annotated[
        float, typer.Option(help="EBOPs to train to (about a LUT each).")
    ] = 2500.0,
    acceptance: Annotated[
        float, typer.Option(help="Share of background jets to accept at most.")
    ] = 0.01,
    part: Part = "xcvu13p",
    clock: Clock = 5.0,
    vectors: Vectors = 10_000,
) -> None:
    """Go the whole way with simulated jets: train, compile, verify, measure, report.

    Ends with one accept bit for top jets. A finished training in the folder is used again.
    """
    from edgetrig.cli.demo import Demo, Settings

    check_folder(out)
    Demo(
        Settings(
            out=out,
            events=events,
            seed=seed,
            layers=numbers(layers),
            epochs=epochs,
            float_epochs=float_epochs,
            cost_target=cost_target,
            acceptance=acceptance,
            part=part,
            clock_ns=clock,
            vectors=vectors,
            command=shlex.join(["edgetrig", *sys.argv[1:]]),
        )
    ).run()
