"""Plain Keras layers computed in float64 stay within float32's rounding of Keras itself.

Their integers are tested where their types are found (tests/quantize); here, what they compute.
"""

import keras
import numpy as np
import pytest
from keras import layers, ops

from edgetrig.frontends.quantization.floating import float_outputs
from edgetrig.frontends.readers import read

FLOATS = {
    "recurrent": lambda x: [
        layers.LSTM(3)(x),
        *layers.LSTM(2, return_sequences=True, return_state=True, go_backwards=True)(x),
        layers.LSTM(2, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False)(x),
        layers.LSTM(2)(x, initial_state=[x[:, 0, :2], x[:, 1, :2]]),
        layers.GRU(3)(x),
        layers.GRU(2, reset_after=False, return_sequences=True)(x),
        *layers.GRU(2, use_bias=False, return_state=True)(x),
        layers.SimpleRNN(3, return_sequences=True)(x),
    ],
    "both ways": lambda x: [
        layers.Bidirectional(layers.LSTM(2))(x),
        layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode="sum")(x),
        *layers.Bidirectional(
            layers.SimpleRNN(2, return_sequences=True, return_state=True), merge_mode=None
        )(x),
        layers.Bidirectional(
            layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True), merge_mode="mul"
        )(x),
    ],
    "attention": lambda x: [
        layers.MultiHeadAttention(2, 3)(x, x),
        layers.MultiHeadAttention(2, 3, output_shape=5)(x, x[:, :3], use_causal_mask=True),
        layers.Attention(use_scale=True)([x, x]),
        layers.Attention()([x, x, x], use_causal_mask=True),
        layers.AdditiveAttention()([x, x]),
    ],
    "norms": lambda x: [
        layers.LayerNormalization()(x),
        layers.LayerNormalization(axis=[1, 2], center=False, epsilon=1e-2)(x),
        layers.RMSNormalization()(x),
        layers.GroupNormalization(2)(x),
        layers.GroupNormalization(-1, axis=1, scale=False)(x),
        layers.UnitNormalization(axis=[1, 2])(x),
        layers.BatchNormalization(axis=1)(x),
    ],
    "others": lambda x: [
        layers.Softmax(axis=1)(x),
        ops.log_softmax(x, axis=1),
        layers.Dense(3, activation="gelu")(x),
        layers.TimeDistributed(layers.Dense(2, activation="tanh"))(x),
        layers.SeparableConv1D(3, 2)(x),
        layers.Dot((1, 2))([x, ops.transpose(x, (0, 2, 1))]),
        ops.sqrt(ops.var(x, axis=1)),
        ops.var(x[:, :3], axis=1),
        ops.std(x[:, :3], axis=(1, 2), keepdims=True),
        ops.std(x, axis=-1),
        ops.logaddexp(x, ops.flip(x, axis=2)),
        ops.logaddexp(x, 0.5),
        ops.arccosh(ops.exp(x) + 1),
        layers.UpSampling2D((3, 2), interpolation="bilinear")(x[..., None]),
        layers.UpSampling2D(3, "channels_first", "bilinear")(x[:, None]),
    ],
}


@pytest.mark.parametrize("name", FLOATS)
def test_floats_are_those_of_keras(name, rng, tmp_path):
    inputs = keras.Input((4, 4))
    model = keras.Model(inputs, FLOATS[name](inputs))
    for variable in model.variables:
        if "seed" not in variable.path:
            spread = rng.normal(0, 0.4, variable.shape)
            positive = "variance" in variable.path
            variable.assign(1 + np.abs(spread) if positive else spread)
    model.save(tmp_path / "m.keras")
    x = rng.normal(0, 1, (20, 4, 4)).astype("float32")
    expected = model(x, training=False)
    read_back = read(tmp_path / "m.keras")
    got = float_outputs(read_back, {read_back.inputs[0].name: x})
    assert len(got) == len(expected)
    for values, keras_values in zip(got.values(), expected, strict=True):
        np.testing.assert_allclose(values, np.asarray(keras_values), atol=3e-6)
