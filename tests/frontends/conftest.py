"""Keras models to compile, and how their hardware twins are evaluated."""

import os
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")
# Every operation of every small model is compiled by itself: compile fast, not fast code.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

import hgq_models
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
def quantized():
    """Return a function that makes a quantiser of a given number of bits."""
    return hgq_models.quantized


@pytest.fixture
def randomize():
    """Return a function that gives a model random weights and bit widths."""
    return hgq_models.randomize


@pytest.fixture
def short_weights():
    """Return a function that gives a plain model weights of few bits, so that float32 is exact."""

    def assign(model, rng):
        for variable in model.variables:
            if "seed" not in variable.path and variable.dtype == "float32":
                variable.assign(rng.integers(-6, 7, variable.shape) / 4)

    return assign


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
