"""Samples of processes: which files belong together, and what their events weigh.

A process of cross section ``sigma`` makes ``sigma * L`` events a second at the luminosity ``L``, so
its rates follow from its efficiencies alone, and those of several processes add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

from edgetrig.errors import DataError
from edgetrig.physics.l1 import contents_l1
from edgetrig.trigger.menu.fired import Fired
from edgetrig.trigger.menu.spread import Scaled

WEIGHT: Final = "weight"
"""Column of weights that is used where files have it."""

PB: Final = 1e-36
"""A picobarn in cm^2."""


@dataclass(frozen=True)
class Sample:
    """Files with events of one process.

    Parameters
    ----------
    process
        Its name; ``""`` for files that do not say: those of zero-bias data.
    parts
        The files. Where each is normalised to the cross section, their weights are to be scaled so
        that all events of all files count alike again.
    cross_section_pb
        Of the process in pb; None if nothing says it.
    """

    process: str
    parts: tuple[Scaled, ...]
    cross_section_pb: float | None = None


def samples_of(
    files: Sequence[Path], cross_sections_pb: Mapping[str, float] | None = None
) -> tuple[Sample, ...]:
    """Sort files by process.

    Parameters
    ----------
    files
        Events that ``edgetrig generate l1`` made say their process and its cross section.
    cross_sections_pb
        Of other files, by a pattern for their names such as ``QCD_Pt-50to80_*.root``, or by
        their whole paths. All files of one pattern are one sample.

    Raises
    ------
    DataError
        If a file is missing or broken, matches two patterns, or a pattern matches none; or a cross
        section is not above 0.
    """
    given = dict(cross_sections_pb or {})
    for pattern, value in given.items():
        if not (math.isfinite(value) and value > 0):
            raise DataError(f"cross section {value:g} pb of {pattern}: a number above 0 is needed")
        if not any(file_matches(file, pattern) for file in files):
            raise DataError(f"cross section of {pattern}: no such file among the events")
    groups: dict[str, list[tuple[Path, _Noted | None]]] = {}
    for file in files:
        noted = _noted(file)
        patterns = [pattern for pattern in given if file_matches(file, pattern)]
        if len(patterns) > 1:
            raise DataError(f"{file}: two cross sections, of {' and '.join(patterns)}; give one")
        key = patterns[0] if patterns else noted.process if noted else ""
        groups.setdefault(key, []).append((file, noted))
    return tuple(_sample(process, group, given.get(process)) for process, group in groups.items())


class _Noted(NamedTuple):
    """What a file says of its process."""

    process: str
    cross_section_pb: float
    events: int


def _noted(file: Path) -> _Noted | None:
    metadata = contents_l1(file)[1]
    if "cross_sections_pb" not in metadata:
        return None
    try:
        recipe, sigma = metadata["recipe"], sum(metadata["cross_sections_pb"].values())
        noted = _Noted(str(recipe["process"]), float(sigma), int(recipe["events"]))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise DataError(f"{file}: what it says of its process cannot be read") from error
    if not (math.isfinite(noted.cross_section_pb) and noted.cross_section_pb > 0 < noted.events):
        raise DataError(f"{file}: says that its process has {noted.cross_section_pb:g} pb")
    return noted


def _sample(
    process: str, group: Sequence[tuple[Path, _Noted | None]], given: float | None
) -> Sample:
    noted = [note for _, note in group if note is not None]
    if len(noted) < len(group):
        return Sample(process, tuple(Scaled(file, 1.0) for file, _ in group), given)
    events = sum(note.events for note in noted)
    mean = sum(note.cross_section_pb * note.events for note in noted) / events
    shares = [note.events / events for note in noted]
    parts = tuple(Scaled(file, share) for (file, _), share in zip(group, shares, strict=True))
    return Sample(process, parts, mean if given is None else given)


def file_matches(file: Path, pattern: str) -> bool:
    """Return whether a file has this path, or a name of this pattern."""
    return str(file) == pattern or fnmatch(file.name, pattern)


def weight_column(files: Sequence[Path], asked: str | None = None) -> str | None:
    """Return the column of the events' weights; None where all events count alike.

    Parameters
    ----------
    files
        Files with events.
    asked
        The column; by default ``weight``. It is taken where the files have it; ``"1"`` for none.

    Raises
    ------
    DataError
        If only some of the files have it.
    """
    if asked == "1":
        return None
    name = asked or WEIGHT
    having = {file: name in contents_l1(file, [name])[0] for file in files}
    without = [file for file, has in having.items() if not has]
    if 0 < len(without) < len(having):
        raise DataError(f"{without[0]}: no column {name!r} of weights, which other files here have")
    return None if without else name


def khz_of(cross_section_pb: float, luminosity: float) -> float:
    """Return the rate of a process in kHz.

    Parameters
    ----------
    cross_section_pb
        In pb.
    luminosity
        Instantaneous, in 1/(cm^2 s).
    """
    return cross_section_pb * PB * luminosity / 1000


def mixed(parts: Iterable[tuple[Fired, float]]) -> Fired:
    """Return the events of several processes as one sample whose weights are pb an event.

    Parameters
    ----------
    parts
        Of each process, what fired in its events and its cross section in pb.

    Raises
    ------
    DataError
        If a process' weights do not sum to more than 0, or there are none.
    """
    scaled = []
    for fired, cross_section in parts:
        weight = fired.weight.total
        if not weight > 0:
            raise DataError(f"events with a total weight of {weight:g} cannot be scaled")
        scaled.append(fired.scaled(cross_section / weight))
    if not scaled:
        raise DataError("no processes to mix")
    first, *others = scaled
    return sum(others, start=first)
