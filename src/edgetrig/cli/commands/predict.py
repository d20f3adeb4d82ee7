"""``edgetrig predict``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from edgetrig.cli.commands.design import open_design
from edgetrig.cli.console import say, step
from edgetrig.cli.options import Columns, DesignFile, check_file, words

if TYPE_CHECKING:
    from edgetrig.design import Design
    from edgetrig.emulate import Choice


def predict(
    design: DesignFile,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Parquet, HDF5, NumPy or CSV.")],
    out: Annotated[Path, typer.Option(help="File to write: .parquet, .h5, .npy, .npz or .csv.")],
    columns: Columns = "",
    engine: Annotated[
        str, typer.Option(help="auto, interpreted, compiled or gpu: the same numbers, not speed.")
    ] = "auto",
) -> None:
    """Compute what the hardware will compute for every event of a file.

    The file is read and written block by block: memory does not grow with the number of events.
    The columns are named after the classes, or after the output.
    """
    from edgetrig.cli.data import blocks
    from edgetrig.emulate import ENGINES
    from edgetrig.errors import Error
    from edgetrig.physics import write_blocks

    if engine not in ENGINES:
        raise Error(f"--engine {engine}: one of {', '.join(ENGINES)} is needed")
    check_file(out, [design, data])
    choice = cast("Choice", engine)
    compiled = open_design(design)
    events = 0

    def scores() -> Iterator[dict[str, Any]]:
        nonlocal events
        for block in blocks(data, words(columns), compiled):
            yield _columns(compiled, compiled.predict(block, engine=choice))
            events += len(block)
            progress(events, 0)

    with step("predicting") as progress:
        write_blocks(out, scores())
    say(f"{out}: {events:,} events")


def _columns(design: Design, predicted: Any) -> dict[str, Any]:
    """Return the predicted numbers by column name."""
    ports = design.traced.outputs
    results = predicted if isinstance(predicted, dict) else {ports[0].name: predicted}
    columns: dict[str, Any] = {}
    for name, values in results.items():
        flat = values.reshape(len(values), -1)
        names = [name] if flat.shape[1] == 1 else [f"{name}_{k}" for k in range(flat.shape[1])]
        if len(results) == 1 and len(design.classes) == flat.shape[1]:
            names = list(design.classes)
        columns |= {column: flat[:, k] for k, column in enumerate(names)}
    return columns
