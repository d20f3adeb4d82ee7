"""Events for the studies of a menu: which files, how their events count, and counting them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from edgetrig.cli.console import step
from edgetrig.errors import DataError, Error
from edgetrig.files import existing_file

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Decider, Fired, Menu, Rates

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


class Counting(NamedTuple):
    """How events count, as the options say."""

    weight: str | None = None
    luminosity: float | None = None
    cross_sections_pb: Mapping[str, float] = {}
    dask: str | None = None


class Counted(NamedTuple):
    """Events of one process or a mixture, and the cross section where it is known."""

    fired: Fired
    cross_section_pb: float | None


def counting(
    files: Sequence[Path],
    weight: str | None = None,
    luminosity: float | None = None,
    cross_section: Sequence[str] | None = None,
    dask: str | None = None,
) -> Counting:
    """Return how events count, once the options are known to fit all files of the command."""
    from edgetrig.physics.l1 import contents_l1
    from edgetrig.trigger.menu import file_matches

    for file in files:
        existing_file(file)
    given = dict(_cross_section(text) for text in cross_section or ())
    for pattern in given:
        if not any(file_matches(file, pattern) for file in files):
            raise Error(f"--cross-section {pattern}: no file of that name is given")
    if weight not in (None, "1") and not any(
        weight in contents_l1(file, [weight])[0] for file in files
    ):
        raise DataError(f"{files[0]}: no column {weight!r} of weights")
    if luminosity is not None and not 0 < luminosity < math.inf:
        raise Error(f"--luminosity {luminosity:g}: a number above 0 is needed, such as 2e34")
    return Counting(weight, luminosity, given, dask)


def rates_of(menu: Menu, decide: Decider, data: Sequence[Path], how: Counting) -> Rates:
    """Return rates in zero-bias events, or in processes at a luminosity."""
    from edgetrig.trigger.menu import Rates, khz_of

    counted = count(decide, data, how)
    if counted.cross_section_pb is None:
        return Rates(menu, counted.fired)
    if how.luminosity is None:
        raise DataError(
            f"{data[0]}: events of a process, no fair sample of crossings;"
            " give --luminosity, or zero-bias events"
        )
    return Rates(menu, counted.fired, khz_of(counted.cross_section_pb, how.luminosity))


def count(decide: Decider, data: Sequence[Path], how: Counting) -> Counted:
    """Count which seeds fire in files; processes are mixed by their cross sections."""
    from edgetrig.trigger.menu import (
        CountFired,
        file_matches,
        mixed,
        samples_of,
        total,
        weight_column,
    )

    given = {
        pattern: value
        for pattern, value in how.cross_sections_pb.items()
        if any(file_matches(file, pattern) for file in data)
    }
    samples = samples_of(data, given)
    known = [sample.cross_section_pb for sample in samples]
    if len(samples) > 1 and None in known:
        without = samples[known.index(None)].parts[0].file
        raise DataError(f"{without}: has no cross section, as other files here have; give one")
    task = CountFired(decide, weight_column(data, how.weight))
    with step(f"counting {', '.join(file.name for file in data[:3])}") as progress:
        fired = [total(task, sample.parts, how.dask, progress) for sample in samples]
    for sample, some in zip(samples, fired, strict=True):
        if not some.weight.total > 0:
            raise DataError(
                f"{sample.parts[0].file}: weights of {some.weight.total:g} in total;"
                " more than 0 is needed, or --weight 1"
            )
    sigmas = [sigma for sigma in known if sigma is not None]
    if not sigmas:
        return Counted(fired[0], None)
    return Counted(mixed(zip(fired, sigmas, strict=True)), sum(sigmas))


def _cross_section(text: str) -> tuple[str, float]:
    pattern, _, value = text.rpartition("=")
    try:
        sigma = float(value)
    except ValueError:
        pattern = ""
    if not pattern:
        raise Error(f"--cross-section {text!r}: FILES=PB is needed")
    return pattern, sigma


def signals_of(texts: Sequence[str] | None) -> dict[str, list[Path]]:
    """Return the files of each signal from ``NAME=FILE``."""
    signals: dict[str, list[Path]] = {}
    for text in texts or ():
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise Error(f"--signal {text!r}: NAME=FILE is needed")
        signals.setdefault(name, []).append(Path(path))
    return signals


def cross_sections_of(counted: Mapping[str, Counted]) -> dict[str, float]:
    """Return the cross sections that are known, in pb."""
    every = {name: one.cross_section_pb for name, one in counted.items()}
    return {name: sigma for name, sigma in every.items() if sigma is not None}
