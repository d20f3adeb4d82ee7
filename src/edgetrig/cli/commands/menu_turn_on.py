"""``edgetrig menu turn-on``: how often a seed fires against a true quantity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrig.cli.commands.menu_events import Counting, MenuFile, Weight, Where, counting
from edgetrig.cli.console import say, step
from edgetrig.errors import DataError, Error
from edgetrig.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetrig.trigger.menu import Decider, TurnOn

Events = Annotated[
    list[Path],
    typer.Argument(metavar="DATA...", help="Events with true quantities (.parquet, .h5, .npz)."),
]


def menu_turn_on(
    menu: MenuFile,
    data: Events,
    seed: Annotated[str, typer.Option(help="The seed; its prescale does not count.")],
    variable: Annotated[str, typer.Option(help="Column such as true_muon_pt.")],
    bins: Annotated[
        str | None,
        typer.Option(
            help="LOW:HIGH:NUMBER, or edges 0,5,10,...; chosen from the data if left out."
        ),
    ] = None,
    within: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=LOW:HIGH", help="Count only such events; repeat."),
    ] = None,
    weight: Weight = None,
    out: Annotated[Path | None, typer.Option(help="Write the curve as JSON.")] = None,
    dask: Where = None,
) -> None:
    """Efficiency of a seed against a true quantity, with Clopper-Pearson intervals (68 %)."""
    from edgetrig.menu_files import read_menu
    from edgetrig.trigger.menu import Decider

    read = read_menu(menu).only([seed])
    how = counting(data, weight, dask=dask)
    ranges = dict(_range(text) for text in within or ())
    edges = None if bins is None else edges_of(bins)
    with step("compiling the menu"):
        decide = Decider.of(read)
    curve = counted(decide, data, seed, variable, how, edges, ranges)
    say(str(curve))
    if out is not None:
        with whole_file(out) as temporary:
            temporary.write_text(json.dumps(curve.to_dict(), indent=1) + "\n")
        say(f"wrote {out}")


def counted(
    decide: Decider,
    data: Sequence[Path],
    seed: str,
    variable: str,
    how: Counting,
    edges: Sequence[float] | None = None,
    within: dict[str, tuple[float, float]] | None = None,
) -> TurnOn:
    """Count a turn-on curve in files; bins are chosen from the events if left out."""
    from edgetrig.trigger.menu import CountTurnOn, samples_of, total, weight_column

    parts = [part for sample in samples_of(data) for part in sample.parts]
    if edges is None:
        edges = _usual(data, variable, decide.columns[0])
    weight = weight_column(data, how.weight)
    task = CountTurnOn(decide, seed, variable, tuple(edges), within or {}, weight)
    with step(f"counting {', '.join(file.name for file in data[:3])}") as progress:
        curve = total(task, parts, how.dask, progress)
    if not curve.total.any():
        raise DataError(f"{data[0]}: no events with {variable} in {edges[0]:g} to {edges[-1]:g}")
    return curve


def _usual(data: Sequence[Path], variable: str, code: str) -> list[float]:
    """Return bins that hold nearly all values of every part of the files, which may be sorted."""
    from edgetrig.physics.l1 import read_l1
    from edgetrig.trigger.menu import numbers_of, usual_edges

    found: list[list[float]] = []
    for file in data:
        for block in read_l1(file, [variable, code]):
            values = numbers_of(block, variable)
            if values.any():
                found.append(usual_edges(values).tolist())
    if not found:
        raise DataError(f"{data[0]}: column '{variable}' is 0 in all events; choose another")
    return max(found, key=lambda edges: (edges[0] < 0, edges[-1]))


def edges_of(text: str) -> list[float]:
    """Return the edges that ``low:high:number`` or ``edge,edge,...`` means."""
    import numpy as np

    from edgetrig.trigger.menu import MOST_BINS, checked_edges

    try:
        if ":" not in text:
            return [float(value) for value in checked_edges([float(x) for x in text.split(",")])]
        low, high, number = text.split(":")
        count = int(number)
        if not 1 <= count <= MOST_BINS:
            raise ValueError
        return [float(x) for x in checked_edges(np.linspace(float(low), float(high), count + 1))]
    except ValueError:
        raise Error(f"--bins {text!r}: LOW:HIGH:NUMBER or edges 0,5,10 are needed") from None


def _range(text: str) -> tuple[str, tuple[float, float]]:
    column, equals, ends = text.partition("=")
    try:
        low, high = (float(end) for end in ends.split(":"))
    except ValueError:
        equals = ""
    if not column or not equals or not low <= high:
        raise Error(f"--within {text!r}: COLUMN=LOW:HIGH is needed")
    return column, (low, high)
