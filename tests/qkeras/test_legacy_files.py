"""The same model from every kind of file that Keras 2 and Keras 3 write for it."""

import os
import shutil

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import pytest
from keras import layers
from qkeras_files import compiled, stored, unpacked

from edgetrig.frontends import load, read

MODELS = ("functional", "digits", "bidirectional", "adaptive relu", "depthwise batch norm")


def printed(path, name):
    """Return the circuit of a file as text."""
    return str(compiled(path, typed=name == "digits").circuit)


@pytest.mark.parametrize("name", MODELS)
def test_every_format_of_keras_2_gives_one_circuit(tmp_path, name):
    path, _, _ = stored("qkeras-0.9.0", name, tmp_path)
    expected = printed(path, name)
    assert printed(unpacked("qkeras-0.9.0", name, ".keras", tmp_path / "a.keras"), name) == expected
    for suffix in (".weights.h5", "_weights.h5"):
        folder = tmp_path / suffix
        folder.mkdir()
        architecture = unpacked("qkeras-0.9.0", name, ".json", folder / "net.json")
        unpacked("qkeras-0.9.0", name, suffix, folder / f"net{suffix}")
        assert printed(architecture, name) == expected


def test_weights_of_a_general_name_belong_to_any_architecture(tmp_path):
    path, _, _ = stored("qkeras-0.9.0", "digits", tmp_path)
    architecture = unpacked("qkeras-0.9.0", "digits", ".json", tmp_path / "architecture.json")
    shutil.copy(path, tmp_path / "weights.h5")
    assert printed(architecture, "digits") == printed(path, "digits")


@pytest.mark.parametrize("package", ["tf_keras", "keras"])
def test_live_model_equals_its_file(tmp_path, monkeypatch, package):
    path, _, _ = stored("qkeras-0.9.0", "dense", tmp_path)
    monkeypatch.setattr(keras, "__version__", "2.15.0")

    class Sequential:
        __module__ = f"{package}.src.engine.sequential"
        name = "mine"

        def save(self, target):
            shutil.copy(path, target)

    assert str(load(Sequential()).circuit) == str(load(path).circuit)
    assert read(Sequential()).where == "model 'mine'"


def keras_3_model():
    inside = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="first"), layers.BatchNormalization()], name="in"
    )
    outside = keras.Model(x := keras.Input((4,)), layers.Dense(3, activation="relu")(x), name="out")
    given = keras.Input((4,), name="given")
    y = inside(given)
    z = outside(layers.Add()([y, inside(y)]))
    w = layers.Bidirectional(layers.SimpleRNN(2, activation="relu"))(layers.Reshape((2, 2))(y))
    return keras.Model(given, [keras.ops.relu(z * 2.0), outside(y), w], name="net")


@pytest.mark.filterwarnings("ignore:You are saving")
def test_legacy_files_of_keras_3(tmp_path):
    model = keras_3_model()
    rng = np.random.default_rng(5)
    for variable in model.variables:
        variable.assign(np.abs(rng.normal(1, 0.3, variable.shape)))
    model.save(tmp_path / "net.keras")
    expected = printed(tmp_path / "net.keras", "digits")
    model.save(tmp_path / "whole.h5")
    assert printed(tmp_path / "whole.h5", "digits") == expected
    (tmp_path / "net.json").write_text(model.to_json())
    model.save_weights(tmp_path / "net.weights.h5")
    assert printed(tmp_path / "net.json", "digits") == expected
