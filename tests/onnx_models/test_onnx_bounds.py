"""The bound of a quantised ONNX model is never exceeded: errors against ONNX Runtime."""

import numpy as np
import pytest

import edgetrig
from edgetrig.emulate import Emulator

FLOAT32 = 1e-5
"""What ONNX Runtime's own float32 sums may be off by here."""


def floats(rng, *shape):
    return rng.normal(0, 0.7, shape).astype(np.float32)


def mlp(rng):
    constants = {
        "w": floats(rng, 5, 6), "b": floats(rng, 6), "v": floats(rng, 4, 6), "c": floats(rng, 4),
        "s": floats(rng, 4), "d": floats(rng, 4),
    }  # fmt: skip
    nodes = [
        ("MatMul", "x w", "1"),
        ("Add", "1 b", "2"),
        ("Relu", "2", "3"),
        ("Gemm", "3 v c", "4", {"transB": 1}),
        ("Tanh", "4", "5"),
        ("Mul", "5 s", "6"),
        ("Sub", "6 d", "7"),
        ("PRelu", "7 s", "y"),
    ]
    return nodes, (5,), constants


def convolutions(rng):
    constants = {
        "w": floats(rng, 3, 2, 3, 3), "b": floats(rng, 3), "v": floats(rng, 12, 2),
        "gamma": floats(rng, 3), "beta": floats(rng, 3), "mean": floats(rng, 3),
        "variance": np.abs(floats(rng, 3)) + 0.3,
    }  # fmt: skip
    nodes = [
        ("Conv", "x w b", "1", {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", "1 gamma beta mean variance", "2"),
        ("Relu", "2", "3"),
        ("MaxPool", "3", "4", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Flatten", "4", "5"),
        ("Gemm", "5 v", "y"),
    ]
    return nodes, (2, 4, 4), constants


def attention(rng):
    constants = {"w": floats(rng, 4, 4), "v": floats(rng, 4, 2), "g": floats(rng, 4)}
    nodes = [
        ("MatMul", "x w", "q"),
        ("Transpose", "x", "k", {"perm": [0, 2, 1]}),
        ("MatMul", "q k", "s"),
        ("Softmax", "s", "p", {"axis": -1}),
        ("MatMul", "p x", "c"),
        ("LayerNormalization", "c g", "n", {"epsilon": 0.1}),
        ("MatMul", "n v", "y"),
    ]
    return nodes, (3, 4), constants


@pytest.fixture
def measured(model_of, runtime):
    """Return a function that quantises a model: the bound, and the errors if nothing saturates."""

    def run(network, bits, seed=1):
        rng = np.random.default_rng(seed)
        nodes, shape, constants = network(rng)
        model = model_of(nodes, {"x": ["N", *shape]}, ["y"], constants)
        x = floats(rng, 300, *shape)
        result = edgetrig.quantize(model, x, ranges="all", bits=bits)
        assert not any(row.saturated for row in result.table)
        (bound,) = result.bound.values()
        (exact,) = runtime(model, x=x)
        return bound, np.abs(Emulator(result.circuit).predict(x) - exact).max(axis=0)

    return run


@pytest.mark.parametrize("network", [mlp, convolutions, attention])
@pytest.mark.parametrize("bits", [9, 12])
def test_errors_stay_within_the_bound(network, bits, measured):
    bound, error = measured(network, bits)
    assert (error <= bound + FLOAT32).all()


@pytest.mark.parametrize("network", [mlp, convolutions])
def test_more_bits_tighter_bound(network, measured):
    largest = [measured(network, bits)[0].max() for bits in (8, 11)]
    assert largest[0] > 4 * largest[1] > 0
