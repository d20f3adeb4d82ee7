"""What a person sees: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from edgetrig.progress import Progress

_PLAIN_SECONDS = 15.0


def say(text: str) -> None:
    """Print a result."""
    _print(text, error=False)


def say_error(text: str) -> None:
    """Print one line on standard error."""
    _print(" ".join(text.split()), error=True)


def _print(text: str, *, error: bool) -> None:
    import typer

    typer.echo(text, err=error)


def is_live() -> bool:
    """Return whether a person looks on."""
    # A stream that was closed before the start (`>&-`) is none.
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


@contextmanager
def step(words: str) -> Iterator[Progress]:
    """Show how far a piece of work has come: a bar on a terminal, a line now and then elsewhere.

    Yields a function to call with what is done and the total; a total of 0 means that nobody knows.
    """
    with _bar(words) if is_live() else _lines(words) as progress:
        yield progress


@contextmanager
def _bar(words: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(text_format_no_percentage="{task.fields[so_far]}"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(words, total=None, so_far="")

        def progress(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total or None, so_far=f"{done:,}")

        yield progress


@contextmanager
def _lines(words: str) -> Iterator[Progress]:
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _PLAIN_SECONDS:
            last = time.monotonic()
            say_error(f"{words}: {done:,} of {total:,}" if total else f"{words}: {done:,}")

    yield progress
