"""No tool has a warning for the Verilog, with all of them on."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_identifiers import nasty_circuit
from test_lookup_tables import RANGES, look_ups
from test_ternary_cells import sums

import edgetrig
from circuits import random_circuits
from edgetrig.circuit import Builder, Input, Op, Output
from edgetrig.fuzz import side_by_side
from edgetrig.rtl import verilog
from simulators import simulators

# A run of each tool an example: shrinking would take minutes.
DRAW = (Phase.explicit, Phase.reuse, Phase.generate)
ICARUS = "-Wall -Wimplicit -Wportbind -Wselect-range -Wfloating-nets"
YOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    libyosys.run_pass(command, design)
"""
# Strictly the standard of 2005; the text keeps to the words of 2001. A product alone is signed.
SLANG = """
import sys
from pyslang.driver import Driver
driver = Driver()
driver.addStandardArgs()
driver.parseCommandLine("slang --std 1364-2005 -Weverything -Wno-sign-conversion " + sys.argv[1])
ready = driver.processOptions() and driver.parseAllSources()
driver.reportCompilation(driver.createCompilation(), True)
sys.exit(not (ready and driver.reportDiagnostics(True)))
"""


def said(tool, files, *, mapped=False):
    """Return the warnings and errors of a tool; `mapped`: Yosys goes on to the device's cells."""
    top = next(iter(files)).removesuffix(".v")
    commands = {
        "icarus": ["iverilog", "-g2001", *ICARUS.split(), "-s", top, "-t", "null", *files],
        "system-verilator": ["verilator", "--lint-only", "-Wall", "--top-module", top, *files],
        "slang": [sys.executable, "-c", SLANG, f"--top {top} {' '.join(files)}"],
    }
    passes = [*(f"read_verilog {name}" for name in files), f"hierarchy -check -top {top}"]
    passes += ["proc", "check -assert"]
    passes += [f"synth_xilinx -family xcup -run begin:fine -top {top}"] if mapped else []
    commands["yosys"] = [sys.executable, "-c", YOSYS, *passes]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        command = commands[tool]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    if tool == "yosys":
        lines = [line for line in lines if "arning" in line or "ERROR" in line]
    return lines if run.returncode == 0 else [f"failed: {run.returncode}", *lines]


TOOLS = simulators("icarus", "system-verilator", "yosys", "slang")


@TOOLS
@settings(max_examples=3, phases=DRAW)
@given(st.lists(random_circuits(max_rows=25, wide=True), min_size=10, max_size=10))
def test_drawn_circuits(simulator, circuits):
    assert said(simulator, verilog(side_by_side(circuits))) == []


@TOOLS
@settings(max_examples=3, phases=DRAW)
@given(random_circuits(max_rows=60, registers=True))
def test_drawn_pipelines(simulator, circuit):
    assert said(simulator, verilog(circuit)) == []


@TOOLS
def test_bits_beside_themselves_are_constants(simulator):
    builder = Builder()
    port = Input("x", np.zeros(1, int), np.full(1, 7), np.zeros(1, int))
    (x,) = builder.input(0, port).tolist()
    none, same = builder.append(Op.XOR, x, x), builder.append(Op.AND, x, x)
    rows = np.array([none, builder.append(Op.LT, x, none), builder.append(Op.OR, same, x)])
    circuit = builder.finish([port], [Output("y", rows, np.zeros(3, int))])
    assert circuit.rows.hi[rows].tolist() == [0, 0, 7]
    assert said(simulator, verilog(circuit)) == []


def network():
    weights = np.random.default_rng(0).integers(-31, 32, (8, 6)) / 32

    def function(x):
        return edgetrig.quantize(np.maximum(x @ weights, 0), 0, 3, 3, "RND", "SAT") @ weights.T

    circuit = edgetrig.trace(function, edgetrig.fixed_input("x", 8, integer=3, fraction=4))
    return edgetrig.compile(circuit, clock_ns=3.0).pipelined


CIRCUITS = {
    "ternary adders": lambda: sums(
        [((w, w, w), (0, 1, 0), True, p) for w in (1, 2, 5) for p in (0, 1, 2)], negated=True
    ),
    "tables": lambda: look_ups(RANGES),
    "names": nasty_circuit,
    "network": network,
}


@TOOLS
@pytest.mark.parametrize("circuit", CIRCUITS)
def test_cells_tables_names_and_a_network(simulator, circuit):
    assert said(simulator, verilog(CIRCUITS[circuit]()), mapped=True) == []
