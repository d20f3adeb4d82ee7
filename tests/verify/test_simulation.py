"""Simulated Verilog equals the reference, on random circuits over all operations and widths."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_circuits import random_circuit

from circuits import random_circuits, random_codes
from edgetrig.circuit import Builder, Circuit, Input, Op, Output, Rows
from edgetrig.errors import DataError, ToolError
from edgetrig.fuzz import side_by_side
from edgetrig.rtl import verilog
from edgetrig.verify import evaluate, lint, simulate

# A build an example: shrinking would take minutes.
DRAW = (Phase.explicit, Phase.reuse, Phase.generate)


def assert_same(circuit, codes, **options):
    expected = np.array(evaluate(str(circuit), codes.tolist(), check_intervals=True), object)
    got = simulate(circuit, codes, **options)
    wrong = np.argwhere(got != expected.reshape(got.shape))
    assert not len(wrong), f"event, output {wrong[0]}: {got[tuple(wrong[0])]}\n{circuit}"


@pytest.mark.parametrize(("seed", "levels"), [(1, 0), (2, 1), (3, 3)])
def test_random_operations_of_all_widths_equal_the_reference(seed, levels):
    circuit = random_circuit(seed, levels=levels, operations=500)
    assert circuit.latency == levels
    assert lint(verilog(circuit)) == ""
    assert_same(circuit, random_codes(circuit, 500, seed), seed=seed)


@settings(max_examples=3, phases=DRAW)
@given(st.lists(random_circuits(max_rows=25, wide=True), min_size=12, max_size=12))
def test_drawn_circuits_equal_the_reference(circuits):
    circuit = side_by_side(circuits)
    assert lint(verilog(circuit)) == ""
    assert_same(circuit, random_codes(circuit, 300))


@settings(max_examples=4, phases=DRAW)
@given(random_circuits(max_rows=40, registers=True))
def test_drawn_pipelines_equal_the_reference(circuit):
    assert lint(verilog(circuit)) == ""
    assert_same(circuit, random_codes(circuit, 300))


WIDTHS = (1, 2, 8, 31, 33, 64, 65, 100)


def every_pair(op, shifts=(0,)):
    """One binary operation over all pairs of widths and signs."""
    types = [(0, 2**w - 1) for w in WIDTHS] + [(-(2 ** (w - 1)), 2 ** (w - 1) - 1) for w in WIDTHS]
    lo, hi = (np.array([t[k] for t in types], object) for k in (0, 1))
    size = len(types)
    builder = Builder()
    left = builder.input(0, Input("x", lo, hi, np.zeros(size, np.int64)))
    right = builder.input(size, Input("z", lo, hi, np.zeros(size, np.int64)))
    a, b, p = np.meshgrid(left, right, np.array(shifts), indexing="ij")
    result = builder.append(op, a.ravel(), b.ravel(), p=p.ravel())
    ports = [Input(name, lo, hi, np.zeros(size, np.int64)) for name in ("x", "z")]
    return builder.finish(ports, [Output("y", result, np.zeros(len(result), np.int64))])


@pytest.mark.parametrize("op", [Op.SUB, Op.MUL, Op.LT, Op.XOR])
def test_every_pair_of_widths_and_signs(op):
    circuit = every_pair(op, (0, 3, -2) if op == Op.SUB else (0,))
    assert_same(circuit, random_codes(circuit, 60))


def comparisons_with_constants():
    builder = Builder()
    lo, hi = np.array([-8, 0, -100, 3]), np.array([7, 15, 90, 11])
    port = Input("x", lo, hi, np.zeros(4, np.int64))
    rows = builder.input(0, port)
    limits = builder.constant(np.arange(-101, 101))
    rows, limits = (m.ravel() for m in np.meshgrid(rows, limits))
    results = [builder.append(Op.LT, rows, limits), builder.append(Op.LT, limits, rows)]
    results += [builder.append(Op.EQ, rows, limits)]
    used = np.concatenate(results)
    return builder.finish([port], [Output("y", used, np.zeros(len(used), np.int64))])


def test_comparisons_with_every_constant():
    circuit = comparisons_with_constants()
    codes = np.stack([np.resize(np.arange(a, b + 1), 200) for a, b in
                      [(-8, 7), (0, 15), (-100, 90), (3, 11)]], axis=1)  # fmt: skip
    assert lint(verilog(circuit)) == ""
    assert_same(circuit, codes)


def test_latency_is_exact_while_events_stream():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([255]), np.array([0]))
    row = builder.input(0, port)
    for _ in range(4):
        row = builder.append(Op.REG, row)
    circuit = builder.finish([port], [Output("y", row, np.array([0]))])
    codes = np.arange(200)[:, None]
    assert (simulate(circuit, codes) == codes).all()
    late = circuit.replace(outputs=(Output("y", row - 1, np.array([0])),))
    wrong = simulate(late, codes, files=verilog(circuit))
    assert (wrong[1:] == codes[:-1]).all()  # read a cycle early: the event before


def constants_only() -> Circuit:
    builder = Builder()
    port = Input("x", np.array([0]), np.array([0]), np.array([0]))
    rows = np.concatenate([builder.input(0, port), builder.constant([0, 5, -3])])
    return builder.finish([port], [Output("y", rows, np.zeros(4, np.int64))])


def test_a_circuit_of_constants_has_outputs_and_no_inputs():
    circuit = constants_only()
    assert simulate(circuit, np.zeros((3, 1), int)).tolist() == [[0, 0, 5, -3]] * 3
    nothing = circuit.replace(outputs=(Output("y", np.array([1]), np.array([0])),))
    assert simulate(nothing, np.zeros((3, 1), int)).tolist() == [[0]] * 3


def test_no_events_give_no_outputs():
    assert simulate(constants_only(), np.zeros((0, 1), int)).shape == (0, 4)


@pytest.mark.parametrize("codes", [[[1]], [[0, 0]], [0], [[0.5]]])
def test_codes_that_do_not_fit_are_refused(codes):
    with pytest.raises(DataError, match=r"x\[0\]: codes outside|codes of shape"):
        simulate(constants_only(), np.array(codes))


def test_verilog_that_cannot_be_read_is_a_tool_error():
    with pytest.raises(ToolError, match="verilator failed"):
        simulate(constants_only(), np.zeros((1, 1), int), files={"trigger.v": "module nonsense"})


def test_a_missing_compiler_is_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolError, match=r"no C\+\+ compiler .* install g\+\+"):
        simulate(constants_only(), np.zeros((1, 1), int))


def test_a_missing_simulator_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "verilator", None)
    with pytest.raises(ToolError, match=r"edgetrig\[sim\]"):
        simulate(constants_only(), np.zeros((1, 1), int))


def test_rows_that_no_output_needs_are_left_out():
    circuit = constants_only()
    assert isinstance(circuit.rows, Rows)
    assert "v0" not in verilog(circuit)["trigger.v"]
