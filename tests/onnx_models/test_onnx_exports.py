"""Models that PyTorch exported: read as they are, the same floats, and quantised."""

from pathlib import Path

import numpy as np
import pytest

import edgetrig
from edgetrig.errors import ModelError
from edgetrig.frontends import load, read
from edgetrig.frontends.quantization.floating import float_outputs

DATA = Path(__file__).parent / "data" / "torch"
FILES = sorted(path.stem for path in DATA.glob("*.onnx"))


def stored(name):
    numbers = np.load(DATA / f"{name.rsplit('_', 1)[0]}.npz")
    return numbers["x"].astype(np.float64), numbers["y"]


@pytest.mark.parametrize("name", FILES)
def test_floats(name):
    x, expected = stored(name)
    (got,) = float_outputs(read(DATA / f"{name}.onnx"), x).values()
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", FILES)
def test_floats_are_refused_without_types(name):
    with pytest.raises(ModelError, match=r"layer '[^']*' \(\w+\): .*edgetrig\.quantize"):
        load(DATA / f"{name}.onnx")


@pytest.mark.parametrize("name", ["convolutions_dynamo", "lstm_script"])
def test_quantised(name, outputs_of):
    x, expected = stored(name)
    result = edgetrig.quantize(DATA / f"{name}.onnx", x)
    (got,) = outputs_of(result.circuit, x=x).values()
    assert np.abs(got - expected).max() < 0.1 * np.abs(expected).max()
