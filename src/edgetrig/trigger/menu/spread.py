"""Studies over many files or blocks of events: here, by Dask's threads, or on a cluster.

A study is a pure task for one part of the data, and results that add up. So whoever runs a part,
and however often, its result is added once, in the order of the parts.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgetrig import circuit
from edgetrig.errors import DataError, ToolError, require
from edgetrig.physics.l1 import ObjectType, read_l1
from edgetrig.progress import Progress, silent
from edgetrig.trigger.menu.fired import Fired, count_fired
from edgetrig.trigger.menu.menu import Menu
from edgetrig.trigger.menu.turn_on import Columns, TurnOn, measure_turn_on, numbers_of

THREADS: Final = "threads"
"""Where `total` runs: Dask's threads on this machine."""

Told = Callable[[int], None]
"""Called with how many events were counted since the last call; by threads from any of them."""

_ADDRESS: Final = re.compile(r"((tcp|tls|ucx|ws|wss)://)?[^/]+:\d+|inproc://.+")


class Addable(Protocol):
    """A result of a part of the data: those of two parts add up to that of both."""

    def __add__(self, other: Self, /) -> Self:
        """Return the result of both parts."""


Part = TypeVar("Part")
Result = TypeVar("Result", bound=Addable)


def total(
    task: Callable[[Part], Result],
    parts: Sequence[Part],
    where: str | None = None,
    progress: Progress = silent,
) -> Result:
    """Return the sum of a task's results over all parts, the same wherever it runs.

    Parameters
    ----------
    task
        A pure function of one part, such as `CountFired`. A cluster's workers unpickle it, so that
        modules and files that it needs must be theirs too.
    parts
        Files or blocks of events.
    where
        Left out: here, one after another. ``"threads"``: Dask's threads. The address of a Dask
        scheduler, such as ``"tcp://host:8786"``: its workers. A part whose worker is lost, before
        or after its result was there, is computed again by another one.
    progress
        Told how many parts are done.

    Raises
    ------
    DataError
        If there are no parts, or by the task.
    ToolError
        If Dask is not installed, `where` is no address, no scheduler answers, or workers die over
        and over on one part.
    """
    if not parts:
        raise DataError("no files or blocks of events to count")
    if where is None:
        return _added(_each(task, parts, progress))
    if where == THREADS:
        dask = require("dask", "dask")
        lazy = [dask.delayed(task, pure=False)(part) for part in parts]
        results: Sequence[Result] = dask.compute(*lazy, scheduler="threads")
        return _added(results)
    return _added(_on_cluster(task, parts, where, progress))


def _each(
    task: Callable[[Part], Result], parts: Sequence[Part], progress: Progress
) -> Iterator[Result]:
    for done, part in enumerate(parts, 1):
        yield task(part)
        progress(done, len(parts))


def _added(results: Iterable[Result]) -> Result:
    first, *others = results
    for result in others:
        first = first + result
    return first


def _on_cluster(
    task: Callable[[Part], Result], parts: Sequence[Part], address: str, progress: Progress
) -> Sequence[Result]:
    distributed = require("distributed", "dask")
    if not _ADDRESS.fullmatch(address):  # a client of such an address would hang at its end
        raise ToolError(
            f"{address!r} is no Dask scheduler: 'threads' or an address like tcp://host:8786 is one"
        )
    try:
        client = distributed.Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ToolError(f"no Dask scheduler answers at {address}; start one there") from error
    with client:
        # One key a part: the same file given twice counts twice, and a part run twice counts once.
        futures = client.map(task, parts, pure=False, key=type(task).__name__)
        try:
            ready = distributed.as_completed(futures, loop=client.loop)
            for done, _ in enumerate(ready, 1):
                progress(done, len(parts))
            # What a lost worker held is computed again before it comes here.
            results: Sequence[Result] = client.gather(futures)
        except distributed.KilledWorker as error:
            raise ToolError(f"workers of {address} died over and over on one part") from error
    return results


@dataclass(frozen=True)
class Decider:
    """A menu's decisions on columns of codes, small enough to send to where the data is.

    Parameters
    ----------
    content
        The menu's circuit, as `edgetrig.circuit.save` writes it.
    columns
        Names of the columns that it reads.
    seeds
        Names of the seeds.
    types
        Types of the objects that the columns belong to.
    """

    content: bytes = field(repr=False)
    columns: tuple[str, ...]
    seeds: tuple[str, ...]
    types: tuple[ObjectType, ...] = field(repr=False)

    @classmethod
    def of(cls, menu: Menu) -> Decider:
        """Compile a menu.

        Raises
        ------
        MenuError
            If a seed or a model has no meaning.
        """
        from edgetrig.optimize import FOR_EMULATION, optimize

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "menu.edgetrig")
            circuit.save(optimize(menu.circuit(), FOR_EMULATION), file)
            content = file.read_bytes()
        columns = tuple(kind.column(name) for kind, name in menu.columns())
        types = tuple({kind.name: kind for kind, _ in menu.columns()}.values())
        return cls(content, columns, tuple(seed.name for seed in menu.seeds), types)

    def __call__(self, columns: Columns) -> NDArray[np.generic]:
        """Return decisions of shape (events, seeds), before prescales.

        Raises
        ------
        DataError
            If a column is missing.
        """
        missing = [name for name in self.columns if name not in columns]
        if missing:
            raise DataError(f"no column '{missing[0]}' in the events")
        codes = {name: columns[name] for name in self.columns}
        decisions: NDArray[np.generic] = _emulator(self.content).predict(codes)
        return decisions


@lru_cache(maxsize=8)
def _emulator(content: bytes) -> Any:
    """Return the emulator of a saved circuit; each process makes it once."""
    from edgetrig.emulate import Emulator

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "menu.edgetrig")
        file.write_bytes(content)
        return Emulator(circuit.load(file))


class Scaled(NamedTuple):
    """A file whose events' weights are all to be multiplied by a factor."""

    file: Path
    factor: float


Source = str | Path | Scaled | Columns
"""A part of the data: a file, or a block of columns in memory."""


@dataclass(frozen=True)
class CountFired:
    """The task that counts which seeds fire in a part.

    Parameters
    ----------
    decide
        The menu.
    weight
        Column of weights; all events count alike if left out.
    told
        Told of every block of events in a file. It cannot go to a cluster's workers.
    """

    decide: Decider
    weight: str | None = None
    told: Told | None = field(default=None, repr=False, compare=False)

    def __call__(self, part: Source) -> Fired:
        """Return the histogram of one part."""
        blocks = _blocks(part, self.decide, (), self.weight, self.told)
        with _named(part):
            return count_fired(self.decide, blocks, len(self.decide.seeds), weight=self.weight)


@dataclass(frozen=True)
class CountTurnOn:
    """The task that counts a turn-on curve in a file or a block.

    Parameters as those of `measure_turn_on` and `CountFired`.
    """

    decide: Decider
    seed: str
    variable: str
    edges: tuple[float, ...]
    within: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    weight: str | None = None
    told: Told | None = field(default=None, repr=False, compare=False)

    def __call__(self, part: Source) -> TurnOn:
        """Return the curve of one part."""
        more = (self.variable, *self.within)
        with _named(part):
            return measure_turn_on(
                self.decide,
                _blocks(part, self.decide, more, self.weight, self.told),
                self.decide.seeds,
                self.seed,
                self.variable,
                self.edges,
                self.within,
                self.weight,
            )


@contextmanager
def _named(part: Source) -> Iterator[None]:
    """Name the file in errors about its events."""
    try:
        yield
    except DataError as error:
        file = part.file if isinstance(part, Scaled) else part
        if not isinstance(file, str | Path) or str(error).startswith(str(file)):
            raise
        raise DataError(f"{file}: {error}") from error


def _blocks(
    part: Source, decide: Decider, more: tuple[str, ...], weight: str | None, told: Told | None
) -> Iterable[Columns]:
    """Return a part's blocks, once their codes are known to fit their fields."""
    if isinstance(part, Scaled):
        blocks = _blocks(part.file, decide, more, weight, told)
        return (_scaled(block, weight, part.factor) for block in blocks)
    if isinstance(part, str | Path):
        columns = (*decide.columns, *more, *([] if weight is None else [weight]))
        return _telling(read_l1(part, tuple(dict.fromkeys(columns))), told)
    for kind in decide.types:
        kind.check(part)
    return [part]


def _telling(blocks: Iterable[Columns], told: Told | None) -> Iterator[Columns]:
    for block in blocks:
        yield block
        if told is not None:
            told(len(next(iter(block.values()))))


def _scaled(block: Columns, weight: str | None, factor: float) -> Columns:
    return block if weight is None else {**block, weight: numbers_of(block, weight) * factor}
