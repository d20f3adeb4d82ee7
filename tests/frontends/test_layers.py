"""Every layer: circuit equals Keras on random and extreme inputs."""

import keras
import numpy as np
import pytest
from hgq.config import QuantizerConfig
from hgq.layers import (
    QAdd,
    QAffinedUnaryFunctionLUT,
    QAveragePow2,
    QBatchNormalization,
    QBatchNormDense,
    QDense,
    QDot,
    QEinsum,
    QEinsumDense,
    QEinsumDenseBatchnorm,
    QMaximum,
    QMeanPow2,
    QMinimum,
    QMultiply,
    QSoftmax,
    QSubtract,
    QSum,
    QUnaryFunctionLUT,
)
from hgq_models import quantized, randomize
from keras import layers

from edgetrig.errors import ModelError
from edgetrig.frontends import load
from edgetrig.frontends.layers.activation import EXACT, TABLES


def data(rng, *shape):
    return (rng.integers(-(2**7), 2**7, (60, *shape)) / 2.0**4).astype("float32")


SINGLE = {
    "dense": lambda: [QDense(5)],
    "dense without bias": lambda: [QDense(5, use_bias=False)],
    "dense relu": lambda: [QDense(5, activation="relu"), QDense(3)],
    "dense output quantiser": lambda: [QDense(5, activation="relu", enable_oq=True)],
    "plain dense": lambda: [quantized(), layers.Dense(3), quantized()],
    "batch norm": lambda: [QDense(5), QBatchNormalization(), QDense(2)],
    "batch norm without centre": lambda: [QBatchNormalization(center=False)],
    "batch norm without scale": lambda: [QBatchNormalization(scale=False)],
    "batch norm dense": lambda: [QBatchNormDense(5), QDense(2)],
    "batch norm dense without scale": lambda: [QBatchNormDense(5, scale=False)],
    "einsum dense": lambda: [QEinsumDense("bi,io->bo", 5, bias_axes="o")],
    "einsum dense without bias": lambda: [QEinsumDense("bi,io->bo", 5)],
    "einsum dense batch norm": lambda: [QEinsumDenseBatchnorm("bi,io->bo", 5, bias_axes="o")],
    "relu": lambda: [quantized(), layers.ReLU()],
    "relu capped": lambda: [quantized(), layers.ReLU(max_value=2.5)],
    "relu threshold": lambda: [quantized(), layers.ReLU(threshold=0.5, negative_slope=0.25)],
    "relu slope capped": lambda: [quantized(), layers.ReLU(max_value=1.5, negative_slope=0.5)],
    "leaky relu": lambda: [quantized(), layers.LeakyReLU(0.125)],
    "leaky relu by table": lambda: [quantized(), layers.LeakyReLU(0.3), quantized()],
    "prelu": lambda: [quantized(), layers.PReLU(), quantized()],
    "elu": lambda: [quantized(), layers.ELU(0.5), quantized()],
    "dropout": lambda: [quantized(), layers.Dropout(0.5), layers.GaussianNoise(0.1), QDense(2)],
    "reshape": lambda: [quantized(), layers.Reshape((2, 3)), layers.Permute((2, 1)), QDense(4)],
    "reshape input": lambda: [layers.Reshape((2, 3)), layers.Permute((2, 1)), QDense(4)],
    "flatten": lambda: [layers.Reshape((3, 2)), QDense(2), layers.Flatten(), QDense(2)],
    "repeat": lambda: [layers.RepeatVector(3), QDense(2)],
    "sum": lambda: [layers.Reshape((3, 2)), QSum(axes=1, scale=0.5)],
    "sum keepdims": lambda: [layers.Reshape((3, 2)), QSum(axes=(1, 2), keepdims=True)],
    "mean": lambda: [layers.Reshape((3, 2)), QMeanPow2(axes=1)],
    "softmax": lambda: [QDense(4), QSoftmax()],
    "softmax unstable": lambda: [QDense(4), QSoftmax(stable=False, enable_iq=True)],
    "softmax axis": lambda: [layers.Reshape((3, 2)), QDense(4), QSoftmax(axis=1)],
    "softmax scaled": lambda: [QDense(4), QSoftmax(input_scaler=0.5)],
    "affine table": lambda: [QAffinedUnaryFunctionLUT("tanh")],
    "nested": lambda: [QDense(4), keras.Sequential([QDense(3), QBatchNormalization()]), QDense(2)],
    "rescaling": lambda: [quantized(), layers.Rescaling(0.5, -1.0)],
    "hard then table": lambda: [quantized(), layers.Activation("tanh"), QUnaryFunctionLUT("relu")],
}


@pytest.mark.parametrize("name", SINGLE)
def test_layer_is_exact(name, assert_same, rng):
    model = keras.Sequential([keras.Input((6,)), *SINGLE[name]()])
    randomize(model, rng)
    assert_same(model, data(rng, 6))


ACTIVATIONS = [
    name for name in [*EXACT, *TABLES] if name != "threshold" and hasattr(keras.activations, name)
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_exact(name, assert_same, rng):
    dense = QDense(6, activation=name, enable_oq=True)
    model = keras.Sequential([keras.Input((6,)), QUnaryFunctionLUT(name), dense])
    randomize(model, rng)
    assert_same(model, data(rng, 6))


MERGES = {
    "add": (QAdd, layers.Add),
    "subtract": (QSubtract, layers.Subtract),
    "multiply": (QMultiply, layers.Multiply),
    "maximum": (QMaximum, layers.Maximum),
    "minimum": (QMinimum, layers.Minimum),
    "average": (QAveragePow2, layers.Average),
    "dot": (QDot, lambda: layers.Dot(-1)),
    "concatenate": (layers.Concatenate, layers.Concatenate),
}


@pytest.mark.parametrize("name", MERGES)
def test_merge_is_exact(name, assert_same, rng):
    a, b = keras.Input((6,)), keras.Input((6,))
    own, plain = (make() for make in MERGES[name])
    x, y = (quantized()(QDense(4)(v)) for v in (a, b))
    model = keras.Model([a, b], [own([x, y]), plain([x, y])])
    randomize(model, rng)
    assert_same(model, data(rng, 6), data(rng, 6))


def test_merge_broadcasts_and_takes_many(assert_same, rng):
    a = keras.Input((6,))
    q = quantized()(a)
    x = layers.Reshape((2, 3))(q)
    y = layers.Reshape((2, 1))(QDense(2)(q))
    z = layers.Reshape((1, 3))(QDense(3)(q))
    model = keras.Model(a, [QAdd()([x, y, z]), layers.Multiply()([x, y])])
    randomize(model, rng)
    assert_same(model, data(rng, 6))


def test_einsum_and_ellipsis(assert_same, rng):
    a = keras.Input((2, 3))
    x = QEinsumDense("...i,io->...o", 4, bias_axes="o")(a)
    y = QEinsum("bij,bkj->bik")([x, x])
    model = keras.Model(a, y)
    randomize(model, rng)
    assert_same(model, data(rng, 2, 3))


def test_inputs_joined_before_they_are_quantised(assert_same, rng):
    a, b = keras.Input((4,)), keras.Input((2,))
    model = keras.Model([a, b], QDense(3)(layers.Concatenate()([a, b])))
    randomize(model, rng)
    assert_same(model, data(rng, 4), data(rng, 2))


def test_shared_layer_and_nested_functional_model(assert_same, rng):
    inner_input = keras.Input((4,))
    hidden = QDense(4, activation="relu")(inner_input)
    inner = keras.Model(inner_input, [hidden, QDense(2)(hidden)])
    shared = QDense(4)
    a, b = keras.Input((6,)), keras.Input((6,))
    first, _ = inner(shared(quantized()(a)))
    _, second = inner(shared(quantized()(b)))
    model = keras.Model([a, b], [QDense(3)(first), second])
    randomize(model, rng)
    assert_same(model, data(rng, 6), data(rng, 6))


@pytest.mark.parametrize("first", [None, "quantizer", "relu"])
def test_normalisation_by_powers_of_two_costs_nothing(first, assert_same, rng):
    mean, deviation = [3.0, -0.5, 0.0, 20.0, 1.0, 2.0], [0.5, 0.25, 1.0, 4.0, 0.5, 8.0]
    normal = layers.Normalization(mean=mean, variance=np.square(deviation))
    bits = {"overflow_mode": "SAT", "round_mode": "RND", "fc": None}
    dense = QDense(4, iq_conf=QuantizerConfig("kif", "datalane", **bits))
    before = {None: [], "quantizer": [quantized(f0=3)], "relu": [quantized(), layers.ReLU()]}
    model = keras.Sequential([keras.Input((6,)), *before[first], normal, dense])
    randomize(model, rng)
    dense.iq.quantizer._f.assign([[1, 1, -3, 2, 1, 3]])
    dense.iq.quantizer._i.assign([[1, 1, 3, 2, 0, 4]])  # the third has no bits left at times
    x = data(rng, 6) * np.float32(4)
    loaded = assert_same(model, x)
    if first is None:
        port = loaded.circuit.inputs[0]
        np.testing.assert_array_equal(port.fraction[[0, 1, 3]], [2, 3, 0])
        assert port.lo[0] == -4 + 3 * 4  # -2 + 6 in steps of the normalised value


@pytest.mark.parametrize(
    ("mean", "variance", "message"),
    [
        (0.0, 0.3, "standard deviations are not powers of two"),
        (0.3, 1.0, "is shifted by -0.300.*, no multiple of its quantiser's step"),
        (1.0, 1.0, "is shifted and wraps around; use overflow_mode='SAT'"),
    ],
)
def test_other_normalisations_are_refused(mean, variance, message, assert_same, rng):
    normal = layers.Normalization(mean=mean, variance=variance)
    model = keras.Sequential([keras.Input((6,)), normal, QDense(2)])
    with pytest.raises(ModelError, match=message):
        assert_same(model, data(rng, 6))


def test_operators_on_tensors(assert_same, rng):
    a = keras.Input((6,))
    x, y = QDense(3)(a), QDense(3)(a)
    z = keras.ops.relu(x * 0.5 + y - 1.0)
    model = keras.Model(a, [keras.ops.maximum(z, y), 2.0 - x])
    randomize(model, rng)
    assert_same(model, data(rng, 6))


@pytest.mark.parametrize("last", ["softmax", "sigmoid", "layer"])
def test_last_activation_is_dropped_and_said(last, outputs_of, tmp_path, rng):
    activation = None if last == "layer" else last
    tail = [layers.Softmax(name="softmax")] if last == "layer" else []
    dense = QDense(3, activation=activation, name="scores")
    model = keras.Sequential([keras.Input((6,)), dense, *tail])
    randomize(model, rng)
    model.save(tmp_path / "m.keras")
    loaded = load(tmp_path / "m.keras")
    name = "softmax" if last == "layer" else "scores"
    assert loaded.dropped == {name: last if activation else "softmax"}
    assert "gives its logits" in loaded.notes[0]
    dense.activation = keras.activations.linear
    x = data(rng, 6)
    np.testing.assert_array_equal(outputs_of(loaded.circuit, x)[name], np.asarray(dense(x)))


def test_unquantised_activation_inside_is_refused(assert_same, rng):
    model = keras.Sequential([keras.Input((6,)), QDense(3, activation="tanh"), layers.Dense(2)])
    with pytest.raises(ModelError, match=r"'dense.*the tanh before it is not quantised; put"):
        assert_same(model, data(rng, 6))


def test_plain_batch_norm_is_close(outputs_of, tmp_path, rng):
    """Keras' float32 products are not exact here; the circuit's are."""
    model = keras.Sequential([keras.Input((6,)), QDense(4), layers.BatchNormalization()])
    randomize(model, rng)
    model.save(tmp_path / "m.keras")
    x = data(rng, 6)
    (got,) = outputs_of(load(tmp_path / "m.keras").circuit, x).values()
    np.testing.assert_allclose(got, np.asarray(model(x)), rtol=1e-5, atol=1e-4)
