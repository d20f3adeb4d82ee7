"""``edgetrig train``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.console import say, step
from edgetrig.cli.options import Columns, Label, Seed, check_folder, numbers, words


def train(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="Parquet, HDF5, NumPy or CSV; by default the jets that come with edgetrig.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Model to write, .keras.")] = Path("model.keras"),
    label: Label = "label",
    columns: Columns = "",
    layers: Annotated[str, typer.Option(help="Sizes of the hidden layers.")] = "64,32,32",
    cost_target: Annotated[
        float, typer.Option(help="EBOPs to reach (effective bit operations, about a LUT each).")
    ] = 1000.0,
    epochs: Annotated[int, typer.Option(help="Epochs of the quantised training.")] = 1000,
    float_epochs: Annotated[int, typer.Option(help="Epochs of the float reference.")] = 80,
    batch: Annotated[int, typer.Option(help="Events a step.")] = 1024,
    seed: Seed = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder to save the state in, and to go on from.")
    ] = None,
) -> None:
    """Train a quantised dense network whose bit widths are learned under a cost target.

    70 % of the events train, 15 % steer, 15 % test. What happened is written beside the model, as
    .json; it may go into a report.
    """
    from edgetrig.cli.data import load_events
    from edgetrig.files import whole_file
    from edgetrig.training import train as run

    sizes = numbers(layers)
    check_folder(out.parent)
    if checkpoint is not None:
        check_folder(checkpoint)
    events = load_events(data, label, words(columns))
    with step("training") as progress:
        result = run(
            events.features,
            events.labels,
            classes=events.classes,
            out=out,
            layers=sizes,
            seed=seed,
            epochs=epochs,
            float_epochs=float_epochs,
            batch=batch,
            cost_target=cost_target,
            checkpoint=checkpoint,
            progress=progress,
        )
    record = result.path.with_suffix(".json")
    with whole_file(record) as file:
        file.write_text(json.dumps(result.to_dict(), indent=1) + "\n", encoding="utf-8")
    accuracy = result.accuracy
    say(
        f"{result.path}: accuracy {accuracy['quantized']:.2%} (float {accuracy['float']:.2%}) "
        f"on {result.events['test']:,} test events, {result.ebops:,} EBOPs"
    )
    say(f"record: {record}")
    names = shlex.quote(",".join(result.classes))
    say(f"next: edgetrig compile {shlex.quote(str(result.path))} --classes {names}")
