"""Functions of keras.ops, wrappers, look-up and subclassed models: circuit equals Keras."""

import keras
import numpy as np
import pytest
from hgq.layers import QDense
from keras import layers, ops

from edgetrig.errors import ModelError
from edgetrig.frontends import load
from edgetrig.frontends.keras.form import Given
from edgetrig.frontends.keras.layers.merge import contracted


def data(rng, *shape):
    return (rng.integers(-(2**6), 2**6, (40, *shape)) / 2.0**3).astype("float32")


EXACT = {
    "items": lambda x: [x[:, 1:3, ::2], x[..., 0], x[:, -1], x[:, None, 2], x[:, :, 2:]],
    "reductions": lambda x: [
        ops.mean(x, axis=1),
        ops.mean(x, axis=-2, keepdims=True),
        ops.sum(x, axis=-1),
        ops.max(x, axis=(1, 2)),
        ops.amin(x, axis=2),
        ops.prod(x[:, :2, :1], axis=1),
        ops.var(x, axis=1),
        ops.cumsum(x, axis=1),
    ],
    "whole quotients": lambda x: [
        ops.floor_divide(x, 0.5),
        ops.floor_divide(x, 3),
        ops.floor_divide(x, -7),
        ops.mod(x, 2),
        ops.mod(x, -0.5),
        ops.mod(x, 3),
    ],
    "choices": lambda x: [
        *ops.top_k(x, 3),
        ops.argmax(x, axis=-1),
        ops.argmin(x, axis=1),
        ops.sort(x, axis=1),
        ops.argsort(x, axis=-1),
        ops.one_hot(ops.argmax(x, axis=-1), 6),
    ],
    "one of several results": lambda x: [ops.top_k(x, 2)[1], ops.split(x, 3, axis=2)[1]],
    "conditions": lambda x: [
        ops.where(x > 0.5, x, 0.25),
        ops.cast(ops.logical_and(x >= 0, x < 3), "float32"),
        ops.cast(ops.logical_not(x > 1), "float32"),
        ops.cast(ops.not_equal(x, ops.flip(x, axis=2)), "float32"),
        ops.cast(ops.any(x > 3, axis=1), "float32"),
    ],
    "numbers as truth values": lambda x: [
        ops.cast(ops.logical_not(x), "float32"),
        ops.cast(ops.logical_and(x, ops.flip(x, axis=2)), "float32"),
        ops.cast(ops.logical_or(x, x[:, :1]), "float32"),
        ops.cast(ops.logical_xor(x, x > 1), "float32"),
        ops.cast(ops.all(x, axis=1), "float32"),
        ops.cast(ops.any(x, axis=2), "float32"),
        ops.where(x, -x, 0.5),
    ],
    "products": lambda x: [
        ops.einsum("bij,bkj->bik", x, x),
        ops.matmul(x, ops.transpose(x, (0, -1, 1))),
        x * ops.flip(x, axis=2) * 0.75,
        x**3,
        ops.matmul(x, np.eye(6, 2, dtype="float32")),
        ops.einsum("b...j,jk->b...k", x, np.ones((6, 2), dtype="float32")),
        ops.einsum("...j,jk->...k", x, np.ones((6, 2), dtype="float32")),
        ops.einsum("bij,ik->bkj", x, np.eye(4, 3, dtype="float32")),
        ops.einsum("kj,bij->bki", np.ones((2, 6), dtype="float32"), x),
    ],
    "arithmetic": lambda x: [
        x / 4,
        2 - x,
        -x,
        x + np.arange(6, dtype="float32"),
        ops.floor(x),
        ops.ceil(x),
        ops.round(x),
        ops.round(x * 0.25),
        ops.trunc(x),
        ops.abs(x),
        ops.sign(x),
        ops.square(x),
        ops.clip(x, -1, 2.5),
        ops.maximum(x, 0.5),
    ],
    "moves": lambda x: [
        ops.reshape(x, (-1, 3, 8)),
        ops.swapaxes(x, 1, 2),
        ops.moveaxis(x, 1, 2),
        ops.squeeze(x[:, :1], axis=1),
        ops.expand_dims(x, 1),
        ops.flip(x, axis=1),
        ops.repeat(x, 2, axis=1),
        ops.roll(x, 2, axis=2),
        ops.pad(x, [[0, 0], [1, 0], [0, 2]]),
        ops.pad(x, [[0, 0], [0, 1], [0, 0]], constant_values=0.0),
        ops.take(x, [0, 2, 2, 1], axis=1),
        *ops.unstack(x, axis=1),
        *ops.split(x, [1, 3], axis=1),
        ops.stack([x, -x], axis=-1),
        ops.concatenate([x, x + 1.5], axis=1),
    ],
    "activations": lambda x: [
        ops.relu(x),
        ops.relu6(x),
        ops.leaky_relu(x, 0.25),
        ops.threshold(x, 1.0, 0.5),
        ops.hard_shrink(x, 0.75),
        ops.soft_shrink(x, 0.75),
        ops.hard_tanh(x),
        ops.sparse_sigmoid(x),
    ],
}


@pytest.mark.parametrize("name", EXACT)
def test_operations_are_exact(name, assert_same, quantized, rng):
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, EXACT[name](quantized(6)(inputs)))
    assert_same(model, data(rng, 4, 6))


def test_operations_before_a_quantiser_are_exact(assert_same, quantized, rng):
    inputs = keras.Input((4, 6))
    x = quantized(6)(inputs)
    pending = [
        ops.tanh(x),
        ops.exp(x / 2),
        ops.sqrt(ops.relu(x)),
        ops.gelu(x, approximate=True),
        ops.elu(x, 0.5),
        ops.celu(x, 2.0),
        ops.erf(x),
        ops.sin(x),
        ops.log(ops.abs(x) + 0.5),
        ops.hard_sigmoid(x),
        ops.reciprocal(ops.abs(x) + 0.25),
        x / 3,
        ops.mean(x, axis=-1),
        ops.mean(x, axis=(1, 2)),
        ops.concatenate([ops.tanh(x), ops.sigmoid(x), x], axis=1),
        # Functions of one name that differ: each keeps its own.
        ops.concatenate([layers.ELU(0.5)(x), layers.ELU(2.0)(x)], axis=-1),
        layers.Average()([x, x * 2, ops.flip(x, axis=1)]),
    ]
    modes = ("RND", "TRN", "RND_CONV")
    outputs = [
        quantized(6, f0=4, round_mode=modes[k % 3])(value) for k, value in enumerate(pending)
    ]
    assert_same(keras.Model(inputs, outputs), data(rng, 4, 6))


def test_inputs_are_gathered_before_they_are_quantised(assert_same, randomize, rng):
    inputs = keras.Input((4, 6))
    x = ops.take(inputs, [0, 1, 1], axis=1)[:, :, :3]
    model = keras.Model(inputs, QDense(2)(ops.pad(x, [[0, 0], [0, 1], [0, 0]])))
    randomize(model, rng)
    assert_same(model, data(rng, 4, 6))


def test_embedding_makes_a_port_of_whole_numbers(assert_same, randomize, rng):
    model = keras.Sequential([keras.Input((3,)), layers.Embedding(5, 2)])
    randomize(model, rng)
    loaded = assert_same(model, rng.integers(0, 5, (30, 3)).astype("float32"))
    assert int(loaded.circuit.inputs[0].hi.max()) == 7


def test_time_distributed(assert_same, quantized, randomize, rng):
    inner = layers.TimeDistributed(QDense(3, activation="relu", enable_oq=True))
    curve = layers.TimeDistributed(layers.Activation("tanh"))
    model = keras.Sequential([keras.Input((3, 4)), inner, curve, quantized()])
    randomize(model, rng)
    assert_same(model, data(rng, 3, 4))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.first, self.last = QDense(4, activation="relu"), QDense(2)

    def call(self, x, training=None):
        return self.last(ops.sum(self.first(x), axis=1))


class Branching(Subclassed):
    def call(self, x, training=None):
        y = self.first(x)
        return self.last(y if y[0, 0] > 0 else -y)


@pytest.mark.filterwarnings("ignore:.build.*called on layer 'mine':UserWarning")
def test_live_subclassed_model(outputs_of, randomize, rng, tmp_path):
    model, x = Subclassed(), data(rng, 3, 4)
    with pytest.raises(ModelError, match="does not know its inputs' shapes; call it on data once"):
        load(model)
    model(x)
    randomize(model, rng)
    (got,) = outputs_of(load(model).circuit, x).values()
    np.testing.assert_array_equal(got, np.asarray(model(x)))
    model.save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match="only Sequential and Functional models can be read from"):
        load(tmp_path / "m.keras")
    branching = Branching()
    branching.build((None, 4))
    with pytest.raises(ModelError, match=r"model 'mine': its call cannot be traced .* conditions"):
        load(branching)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: ops.mean(x, axis=0), "axis 0 is the event axis"),
        (lambda x: ops.transpose(x, (1, 0, 2)), "moves the event axis"),
        (ops.sum, "takes events together"),
        (lambda x: x / ops.abs(x), "divides by a value that varies"),
        (lambda x: layers.Softmax()(x, mask=x > 0), "takes a mask, which is not supported"),
        (lambda x: layers.Embedding(4, 2, mask_zero=True)(x[:, 0]), "mask_zero=True is not"),
        (lambda x: layers.UpSampling2D(2, interpolation="bicubic")(x[..., None]), "use nearest"),
        (lambda x: ops.floor_divide(x, 2.5), "others than powers of two"),
        (lambda x: ops.mod(x, x), "divides by a value that varies"),
        (layers.LSTM(2), "has no number type; edgetrig.quantize"),
    ],
)
def test_what_is_refused(make, message, quantized, tmp_path):
    inputs = keras.Input((4, 6))
    keras.Model(inputs, make(quantized()(inputs))).save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match=message) as caught:
        load(tmp_path / "m.keras")
    assert "\n" not in str(caught.value)


def test_constants_with_and_without_an_event_axis(assert_same, quantized, rng):
    inputs = keras.Input((4, 6))
    x = quantized(6)(inputs)
    whole = (rng.integers(-8, 8, (1, 4, 6)) / 4).astype("float32")
    outputs = [
        x + whole,
        ops.multiply(whole[0], x),
        ops.where(whole > 0, x, whole),
        ops.matmul(whole[0, :, :4], x),
        ops.matmul(ops.expand_dims(x, 1), ops.expand_dims(ops.transpose(x, (0, 2, 1)), 1)),
        ops.maximum(x, whole[0, 0]),
    ]
    assert_same(keras.Model(inputs, outputs), data(rng, 4, 6))


def test_an_einsum_needs_a_value_and_keeps_the_event_axis():
    """A damaged file may have constants alone."""
    one = Given(np.ones((1, 2)))
    with pytest.raises(ValueError, match="does not keep the event axis in front"):
        contracted("bi,bi->bi", [one, one])
    with pytest.raises(ValueError, match="does not keep the event axis in front"):
        contracted("bi,bi->i", [np.ones(2), one])
