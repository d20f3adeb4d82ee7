"""``edgetrig menu report``: a menu's rates, overlaps and turn-on curves as one page."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.commands.menu import options
from edgetrig.cli.commands.menu.events import cross_sections_of
from edgetrig.cli.commands.menu.study import Study
from edgetrig.cli.console import say
from edgetrig.errors import require


def menu_report(
    menu: options.MenuFile,
    data: options.Files,
    out: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")] = Path(
        "menu-report"
    ),
    signal: options.Signals = None,
    turn_on: options.TurnOns = None,
    weight: options.Weight = None,
    luminosity: options.Luminosity = None,
    cross_section: options.CrossSections = None,
    dask: options.Where = None,
) -> None:
    """Write a page of a menu's rates, overlaps, efficiencies and turn-on curves."""
    from edgetrig.report import collect_menu, write_menu

    require("jinja2", "report")
    study = Study.of(
        menu,
        data,
        signal=signal,
        turn_on=turn_on,
        weight=weight,
        luminosity=luminosity,
        cross_section=cross_section,
        dask=dask,
    )
    rates = study.rates()
    counted = study.counted_signals()
    facts = collect_menu(
        rates,
        {name: one.fired for name, one in counted.items()},
        [study.turn_on(curve) for curve in study.curves],
        cross_sections_pb=cross_sections_of(counted),
        luminosity=luminosity,
        files=[file.name for file in data],
        command=shlex.join(["edgetrig", *sys.argv[1:]]),
    )
    say(str(rates))
    say(f"wrote {write_menu(out, facts)}")
