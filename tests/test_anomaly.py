"""The anomaly trigger: exact scores that never wrap around, a threshold at a rate, a menu seed."""

import ctypes
import json
import os
import subprocess

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest
from typer.testing import CliRunner

import edgetrig
from edgetrig.cli.app import app
from edgetrig.emulate import Emulator
from edgetrig.errors import DataError
from edgetrig.frontends import load
from edgetrig.menu_files import read_menu
from edgetrig.physics import write_table
from edgetrig.physics.l1 import CMS
from edgetrig.training import anomaly_inputs, read_anomaly_inputs, split
from edgetrig.trigger.menu import Menu, Seed

FIELDS = ("pt", "eta", "phi")
COUNTS = {"etm": 1, "egamma": 4, "muon": 4, "jet": 10}
SETTINGS = {"rate_khz": 500, "layers": (6,), "latent": 2, "epochs": 2, "batch": 256, "seed": 2}


def crossings(events, seed=0):
    """Return made-up zero-bias events: soft objects, the hardest first, some missing."""
    rng = np.random.default_rng(seed)
    columns = {}
    for kind, used in COUNTS.items():
        shape = (events, CMS[kind].count)
        energy = np.sort(rng.exponential(8, shape), axis=1)[:, ::-1].astype(np.int64)
        energy[:, used // 2 + 1 :] *= rng.random((events, 1)) < 0.3
        there = energy > 0
        columns[f"{kind}_{'et' if kind == 'etm' else 'pt'}"] = energy
        columns[f"{kind}_phi"] = rng.integers(0, 144, shape) * there
        if kind != "etm":
            columns[f"{kind}_eta"] = rng.integers(-57, 57, shape) * there
    return columns


@pytest.fixture(scope="session")
def zero_bias():
    return crossings(6000)


@pytest.fixture(scope="session")
def anomaly(zero_bias, tmp_path_factory):
    return edgetrig.train_anomaly(
        zero_bias, out=tmp_path_factory.mktemp("folder") / "anomaly", **SETTINGS
    )


def extremes():
    """Return inputs at the ends of their wires, together and one by one, and random ones."""
    ranges = [(0, CMS["etm"].fields["et"].highest), (0, 0), (0, CMS["etm"].fields["phi"].highest)]
    for kind, used in list(COUNTS.items())[1:]:
        fields = [CMS[kind].fields[name] for name in FIELDS]
        ranges += [(f.lowest, f.highest) for f in fields] * used
    low, high = np.array(ranges).T
    rng = np.random.default_rng(1)
    one = np.where(np.eye(57, dtype=bool), high, 0)
    return np.concatenate([[low, high, 0 * low], one, rng.integers(low, high + 1, (500, 57))])


def keras_means(path, x):
    """Return the latent means of Keras itself, in floats."""
    import keras

    model = keras.models.load_model(path)
    return np.asarray(model(x.astype(np.float32)), np.float64)


def expected(path, x, trained_on):
    """Return the score from Keras' own means; each saturates as training events say."""
    limit = 2 ** np.ceil(np.log2(np.abs(keras_means(path, trained_on)).max(axis=0) + 0.5)) - 0.5
    means = np.floor(2 * keras_means(path, x) + 0.5) / 2
    return (np.clip(means, -limit, limit) ** 2).sum(axis=1)


def test_inputs_are_the_57_quantities(zero_bias):
    x = anomaly_inputs(zero_bias)
    assert x.shape == (6000, 57)
    np.testing.assert_array_equal(x[:, 0], zero_bias["etm_et"][:, 0])
    assert not x[:, 1].any()
    np.testing.assert_array_equal(x[:, 3:6].T, [zero_bias[f"egamma_{f}"][:, 0] for f in FIELDS])
    np.testing.assert_array_equal(x[:, 24:27].T, [zero_bias[f"muon_{f}"][:, 3] for f in FIELDS])
    np.testing.assert_array_equal(x[:, 54:].T, [zero_bias[f"jet_{f}"][:, 9] for f in FIELDS])


def test_the_score_is_the_sum_of_squares_of_keras_means(anomaly, zero_bias):
    x = anomaly_inputs(zero_bias)
    trained_on = x[split(np.zeros(len(x), int), 2, (0.5, 0.25, 0.25)).train]
    path = anomaly.encoder.path
    means = Emulator(load(path).circuit)
    for given in (x, extremes()):  # at the extremes means saturate, and nothing wraps around
        np.testing.assert_array_equal(means.predict(given), keras_means(path, given))
        np.testing.assert_array_equal(
            anomaly.design.predict(given), expected(path, given, trained_on)
        )
    assert anomaly.design.predict(extremes())[1] > anomaly.threshold  # all at their highest


def test_the_threshold_keeps_the_rate(anomaly, zero_bias):
    share = anomaly.requested_khz / (2748 * 11.2455)
    assert anomaly.events == {"train": 3000, "threshold": 1500, "test": 1500}
    assert anomaly.rate_khz == pytest.approx(500, abs=5 * anomaly.error_khz)
    passed = anomaly.score(zero_bias) >= anomaly.threshold
    assert 0.3 * share < passed.mean() < 3 * share
    np.testing.assert_array_equal(anomaly.accept().predict(anomaly_inputs(zero_bias)), passed)
    share_of_set = anomaly.accepted / anomaly.events["threshold"]
    assert 0 < share_of_set <= share


def test_hardware_equals_the_emulator(anomaly, zero_bias):
    anomaly.design.verify(400, events=anomaly_inputs(zero_bias)[:200])


def columns_of(menu, zero_bias):
    return {k.column(n): zero_bias[k.column(n)] for k, n in menu.columns()}


def test_a_menu_cuts_on_the_score(anomaly, zero_bias):
    seeds = (Seed("L1_Anomaly", f"anomaly >= {anomaly.threshold:g}"), Seed("L1_Jet", "jet[pt>30]"))
    menu = Menu("menu", seeds, (anomaly.model(),))
    bits = Emulator(menu.circuit()).predict(columns_of(menu, zero_bias))
    np.testing.assert_array_equal(bits[:, 0], anomaly.score(zero_bias) >= anomaly.threshold)


def test_the_folder_has_what_an_experiment_needs(anomaly, zero_bias):
    names = {path.name for path in anomaly.path.iterdir()}
    assert names == {"encoder.keras", "anomaly.edgetrig", "menu.yaml", "anomaly.json"}
    passed = anomaly.score(zero_bias) >= anomaly.threshold
    menu = read_menu(anomaly.path / "menu.yaml")
    bits = Emulator(menu.circuit()).predict(columns_of(menu, zero_bias))
    np.testing.assert_array_equal(bits.ravel(), passed)
    record = json.loads((anomaly.path / "anomaly.json").read_text())
    assert record["threshold"] == anomaly.threshold
    assert len(record["history"]["held_out_loss"]) == 2
    saved = edgetrig.Design.load(anomaly.path / "anomaly.edgetrig")
    x = extremes()
    np.testing.assert_array_equal(saved.predict(x), anomaly.design.predict(x))


def test_the_shared_library_gives_the_same_score(anomaly, zero_bias, tmp_path):
    folder = anomaly.design.write_cpp(tmp_path / "cpp")
    subprocess.run(["make", "-s", "CXXFLAGS=-O1"], cwd=folder, check=True, capture_output=True)
    library = ctypes.CDLL(str(folder / "libtrigger_anomaly.so"))
    x = np.ascontiguousarray(np.concatenate([anomaly_inputs(zero_bias), extremes()]), np.int64)
    score = np.zeros(len(x), np.int64)
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (x, score)]
    library.trigger_anomaly_evaluate(*pointers, ctypes.c_size_t(len(x)))
    np.testing.assert_array_equal(score / 4, anomaly.design.predict(x))


def test_test_vectors_are_real_events(anomaly, zero_bias, tmp_path):
    x = anomaly_inputs(zero_bias)[:50]
    folder = anomaly.accept().write(tmp_path / "rtl", events=x, vectors=100)
    lines = [line for path in folder.rglob("*.hex") for line in path.read_text().split()]
    assert len(lines) == 200  # 100 inputs, 100 outputs
    readme = " ".join((folder / "README.md").read_text().split())
    assert "in this order: etm.et, 0, etm.phi, egamma[:4].(pt, eta, phi), muon[:4]" in readme


def test_interrupted_training_goes_on_to_the_same_trigger(anomaly, zero_bias, tmp_path):
    def interrupt(done, total):
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="after 1 of 2 epochs; the same command goes on"):
        edgetrig.train_anomaly(zero_bias, out=tmp_path, **SETTINGS, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    with pytest.raises(DataError, match="belongs to a training with other data or settings"):
        edgetrig.train_anomaly(zero_bias, out=tmp_path, **SETTINGS | {"kl_weight": 0.1})
    again = edgetrig.train_anomaly(zero_bias, out=tmp_path, **SETTINGS)
    assert again.encoder.resumed_at == 1
    assert again.encoder.history == anomaly.encoder.history
    assert again.threshold == anomaly.threshold
    np.testing.assert_array_equal(again.score(zero_bias), anomaly.score(zero_bias))


def test_the_command_does_the_same(anomaly, zero_bias, tmp_path):
    for part in range(2):
        half = {name: codes[part::2] for name, codes in zero_bias.items()}
        write_table(tmp_path / f"{part}.npz", half)
    files = [tmp_path / "0.npz", tmp_path / "1.npz"]
    words = ["anomaly", "train", *files, "--rate", 500, "--layers", 6, "--latent", 2, "--epochs", 2]
    words += ["--batch", 256, "--seed", 2, "--out", tmp_path / "new"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "accept where score >= " in result.output
    assert "asked for 500" in result.output
    x = read_anomaly_inputs(files)
    trigger = edgetrig.train_anomaly(x, out=tmp_path / "python", **SETTINGS)
    record = json.loads((tmp_path / "new" / "anomaly.json").read_text())
    assert record["threshold"] == trigger.threshold


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate_khz": 0.001}, "give more events"),
        ({"rate_khz": 1e6}, "ask for less"),
        ({"rate_khz": float("nan")}, "rate_khz=nan"),
        ({"layers": (0,)}, "layers"),
        ({"fractions": (1.0, 0.0, 0.0)}, "too few"),
    ],
)
def test_unusable_settings_are_refused(zero_bias, tmp_path, change, words):
    with pytest.raises(DataError, match=words):
        edgetrig.train_anomaly(zero_bias, out=tmp_path / "new", **{"rate_khz": 500} | change)
    assert not (tmp_path / "new").exists()


def test_unusable_events_are_refused(zero_bias):
    with pytest.raises(DataError, match="jet_eta"):
        anomaly_inputs({k: v for k, v in zero_bias.items() if k != "jet_eta"})
    with pytest.raises(DataError, match="muon_pt: code 512"):
        anomaly_inputs(zero_bias | {"muon_pt": np.full((6000, 8), 512)})
    with pytest.raises(DataError, match="has 5 events"):
        anomaly_inputs(zero_bias | {"etm_phi": np.zeros((5, 1), np.int64)})
    x = anomaly_inputs(zero_bias)
    for wrong, words in (
        (x[:, :56], "of shape"),
        (x / 2, "float64"),
        (np.where(np.arange(57) == 1, 1, x), "anomaly input 1, event 0: code 1 is outside 0 to 0"),
    ):
        with pytest.raises(DataError, match=words):
            edgetrig.train_anomaly(wrong, out="nothing", rate_khz=500)
    with pytest.raises(DataError, match="no files"):
        read_anomaly_inputs([])
