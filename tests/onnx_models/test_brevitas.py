"""Models that Brevitas exported, against QONNX' own execution (`make_brevitas` made both)."""

from pathlib import Path

import numpy as np
import pytest

from edgetrig.circuit import check
from edgetrig.frontends import load

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.onnx")))
def test_brevitas(name, outputs_of):
    stored = np.load(DATA / f"{name}.npz")
    x, expected = stored["x"], stored["y"]
    loaded = load(DATA / f"{name}.onnx")
    check(loaded.circuit)
    (got,) = outputs_of(loaded.circuit, **{loaded.circuit.inputs[0].name: x}).values()
    # Both sides compute the last sums in floats of their own: what is left is their rounding. One
    # code of a hidden layer off by one would show as thousands of times more.
    rounding = 2.0**-21 * np.abs(expected).max()
    wrong = np.abs(got.reshape(expected.shape) - expected) > rounding
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size}"


def test_sums_hold_whole_numbers_alone():
    circuit = load(DATA / "mlp_float.onnx").circuit
    sums = circuit.rows.origin == circuit.origins.index("/4/Gemm")
    assert circuit.widths[sums].max() <= 6 + 6 + 5  # weights, activations, 24 of them


def test_whole_number_biases_join_the_sums():
    circuit = load(DATA / "integer_bias.onnx").circuit
    sums = circuit.rows.origin == circuit.origins.index("/1/Gemm")
    assert circuit.widths[sums].max() <= 7 + 4 + 4 + 1
