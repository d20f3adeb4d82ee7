"""Running other programs, which a crash, an interrupt or a time limit ends, and not us."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Final

from edgetrig.errors import ToolError

_LOOK_SECONDS: Final = 0.1
_TIDYING_SECONDS: Final = 1.0


def processors() -> int:
    """Return how many processors this process may use: a batch system may grant a few of many."""
    return len(os.sched_getaffinity(0))


def execute(
    command: Sequence[str],
    what: str,
    folder: str | os.PathLike[str] = ".",
    *,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stop: Event | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it said, failed or not.

    Parameters
    ----------
    command
        The program and its arguments.
    what
        Its name, for messages.
    folder
        Where to run.
    environment
        Variables besides those of this process.
    timeout
        Seconds after which it is ended, with its children.
    stop
        Where another thread says that it is to be ended, with its children; without `timeout`.

    Raises
    ------
    ToolError
        If it cannot be started, takes longer than `timeout`, or is stopped.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # so that its children can be ended with it
        )
    except OSError as error:
        raise ToolError(f"{what}: cannot be started ({error.strerror})") from error
    with process:
        try:
            output, complaints = (
                process.communicate(timeout=timeout) if stop is None else _said(process, what, stop)
            )
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolError(f"{what} took longer than {timeout:g} s; it was ended") from error
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, complaints)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and its children; compilers remove their files if they are asked first."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TIDYING_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)


def _said(process: subprocess.Popen[str], what: str, stop: Event) -> tuple[str, str]:
    while not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_LOOK_SECONDS)
    raise ToolError(f"{what} was ended")


def call(
    command: Sequence[str],
    what: str,
    folder: str | os.PathLike[str] = ".",
    *,
    environment: Mapping[str, str] | None = None,
    stop: Event | None = None,
) -> str:
    """Run a command and return its output; parameters as those of `execute`.

    Raises
    ------
    ToolError
        If it cannot be started, is stopped, or fails, with the first line that names an error.
    """
    result = execute(command, what, folder, environment=environment, stop=stop)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()
        first = next((line for line in lines if "rror" in line), lines[0])
        raise ToolError(f"{what} failed (exit {result.returncode}): {first[:300]}")
    return result.stdout


def call_all(commands: Sequence[Sequence[str]], what: str) -> None:
    """Run commands, as many at once as there are processors.

    Where one fails, or Ctrl-C comes, all others are ended.

    Raises
    ------
    ToolError
        As `call`.
    """
    stop = Event()
    with ThreadPoolExecutor(processors()) as pool:
        jobs = [pool.submit(call, command, what, stop=stop) for command in commands]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            stop.set()  # threads get no interrupts
            pool.shutdown(wait=False, cancel_futures=True)
            raise
