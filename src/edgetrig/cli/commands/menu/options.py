"""Arguments and options that several commands of ``edgetrig menu`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgetrig.errors import Error

MenuFile = Annotated[Path, typer.Argument(metavar="MENU", help="A menu (.yaml).")]
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA...",
        help="Zero-bias events, or processes with cross sections (.parquet, .h5, .npz, .root).",
    ),
]
Signals = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FILE",
        help="Events of a signal, for its efficiency; repeat, with one name for many files.",
    ),
]
Weight = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Events' weights; 'weight' where the files have it; 1: all count alike.",
    ),
]
Luminosity = Annotated[
    float | None,
    typer.Option(
        metavar="L", help="Luminosity in 1/(cm^2 s), such as 2e34: rates of processes follow."
    ),
]
CrossSections = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILES=PB",
        help="Cross section in pb of files that do not state it, such as 'QCD_50*.root=1.9e7'.",
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE",
        help="Count the files by Dask: 'threads', or a scheduler such as tcp://host:8786.",
    ),
]
TurnOns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SEED:COLUMN=FILE",
        help="Draw a turn-on curve, such as L1_SingleMu22:true_muon_pt=top.parquet; repeat.",
    ),
]


def name_and_number(option: str, form: str, text: str) -> tuple[str, float]:
    """Return what an option of the form ``NAME=NUMBER`` says; `form` stands in the error."""
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        name = ""
    if not name:
        raise Error(f"{option} {text!r}: {form} is needed")
    return name, number
