"""``edgetrig menu plot``: a menu's rates, overlaps, scans and turn-on curves as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetrig.cli.commands.menu_events import (
    Counting,
    CrossSections,
    Files,
    Luminosity,
    MenuFile,
    Signals,
    Weight,
    Where,
    count,
    counting,
    rates_of,
    signals_of,
)
from edgetrig.cli.commands.menu_report import TurnOns, curve_of
from edgetrig.cli.commands.menu_turn_on import counted
from edgetrig.cli.console import say, step
from edgetrig.errors import Error, MenuError, require

if TYPE_CHECKING:
    from edgetrig.report.plots import PlotStyle
    from edgetrig.trigger.menu import Menu

MOST_VALUES = 200


def menu_plot(
    menu: MenuFile,
    data: Files,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("menu-plots"),
    signal: Signals = None,
    turn_on: TurnOns = None,
    scan: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SEED[:PARAMETER]=LOW:HIGH:NUMBER",
            help="Draw a seed's rate against a parameter, and signals' efficiencies; repeat.",
        ),
    ] = None,
    style: Annotated[str, typer.Option(help="CMS, ATLAS, LHCb2, ALICE or ROOT.")] = "CMS",
    experiment: Annotated[
        str, typer.Option(help="Name to sign with, in bold; none unless you give it.")
    ] = "",
    label: Annotated[str, typer.Option(help="What stands behind it.")] = "Simulation",
    conditions: Annotated[
        str, typer.Option(help="What stands at the right, such as 'pile-up 60 (13.6 TeV)'.")
    ] = "",
    weight: Weight = None,
    luminosity: Luminosity = None,
    cross_section: CrossSections = None,
    dask: Where = None,
) -> None:
    """Draw a menu's rates, overlaps, scans and turn-on curves as PDF and PNG."""
    require("mplhep", "plots")
    from edgetrig.menu_files import read_menu
    from edgetrig.report.plots import PlotStyle, plot_overlap, plot_rates, plot_turn_on, write_plots
    from edgetrig.trigger.menu import Decider

    look = PlotStyle(style, experiment, label, conditions)
    read = read_menu(menu)
    signals = signals_of(signal)
    curves = [curve_of(text) for text in turn_on or ()]
    scans = [_scan(text) for text in scan or ()]
    files = [*data, *(f for some in signals.values() for f in some), *(f for _, _, f in curves)]
    how = counting(files, weight, luminosity, cross_section, dask)
    with step("compiling the menu"):
        decide = Decider.of(read)
    for seed, _, _ in curves:
        if seed not in decide.seeds:
            raise MenuError(f"no seed '{seed}' in menu '{read.name}'")
    rates = rates_of(read, decide, data, how)
    plots: dict[str, Callable[[], Any]] = {
        "rates": partial(plot_rates, rates, style=look),
        "overlap": partial(plot_overlap, rates, style=look),
    }
    for seed, column, file in curves:
        turned = counted(decide, [file], seed, column, how)
        plots[f"turn-on-{seed}-{column}"] = partial(plot_turn_on, turned, style=look)
    for seed, parameter, values in scans:
        plots |= _scanned(read, data, signals, (seed, parameter, values), how, look)
    for path in write_plots(out, plots):
        say(f"wrote {path}")


def _scanned(
    menu: Menu,
    data: Sequence[Path],
    signals: dict[str, list[Path]],
    what: tuple[str, str | None, list[Fraction]],
    how: Counting,
    style: PlotStyle,
) -> dict[str, Callable[[], Any]]:
    """Return the pictures of one scan."""
    from edgetrig.report.plots import plot_efficiency_against_rate, plot_threshold_scan
    from edgetrig.trigger.menu import Decider, parameter_of, scan

    seed, asked, values = what
    parameter = parameter_of(menu, seed, asked)
    copies, places = scan(menu, {seed: (parameter, values)})
    with step("compiling the scan"):
        decide = Decider.of(copies)
    rates = rates_of(copies, decide, data, how)
    events = {name: count(decide, some, how).fired for name, some in signals.items()}
    numbers = [float(value) for value in values]
    words = parameter[0].upper() + parameter[1:].replace("_", " ")
    which: dict[str, Any] = {"name": seed, "seeds": places[seed], "style": style}
    drawn: dict[str, Callable[[], Any]] = {
        f"scan-{seed}-{parameter}": partial(
            plot_threshold_scan, numbers, rates, label=words, **which
        )
    }
    if events:
        draw = partial(plot_efficiency_against_rate, rates, events, **which)
        drawn[f"efficiency-{seed}-{parameter}"] = draw
    return drawn


def _scan(text: str) -> tuple[str, str | None, list[Fraction]]:
    """Return what ``SEED:PARAMETER=LOW:HIGH:NUMBER`` means."""
    what, _, ends = text.partition("=")
    seed, _, parameter = what.partition(":")
    try:
        low, high, number = ends.split(":")
        first, last, size = Fraction(low), Fraction(high), int(number)
    except (ValueError, ZeroDivisionError):
        size = 0
    if not seed or not 2 <= size <= MOST_VALUES or not first < last:
        raise Error(
            f"--scan {text!r}: SEED=LOW:HIGH:NUMBER is needed, with 2 to {MOST_VALUES} values"
        )
    values = [first + k * (last - first) / (size - 1) for k in range(size)]
    return seed, parameter or None, values
