"""The fuzzer finds what is planted, shrinks it to a few operations, and keeps it."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig import fuzz as room
from edgetrig.circuit import Builder, Input, Op, Output, check, fixed_input, tighten, trace
from edgetrig.cli import main
from edgetrig.errors import DataError, Error
from edgetrig.fuzz import judges, simulated
from edgetrig.optimize import PASSES
from edgetrig.rtl import verilog
from edgetrig.verify import evaluate, simulate


def wrong_maximum(circuit):
    """Take the other branch where both values are never negative, as a sign bit misread would."""
    rows = circuit.rows
    b, c = rows.b.copy(), rows.c.copy()
    for row in np.flatnonzero(rows.op == Op.SELECT).tolist():
        condition = rows.a[row]
        operands = [rows.a[condition], rows.b[condition]]
        if rows.op[condition] == Op.LT and all(rows.lo[k] >= 0 for k in operands):
            b[row], c[row] = c[row], b[row]
    return tighten(circuit.replace(rows=replace(rows, b=b, c=c)))


class UnsignedEmulator:
    """Reads every wrapped number without its sign."""

    def __init__(self, circuit):
        self.text = str(circuit).replace(" lows ", " low ")

    def codes(self, codes, engine):
        return np.array(evaluate(self.text, codes.tolist()), object)


def first(seed=0, cases=400, **options):
    found = []

    def stop(finding, path):
        found.append((finding, path))
        raise KeyboardInterrupt

    summary = room.fuzz(cases=cases, seed=seed, found=stop, **options)
    assert summary.interrupted
    assert found
    return found[0]


def operations(finding):
    return int((~np.isin(finding.trial.circuit.rows.op, (Op.INPUT, Op.CONST))).sum())


def test_what_is_right_is_found_right():
    summary = room.fuzz(cases=30, seed=5)
    assert summary.cases == 30
    assert not summary.findings
    assert "30 cases" in str(summary)
    assert "0 found" in str(summary)


@pytest.mark.parametrize(
    "place",
    [
        "edgetrig.fuzz.judges.evaluate",
        "edgetrig.fuzz.simulated.simulate",
        "edgetrig.fuzz.trial.random_codes",
    ],
)
def test_an_interrupt_that_numba_made_another_error_of_ends_the_run(monkeypatch, place):
    calls = []

    def interrupted_once(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
        return whole(*arguments, **options)

    module, _, name = place.rpartition(".")
    whole = getattr(sys.modules[module], name)
    monkeypatch.setattr(place, interrupted_once)
    summary = room.fuzz(cases=40, seed=5, simulate="simulated" in place)
    assert summary.interrupted
    assert not summary.findings


def test_a_wrong_pass_is_found_and_shrunk(monkeypatch, tmp_path):
    monkeypatch.setattr(judges, "PASSES", (*PASSES, wrong_maximum))
    finding, path = first(folder=tmp_path)
    assert finding.judge == f"pass {len(PASSES) + 1}, wrong_maximum"
    assert operations(finding) <= 5
    text = room.describe(finding)
    assert "select" in text
    assert "is expected" in text
    assert "inputs [" in text
    assert path.with_suffix(".circuit").is_file()
    (again,) = room.replay(tmp_path)
    assert again.judge == finding.judge
    monkeypatch.undo()
    assert room.replay(tmp_path) == []


def test_a_wrong_emulator_is_found_and_shrunk(monkeypatch):
    monkeypatch.setattr(judges, "Emulator", UnsignedEmulator)
    finding, _ = first()
    assert "emulator" in finding.judge
    assert operations(finding) <= 5
    assert "lows" in str(finding.trial.circuit)


def test_a_wrong_trace_is_found_and_shrunk(monkeypatch, tmp_path):
    from edgetrig.circuit import arithmetic, numpy_functions

    # A greater-or-equal that forgets the equal.
    wrong = {**numpy_functions._UFUNCS, np.less_equal: arithmetic.less}
    monkeypatch.setattr(numpy_functions, "_UFUNCS", wrong)
    finding, path = first(cases=2_000, folder=tmp_path)
    assert finding.judge == "tracing"
    assert len(finding.trial.program.listing) <= 5
    assert "less_equal" in room.describe(finding)
    assert json.loads(path.read_text())["program"]["steps"]
    monkeypatch.undo()
    assert room.replay(tmp_path) == []  # traced anew


def test_a_pass_that_fails_is_a_finding(monkeypatch):
    def broken(circuit):
        raise IndexError("no such row")

    monkeypatch.setattr(judges, "PASSES", (broken,))
    finding, _ = first()
    assert str(finding) == "pass 1, broken: IndexError: no such row"
    assert operations(finding) == 0


def test_a_tracer_that_fails_is_a_finding(monkeypatch):
    from edgetrig.circuit import numpy_functions

    monkeypatch.setattr(numpy_functions, "_UFUNCS", {})
    finding, _ = first()
    assert finding.judge == "drawing"
    assert "has no exact hardware form" in finding.message


def test_wrong_verilog_is_found_and_cut_out(monkeypatch):
    def wrong(circuit, codes):
        files = {name: text.replace(" ^ ", " | ") for name, text in verilog(circuit).items()}
        return simulate(circuit, codes, files=files)

    monkeypatch.setattr(simulated, "simulate", wrong)
    port = fixed_input("x", 3, signed=0, integer=3, fraction=0)
    right = trace(lambda x: x[0] + x[1], port)
    wrong = trace(lambda x: (x[0] ^ x[1]) + x[2], port)
    trials = [room.Trial(circuit, room.random_codes(circuit, 24)) for circuit in (right, wrong)]
    (finding,) = room.judge_simulation(trials)
    assert finding.judge == "simulation at latency 0"
    assert operations(finding) == 1
    assert "xor" in str(finding.trial.circuit)


def test_simulation_agrees_at_a_latency():
    @settings(max_examples=2)
    @given(st.lists(room.random_circuits(max_rows=15), min_size=6, max_size=6))
    def agree(circuits):
        trials = [room.Trial(circuit, room.random_codes(circuit, 24)) for circuit in circuits]
        assert room.judge_simulation(trials, latency=2) == []

    agree()


def test_no_budget_is_refused():
    with pytest.raises(Error, match="positive budget"):
        room.fuzz(cases=0)
    with pytest.raises(Error, match="positive budget"):
        room.fuzz(cases=3, seconds=3)


def test_time_is_a_budget_too():
    assert room.fuzz(seconds=3).cases >= 1


@settings(max_examples=20)
@given(room.trials())
def test_a_saved_trial_comes_back(tmp_path_factory, trial):
    folder = tmp_path_factory.mktemp("cases")
    path = room.save_case(room.Disagreement("nobody", "nothing", trial), folder)
    again = room.load_case(path)
    check(again.circuit)
    assert str(again.circuit) == str(trial.circuit)
    assert (again.codes == trial.codes).all()
    assert again.expected == trial.expected
    assert (again.family, again.clock_ns, again.latency) == (
        trial.family,
        trial.clock_ns,
        trial.latency,
    )


@pytest.mark.parametrize("text", ["", "[]", '{"format": "x"}', '{"format": "edgetrig fuzz case"}'])
def test_a_file_that_is_no_case_is_refused(tmp_path, text):
    path = tmp_path / "case.json"
    path.write_text(text)
    with pytest.raises(DataError, match="fuzz case"):
        room.load_case(path)


def test_the_command_tells_by_its_exit_status(monkeypatch, tmp_path, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgetrig", "fuzz", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code

    assert run("--cases", 5, "--out", tmp_path) == 0
    assert "fuzz: 5 cases" in capsys.readouterr().out
    assert run("--cases", 0) == 2
    assert run("--cases", 5, "--seconds", 5) == 2
    assert run("--replay", tmp_path / "nowhere") == 2
    monkeypatch.setattr(judges, "PASSES", (*PASSES, wrong_maximum))
    assert run("--cases", 60, "--out", tmp_path) == 1
    out = capsys.readouterr().out
    assert "saved: " in out
    assert run("--replay", tmp_path) == 1
    assert "still disagree" in capsys.readouterr().out
    monkeypatch.undo()
    assert run("--replay", tmp_path) == 0


def test_registers_are_judged_too():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([7]), np.array([0]))
    late = builder.append(Op.REG, builder.input(0, port))
    circuit = builder.finish([port], [Output("y", late, np.array([0]))])
    assert room.judge(room.Trial(circuit, room.random_codes(circuit, 8))) is circuit


def test_a_run_leaves_nothing_where_it_was_started(tmp_path):
    code = "from edgetrig.fuzz import fuzz; fuzz(cases=1, seed=1)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert not list(tmp_path.iterdir())
