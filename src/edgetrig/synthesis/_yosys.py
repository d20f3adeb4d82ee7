"""Run a Yosys script in a process of its own: ``python -m edgetrig.synthesis._yosys script``.

A crash of Yosys, or an interrupt, then ends that process and not the caller's.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from edgetrig.errors import ToolError, require
from edgetrig.programs import execute

_COMMAND = (sys.executable, "-m", "edgetrig.synthesis._yosys", "script.ys")


def version() -> str:
    """Return the version of Yosys."""
    require("pyosys", "synth")
    return metadata.version("pyosys")


def reading(files: Mapping[str, str], top: str, defines: Sequence[str] = ()) -> list[str]:
    """Return the commands that read a circuit's Verilog and make gates of each look-up once.

    A synthesis command flattens first and then makes gates: it would do so for every use of a
    look-up anew, all of them at the same time. Those of a menu's 66 pairs took more than 13 GB.

    Parameters
    ----------
    files
        Verilog files by name.
    top
        Name that the circuit was written under.
    defines
        Macros to define.
    """
    options = "".join(f"-D{name} " for name in defines)
    commands = [f"read_verilog {options}{name}" for name in files]
    if any(name.startswith(f"{top}_table") for name in files):
        commands += [f"hierarchy -top {top}", f"select {top}_table*"]
        commands += ["flatten", "techmap", "opt -full", "select -clear"]
    return commands


def run(
    files: Mapping[str, str],
    script: Sequence[str],
    results: Sequence[str],
    *,
    timeout: float | None = None,
) -> list[str]:
    """Run Yosys commands in an empty folder and return the files they wrote.

    Parameters
    ----------
    files
        What lies in the folder, by name.
    script
        Commands, one a line.
    results
        Names of the files to return.
    timeout
        Seconds after which the run is ended.

    Raises
    ------
    ToolError
        If Yosys is missing, fails, or takes longer than `timeout`.
    """
    require("pyosys", "synth")
    with tempfile.TemporaryDirectory(prefix="edgetrig-yosys-") as folder:
        for name, text in {**files, "script.ys": "\n".join(script)}.items():
            Path(folder, name).write_text(text)
        done = execute(_COMMAND, "yosys", folder, timeout=timeout)
        missing = [name for name in results if not Path(folder, name).is_file()]
        if done.returncode or missing:
            said = (done.stdout + done.stderr).splitlines()
            lines = [line for line in said if "ERROR" in line] or said
            raise ToolError(f"yosys failed (exit {done.returncode}): {''.join(lines[-1:])[:300]}")
        return [Path(folder, name).read_text() for name in results]


def main(script: str) -> None:
    """Run the commands of a script file."""
    from pyosys import libyosys

    design = libyosys.Design()
    for line in Path(script).read_text().splitlines():
        libyosys.run_pass(line, design)


if __name__ == "__main__":
    main(sys.argv[1])
