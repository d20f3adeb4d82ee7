"""Keras models to compile, and how their hardware twins are evaluated."""

import os
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

from edgetrig.circuit import Circuit, Input, check, quantize_floats
from edgetrig.frontends import Loaded, load
from edgetrig.verify.reference import evaluate


def codes_of(port: Input, x):
    """Return hardware integers of floats, one row an event."""
    x = np.asarray(x, np.float64).reshape(len(x), *port.shape)
    bits = np.frexp(np.maximum(port.hi, -port.lo - 1).astype(float))[1]
    signed = (port.lo < 0).astype(int)
    codes = quantize_floats(
        x, signed, bits - port.fraction, port.fraction, port.rounding, port.overflow
    )
    codes = np.clip(codes, port.lo, port.hi)
    return np.where((port.lo == 0) & (port.hi == 0), 0, codes).reshape(len(x), -1)


def _outputs_of(circuit: Circuit, *inputs):
    """Return the circuit's outputs as floats, by name."""
    codes = np.concatenate(
        [codes_of(port, x) for port, x in zip(circuit.inputs, inputs, strict=True)], axis=1
    )
    result = np.array(evaluate(str(circuit), codes.tolist(), check_intervals=True), object)
    outputs, first = {}, 0
    for port in circuit.outputs:
        part = result[:, first : first + port.rows.size].astype(np.float64)
        values = np.ldexp(part, -port.fraction.ravel().astype(int))
        outputs[port.name] = values.reshape(len(codes), *port.shape)
        first += port.rows.size
    return outputs


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
