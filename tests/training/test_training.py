"""Training reaches its cost target, gives the same weights again, and survives being killed."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.training.conftest import SETTINGS, problem

from edgetrig import progress
from edgetrig.emulate import Emulator
from edgetrig.errors import DataError, ToolError
from edgetrig.frontends import load
from edgetrig.training import split, train


def weights_of(path):
    weights = {}
    with zipfile.ZipFile(path) as archive:
        root = h5py.File(io.BytesIO(archive.read("model.weights.h5")))

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            weights[name] = item[()]

    root["layers"].visititems(keep)
    return weights


def test_result_tells_everything(trained):
    result, told = trained
    assert result.path.is_file()
    assert result.accuracy["float"] > 0.85
    assert result.accuracy["quantized"] > 0.8
    assert result.ebops <= 1.15 * SETTINGS["cost_target"]
    assert result.history["ebops"][result.best_epoch] <= SETTINGS["cost_target"]
    assert result.history["ebops"][0] > 2 * SETTINGS["cost_target"]
    assert result.resumed_at is None
    assert sum(result.events.values()) == 3000
    assert abs(result.events["test"] - 450) <= 3
    assert set(result.versions) >= {"python", "keras", "hgq2", "jax"}
    assert told[-1] == (260, 260)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    facts = json.loads(json.dumps(result.to_dict()))
    assert facts["cost_target"] == 150.0
    assert facts["path"] == str(result.path)


def test_the_float_reference_is_kept(trained, data):
    import keras

    result, _ = trained
    x, y = data
    test = split(y, result.seed).test
    model = keras.models.load_model(result.path.with_name("float.keras"))
    right = np.argmax(np.asarray(model(x[test])), axis=1) == y[test]
    assert right.mean() == pytest.approx(result.accuracy["float"], abs=0.003)


def test_the_circuit_takes_physical_features_and_equals_keras(trained, data):
    import keras

    result, _ = trained
    model = keras.models.load_model(result.path)
    loaded = load(result.path)
    assert loaded.notes == ()
    x = np.concatenate([data[0], 5 * data[0] - 100, np.zeros((1, 4), np.float32)])
    got = Emulator(loaded.circuit).predict(x)
    np.testing.assert_array_equal(got, np.asarray(model(x)))
    test = split(data[1], SETTINGS["seed"]).test
    accuracy = np.mean(got[test].argmax(axis=1) == data[1][test])
    assert accuracy == pytest.approx(result.accuracy["quantized"])


_SCRIPT = """
import sys
import edgetrig.training.fit as module
from edgetrig.training import train
from tests.training.conftest import SETTINGS, problem
module._SAVE_SECONDS = 0.0
train(*problem(), out=sys.argv[1], checkpoint=sys.argv[2], **SETTINGS)
"""


def test_killed_training_resumes_to_the_same_weights(trained, tmp_path):
    out, folder = tmp_path / "model.keras", tmp_path / "state"
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", _SCRIPT, str(out), str(folder)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (folder / "quantized.npz").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    result = train(*problem(), out=out, checkpoint=folder, **SETTINGS)
    assert 0 < result.resumed_at < SETTINGS["epochs"]
    assert result.history == trained[0].history
    assert result.best_epoch == trained[0].best_epoch
    expected = weights_of(trained[0].path)
    got = weights_of(out)
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)

    with pytest.raises(DataError, match=r"float\.npz: belongs to a training with other data"):
        train(*problem(), out=out, checkpoint=folder, **SETTINGS | {"seed": 4})
    (folder / "float.npz").write_bytes((folder / "float.npz").read_bytes()[:100])
    with pytest.raises(DataError, match=r"float\.npz: is damaged; delete it to start again"):
        train(*problem(), out=out, checkpoint=folder, **SETTINGS)


def test_other_seed_gives_other_weights(data):
    from edgetrig.training.models import quantized_network

    kernels = [
        np.asarray(quantized_network(data[0], (4,), 3, seed).get_layer("scores")._kernel)
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0] != kernels[2]).all()


def test_other_backend_is_refused(data, tmp_path, monkeypatch):
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ToolError, match="runs on tensorflow, training needs JAX: set the"):
        train(*data, out=tmp_path / "m.keras", **SETTINGS)


def with_nan():
    x, y = problem()
    x[5, 2] = np.nan
    return x, y


def of_one_class():
    x, y = problem()
    return x, np.ones_like(y)


def scaled(factor):
    return lambda: (problem()[0] * factor, problem()[1])


def moved(offset):
    return lambda: (problem()[0].astype(np.float64) + offset, problem()[1])


@pytest.mark.parametrize(
    ("given", "changes", "message"),
    [
        (lambda: (problem()[0][:, 0], problem()[1]), {}, r"features have shape \(3000,\)"),
        (lambda: (problem()[0], problem()[1][:5]), {}, r"labels are int64 of shape \(5,\)"),
        (lambda: (problem()[0], problem()[1] * 0.5), {}, "one integer for each of 3000 events"),
        (with_nan, {}, "feature column 2 contains NaN or infinity"),
        (problem, {"classes": ("a", "b")}, "labels run from 0 to 2, but there are 2 classes"),
        (problem, {"classes": ("a", "a", "b")}, "two or more different names are needed"),
        (of_one_class, {}, "all events are of class 1; give events of another too"),
        (scaled(1e-9), {}, r"feature column 0 has a standard deviation of \S+e-11; choose a unit"),
        (scaled(1e20), {}, "choose a unit in which it is 1e-06 to 1e.12, and remove outliers"),
        (moved(1e9), {}, "around 1e.09, too little for float32; subtract a constant from it"),
        (problem, {"epochs": 0}, "epochs=0: use 1 to"),
        (problem, {"epochs": 2.5}, "epochs=2.5: a whole number is needed"),
        (problem, {"patience": 0}, "patience=0: use 1 to"),
        (problem, {"seed": -1}, "seed=-1: use 0 to 4294967295"),
        (problem, {"cost_target": np.inf}, "cost_target=inf: a positive"),
        (problem, {"fractions": (0.5, 0.5)}, "are not three shares that sum to 1"),
        (problem, {"cost_target": -5.0}, "cost_target=-5.0: a positive"),
        (problem, {"cost_target": np.nan}, "cost_target=nan: a positive"),
        (problem, {"layers": (8, 10**9)}, r"layers=\(8, 1000000000\): positive sizes up to"),
        (problem, {"layers": (8, 0)}, r"layers=\(8, 0\): positive sizes"),
        (problem, {"fractions": (1.0, 0.0, 0.0)}, "are too few for shares"),
        (problem, {"fractions": (0.5, 0.1, 0.1)}, "are not three shares that sum to 1"),
        (problem, {"out": "model.h5"}, r"model\.h5: the model is written as a \.keras file"),
    ],
)
def test_bad_input_gives_one_line(given, changes, message, tmp_path):
    with pytest.raises(DataError, match=message) as caught:
        train(*given(), **{"out": tmp_path / "m.keras", **SETTINGS, **changes})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m.keras").exists()


SHORT = SETTINGS | {"epochs": 3, "float_epochs": 2}


def test_a_model_over_its_cost_target_is_announced(data, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(progress, "notices", [told.append])
    result = train(*data, out=tmp_path / "m.keras", **SHORT)
    assert result.ebops > SHORT["cost_target"]
    (line,) = told
    assert line.startswith("no epoch of 3 came below the cost target of 150 EBOPs; give more")


def test_units_and_types_of_labels_change_nothing(data, tmp_path):
    x, y = data
    settings = SHORT | {"classes": ("a", "b"), "cost_target": 1e6}
    plain = train(x, y > 0, out=tmp_path / "m.keras", **settings)
    other = train(x * 2.0**24, (y > 0) * 1, out=tmp_path / "other.keras", **settings)
    assert other.history == plain.history
    assert other.accuracy == plain.accuracy
    numbers = Emulator(load(tmp_path / "m.keras").circuit).predict(x)
    others = Emulator(load(tmp_path / "other.keras").circuit).predict(x * 2.0**24)
    np.testing.assert_array_equal(numbers, others)


def test_the_largest_seed_trains(data, tmp_path):
    assert train(*data, out=tmp_path / "m.keras", **SHORT | {"seed": 2**32 - 1}).path.is_file()


def test_a_training_that_diverges_is_refused(data, tmp_path, monkeypatch):
    monkeypatch.setattr("edgetrig.training.fit._PEAK_RATE", 1e30)
    with pytest.raises(DataError, match="the training diverged: the loss is no number"):
        train(*data, out=tmp_path / "m.keras", **SHORT)
    assert not (tmp_path / "m.keras").exists()


def test_a_float_reference_of_another_training_is_replaced(data, tmp_path):
    out, float_out, state = (tmp_path / name for name in ("m.keras", "float.keras", "state"))
    train(*data, out=out, float_out=float_out, checkpoint=state, **SHORT)
    expected = weights_of(float_out)
    train(*data, out=out, float_out=float_out, **SHORT | {"seed": 9})
    train(*data, out=out, float_out=float_out, checkpoint=state, **SHORT)
    got = weights_of(float_out)
    assert got.keys() == expected.keys()
    assert all((got[name] == values).all() for name, values in expected.items())


@pytest.mark.parametrize(
    ("state", "words"),
    [("state", "the same command goes on from epoch 2"), (None, "nothing is kept without")],
)
def test_an_interrupt_says_what_is_kept(data, tmp_path, monkeypatch, state, words):
    def interrupt(done, total):
        if done == total - 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("edgetrig.training.fit._SAVE_SECONDS", 0.0)
    folder = None if state is None else tmp_path / state
    settings = SHORT | {"checkpoint": folder, "epochs": 4}
    with pytest.raises(KeyboardInterrupt, match=f"interrupted after 3 of 4 epochs; {words}"):
        train(*data, out=tmp_path / "m.keras", progress=interrupt, **settings)
    if folder is not None:
        assert train(*data, out=tmp_path / "m.keras", **settings).resumed_at == 2
