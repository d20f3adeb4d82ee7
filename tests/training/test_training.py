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


@pytest.mark.parametrize(
    ("given", "changes", "message"),
    [
        (lambda: (problem()[0][:, 0], problem()[1]), {}, r"features have shape \(3000,\)"),
        (lambda: (problem()[0], problem()[1][:5]), {}, r"labels have shape \(5,\)"),
        (lambda: (problem()[0], problem()[1] * 0.5), {}, "one integer for each of 3000 events"),
        (with_nan, {}, "feature column 2 contains NaN or infinity"),
        (problem, {"classes": ("a", "b")}, "labels run from 0 to 2, but there are 2 classes"),
        (problem, {"epochs": 0}, "epochs=0: a positive number is needed"),
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
