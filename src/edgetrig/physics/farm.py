"""Make a long run in shards by worker processes, in a folder that survives a kill."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import queue
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgetrig import programs
from edgetrig.errors import DataError, Error, ToolError
from edgetrig.files import whole_file
from edgetrig.progress import Progress

FORMATS: Final = (".parquet", ".h5", ".hdf5")
"""Suffixes of the files that a run in shards can end in: those that are written in blocks."""

MOST_EVENTS: Final = 1_000_000_000
"""Jets or events that a run makes at most: the list of its shards stays in memory."""


class Task(Protocol):
    """One shard: what a worker is asked to make."""

    @property
    def name(self) -> str:
        """The file's name within the folder of shards."""

    @property
    def kind(self) -> str:
        """What it holds, as in ``jets of class 'g'``."""

    @property
    def size(self) -> int:
        """How many jets, events or collisions are in it."""

    def _asdict(self) -> dict[str, Any]: ...


AnyTask = TypeVar("AnyTask", bound=Task)
Result = TypeVar("Result")


class Work(NamedTuple):
    """How shards are made."""

    maker: str
    """``module:function`` that makes the columns of a shard from the fields of a task, given as a
    mapping."""

    column: str
    """A column with an entry for each jet, event or collision, by which a whole shard is known."""

    what: str
    """What is made, for errors: ``"jets"``."""


def check_request(target: Path, what: str, events: int, seed: int) -> None:
    """Refuse what a run cannot make, or a file that it cannot end in.

    Raises
    ------
    DataError
        If the suffix is none of `FORMATS`, it is a folder, or a number is out of range.
    """
    if not 1 <= events <= MOST_EVENTS:
        raise DataError(f"events is {events}; ask for 1 to {MOST_EVENTS:,}")
    if seed < 0:
        raise DataError(f"seed is {seed}; give a whole number from 0")
    if target.suffix.lower() not in FORMATS:
        raise DataError(f"{target}: {what} are written as {', '.join(FORMATS)}; choose one")
    if target.is_dir():
        raise DataError(f"{target}: is a folder; give the name of a file")


def processors(processes: int | None) -> int:
    """Return how many workers to start: one for each processor this process may use, or as told."""
    if processes is not None and processes < 1:
        raise DataError(f"processes is {processes}; give at least 1")
    return processes or programs.processors()


@contextmanager
def claimed(folder: Path, recipe: Mapping[str, Any], target: Path) -> Iterator[None]:
    """Hold the folder of shards against other runs, and see that it is of this recipe."""
    with locked(folder, target, patient=False):
        noted = folder / "recipe.json"
        text = json.dumps(recipe, indent=1)
        if not noted.exists():
            with whole_file(noted) as temporary:
                temporary.write_text(text)
        elif noted.read_text() != text:
            raise DataError(
                f"{target}: {folder.name} holds an unfinished run with other settings; "
                "finish that one with its settings, or remove the folder"
            )
        yield


@contextmanager
def locked(folder: Path, target: Path, patient: bool) -> Iterator[None]:
    """Hold a folder against other processes; a patient one waits until it is free."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o666)
    except OSError as error:
        raise Error(
            f"{target}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if patient else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Error(f"{target}: another run is making it; wait for that one") from error
        yield
    finally:
        os.close(lock)


def is_whole(file: Path, column: str, rows: int) -> bool:
    """Whether a shard is there; one damaged by a power cut is made again."""
    try:
        # Opened here, because NumPy leaves a damaged archive open.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as made:
            return len(made[column]) == rows and "cpu" in made
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return False


def finish(
    folder: Path,
    tasks: Sequence[Task],
    work: Work,
    processes: int,
    progress: Progress,
    gather: Callable[[], Result],
) -> Result:
    """Make the shards that a folder lacks, then gather all of them.

    Parameters
    ----------
    folder
        Of the shards; held by this process (`claimed`, `locked`).
    tasks
        All shards, made before or not.
    work
        How they are made.
    processes
        Worker processes at a time.
    progress
        Called before the first shard and after each, with what is made and what is to make.
    gather
        Called when every shard is in the folder.

    Returns
    -------
    Result
        What `gather` returns.

    Raises
    ------
    ToolError
        If a worker fails.
    KeyboardInterrupt
        On Ctrl-C, with a line that says how to go on.
    """
    total = sum(task.size for task in tasks)
    missing = [t for t in tasks if not is_whole(folder / t.name, work.column, t.size)]
    done = total - sum(task.size for task in missing)
    progress(done, total)
    try:
        for task in run(folder, missing, work, processes):
            done += task.size
            progress(done, total)
        return gather()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted with {done} of {total} {work.what} made; "
            "the same command goes on from there"
        ) from None


def run(folder: Path, tasks: Sequence[AnyTask], work: Work, processes: int) -> Iterator[AnyTask]:
    """Make the shards in worker processes; yield each when it is in the folder.

    The workers are plain child processes with a session of their own: Ctrl-C does not reach them,
    a script needs no ``__main__`` guard, and they end when this process does, even if it is killed.

    Parameters
    ----------
    folder
        Where the shards go.
    tasks
        The shards to make.
    work
        How they are made.
    processes
        How many at a time.
    """
    waiting = list(reversed(tasks))
    busy: dict[Any, tuple[subprocess.Popen[str], AnyTask]] = {}
    workers: list[subprocess.Popen[str]] = []
    code = "import sys, pathlib; from edgetrig.physics.farm import serve; "
    code += "serve(pathlib.Path(sys.argv[1]), sys.argv[2])"
    try:
        for _ in range(min(processes, len(tasks))):
            worker = subprocess.Popen(
                [sys.executable, "-c", code, str(folder.absolute()), work.maker],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            workers.append(worker)
            busy[worker.stdout] = (worker, _assign(worker, waiting.pop()))
        while busy:
            for stream in wait(list(busy)):
                worker, task = busy.pop(stream)
                answer = json.loads(stream.readline() or '{"error": ""}')  # type: ignore[union-attr]
                if "error" in answer:
                    reason = answer["error"] or f"it ended with code {worker.wait()}"
                    raise ToolError(
                        f"making {task.kind} failed: {reason}; "
                        f"the same command goes on from the {work.what} made so far"
                    )
                yield task
                if waiting:
                    busy[stream] = (worker, _assign(worker, waiting.pop()))
    finally:
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.communicate()


def _assign(worker: subprocess.Popen[str], task: AnyTask) -> AnyTask:
    assert worker.stdin is not None
    order = {"name": task.name, "task": task._asdict()}
    try:
        worker.stdin.write(json.dumps(order) + "\n")
        worker.stdin.flush()
    except BrokenPipeError:
        pass  # it has died: reading its answer tells
    return task


def serve(folder: Path, maker: str) -> None:
    """Make the shards asked for on standard input, one JSON line each, until it ends.

    The answer to each, on standard output, is ``{}`` when the shard's file is in the folder, or
    ``{"error": line}``. Pythia and FastJet print to standard output as well: theirs is discarded.
    """
    module, function = maker.split(":")
    make: Callable[[Mapping[str, Any]], dict[str, NDArray[Any]]]
    make = getattr(importlib.import_module(module), function)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    while True:
        order = json.loads(asked.get())
        answer: dict[str, str] = {}
        try:
            columns = make(order["task"])
            with whole_file(folder / order["name"]) as temporary:
                np.savez(temporary, **columns)  # type: ignore[arg-type]  # names are free keywords
        except Error as error:
            answer = {"error": str(error)}
        except OSError as error:  # a full disk, most likely
            answer = {"error": f"{folder} cannot be written ({error.strerror or error})"}
        print(json.dumps(answer), file=answers, flush=True)


def _listen(asked: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        asked.put(line)
    # The run has ended or was killed. Its next start must not meet this worker's late shard.
    os._exit(0)
