"""``edgetrig menu``: rates, thresholds and firmware of a trigger menu."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from edgetrig.cli.console import say, step
from edgetrig.cli.options import Clock, Latency, Part
from edgetrig.errors import Error
from edgetrig.files import whole_file

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Budget, Menu, Rates


def menu_rates(
    menu: MenuFile,
    data: Files,
    signal: Signals = None,
    weight: Weight = None,
    luminosity: Luminosity = None,
    cross_section: CrossSections = None,
    out: Annotated[Path | None, typer.Option(help="Write all figures as JSON.")] = None,
    dask: Where = None,
) -> None:
    """Rates of every seed: its own, pure, cumulative, what it adds; efficiencies of signals."""
    from edgetrig.menu_files import read_menu
    from edgetrig.report import rate_facts
    from edgetrig.trigger.menu import Decider

    read = read_menu(menu)
    signals = signals_of(signal)
    files = [*data, *(file for some in signals.values() for file in some)]
    how = counting(files, weight, luminosity, cross_section, dask)
    with step("compiling the menu"):
        decide = Decider.of(read)
    rates = rates_of(read, decide, data, how)
    say(str(rates))
    counted = {name: count(decide, some, how) for name, some in signals.items()}
    fired = {name: one.fired for name, one in counted.items()}
    facts = rate_facts(rates, fired, cross_sections_of(counted), luminosity)
    for name, figures in facts["efficiency"].items():
        say(_kept(name, figures, [seed.name for seed in read.seeds]))
    if out is not None:
        with whole_file(out) as temporary:
            temporary.write_text(json.dumps(facts, indent=1))
        say(f"wrote {out}")


def _kept(name: str, figures: Mapping[str, Any], seeds: Sequence[str]) -> str:
    """Return a line on what is kept of a signal."""
    best = sorted(zip(figures["seeds"], seeds, strict=True), key=lambda pair: -pair[0])[:3]
    most = ", ".join(f"{seed} {share:.1%}" for share, seed in best)
    line = f"{name}: {figures['menu']:.2%} ({figures['menu_low']:.2%} to"
    line += f" {figures['menu_high']:.2%}) kept; most by {most}"
    if figures["rate_khz"] is not None:
        line += f"; {figures['rate_khz'] * 1000:.3g} +- {figures['rate_error_khz'] * 1000:.2g} Hz"
    return line


def menu_tune(
    menu: MenuFile,
    data: Files,
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
    weight: Weight = None,
    luminosity: Luminosity = None,
    cross_section: CrossSections = None,
    out: Annotated[Path | None, typer.Option(help="Write the menu with the values found.")] = None,
    dask: Where = None,
) -> None:
    """Find the smallest values of seeds' parameters that keep within rates."""
    from edgetrig.menu_files import read_menu, write_tuned
    from edgetrig.trigger.menu import Budget, Decider, tune

    read = read_menu(menu)
    how = counting(data, weight, luminosity, cross_section, dask)
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
        return rates_of(some, Decider.of(some), data, how)

    changed, tuned = tune(
        read, budgets, measure, total_khz=total, high=4095 * step_of, step=step_of
    )
    for one in tuned:
        say(
            f"{one.seed}: {one.parameter} = {float(one.value):g} gives {one.rate_khz:.2f}"
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

    what, _, value = text.rpartition("=")
    seed, _, parameter = what.partition(":")
    try:
        khz = float(value)
    except ValueError:
        seed = ""
    if not seed:
        raise Error(f"--rate {text!r}: SEED=KHZ or SEED:PARAMETER=KHZ is needed")
    return Budget(seed, khz, parameter or None)


def menu_firmware(
    menu: MenuFile,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("firmware"),
    data: Annotated[
        Path | None, typer.Option(help="Crossings to simulate and compare; none if left out.")
    ] = None,
    crossings: Annotated[int, typer.Option(min=1, help="Most of them.")] = 100_000,
    part: Part = "xcvu13p",
    clock: Clock = 5.0,
    latency: Latency = None,
    latency_bx: Annotated[
        int | None,
        typer.Option(
            min=1, help="Bunch crossings from words to decision at most; the menu's if left out."
        ),
    ] = None,
) -> None:
    """Write a menu's Verilog with prescales and final decision; simulate it on real crossings."""
    from edgetrig.menu_files import read_menu
    from edgetrig.menu_hardware import MenuHardware

    read = read_menu(menu)
    if latency is not None and latency_bx is not None:
        raise Error("--latency and --latency-bx say the same: give one of them")
    with step("compiling the menu"):
        hardware = MenuHardware.compile(
            read, part=part, clock_ns=clock, latency=latency, latency_bx=latency_bx
        )
    say(hardware.summary())
    if data is not None:
        with step(f"simulating crossings of {data.name}"):
            compared = hardware.verify(_first(read, data, crossings))
        say(f"{compared:,} crossings: every output bit equal in simulation and emulation")
    hardware.write(out)
    say(f"wrote {out}: {len(read.seeds)} seeds, {hardware.wrapper.latency} clock cycles")


def _blocks(menu: Menu, path: Path) -> Iterator[Mapping[str, Any]]:
    from edgetrig.physics.l1 import read_l1

    return read_l1(path, [kind.column(name) for kind, name in menu.columns()])


def _first(menu: Menu, path: Path, most: int) -> Mapping[str, Any]:
    """Return the first events of a file in memory."""
    import numpy as np

    parts: list[Mapping[str, Any]] = []
    for block in _blocks(menu, path):
        parts.append(block)
        if sum(len(next(iter(part.values()))) for part in parts) >= most:
            break
    return {name: np.concatenate([part[name] for part in parts])[:most] for name in parts[0]}
