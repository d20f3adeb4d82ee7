"""How the events of a command count, and counting them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from edgetrig.cli.commands.menu import options
from edgetrig.cli.console import step
from edgetrig.errors import DataError, Error
from edgetrig.files import existing_file
from edgetrig.progress import Progress, silent

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Decider, Fired, Menu, Rates, Told, TurnOn


class Counted(NamedTuple):
    """Events of one process or a mixture, and the cross section where it is known."""

    fired: Fired
    cross_section_pb: float | None


@dataclass(frozen=True)
class Counting:
    """How events count, as the options say; see their help."""

    weight: str | None = None
    luminosity: float | None = None
    cross_sections_pb: Mapping[str, float] = field(default_factory=dict)
    dask: str | None = None

    @classmethod
    def of(
        cls,
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
        given = dict(
            options.name_and_number("--cross-section", "FILES=PB", text)
            for text in cross_section or ()
        )
        for pattern in given:
            if not any(file_matches(file, pattern) for file in files):
                raise Error(f"--cross-section {pattern}: no file of that name is given")
        if weight not in (None, "1") and not any(
            weight in contents_l1(file, [weight])[0] for file in files
        ):
            raise DataError(f"{files[0]}: no column {weight!r} of weights")
        if luminosity is not None and not 0 < luminosity < math.inf:
            raise Error(f"--luminosity {luminosity:g}: a number above 0 is needed, such as 2e34")
        return cls(weight, luminosity, given, dask)

    def rates(self, menu: Menu, decide: Decider, data: Sequence[Path]) -> Rates:
        """Return rates in zero-bias events, or in processes at a luminosity."""
        from edgetrig.trigger.menu import Rates, khz_of

        counted = self.fired(decide, data)
        if counted.cross_section_pb is None:
            return Rates(menu, counted.fired)
        if self.luminosity is None:
            raise DataError(
                f"{data[0]}: events of a process, no fair sample of crossings;"
                " give --luminosity, or zero-bias events"
            )
        return Rates(menu, counted.fired, khz_of(counted.cross_section_pb, self.luminosity))

    def fired(self, decide: Decider, data: Sequence[Path]) -> Counted:
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
            for pattern, value in self.cross_sections_pb.items()
            if any(file_matches(file, pattern) for file in data)
        }
        samples = samples_of(data, given)
        known = [sample.cross_section_pb for sample in samples]
        if len(samples) > 1 and None in known:
            without = samples[known.index(None)].parts[0].file
            raise DataError(f"{without}: has no cross section, as other files here have; give one")
        weight = weight_column(data, self.weight)
        with self._counting(data) as (told, progress):
            task = CountFired(decide, weight, told)
            fired = [total(task, sample.parts, self.dask, progress) for sample in samples]
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

    def turn_on(
        self,
        decide: Decider,
        data: Sequence[Path],
        seed: str,
        variable: str,
        edges: Sequence[float] | None = None,
        within: Mapping[str, tuple[float, float]] | None = None,
    ) -> TurnOn:
        """Count a turn-on curve in files; bins are chosen from the events if left out."""
        from edgetrig.trigger.menu import CountTurnOn, samples_of, total, weight_column

        parts = [part for sample in samples_of(data) for part in sample.parts]
        if edges is None:
            edges = _usual_edges(data, variable, decide.columns[0])
        weight = weight_column(data, self.weight)
        with self._counting(data) as (told, progress):
            task = CountTurnOn(decide, seed, variable, tuple(edges), within or {}, weight, told)
            curve = total(task, parts, self.dask, progress)
        if not curve.total.any():
            raise DataError(
                f"{data[0]}: no events with {variable} in {edges[0]:g} to {edges[-1]:g}"
            )
        return curve

    @contextmanager
    def _counting(self, data: Sequence[Path]) -> Iterator[tuple[Told | None, Progress]]:
        """Show how many events are counted; on a cluster how many files, which is all it tells."""
        from edgetrig.trigger.menu import THREADS

        names = ", ".join(file.name for file in data[:3])
        if self.dask not in (None, THREADS):
            with step(f"counting in {names}: files") as progress:
                yield None, progress
            return
        lock, counted = Lock(), 0
        with step(f"counting events of {names}") as progress:

            def told(events: int) -> None:
                nonlocal counted
                with lock:
                    counted += events
                    progress(counted, 0)

            yield told, silent


def cross_sections_of(counted: Mapping[str, Counted]) -> dict[str, float]:
    """Return the cross sections that are known, in pb."""
    every = {name: one.cross_section_pb for name, one in counted.items()}
    return {name: sigma for name, sigma in every.items() if sigma is not None}


def _usual_edges(data: Sequence[Path], variable: str, code: str) -> list[float]:
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
