"""Tools in processes of their own: a crash, an interrupt or a time limit ends them, not us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from edgetrig.errors import ToolError


def run_python(
    arguments: Sequence[str], folder: str, *, tool: str, timeout: float | None
) -> tuple[int, str]:
    """Run this Python in a folder; return its exit status and all that it printed.

    Parameters
    ----------
    arguments
        Of the Python interpreter.
    folder
        Where to run.
    tool
        Its name, for the message.
    timeout
        Seconds after which the process and its children are ended.

    Raises
    ------
    ToolError
        If it takes longer than `timeout`.
    """
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolError(f"{tool} took longer than {timeout:g} s; it was ended") from error
            raise
    return process.returncode, output
