"""``edgetrig menu tune``: thresholds that keep within rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrig.cli.commands.menu import options
from edgetrig.cli.commands.menu.events import Counting
from edgetrig.cli.console import say
from edgetrig.cli.options import check_file
from edgetrig.errors import Error

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Budget, Menu, Rates


def menu_tune(
    menu: options.MenuFile,
    data: options.Files,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SEED[:PARAMETER]=KHZ",
            help="The most that a seed may take; repeat. Else the seeds' budget_khz in the menu.",
        ),
    ] = None,
    total: Annotated[
        float | None,
        typer.Option(
            metavar="KHZ",
            help="The most that the whole menu may take; the seeds' rates are scaled to it.",
        ),
    ] = None,
    grid: Annotated[str, typer.Option(help="Step of the values tried.")] = "0.5",
    weight: options.Weight = None,
    luminosity: options.Luminosity = None,
    cross_section: options.CrossSections = None,
    out: Annotated[Path | None, typer.Option(help="Write the menu with the values found.")] = None,
    dask: options.Where = None,
) -> None:
    """Find the smallest values of seeds' parameters that keep within rates."""
    from edgetrig.menu_files import read_menu, write_tuned
    from edgetrig.trigger.menu import Budget, Decider, tune

    read = read_menu(menu)
    counting = Counting.of(data, weight, luminosity, cross_section, dask)
    if out is not None:
        check_file(out, data)  # but the menu itself may take the values found
    budgets = [_budget(text) for text in rate or ()] or [
        Budget(s.name, s.budget_khz) for s in read.seeds if s.budget_khz is not None
    ]
    if not budgets:
        raise Error(f"{menu}: no seed has a budget_khz; give --rate SEED=KHZ or write them")
    try:
        step_of = Fraction(grid)
    except (ValueError, ZeroDivisionError):
        raise Error(f"--grid {grid!r} is no number") from None
    if step_of <= 0:
        raise Error(f"--grid {grid}: a step above 0 is needed")

    def measure(some: Menu) -> Rates:
        return counting.rates(some, Decider.of(some), data)

    changed, tuned = tune(
        read, budgets, measure, total_khz=total, high=4095 * step_of, step=step_of
    )
    for one in tuned:
        say(
            f"{one.seed}: {one.parameter} = {float(one.value):.15g} gives {one.rate_khz:.2f}"
            f" +- {one.error_khz:.2f} kHz (asked for {one.asked_khz:.4g})"
        )
    if total is not None:
        khz, error = measure(changed).total
        say(f"total {khz:.2f} +- {error:.2f} kHz (asked for {total:g})")
    if out is not None:
        write_tuned(menu, out, changed)
        say(f"wrote {out}")


def _budget(text: str) -> Budget:
    """Return what ``SEED:PARAMETER=KHZ`` means."""
    from edgetrig.trigger.menu import Budget

    form = "SEED=KHZ or SEED:PARAMETER=KHZ"
    what, khz = options.name_and_number("--rate", form, text)
    seed, _, parameter = what.partition(":")
    if not seed:
        raise Error(f"--rate {text!r}: {form} is needed")
    return Budget(seed, khz, parameter or None)
