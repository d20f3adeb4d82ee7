"""Running other programs, which a crash, an interrupt or a time limit ends, and not us."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from edgetrig.errors import ToolError


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

    Raises
    ------
    ToolError
        If it cannot be started, or takes longer than `timeout`.
    """
    # In a session of its own its children can be ended with it. Without a limit it stays in ours,
    # where Ctrl-C in a terminal reaches all that run at that moment, in whichever thread.
    alone = timeout is not None
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=alone,
        )
    except OSError as error:
        raise ToolError(f"{what}: cannot be started ({error.strerror})") from error
    with process:
        try:
            output, complaints = process.communicate(timeout=timeout)
        except BaseException as error:
            with suppress(ProcessLookupError):
                (os.killpg if alone else os.kill)(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolError(f"{what} took longer than {timeout:g} s; it was ended") from error
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, complaints)


def call(
    command: Sequence[str],
    what: str,
    folder: str | os.PathLike[str] = ".",
    *,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command and return its output.

    Raises
    ------
    ToolError
        If it cannot be started or fails, with the first line that names an error.
    """
    result = execute(command, what, folder, environment=environment)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()
        first = next((line for line in lines if "rror" in line), lines[0])
        raise ToolError(f"{what} failed (exit {result.returncode}): {first[:300]}")
    return result.stdout
