"""Keras models to compile, and how their hardware twins are evaluated."""

import os
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

from edgetrig.circuit import Circuit, check
from edgetrig.emulate import Emulator
from edgetrig.frontends import Loaded, load


def _outputs_of(circuit: Circuit, *inputs):
    """Return the circuit's outputs as floats, by name."""
    named = {port.name: x for port, x in zip(circuit.inputs, inputs, strict=True)}
    result = Emulator(circuit).predict(named)
    return result if isinstance(result, dict) else {circuit.outputs[0].name: result}


@pytest.fixture
def outputs_of():
    """Return a function that evaluates a circuit on floats."""
    return _outputs_of


@pytest.fixture
def assert_same(tmp_path):
    """Return a function that demands equality of a Keras model and its circuit."""

    def compare(model, *inputs) -> Loaded:
        path = tmp_path / "model.keras"
        model.save(path)
        loaded = load(path)
        check(loaded.circuit)
        expected = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        expected = list(expected) if isinstance(expected, list | tuple) else [expected]
        got = _outputs_of(loaded.circuit, *inputs)
        assert len(got) == len(expected)
        for values, keras_values in zip(got.values(), expected, strict=True):
            np.testing.assert_array_equal(values, np.asarray(keras_values, np.float64))
        return loaded

    return compare


@pytest.fixture
def rewrite():
    """Return a function that edits the configuration inside a ``.keras`` file."""

    def edit(path, function):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members["config.json"] = function(members["config.json"].decode()).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path

    return edit


@pytest.fixture
def rng():
    return np.random.default_rng(7)
