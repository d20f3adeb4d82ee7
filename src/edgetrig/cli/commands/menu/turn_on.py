"""``edgetrig menu turn-on``: how often a seed fires against a true quantity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from edgetrig.cli.commands.menu import options
from edgetrig.cli.commands.menu.events import Counting
from edgetrig.cli.console import say, step
from edgetrig.cli.options import check_file
from edgetrig.errors import Error
from edgetrig.files import whole_file

Events = Annotated[
    list[Path],
    typer.Argument(metavar="DATA...", help="Events with true quantities (.parquet, .h5, .npz)."),
]


def menu_turn_on(
    menu: options.MenuFile,
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
    weight: options.Weight = None,
    out: Annotated[Path | None, typer.Option(help="Write the curve as JSON.")] = None,
    dask: options.Where = None,
) -> None:
    """Efficiency of a seed against a true quantity, with Clopper-Pearson intervals (68 %)."""
    from edgetrig.menu_files import read_menu
    from edgetrig.trigger.menu import Decider

    read = read_menu(menu).only([seed])
    counting = Counting.of(data, weight, dask=dask)
    if out is not None:
        check_file(out, [menu, *data])
    ranges = dict(_range(text) for text in within or ())
    edges = None if bins is None else _edges(bins)
    with step("compiling the menu"):
        decide = Decider.of(read)
    curve = counting.turn_on(decide, data, seed, variable, edges, ranges)
    say(str(curve))
    if out is not None:
        with whole_file(out) as temporary:
            temporary.write_text(json.dumps(curve.to_dict(), indent=1) + "\n")
        say(f"wrote {out}")


def _edges(text: str) -> list[float]:
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
