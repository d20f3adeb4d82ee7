"""``edgetrig report``."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetrig.cli.commands.design import class_of, open_design
from edgetrig.cli.console import say, step
from edgetrig.cli.options import (
    Columns,
    DesignFile,
    Label,
    Seed,
    SplitSeed,
    Vectors,
    check_folder,
    words,
)
from edgetrig.errors import DataError, Error

if TYPE_CHECKING:
    from edgetrig.cli.data import Events
    from edgetrig.design import Design
    from edgetrig.report import Hardware, Sample
    from edgetrig.training import TrainResult
    from edgetrig.trigger import WorkingPoint


def report(
    design: DesignFile,
    out: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")],
    data: Annotated[
        Path | None, typer.Option(help="Events with their true class, for the physics.")
    ] = None,
    label: Label = "label",
    columns: Columns = "",
    split_seed: SplitSeed = None,
    signal: Annotated[
        str | None, typer.Option(help="The signal class: name, or number from 0.")
    ] = None,
    acceptance: Annotated[
        float | None,
        typer.Option(help="Also make the accept bit: share of background to accept at most."),
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="The .json file that 'edgetrig train' wrote.")
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "",
    vectors: Vectors = 10_000,
    seed: Seed = 0,
    verify: Annotated[bool, typer.Option(help="Simulate the hardware.")] = True,
    synth: Annotated[bool, typer.Option(help="Measure the cost with Yosys.")] = True,
) -> None:
    """Verify and measure a design, and write what was found as one page and one JSON file."""
    from edgetrig.cli.data import held_out, load_events
    from edgetrig.report import collect, write

    check_folder(out)
    if data is None and (signal is not None or acceptance is not None):
        raise Error("--signal and --acceptance need --data: events to measure them on")
    compiled = open_design(design)
    history = None if training is None else read_training(training)
    designs, sample, point, features = {"all outputs": compiled}, None, None, None
    if data is not None:
        events = held_out(load_events(data, label, words(columns), compiled), split_seed)
        features = events.features
        first = int(len(compiled.traced.output_rows) == 1)  # a single output scores class 1
        index = class_of(compiled, signal) if signal is not None else first
        sample = _sample(compiled, events, index)
        if acceptance is not None:
            point = _working_point(compiled, events, index, acceptance)
            designs["one accept bit"] = compiled.threshold(point)
    measured = [
        _measured(item, words, features, vectors if verify else 0, seed, synth)
        for words, item in designs.items()
    ]
    facts = collect(
        measured,
        title=title or f"{compiled.name} on {compiled.target.part}",
        sample=sample,
        working_point=point,
        training=history,
        command=shlex.join(["edgetrig", *sys.argv[1:]]),
        seeds={"vectors": seed} if verify else {},
    )
    page = write(out, facts)
    say(facts["verdict"])
    say(f"report: {page}")


def _sample(design: Design, events: Events, signal: int) -> Sample:
    from edgetrig.report import Sample

    return Sample(
        name=events.name,
        labels=events.labels,
        outputs={"hardware": design.predict(events.features)},
        classes=events.classes,
        signal=signal,
        columns=events.columns,
    )


def _working_point(design: Design, events: Events, signal: int, acceptance: float) -> WorkingPoint:
    return design.working_point(
        events.features, events.labels, signal=signal, acceptance=acceptance
    )


def _measured(
    design: Design, words: str, events: Any, vectors: int, seed: int, synth: bool
) -> Hardware:
    from edgetrig.report import Hardware

    verification = cost = None
    if vectors:
        with step(f"verifying {words}") as progress:
            verification = design.verify(vectors, events=events, seed=seed, progress=progress)
        say(str(verification))
    if synth:
        with step(f"synthesising {words}"):
            cost = design.synthesize()
        say(str(cost))
    return Hardware(design, words, verification, cost)


def read_training(path: Path) -> TrainResult:
    """Return what a training wrote down.

    Raises
    ------
    DataError
        If the file is no such record.
    """
    from edgetrig.files import existing_file
    from edgetrig.training import TrainResult

    file = existing_file(path)
    try:
        return TrainResult.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, RecursionError, DataError) as error:
        raise DataError(f"{path}: not a record of 'edgetrig train' ({error})") from None
