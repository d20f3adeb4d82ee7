"""``edgetrig menu report``: a menu's rates, overlaps and turn-on curves as one page."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.commands.menu_events import (
    CrossSections,
    Files,
    Luminosity,
    MenuFile,
    Signals,
    Weight,
    Where,
    count,
    counting,
    cross_sections_of,
    rates_of,
    signals_of,
)
from edgetrig.cli.commands.menu_turn_on import counted
from edgetrig.cli.console import say, step
from edgetrig.errors import Error, MenuError, require

TurnOns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SEED:COLUMN=FILE",
        help="Draw a turn-on curve, such as L1_SingleMu22:true_muon_pt=top.parquet; repeat.",
    ),
]


def menu_report(
    menu: MenuFile,
    data: Files,
    out: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")] = Path(
        "menu-report"
    ),
    signal: Signals = None,
    turn_on: TurnOns = None,
    weight: Weight = None,
    luminosity: Luminosity = None,
    cross_section: CrossSections = None,
    dask: Where = None,
) -> None:
    """Write a page of a menu's rates, overlaps, efficiencies and turn-on curves."""
    from edgetrig.menu_files import read_menu
    from edgetrig.report import collect_menu, write_menu
    from edgetrig.trigger.menu import Decider

    require("jinja2", "report")
    read = read_menu(menu)
    signals = signals_of(signal)
    wanted = [curve_of(text) for text in turn_on or ()]
    files = [*data, *(f for some in signals.values() for f in some), *(f for _, _, f in wanted)]
    how = counting(files, weight, luminosity, cross_section, dask)
    with step("compiling the menu"):
        decide = Decider.of(read)
    for seed, _, _ in wanted:
        if seed not in decide.seeds:
            raise MenuError(f"no seed '{seed}' in menu '{read.name}'")
    rates = rates_of(read, decide, data, how)
    events = {name: count(decide, some, how) for name, some in signals.items()}
    facts = collect_menu(
        rates,
        {name: one.fired for name, one in events.items()},
        [counted(decide, [file], seed, column, how) for seed, column, file in wanted],
        cross_sections_pb=cross_sections_of(events),
        luminosity=luminosity,
        files=[file.name for file in data],
        command=shlex.join(["edgetrig", *sys.argv[1:]]),
    )
    say(str(rates))
    say(f"wrote {write_menu(out, facts)}")


def curve_of(text: str) -> tuple[str, str, Path]:
    """Return the seed, the column and the file that ``SEED:COLUMN=FILE`` means."""
    what, _, file = text.partition("=")
    seed, _, column = what.partition(":")
    if not (seed and column and file):
        raise Error(f"--turn-on {text!r}: SEED:COLUMN=FILE is needed")
    return seed, column, Path(file)
