"""``edgetrig menu firmware``: a menu's firmware project, simulated on real crossings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetrig.cli.commands.menu import options
from edgetrig.cli.console import say, step
from edgetrig.cli.options import Clock, Latency, Part
from edgetrig.errors import Error

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Menu


def menu_firmware(
    menu: options.MenuFile,
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
    """Write a menu's firmware: Verilog with prescales, bench, scripts; simulate real crossings."""
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
    columns = None
    if data is not None:
        with step(f"simulating crossings of {data.name}"):
            columns = _first(read, data, crossings)
            compared = hardware.verify(columns)
        say(f"{compared:,} crossings: every output bit equal in simulation and emulation")
    hardware.write(out, columns=columns)
    say(f"wrote {out}: {len(read.seeds)} seeds, {hardware.wrapper.latency} clock cycles")


def _first(menu: Menu, path: Path, most: int) -> Mapping[str, Any]:
    """Return the first events of a file in memory."""
    import numpy as np

    from edgetrig.physics.l1 import read_l1

    columns = [kind.column(name) for kind, name in menu.columns()]
    parts: list[Mapping[str, Any]] = []
    for block in read_l1(path, columns):
        parts.append(block)
        if sum(len(next(iter(part.values()))) for part in parts) >= most:
            break
    return {name: np.concatenate([part[name] for part in parts])[:most] for name in parts[0]}
