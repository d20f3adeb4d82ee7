"""VHDL: what simulators read without a word, and keep silent about while it runs."""

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_identifiers import NASTY, nasty_circuit
from test_lookup_tables import look_ups
from test_ternary_cells import sums

from circuits import random_circuits, random_codes
from edgetrig.circuit import Builder, Input, Op, Output, Table
from edgetrig.fuzz import side_by_side
from edgetrig.rtl import vhdl, write
from edgetrig.verify import evaluate, simulate
from simulators import simulators

WARNINGS = (
    "binding default-binding reserved nested-comment library parenthesis vital-generic body specs "
    "delayed-checks universal port port-bounds runtime-error shared hide unused others pure "
    "useless static"
)

# Runs of a simulator an example: shrinking would take minutes.
DRAW = (Phase.explicit, Phase.reuse, Phase.generate)


def steps(simulator, files, top):
    """Return the commands that analyse files, with every warning on, and run the top."""
    if simulator == "nvc":
        analyse = ["-a", "--check-synthesis", *files]
        return [["nvc", "--std=2008", "-L", ".", *analyse, "-e", top, "-r", top]]
    options = ["--std=08", *(f"-W{name}" for name in WARNINGS.split())]
    return [["ghdl", "-a", *options, *files], ["ghdl", "--elab-run", *options, top]]


def said(commands, folder):
    """Run commands that must pass; return all that they print."""
    text = ""
    for command in commands:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        text += run.stdout + run.stderr
        assert run.returncode == 0, text
    return text


def assert_quiet(simulator, circuit):
    """Read and run a circuit and its test bench: not a word but that it passes."""
    codes = random_codes(circuit, 10)
    vectors = (codes, np.array(evaluate(str(circuit), codes.tolist()), object))
    files = [*(f"src/{name}" for name in reversed(vhdl(circuit))), "tb/trigger_tb.vhd"]
    with tempfile.TemporaryDirectory() as folder:
        project = write(circuit, Path(folder, "hw"), vectors=vectors, language="vhdl")
        told = said(steps(simulator, files, "trigger_tb"), project)
    assert re.fullmatch(r"PASS: 10 vectors, .*\n", told)


@simulators("ghdl", "nvc")
@settings(max_examples=4, phases=DRAW)
@given(st.lists(random_circuits(max_rows=25, wide=True), min_size=10, max_size=10))
def test_drawn_circuits_are_read_without_a_warning(simulator, circuits):
    assert_quiet(simulator, side_by_side(circuits))


@simulators("ghdl", "nvc")
@settings(max_examples=6, phases=DRAW)
@given(random_circuits(max_rows=40, registers=True))
def test_drawn_pipelines_are_read_without_a_warning(simulator, circuit):
    assert_quiet(simulator, circuit)


@simulators("ghdl", "nvc")
def test_names_and_ternary_adders_are_read_without_a_warning(simulator):
    assert_quiet(simulator, nasty_circuit())
    assert_quiet(simulator, sums([((8, 5, 7), (0, 3, 1), True, p) for p in (0, 1, 2)]))


@simulators("ghdl", "nvc")
@pytest.mark.parametrize("high", [20, 63, 200])
def test_a_table_has_a_value_before_its_first_index(simulator, high):
    """It was undefined, and nvc warned of comparisons behind it."""
    builder = Builder()
    port = Input("x", np.zeros(2, int), np.full(2, high), np.zeros(2, int))
    values = np.random.default_rng(0).integers(-90, 200, (2, high + 1))
    rows = [int(builder.append(Op.TABLE, row, p=builder.table(Table(0, table))))
            for row, table in zip(builder.input(0, port), values, strict=True)]  # fmt: skip
    less = builder.append(Op.LT, *rows)
    assert_quiet(simulator, builder.finish([port], [Output("y", less, np.zeros(1, int))]))


@simulators("ghdl", "nvc")
def test_nasty_names_are_legal(simulator):
    codes = np.random.default_rng(0).integers(0, 4, (20, len(NASTY)))
    name = "Work"
    assert (simulate(nasty_circuit(), codes, name=name, simulator=simulator) == codes).all()


@simulators("ghdl", "nvc")
def test_ternary_adders_equal_the_reference(simulator):
    shapes = [((8, 5, 7), s, signed, p) for s in ((0, 0, 0), (3, 0, 2), (1, 2, 1))
              for signed in (True, False) for p in (0, 1, 2)]  # fmt: skip
    circuit = sums(shapes)
    assert "trigger_add3.vhd" in vhdl(circuit)
    codes = random_codes(circuit, 100)
    expected = np.array(evaluate(str(circuit), codes.tolist()), object)
    assert (simulate(circuit, codes, simulator=simulator) == expected).all()


@simulators("ghdl", "nvc")
def test_literals_and_products_beyond_an_integer(simulator):
    """Integers of VHDL end at 2**31 - 1."""
    edges = np.array([2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, -(2**80), 2**80], object)
    builder = Builder()
    lo, hi = np.full(7, -(2**81), object), np.full(7, 2**81, object)
    port = Input("x", lo, hi, np.zeros(7, int))
    x, k = builder.input(0, port), builder.constant(edges)
    rows = np.concatenate([builder.append(op, x, k) for op in (Op.ADD, Op.LT, Op.EQ, Op.XOR)])
    low = builder.append(Op.LOWS, builder.append(Op.MUL, x, k), p=90)
    rows = np.concatenate([rows, low, builder.append(Op.MUL, x[:3], x[4:])])
    circuit = builder.finish([port], [Output("y", rows, np.zeros(len(rows), int))])
    codes = np.concatenate([random_codes(circuit, 50), edges[None] + [[0], [1], [-1]]])
    expected = np.array(evaluate(str(circuit), codes.tolist()), object)
    assert (simulate(circuit, codes, simulator=simulator) == expected).all()


@simulators("ghdl", "nvc")
@pytest.mark.parametrize("part", ["xc7a35t", "xcvu13p"])
def test_the_cell_of_a_device_equals_the_reference(simulator, part, tmp_path):
    """With models of the primitives in a library unisim."""
    shapes = [((w, w, w - 1), (0, 0, 0), True, p) for w in (2, 4, 6, 7, 8, 15) for p in (0, 1, 2)]
    circuit = sums(shapes)
    codes = random_codes(circuit, 200)
    expected = np.array(evaluate(str(circuit), codes.tolist()), object)
    run_with_primitives(simulator, circuit, (codes, expected), part, "add3", tmp_path)


@simulators("ghdl", "nvc")
def test_the_table_of_a_device_equals_the_reference(simulator, tmp_path):
    circuit = look_ups([(0, 63), (-32, 31), (0, 200)])
    codes = random_codes(circuit, 200)
    expected = np.array(evaluate(str(circuit), codes.tolist()), object)
    run_with_primitives(simulator, circuit, (codes, expected), "xcvu13p", "lut6", tmp_path)


def run_with_primitives(simulator, circuit, vectors, part, cell, tmp_path):
    """Run the test bench with the device's cells, and models of what they are made of."""
    folder = write(circuit, tmp_path / "hw", vectors=vectors, part=part, language="vhdl")
    files = re.search(r"read_vhdl -vhdl2008 {(.*)}", (folder / "vivado.tcl").read_text())[1].split()
    assert f"amd/trigger_{cell}.vhd" in files
    assert f"src/trigger_{cell}.vhd" not in files
    models = str(Path(__file__).with_name("unisim.vhd"))
    if simulator == "nvc":
        models_first = ["nvc", "--std=2008", "--work=unisim", "-a", models]
    else:
        models_first = ["ghdl", "-a", "--std=08", "--work=unisim", models]
    design = steps(simulator, [*files, "tb/trigger_tb.vhd"], "trigger_tb")
    assert said([models_first, *design], folder).startswith("PASS: 200 vectors")
