"""Every simulator, in both languages, gives what the reference gives."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_circuits import random_circuit

from circuits import random_circuits, random_codes
from edgetrig.circuit import Builder, Input, Op, Output
from edgetrig.errors import Error, ToolError
from edgetrig.fuzz import side_by_side
from edgetrig.rtl import verilog, vhdl
from edgetrig.verify import evaluate, simulate
from simulators import simulators

# A build an example: shrinking would take minutes.
DRAW = (Phase.explicit, Phase.reuse, Phase.generate)


def assert_same(circuit, codes, simulator):
    expected = np.array(evaluate(str(circuit), codes.tolist(), check_intervals=True), object)
    got = simulate(circuit, codes, simulator=simulator)
    wrong = np.argwhere(got != expected.reshape(got.shape))
    assert not len(wrong), f"event, output {wrong[0]}: {got[tuple(wrong[0])]}\n{circuit}"


@simulators("system-verilator", "icarus", "ghdl", "nvc")
def test_random_operations_of_all_widths_equal_the_reference(simulator):
    circuit = random_circuit(5, levels=2, operations=300)
    assert_same(circuit, random_codes(circuit, 100, 5), simulator)


@simulators("icarus", "ghdl", "nvc")
@settings(max_examples=4, phases=DRAW)
@given(st.lists(random_circuits(max_rows=25, wide=True), min_size=10, max_size=10))
def test_drawn_circuits_equal_the_reference(simulator, circuits):
    circuit = side_by_side(circuits)
    assert_same(circuit, random_codes(circuit, 60), simulator)


@simulators("icarus", "ghdl", "nvc")
@settings(max_examples=6, phases=DRAW)
@given(random_circuits(max_rows=40, registers=True))
def test_drawn_pipelines_equal_the_reference(simulator, circuit):
    assert_same(circuit, random_codes(circuit, 60), simulator)


def ports_of_one_bit():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([1]), np.array([0]))
    sign = Input("s", np.array([-1]), np.array([0]), np.array([0]))
    x = builder.append(Op.REG, builder.input(0, port))
    s = builder.append(Op.REG, builder.input(1, sign))
    rows = [builder.append(Op.XOR, x, builder.append(Op.NEG, s)), s, builder.constant([1])]
    outputs = [Output(name, row, np.array([0])) for name, row in zip("yzc", rows, strict=True)]
    return builder.finish([port, sign], outputs)


@simulators("verilator", "system-verilator", "icarus", "ghdl", "nvc")
def test_ports_of_one_bit_and_of_constants(simulator):
    circuit = ports_of_one_bit()
    codes = np.array([[0, 0], [1, 0], [0, -1], [1, -1]])
    assert simulate(circuit, codes, simulator=simulator).tolist() == [
        [0, 0, 1], [1, 0, 1], [1, -1, 1], [0, -1, 1],
    ]  # fmt: skip


def two_registers():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([255]), np.array([0]))
    row = builder.append(Op.REG, builder.append(Op.REG, builder.input(0, port)))
    circuit = builder.finish([port], [Output("y", row, np.array([0]))])
    return circuit, circuit.replace(outputs=(Output("y", row - 1, np.array([0])),))


@simulators("ghdl", "nvc")
def test_outputs_are_read_at_the_stated_cycle(simulator):
    circuit, late = two_registers()
    codes = np.arange(50)[:, None]
    assert (simulate(circuit, codes, simulator=simulator) == codes).all()
    wrong = simulate(late, codes, files=vhdl(circuit), simulator=simulator)
    assert (wrong[1:] == codes[:-1]).all()  # read a cycle early: the event before


@simulators("icarus")
def test_outputs_that_are_not_there_yet_are_undefined(simulator):
    circuit, late = two_registers()
    codes = np.arange(50)[:, None]
    assert (simulate(circuit, codes, simulator=simulator) == codes).all()
    with pytest.raises(ToolError, match=r"outputs of event 0 undefined: 0*xx"):
        simulate(late, codes, files=verilog(circuit), simulator=simulator)


@simulators("icarus", "ghdl", "nvc")
def test_text_that_cannot_be_read_is_a_tool_error(simulator):
    name = "trigger.vhd" if simulator in ("ghdl", "nvc") else "trigger.v"
    with pytest.raises(ToolError, match=r"(iverilog|ghdl|nvc) failed \(exit \d+\): "):
        simulate(
            ports_of_one_bit(), np.zeros((1, 2), int), files={name: "module"}, simulator=simulator
        )


@pytest.mark.parametrize("simulator", ["system-verilator", "icarus", "ghdl", "nvc"])
def test_a_missing_simulator_says_what_to_install(simulator, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match=r"is not on PATH: install .*, or choose another simulator"):
        simulate(ports_of_one_bit(), np.zeros((1, 2), int), simulator=simulator)


def test_an_unknown_simulator_lists_the_known_ones():
    with pytest.raises(Error, match="'modelsim' is unknown; choose one of verilator, system-veri"):
        simulate(ports_of_one_bit(), np.zeros((1, 2), int), simulator="modelsim")
