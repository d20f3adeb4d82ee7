"""A proof holds for what is right, and names the place of what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits import random_circuits, random_codes, random_programs
from edgetrig import compile
from edgetrig.circuit import (
    Builder,
    Input,
    Op,
    Output,
    fixed_input,
    lookup,
    quantize,
    tighten,
    trace,
)
from edgetrig.errors import CircuitError, VerificationError
from edgetrig.optimize import delays_of, optimize, pipeline, table_forms, ternary_sums
from edgetrig.rtl import verilog
from edgetrig.verify import evaluate
from edgetrig.verify.proof import prove
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.ranges import prove_ranges
from edgetrig.verify.proof.rewrites import prove_rewrites

WEIGHTS = np.array([[3, -2], [1, 5], [-7, 4]])
PORT = fixed_input("x", 3, integer=4, fraction=2)


def network(x):
    hidden = quantize(np.maximum(x @ WEIGHTS, 0), 0, 4, 1, "RND", "SAT")
    return {
        "score": hidden @ WEIGHTS[:2],
        "best": np.argmax(x),
        "accept": hidden[0] > 1.5,
        "table": lookup(quantize(x[0], 1, 3, 0), np.square, 0, 5, 1),
        "mass": x[0] * x[1],
        "even": quantize(x @ WEIGHTS, 1, 4, 1, "RND_CONV", "SAT_SYM"),
        "wrapped": quantize(hidden - x[:2], 1, 2, 1, "TRN", "WRAP"),
    }


TRACED = trace(network, PORT)


def compiled(traced=TRACED, latency=2):
    return pipeline(optimize(traced), delays_of("UltraScale+"), latency=latency)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("answers")


def test_a_design_is_proved_whole_and_a_second_time_from_memory(folder):
    steps = []
    circuit = compiled()
    proof = prove(circuit, TRACED, folder=folder, progress=lambda *step: steps.append(step))
    assert proof.complete, str(proof)
    assert set(proof.outputs) <= {"form", "solver"}
    assert proof.questions > 0
    assert proof.registers == circuit.count(Op.REG)
    assert proof.latency == 2
    assert steps == [(k, 4) for k in range(5)]
    assert "for every input" in str(proof)
    assert proof.to_dict()["complete"] is True
    again = prove(circuit, TRACED, folder=folder)
    assert again.questions == 0
    assert again.cells == proof.cells


def test_a_design_proves_itself(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = compile(TRACED, latency=1).verify(500, prove=True)
    assert result.proof.complete
    assert "proved: for every input" in str(result)
    assert result.to_dict()["proof"]["outputs"]


def test_a_damaged_memory_is_asked_again(tmp_path):
    memory = Memory(tmp_path)
    memory.put("question", "proved")
    memory.save()
    (file,) = tmp_path.iterdir()
    assert Memory(tmp_path).get("question") == "proved"
    file.write_text(file.read_text().replace("proved", "wronge"))
    assert Memory(tmp_path).get("question") is None


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (" + ", " - ", r"row \d+ \(add"),
        (" * ", " + ", r"row \d+ \(mul\)"),
        (" < ", " > ", r"row \d+ \(lt\)"),
        (" <= v", " <= 1 + v", r"row \d+ \(reg\)"),
        ("posedge", "negedge", r"row \d+ \(reg\): another clock or edge"),
        ("assign v1 = x[13:7]", "assign v1 = x[14:8]", "input x: the hardware connects other bits"),
    ],
)
def test_wrong_verilog_is_refused_at_its_place(folder, old, new, place):
    circuit = compiled()
    files = verilog(circuit)
    wrong = {name: text.replace(old, new, 1) for name, text in files.items()}
    assert wrong != files
    with pytest.raises(VerificationError, match=place):
        prove(circuit, TRACED, files=wrong, folder=folder)


def test_a_wrong_table_entry_is_refused(folder):
    circuit = compiled()
    files = verilog(circuit)
    name = next(file for file in files if "table" in file)
    before, mark, after = files[name].partition("16'h")
    wrong = {**files, name: f"{before}{mark}{int(after[0], 16) ^ 1:x}{after[1:]}"}
    with pytest.raises(VerificationError, match=r"row \d+ \(table\)"):
        prove(circuit, TRACED, files=wrong, folder=folder)


def changed(circuit, row, **columns):
    given = {name: getattr(circuit.rows, name).copy() for name in columns}
    for name, value in columns.items():
        given[name][row] = value
    return tighten(circuit.replace(rows=replace(circuit.rows, **given)))


def test_a_wrong_shift_anywhere_is_never_proved(folder):
    circuit = compiled()
    memory = Memory(folder)
    rng = np.random.default_rng(3)
    codes = rng.integers(-64, 64, (64, 3)).tolist()
    sums = np.flatnonzero(np.isin(circuit.rows.op, (Op.ADD, Op.SUB))).tolist()
    assert sums
    for row in sums:
        wrong = changed(circuit, row, p=circuit.rows.p[row] + 1)
        ranges = prove_ranges(TRACED, memory), prove_ranges(wrong, memory)
        with pytest.raises(VerificationError, match=r"output .*: row \d+ of the compiled circuit"):
            prove_rewrites(TRACED, wrong, ranges, codes, 5)


def test_a_difference_on_one_input_is_not_proved(folder):
    """No vector shows it: the compiled circuit is wrong for one of 2**26 inputs only."""
    port = fixed_input("x", 2, signed=0, integer=13, fraction=0)
    right = trace(lambda x: np.maximum(x[0], x[1]), port)
    wrong = trace(
        lambda x: np.maximum(x[0], x[1]) + np.where((x[0] == 1234) & (x[1] == 4321), 1, 0), port
    )
    memory = Memory(folder)
    ranges = prove_ranges(right, memory), prove_ranges(wrong, memory)
    rewrites = prove_rewrites(right, wrong, ranges, [[1, 2], [5, 3]], 5)
    assert rewrites.outputs == ["tested"]


def test_few_inputs_are_all_evaluated(folder):
    port = fixed_input("x", (), signed=1, integer=4, fraction=0)
    first = trace(lambda x: (x * x) * (x * x), port)
    second = trace(lambda x: lookup(x, lambda v: v**4, 0, 17, 0), port)
    memory = Memory(folder)
    ranges = prove_ranges(first, memory), prove_ranges(second, memory)
    codes = [[k] for k in range(-16, 16)]
    assert prove_rewrites(first, second, ranges, codes, 0).outputs[0] in ("all inputs", "solver")


def test_a_claimed_interval_that_does_not_hold_is_open(folder):
    builder = Builder()
    port = Input("x", np.array([-8]), np.array([7]), np.array([0]))
    x = builder.input(0, port)
    twice = builder.append(Op.ADD, x, x)
    circuit = builder.finish([port], [Output("y", twice, np.array([0]))])
    hi = circuit.rows.hi.copy()
    hi[twice[0]] = 10  # in truth 14
    wrong = circuit.replace(rows=replace(circuit.rows, hi=hi))
    ranges = prove_ranges(wrong, Memory(folder))
    assert ranges.open == [int(twice[0])]
    assert ranges.ends[int(twice[0])] == (-16, 14)


def test_layers_that_clip_twice_are_proved_with_tables_and_ternary_adders(folder):
    """Each reader clips anew, roundings move behind clips, small cones become tables."""
    rng = np.random.default_rng(3)
    first, second = rng.integers(-3, 4, (6, 8)) / 4, rng.integers(-3, 4, (8, 3)) / 4

    def clipped_twice(x):
        x = quantize(np.maximum(x @ first, 0), 0, 3, 2, "RND", "SAT")
        x = quantize(quantize(x, 0, 2, 1, "RND", "SAT"), 0, 2, 0, "TRN", "SAT")
        return quantize(np.maximum(x @ second - 0.5, 0), 0, 3, 0, "RND", "SAT")

    traced = trace(clipped_twice, fixed_input("x", 6, integer=1, fraction=2))
    family = "UltraScale+"
    forms = table_forms(optimize(traced), family)
    assert any(form.count(Op.TABLE) for form in forms)
    for form in forms:
        staged = pipeline(form, delays_of(family), clock_ns=4.0)
        assert prove(ternary_sums(staged, family, 4.0), traced, folder=folder).complete


FEW = settings(max_examples=15, suppress_health_check=list(HealthCheck))


@FEW
@given(data=st.data())
def test_what_is_right_is_never_refused(folder, data):
    if data.draw(st.booleans()):
        traced = data.draw(random_programs()).circuit
    else:
        traced = data.draw(random_circuits(max_rows=25, wide=data.draw(st.booleans())))
    proof = prove(compiled(traced, latency=1), traced, seconds=2, folder=folder)
    assert proof.latency <= 1
    assert not [line for line in proof.open if "no answer" in line]


@FEW
@given(data=st.data())
def test_a_changed_row_is_never_proved_if_it_shows(folder, data):
    """Forms and solver against plain evaluation: a false proof would pass a wrong circuit."""
    traced = data.draw(random_circuits(max_rows=12))
    rows = [
        row
        for row in range(len(traced))
        if traced.rows.op[row] in (Op.ADD, Op.SUB, Op.LT, Op.SHR, Op.LOW, Op.LOWS, Op.SELECT)
    ]
    if not rows:
        return
    row = data.draw(st.sampled_from(rows))
    op = traced.rows.op[row]
    if op in (Op.LT, Op.SELECT):
        names = ("a", "b") if op == Op.LT else ("b", "c")
        pair = {names[0]: getattr(traced.rows, names[1])[row]}
        wrong = changed(traced, row, **pair)
    else:
        wrong = changed(traced, row, p=int(traced.rows.p[row]) + 1)
    memory = Memory(folder)
    ranges = prove_ranges(traced, memory), prove_ranges(wrong, memory)
    few = [[int(port.lo.ravel()[k]) for port in traced.inputs for k in range(port.size)]]
    try:
        rewrites = prove_rewrites(traced, wrong, ranges, few, 2)
    except (VerificationError, CircuitError):  # refused, or it reads outside a table now
        return
    codes = random_codes(traced, 200, 1).tolist()
    left = evaluate(str(traced), codes)
    try:
        right = evaluate(str(wrong), codes)
    except CircuitError:  # it reads outside a table now: no circuit any more
        return
    for output, how in enumerate(rewrites.outputs):
        if any(x[output] != y[output] for x, y in zip(left, right, strict=True)):
            assert how == "tested"
