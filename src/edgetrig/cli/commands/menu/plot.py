"""``edgetrig menu plot``: a menu's rates, overlaps, scans and turn-on curves as pictures."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from edgetrig.cli.commands.menu import options
from edgetrig.cli.commands.menu.study import Study
from edgetrig.cli.console import say, step
from edgetrig.errors import Error, require

if TYPE_CHECKING:
    from edgetrig.report.plots import PlotStyle

MOST_VALUES = 200


def menu_plot(
    menu: options.MenuFile,
    data: options.Files,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("menu-plots"),
    signal: options.Signals = None,
    turn_on: options.TurnOns = None,
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
    weight: options.Weight = None,
    luminosity: options.Luminosity = None,
    cross_section: options.CrossSections = None,
    dask: options.Where = None,
) -> None:
    """Draw a menu's rates, overlaps, scans and turn-on curves as PDF and PNG."""
    require("mplhep", "plots")
    from edgetrig.report.plots import PlotStyle, plot_overlap, plot_rates, plot_turn_on, write_plots

    look = PlotStyle(style, experiment, label, conditions)
    scans = [_scan(text) for text in scan or ()]
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
    plots: dict[str, Callable[[], Any]] = {
        "rates": partial(plot_rates, rates, style=look),
        "overlap": partial(plot_overlap, rates, style=look),
    }
    for curve in study.curves:
        name = _new(f"turn-on-{curve.seed}-{curve.column}", plots)
        plots[name] = partial(plot_turn_on, study.turn_on(curve), style=look)
    for one in scans:
        for name, draw in _scanned(study, one, look).items():
            plots[_new(name, plots)] = draw
    for path in write_plots(out, plots):
        say(f"wrote {path}")


class Scan(NamedTuple):
    """A scan of a seed's parameter that was asked for; of its only one if that has no name."""

    seed: str
    parameter: str | None
    values: list[Fraction]


def _scanned(study: Study, asked: Scan, style: PlotStyle) -> dict[str, Callable[[], Any]]:
    """Return the pictures of one scan."""
    from edgetrig.report.plots import plot_efficiency_against_rate, plot_threshold_scan
    from edgetrig.trigger.menu import Decider, parameter_of, scan

    seed, parameter = asked.seed, parameter_of(study.menu, asked.seed, asked.parameter)
    copies, places = scan(study.menu, {seed: (parameter, asked.values)})
    with step("compiling the scan"):
        study = replace(study, menu=copies, decide=Decider.of(copies))
    rates = study.rates()
    events = {name: one.fired for name, one in study.counted_signals().items()}
    numbers = [float(value) for value in asked.values]
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


def _new(name: str, taken: Container[str]) -> str:
    """Return a name, with a number where it is taken: one curve may be drawn from two files."""
    numbered = (f"{name}-{k}" for k in count(2))
    return next(n for n in chain([name], numbered) if n not in taken)


def _scan(text: str) -> Scan:
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
    return Scan(seed, parameter or None, values)
