"""Types given to the inputs of models that have no quantiser there."""

import numpy as np
import pytest
from qkeras_files import stored
from typer.testing import CliRunner

import edgetrig
from edgetrig.cli.app import app
from edgetrig.errors import ModelError


@pytest.fixture
def jets(tmp_path):
    return stored("qkeras-0.9.0", "jet tagger", tmp_path)


@pytest.mark.parametrize("kind", ["fixed<12,8>", {"fc1_input": "ap_fixed<16,9>"}])
def test_input_type_makes_a_network_with_float_inputs_exact(jets, kind):
    path, x, (expected,) = jets
    scores = edgetrig.compile(path, input_type=kind).predict(x)
    np.testing.assert_array_equal(scores, expected)


def test_without_a_type_the_line_tells_of_it(jets):
    with pytest.raises(ModelError, match=r"'fc1' \(QDense\): .* unquantised; .*input_type='fixed"):
        edgetrig.compile(jets[0])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("fixed<>", "model.h5: type 'fixed<>'"),
        ({"x": "fixed<12,8>"}, "has no input 'x'; its inputs are fc1_input"),
    ],
)
def test_types_that_fit_nothing(jets, kind, message):
    with pytest.raises(ModelError, match=message):
        edgetrig.compile(jets[0], input_type=kind)


def test_input_type_on_the_command_line(jets, tmp_path):
    out = tmp_path / "jets.edgetrig"
    arguments = ["compile", str(jets[0]), "--input-type", "fixed<12,8>", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(edgetrig.Design.load(out).predict(jets[1]), jets[2][0])
