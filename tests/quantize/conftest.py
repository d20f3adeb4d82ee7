"""Float Keras models to quantise, and what their circuits are held to."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import pytest
from keras import layers

from edgetrig.circuit import check
from edgetrig.emulate import Emulator
from edgetrig.frontends import read
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import replay
from edgetrig.frontends.quantization import quantize_model
from edgetrig.frontends.quantization.fixed import dropped_array


def randomized(model, seed=0):
    """Give biases and statistics, which start as 0 and 1, random values."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.3, 3.0, variable.shape))
        elif "seed" not in variable.path and len(variable.shape) == 1:
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


def sequential(shape, *stack):
    return randomized(keras.Sequential([keras.Input(shape), *stack]))


def residual():
    x = first = keras.Input((8,), name="features")
    x = layers.Dense(8, activation="relu", name="up")(x)
    x = layers.Dense(8, name="down")(x)
    x = layers.Add(name="sum")([x, first])
    x = layers.ReLU(name="relu")(x)
    return randomized(keras.Model(first, layers.Dense(3, name="scores")(x)))


def two_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    x = layers.Concatenate(name="joined")([a, b])
    x = layers.Dense(6, activation="relu", name="hidden")(x)
    y = layers.Multiply(name="gate")([x, layers.Dense(6, activation="sigmoid", name="door")(a)])
    return randomized(keras.Model([a, b], [layers.Dense(2, name="p")(y), layers.Dense(1)(x)]))


MODELS = {
    "mlp": lambda: sequential(
        (16,), layers.Dense(12, activation="relu"), layers.Dense(5, activation="softmax")
    ),
    "batch norm": lambda: sequential(
        (8,),
        layers.Dense(10, name="linear", use_bias=False),
        layers.BatchNormalization(name="norm"),
        layers.Activation("relu", name="act"),
        layers.Dense(4, name="out"),
        layers.BatchNormalization(name="last"),
    ),
    "tables": lambda: sequential(
        (8,),
        layers.Dense(8, activation="tanh", name="tanh"),
        layers.Dense(8, activation="sigmoid", name="sigmoid"),
        layers.Dense(8, activation="gelu", name="gelu"),
        layers.Dense(3, name="out"),
        layers.Activation("elu", name="elu"),
    ),
    "residual": residual,
    "two inputs": two_inputs,
    "flatten": lambda: sequential(
        (4, 3), layers.Dense(5, activation="relu"), layers.Flatten(), layers.Dense(2)
    ),
    "binary": lambda: sequential(
        (6,), layers.Dense(6, activation="relu"), layers.Dense(1, activation="sigmoid")
    ),
}


def softmax_inside():
    first = keras.Input((6,))
    x = layers.Dense(5, activation="softmax", name="mixture")(first)
    return randomized(keras.Model(first, layers.Dense(3)(x)))


def attention():
    first = keras.Input((4, 6))
    x = layers.MultiHeadAttention(2, 3, name="attention")(first, first)
    x = layers.LayerNormalization(name="norm")(layers.Add(name="sum")([x, first]))
    x = layers.GlobalAveragePooling1D()(x)
    return randomized(keras.Model(first, layers.Dense(3)(x)))


LAYERS = {
    "convolution": lambda: sequential(
        (6, 6, 1),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ),
    "convolutions with batch norm": lambda: sequential(
        (6, 6, 2),
        layers.Conv2D(4, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.DepthwiseConv2D(3),
        layers.BatchNormalization(),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(3),
    ),
    "separable convolution": lambda: sequential(
        (8, 3), layers.SeparableConv1D(4, 3), layers.GlobalAveragePooling1D(), layers.Dense(2)
    ),
    "average of nine": lambda: sequential(
        (6, 6, 1), layers.AveragePooling2D(3), layers.Flatten(), layers.Dense(2)
    ),
    "lstm": lambda: sequential((4, 3), layers.LSTM(3), layers.Dense(2)),
    "gru": lambda: sequential((3, 3), layers.GRU(3, return_sequences=True), layers.Dense(2)),
    "rnn": lambda: sequential((4, 3), layers.SimpleRNN(3), layers.Dense(2)),
    "layer norm": lambda: sequential(
        (8,), layers.Dense(6), layers.LayerNormalization(), layers.Dense(2)
    ),
    "slopes": lambda: sequential(
        (8,), layers.Dense(6), layers.PReLU(), layers.LeakyReLU(0.3), layers.Dense(2)
    ),
    "softmax inside": softmax_inside,
    "attention": attention,
}


def data(model, events=1500, seed=3):
    """Return random inputs, one array or several."""
    rng = np.random.default_rng(seed)
    arrays = [
        (rng.standard_t(5, (events, *x.shape[1:])) * 1.5).astype("float32") for x in model.inputs
    ]
    return arrays if len(arrays) > 1 else arrays[0]


@pytest.fixture(autouse=True)
def same_weights():
    """Build the same models in every run."""
    keras.utils.set_random_seed(0)


@pytest.fixture(params=MODELS)
def float_model(request):
    """One float model after the other."""
    return MODELS[request.param]()


@pytest.fixture(params=LAYERS)
def float_layers(request):
    """One float model after the other, of layers with inner parts."""
    return LAYERS[request.param]()


@pytest.fixture
def float_models():
    """Return a function that makes a float model by its name."""
    return lambda name: MODELS[name]()


@pytest.fixture
def random_data():
    return data


@pytest.fixture
def quantized_and_checked():
    """Return a function that quantises a model and holds the circuit to the batch arithmetic."""

    def run(model, x, y=None, **options):
        steps = read(model)
        result = quantize_model(steps, x, y, **options)
        check(result.circuit)
        arrays = list(x) if isinstance(x, list) else [x]
        named = {p.name: a for p, a in zip(result.circuit.inputs, arrays, strict=True)}
        got = Emulator(result.circuit).predict(named)
        got = list(got.values()) if isinstance(got, dict) else [got]
        batches = [Batch(a.astype(np.float64)) for a in arrays]
        expected = replay(steps, batches, result.precisions.__getitem__)
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, dropped_array(other).values)
        return result

    return run
