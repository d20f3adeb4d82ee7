"""``edgetrig menu``: rates, a threshold, firmware; broken input gets one line."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from edgetrig.cli.app import app
from edgetrig.physics import write_table

MENU = """
bunches: 2000
budget_khz: 9000
seeds:
  L1_HTT:
    expression: htt >= threshold
    parameters: {threshold: 60}
  L1_SingleMu: muon[pt >= 10]
"""

TURN_ON = ["turn-on", "menu.yaml", "data.npz", "--seed", "L1_HTT", "--variable"]


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    columns = {
        "muon_pt": rng.exponential(9, (4000, 8)).astype(np.uint16).clip(0, 511),
        "htt_et": rng.exponential(60, (4000, 1)).astype(np.uint16).clip(0, 4095),
        "true_ht": rng.exponential(30, 4000).astype(np.float32),
        "true_nan": np.full(4000, np.nan),
        "true_tau_pt": np.zeros(4000),
    }
    write_table(tmp_path / "data.npz", columns)
    (tmp_path / "menu.yaml").write_text(MENU)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_counting_shows_how_many_events_it_has_seen(files, monkeypatch):
    monkeypatch.setattr("edgetrig.cli.console._PLAIN_SECONDS", -1.0)
    for more in ([], ["--dask", "threads"]):
        result = run("menu", "rates", files / "menu.yaml", *2 * [files / "data.npz"], *more)
        lines = [line for line in result.stderr.splitlines() if "counting" in line]
        assert lines == [
            f"counting events of data.npz, data.npz: {events}" for events in ("4,000", "8,000")
        ]


def test_rates(files):
    result = run(
        "menu",
        "rates",
        files / "menu.yaml",
        files / "data.npz",
        "--out",
        files / "rates.json",
        "--signal",
        f"self={files / 'data.npz'}",
    )
    assert result.exit_code == 0, result.output
    figures = json.loads((files / "rates.json").read_text())
    assert figures["events"] == 4000
    assert figures["efficiency"]["self"]["menu"] * 2000 * 11.2455 == pytest.approx(
        figures["total_khz"]
    )
    assert "OVER the budget of 9000 kHz" in result.output or "within" in result.output
    assert figures["seeds"][0]["rate_khz"] >= figures["seeds"][0]["pure_khz"]


def test_tune(files):
    words = ["menu", "tune", files / "menu.yaml", files / "data.npz", "--rate", "L1_HTT=3000"]
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert "L1_HTT: threshold = " in result.output
    result = run(*words, "--total", "20000", "--out", files / "tuned.yaml")
    assert result.exit_code == 0, result.output
    said = re.search(r"threshold = (\S+) gives [^\n]*\ntotal (\S+) ", result.output)
    assert f"threshold: {said[1]}" in (files / "tuned.yaml").read_text()
    assert float(said[2]) <= 20000
    assert f"total {said[2]}" in run("menu", "rates", files / "tuned.yaml", words[3]).output


def test_parts_of_the_data(files):
    words = ["menu", "rates", files / "menu.yaml", *[files / "data.npz"] * 3, "--dask", "threads"]
    result = run(*words, "--out", files / "rates.json")
    assert result.exit_code == 0, result.output
    assert json.loads((files / "rates.json").read_text())["events"] == 12000


def test_turn_on(files):
    words = ["menu", "turn-on", files / "menu.yaml", files / "data.npz", "--seed", "L1_HTT"]
    result = run(*words, "--variable", "true_ht", "--out", files / "curve.json")
    assert result.exit_code == 0, result.output
    assert json.loads((files / "curve.json").read_text())["edges"][-1] in (100, 120)
    hard = {"htt_et": np.full((9, 1), 400, np.uint16), "true_ht": np.full(9, 380.0)}
    write_table(files / "hard.npz", hard)
    result = run(*words, files / "hard.npz", "--variable", "true_ht")
    assert result.output.splitlines()[-2].endswith(
        "100.0%  (83.2% to 100.0%)"
    )  # nine, and the one such before
    some = ["--bins", "0:60:3", "--within", "true_ht=0:30", "--dask", "threads"]
    result = run(*words, "--variable", "true_ht", *some)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[-3].startswith("        0 to       20")
    assert lines[-1].endswith("0  " + "     -")


def test_report(files):
    words = ["menu", "report", files / "menu.yaml", files / "data.npz", "--out", files / "page"]
    curve = f"L1_HTT:true_ht={files / 'data.npz'}"
    result = run(*words, "--signal", f"self={files / 'data.npz'}", "--turn-on", curve)
    assert result.exit_code == 0, result.output
    facts = json.loads((files / "page" / "report.json").read_text())
    assert facts["files"] == ["data.npz"]
    assert sum(facts["turn_ons"][0]["total"]) > 3900
    assert "L1_HTT" in (files / "page" / "report.html").read_text()


def test_firmware(files):
    result = run("menu", "firmware", files / "menu.yaml", "--out", files / "fw")
    assert result.exit_code == 0, result.output
    assert (files / "fw" / "src" / "menu.v").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rates", "missing.yaml", "data.npz"], "missing.yaml"),
        (["rates", "menu.yaml", "data.npz", "--signal", "x"], "NAME=FILE is needed"),
        (["rates", "bad.yaml", "data.npz"], "seed 'a': column 1: no object or seed 'muons'"),
        (["tune", "menu.yaml", "data.npz", "--rate", "x=3"], "has no seed 'x'"),
        (["tune", "menu.yaml", "data.npz", "--rate", "x=3", "--grid", "q"], "number"),
        (["tune", "menu.yaml", "data.npz", "--rate", "x=3", "--grid", "0"], "a step above 0"),
        (["tune", "menu.yaml", "data.npz", "--rate", "3"], "SEED=KHZ or SEED:PARAMETER=KHZ"),
        (["tune", "menu.yaml", "data.npz"], "no seed has a budget_khz; give --rate"),
        (["rates", "jets.yaml", "data.npz"], "no column 'jet_pt'"),
        (["rates", "menu.yaml", "data.npz", "--out", "data.npz"], "data.npz: is read here, too"),
        (["rates", "menu.yaml", "data.npz", "--out", "menu.yaml"], "menu.yaml: is read here, too"),
        ([*TURN_ON, "true_x", "--out", "data.npz"], "data.npz: is read here, too"),
        (["rates", "debt.yaml", "data.npz"], "budget_khz -3: a rate above 0 is needed"),
        (["report", "menu.yaml", "data.npz", "--turn-on", "a=b"], "SEED:COLUMN=FILE is needed"),
        (["report", "menu.yaml", "data.npz", "--turn-on", "a:b=data.npz"], "no seed 'a' in menu"),
        ([*TURN_ON, "true_x"], "data.npz: no column 'true_x'"),
        ([*TURN_ON, "muon_pt"], "column 'muon_pt' has the shape (4000, 8)"),
        ([*TURN_ON, "true_nan"], "column 'true_nan', event 0 of its block: nan"),
        ([*TURN_ON, "true_tau_pt"], "column 'true_tau_pt' is 0 in all events"),
        ([*TURN_ON, "true_ht", "--bins", "0:1"], "LOW:HIGH:NUMBER or edges"),
        ([*TURN_ON, "true_ht", "--bins", "5,1"], "must be finite and rise"),
        ([*TURN_ON, "true_ht", "--bins", "-9:-1:3"], "no events with true_ht in -9 to -1"),
        ([*TURN_ON, "true_ht", "--within", "true_ht=3"], "COLUMN=LOW:HIGH is needed"),
    ],
)
def test_broken_input(files, monkeypatch, words, message):
    monkeypatch.chdir(files)
    (files / "bad.yaml").write_text("seeds: {a: 'muons[pt > 3]'}")
    (files / "jets.yaml").write_text("seeds: {a: 'jet[pt > 3]'}")
    (files / "debt.yaml").write_text("budget_khz: -3\nseeds: {a: 'htt > 3'}")
    result = run("menu", *words)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
