"""``edgetrig menu``: rates, thresholds and firmware of a trigger menu."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetrig.cli.console import say, step
from edgetrig.cli.options import Clock, Latency, Part
from edgetrig.errors import Error
from edgetrig.files import whole_file

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Decider, Fired, Menu

MenuFile = Annotated[Path, typer.Argument(metavar="MENU", help="A menu (.yaml).")]
Data = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="Zero-bias events (.parquet, .h5, .npz, .root)."),
]
Files = Annotated[
    list[Path],
    typer.Argument(metavar="DATA...", help="Zero-bias events (.parquet, .h5, .npz, .root)."),
]
Signals = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=FILE", help="Events of a signal, for its efficiency; repeat."),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE",
        help="Count the files by Dask: 'threads', or a scheduler such as tcp://host:8786.",
    ),
]


def menu_rates(
    menu: MenuFile,
    data: Files,
    signal: Signals = None,
    out: Annotated[Path | None, typer.Option(help="Write all figures as JSON.")] = None,
    dask: Where = None,
) -> None:
    """Rates of every seed: its own, pure, cumulative, what it adds; efficiencies of signals."""
    from edgetrig.report import rate_facts
    from edgetrig.trigger.menu import Decider, Rates, read_menu

    read = read_menu(menu)
    signals = dict(named(text) for text in signal or ())
    with step("compiling the menu"):
        decide = Decider.of(read)
    rates = Rates(read, count(decide, data, dask))
    say(str(rates))
    fired = {name: count(decide, [path], dask) for name, path in signals.items()}
    for name, events in fired.items():
        seeds, total = rates.efficiency(events)
        best = ", ".join(
            f"{seed.name} {share:.1%}"
            for share, seed in sorted(zip(seeds, read.seeds, strict=True), key=lambda p: -p[0])[:3]
        )
        say(f"{name}: {total:.2%} kept; most by {best}")
    if out is not None:
        with whole_file(out) as temporary:
            temporary.write_text(json.dumps(rate_facts(rates, fired), indent=1))
        say(f"wrote {out}")


def menu_tune(
    menu: MenuFile,
    data: Data,
    seed: Annotated[str, typer.Option(help="The seed.")],
    rate: Annotated[float, typer.Option(help="Rate that it may take, in kHz.")],
    parameter: Annotated[str, typer.Option(help="Its parameter.")] = "threshold",
    grid: Annotated[str, typer.Option(help="Step of the values tried.")] = "0.5",
) -> None:
    """Find the smallest value of a seed's parameter that keeps within a rate."""
    from edgetrig.trigger.menu import Decider, read_menu, tune

    read = read_menu(menu)
    try:
        step_of = Fraction(grid)
    except ValueError:
        raise Error(f"--grid {grid!r} is no number") from None
    _, tuned = tune(
        read,
        seed,
        parameter,
        rate,
        lambda some: count(Decider.of(some), [data]),
        high=4095 * step_of,
        step=step_of,
    )
    say(
        f"{seed}: {parameter} = {float(tuned.value):g} gives {tuned.rate_khz:.2f}"
        f" +- {tuned.error_khz:.2f} kHz (asked for {rate:g})"
    )


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
) -> None:
    """Write a menu's Verilog with prescales and final decision; simulate it on real crossings."""
    import edgetrig
    from edgetrig.menu_hardware import MenuHardware
    from edgetrig.trigger.menu import read_menu

    read = read_menu(menu)
    with step("compiling the menu"):
        design = edgetrig.compile(read, part=part, clock_ns=clock, latency=latency)
        hardware = MenuHardware(read, design)
    if data is not None:
        with step(f"simulating crossings of {data.name}"):
            compared = hardware.verify(_first(read, data, crossings))
        say(f"{compared:,} crossings: every output bit equal in simulation and emulation")
    hardware.write(out)
    say(f"wrote {out}: {len(read.seeds)} seeds, {hardware.wrapper.latency} clock cycles")


def named(text: str) -> tuple[str, Path]:
    """Return the two sides of ``NAME=FILE``."""
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise Error(f"--signal {text!r}: NAME=FILE is needed")
    return name, Path(path)


def _blocks(menu: Menu, path: Path) -> Iterator[Mapping[str, Any]]:
    from edgetrig.physics.l1 import read_l1

    return read_l1(path, [kind.column(name) for kind, name in menu.columns()])


def count(decide: Decider, data: Sequence[Path], dask: str | None = None) -> Fired:
    """Count which seeds fire in files."""
    from edgetrig.trigger.menu import CountFired, total

    with step(f"counting {', '.join(file.name for file in data[:3])}") as progress:
        return total(CountFired(decide), data, dask, progress)


def _first(menu: Menu, path: Path, most: int) -> Mapping[str, Any]:
    """Return the first events of a file in memory."""
    import numpy as np

    parts: list[Mapping[str, Any]] = []
    for block in _blocks(menu, path):
        parts.append(block)
        if sum(len(next(iter(part.values()))) for part in parts) >= most:
            break
    return {name: np.concatenate([part[name] for part in parts])[:most] for name in parts[0]}
