"""``edgetrig fuzz``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.console import say, step
from edgetrig.cli.options import Seed, check_folder
from edgetrig.errors import Error

FOUND = 1


def fuzz(
    seconds: Annotated[
        float | None, typer.Option(help="Stop after this time; 60 without --cases.")
    ] = None,
    cases: Annotated[int | None, typer.Option(help="Stop after this many cases.")] = None,
    seed: Seed = 0,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Ask the simulated Verilog too (Verilator).")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for what is found.")] = Path("edgetrig-fuzz"),
    replay: Annotated[
        Path | None, typer.Option(help="Judge the saved cases of a folder again instead.")
    ] = None,
) -> None:
    """Draw random programs, compile them in every way, and demand equal bits of all judges.

    What is found is shrunk to a few operations, printed, and saved. The exit status is 1 if
    anything was found.
    """
    from edgetrig import fuzz as room

    if replay is not None:
        if seconds is not None or cases is not None:
            raise Error("--replay takes no budget: leave out --seconds and --cases")
        if not replay.is_dir():
            raise Error(f"{replay}: no such folder; check the path")
        if not any(replay.glob("*.json")):
            raise Error(f"{replay}: holds no saved cases (.json); name a folder that fuzz wrote")
        again = room.replay(replay, simulate=simulate)
        for finding in again:
            say(room.describe(finding) + "\n")
        say(f"replay: {len(list(replay.glob('*.json')))} cases, {len(again)} still disagree")
        raise typer.Exit(FOUND if again else 0)
    if seconds is not None and cases is not None:
        raise Error("give either --seconds or --cases")
    check_folder(out)

    def found(finding: room.Disagreement, path: Path | None) -> None:
        say(f"{room.describe(finding)}\nsaved: {path}\n")

    with step("fuzzing") as progress:
        summary = room.fuzz(
            seconds=60.0 if seconds is None and cases is None else seconds,
            cases=cases,
            seed=seed,
            simulate=simulate,
            folder=out,
            progress=progress,
            found=found,
        )
    if summary.interrupted and not summary.findings:
        raise KeyboardInterrupt(str(summary))
    say(str(summary))
    if summary.findings:
        raise typer.Exit(FOUND)
