"""``edgetrig menu``: rates, a threshold, firmware; broken input gets one line."""

import json

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


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    columns = {
        "muon_pt": rng.exponential(9, (4000, 8)).astype(np.uint16).clip(0, 511),
        "htt_et": rng.exponential(60, (4000, 1)).astype(np.uint16).clip(0, 4095),
    }
    write_table(tmp_path / "data.npz", columns)
    (tmp_path / "menu.yaml").write_text(MENU)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


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
    words = ["menu", "tune", files / "menu.yaml", files / "data.npz", "--seed", "L1_HTT"]
    result = run(*words, "--rate", "3000")
    assert result.exit_code == 0, result.output
    assert "L1_HTT: threshold = " in result.output


def test_firmware(files):
    result = run("menu", "firmware", files / "menu.yaml", "--out", files / "fw")
    assert result.exit_code == 0, result.output
    assert (files / "fw" / "menu.v").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rates", "missing.yaml", "data.npz"], "missing.yaml"),
        (["rates", "menu.yaml", "data.npz", "--signal", "x"], "NAME=FILE is needed"),
        (["rates", "bad.yaml", "data.npz"], "seed 'a': column 1: no object or seed 'muons'"),
        (["tune", "menu.yaml", "data.npz", "--seed", "x", "--rate", "3"], "has no seed 'x'"),
        (["tune", "menu.yaml", "data.npz", "--seed", "x", "--rate", "3", "--grid", "q"], "number"),
        (["rates", "jets.yaml", "data.npz"], "no column 'jet_pt'"),
    ],
)
def test_broken_input(files, monkeypatch, words, message):
    monkeypatch.chdir(files)
    (files / "bad.yaml").write_text("seeds: {a: 'muons[pt > 3]'}")
    (files / "jets.yaml").write_text("seeds: {a: 'jet[pt > 3]'}")
    result = run("menu", *words)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
