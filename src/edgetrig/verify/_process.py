"""Running a simulator's programs: missing and failing ones are one line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from edgetrig.errors import ToolError


def on_path(program: str, package: str) -> str:
    """Return the path of a program.

    Raises
    ------
    ToolError
        If it is not on PATH.
    """
    found = shutil.which(program)
    if found is None:
        raise ToolError(f"{program} is not on PATH: install {package}, or choose another simulator")
    return found


def execute(
    command: Sequence[str], folder: str = ".", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it said, failed or not.

    Raises
    ------
    ToolError
        If it cannot be started.
    """
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be started ({error.strerror})") from error


def call(
    command: Sequence[str],
    what: str,
    folder: str = ".",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command and return its output.

    Raises
    ------
    ToolError
        If it cannot be started or fails, with the first line that names an error.
    """
    result = execute(command, folder, environment)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()
        first = next((line for line in lines if "rror" in line), lines[0])
        raise ToolError(f"{what} failed (exit {result.returncode}): {first[:300]}")
    return result.stdout
