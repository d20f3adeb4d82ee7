"""``edgetrig anomaly train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.console import say, step
from edgetrig.cli.options import Clock, Part, Seed, check_folder, numbers


def anomaly_train(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA...", help="Zero-bias events (.parquet, .h5, .npz, .root)."),
    ],
    rate: Annotated[float, typer.Option(help="Rate to take, in kHz.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("anomaly"),
    bunches: Annotated[int, typer.Option(help="Colliding bunches in the ring.")] = 2748,
    layers: Annotated[str, typer.Option(help="Sizes of the encoder's hidden layers.")] = "32,16",
    latent: Annotated[int, typer.Option(help="Number of its means.")] = 8,
    cost_target: Annotated[
        float, typer.Option(help="EBOPs to reach (effective bit operations, about a LUT each).")
    ] = 10_000.0,
    kl_weight: Annotated[
        float, typer.Option(help="Weight of the divergence of the latent values in the loss.")
    ] = 0.02,
    epochs: Annotated[int, typer.Option(help="Passes over the training events.")] = 8,
    batch: Annotated[int, typer.Option(help="Events a step.")] = 1024,
    seed: Seed = 0,
    part: Part = "xcvu13p",
    clock: Clock = 5.0,
) -> None:
    """Train an anomaly trigger on zero-bias events and set its threshold at a rate.

    Half of the events train, a quarter sets the threshold, a quarter measures its rate. The folder
    then holds the design, its encoder, a menu with the seed, and a record. After an interrupt the
    same command goes on from the last epoch.
    """
    import edgetrig
    from edgetrig.anomaly import DESIGN, MENU, RECORD
    from edgetrig.training import read_anomaly_inputs

    sizes = numbers(layers)
    check_folder(out)
    with step(f"reading {', '.join(file.name for file in data[:3])}") as progress:
        events = read_anomaly_inputs(data, progress)
    with step("training") as progress:
        trigger = edgetrig.train_anomaly(
            events,
            out=out,
            rate_khz=rate,
            bunches=bunches,
            layers=sizes,
            latent=latent,
            seed=seed,
            epochs=epochs,
            batch=batch,
            cost_target=cost_target,
            kl_weight=kl_weight,
            target=edgetrig.Target(part=part, clock_ns=clock),
            progress=progress,
        )
    say(
        f"accept where score >= {trigger.threshold:.15g}: {trigger.rate_khz:.2f} +- "
        f"{trigger.error_khz:.2f} kHz on {trigger.events['test']:,} other crossings (asked for "
        f"{rate:g}; the threshold rests on {trigger.accepted:,} of "
        f"{trigger.events['threshold']:,})"
    )
    design, menu = (shlex.quote(str(out / name)) for name in (DESIGN, MENU))
    say(f"wrote {out}: {trigger.encoder.ebops:,} EBOPs; record: {out / RECORD}")
    say(f"next: edgetrig menu rates {menu} ZERO-BIAS --signal NAME=FILE")
    say(
        f"      edgetrig compile {design} --signal score --threshold {trigger.threshold:.15g}"
        " --rtl rtl --cpp emulator --out accept.edgetrig"
    )
