"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from edgetrig.errors import Error
from edgetrig.files import existing_file


def words(text: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def numbers(text: str) -> tuple[int, ...]:
    """Return the whole numbers of a comma-separated list."""
    try:
        return tuple(int(part) for part in words(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list like 64,32,32") from None


def check_folder(folder: Path) -> None:
    """Demand, before long work begins, that its result can be written.

    Raises
    ------
    Error
        If the folder, or the nearest one above it that exists, is none or cannot be written.
    """
    place = folder.absolute()
    nearest = next(path for path in (place, *place.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise Error(f"{folder}: cannot be written ({nearest} is in the way); choose another folder")


def check_file(file: Path, read: Iterable[Path]) -> None:
    """Demand, before long work begins, that a result can be written and replaces nothing read.

    Raises
    ------
    Error
        If its folder cannot be written, or it is one of the files that the command reads.
    DataError
        If one of those does not exist.
    """
    check_folder(file.parent)
    for source in read:
        if file.exists() and file.samefile(existing_file(source)):
            raise Error(f"{file}: is read here, too; choose another file with --out")


DesignFile = Annotated[
    Path,
    typer.Argument(
        metavar="DESIGN",
        help="A saved design (.edgetrig), or a model file or menu, compiled with the defaults.",
    ),
]
Columns = Annotated[
    str,
    typer.Option(
        metavar="A,B,...",
        help="Input columns in the model's order; by default the jet features if the file has "
        "them, else all columns but the label.",
    ),
]
Label = Annotated[str, typer.Option(help="Column of the true class: numbers from 0, or names.")]
_PART = "FPGA part or family, e.g. xcvu13p, xc7, ecp5, ice40."
_CLOCK = "Clock period to cut stages for, in ns."
Part = Annotated[str, typer.Option(help=_PART)]
Clock = Annotated[float, typer.Option(help=_CLOCK)]
OwnPart = Annotated[
    str | None, typer.Option(help=f"{_PART} A design's own by default, else xcvu13p.")
]
OwnClock = Annotated[
    float | None, typer.Option(help=f"{_CLOCK} A design's own by default, else 5.")
]
Latency = Annotated[
    int | None,
    typer.Option(
        help="Clock cycles from input to output; 0: no registers. Else as few as --clock needs."
    ),
]
OwnEffort = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=1_000_000,
        help="How long to look for smaller sums, in tenths of a second of one core. A design's "
        "own by default, else 1.",
    ),
]
# Keras, for one, takes no larger seeds than of 32 bits.
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything that is random.")]
Vectors = Annotated[
    int,
    typer.Option(
        min=1, max=10_000_000, help="Least number of vectors: real, corner and random ones."
    ),
]
SplitSeed = Annotated[
    int | None,
    typer.Option(
        min=0, help="Use only the events that a training with this seed kept for the test."
    ),
]
