"""Convolutions, pooling and what moves elements: circuit equals Keras, bit for bit."""

import keras
import pytest
from hgq.config import QuantizerConfig
from hgq.layers import (
    QAveragePooling1D,
    QAveragePooling2D,
    QConv1D,
    QConv2D,
    QConv3D,
    QGlobalAveragePooling1D,
    QGlobalAveragePooling2D,
    QGlobalMaxPooling1D,
    QGlobalMaxPooling2D,
    QMaxPooling1D,
    QMaxPooling2D,
)
from keras import layers

FIRST = "channels_first"


def data(rng, *shape):
    return (rng.integers(-(2**6), 2**6, (12, *shape)) / 2.0**3).astype("float32")


PLAIN = {
    # one shape; every layer reads the quantised input
    "conv 1d": (
        (7, 3),
        lambda: [
            layers.Conv1D(2, 3),
            layers.Conv1D(2, 3, padding="same", use_bias=False),
            layers.Conv1D(2, 3, padding="causal", activation="relu"),
            layers.Conv1D(2, 2, strides=2, padding="same"),
            layers.Conv1D(2, 3, strides=3),
            layers.Conv1D(2, 3, dilation_rate=2, padding="same"),
            layers.Conv1D(2, 2, dilation_rate=2, padding="causal"),
            layers.Conv1D(6, 2, groups=3),
            layers.Conv1D(2, 7),
            layers.Conv1D(4, 1),
        ],
    ),
    "conv 2d": (
        (5, 6, 2),
        lambda: [
            layers.Conv2D(3, (2, 3)),
            layers.Conv2D(3, 3, padding="same", strides=(2, 1)),
            layers.Conv2D(2, 2, dilation_rate=(2, 1), padding="same"),
            layers.Conv2D(4, 2, groups=2, strides=2),
            layers.Conv2D(3, (1, 1), activation="relu"),
        ],
    ),
    "conv 3d": (
        (3, 4, 3, 2),
        lambda: [
            layers.Conv3D(2, 2),
            layers.Conv3D(2, (1, 3, 2), padding="same", strides=(1, 2, 1)),
            layers.Conv3D(2, 2, groups=2, dilation_rate=2),
        ],
    ),
    "depthwise and separable": (
        (6, 3),
        lambda: [
            layers.DepthwiseConv1D(3),
            layers.DepthwiseConv1D(3, depth_multiplier=2, padding="same", strides=2),
            layers.SeparableConv1D(4, 3),
            layers.SeparableConv1D(2, 2, depth_multiplier=2, padding="same", use_bias=False),
        ],
    ),
    "depthwise and separable 2d": (
        (5, 4, 2),
        lambda: [
            layers.DepthwiseConv2D((2, 3)),
            layers.DepthwiseConv2D(2, depth_multiplier=3, padding="same", strides=2),
            layers.DepthwiseConv2D(2, dilation_rate=2, use_bias=False),
            layers.SeparableConv2D(3, 2, activation="relu"),
            layers.SeparableConv2D(3, (3, 1), depth_multiplier=2, padding="same"),
        ],
    ),
    "transposed 1d": (
        (4, 2),
        lambda: [
            layers.Conv1DTranspose(3, size, stride, padding, more, dilation_rate=dilation)
            for size, stride, padding, more, dilation in [
                (3, 1, "valid", None, 1),
                (3, 2, "same", None, 1),
                (2, 3, "valid", None, 1),
                (2, 3, "same", None, 1),
                (4, 2, "same", None, 1),
                (3, 2, "same", 1, 1),
                (3, 3, "valid", 2, 1),
                (3, 1, "same", None, 2),
                (2, 1, "valid", None, 3),
            ]
        ],
    ),
    "transposed 2d and 3d": (
        (3, 2, 2),
        lambda: [
            layers.Conv2DTranspose(2, (3, 2), strides=2, padding="same"),
            layers.Conv2DTranspose(2, 2, strides=(1, 2), use_bias=False),
            keras.Sequential(
                [layers.Reshape((3, 2, 2, 1)), layers.Conv3DTranspose(2, 2, strides=2)]
            ),
        ],
    ),
    "pooling 1d": (
        (7, 2),
        lambda: [
            layers.MaxPooling1D(3),
            layers.MaxPooling1D(3, strides=2, padding="same"),
            layers.AveragePooling1D(2),
            layers.AveragePooling1D(4, strides=1),
            layers.AveragePooling1D(2, strides=2, padding="same"),
            layers.GlobalMaxPooling1D(),
            layers.GlobalMaxPooling1D(keepdims=True),
        ],
    ),
    "pooling 2d and 3d": (
        (4, 4, 2),
        lambda: [
            layers.MaxPooling2D((2, 3), padding="same"),
            layers.MaxPooling2D(3, strides=1),
            layers.AveragePooling2D(2),
            layers.GlobalAveragePooling2D(),
            layers.GlobalMaxPooling2D(),
            keras.Sequential([layers.Reshape((4, 2, 2, 2)), layers.MaxPooling3D(2)]),
            keras.Sequential([layers.Reshape((4, 2, 2, 2)), layers.AveragePooling3D(2)]),
            keras.Sequential([layers.Reshape((4, 2, 2, 2)), layers.GlobalMaxPooling3D()]),
            keras.Sequential([layers.Reshape((4, 2, 2, 2)), layers.GlobalAveragePooling3D()]),
        ],
    ),
    "moved": (
        (4, 3),
        lambda: [
            layers.ZeroPadding1D(2),
            layers.ZeroPadding1D((0, 3)),
            layers.Cropping1D((1, 2)),
            layers.UpSampling1D(3),
        ],
    ),
    "moved 2d": (
        (3, 4, 2),
        lambda: [
            layers.ZeroPadding2D(1),
            layers.ZeroPadding2D(((0, 1), (2, 0))),
            layers.ZeroPadding2D((1, 2)),
            layers.Cropping2D(((0, 1), (2, 1))),
            layers.Cropping2D(1),
            layers.UpSampling2D((2, 3)),
            layers.UpSampling2D(2, data_format=FIRST),
            layers.UpSampling2D((2, 4), interpolation="bilinear"),
            layers.UpSampling2D((1, 2), interpolation="bilinear"),
            layers.ZeroPadding2D(1, data_format=FIRST),
            layers.Cropping2D(((1, 1), (0, 1)), data_format=FIRST),
            layers.Flatten(data_format=FIRST),
        ],
    ),
    "moved 3d": (
        (3, 3, 3, 1),
        lambda: [layers.ZeroPadding3D(1), layers.Cropping3D(1), layers.UpSampling3D((1, 2, 1))],
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_layers_are_exact(name, assert_same, quantized, short_weights, rng):
    shape, make = PLAIN[name]
    inputs = keras.Input(shape)
    x = quantized(6)(inputs)
    made = make()
    model = keras.Model(inputs, [layer(x) for layer in made])
    for layer in made:
        short_weights(layer, rng)
    assert_same(model, data(rng, *shape))


QUANTIZED = {
    # HGQ2 cannot build causal padding with a type for each step
    "1d": (
        (6, 3),
        lambda: [
            QConv1D(2, 3, padding="causal", iq_conf=QuantizerConfig(heterogeneous_axis=(2,))),
            QConv1D(3, 2, strides=2),
        ],
    ),
    "1d same": ((6, 2), lambda: [QConv1D(2, 3, padding="same", dilation_rate=2, enable_oq=True)]),
    "1d pool": ((7, 2), lambda: [QMaxPooling1D(2), QConv1D(2, 2), QGlobalMaxPooling1D()]),
    "1d mean": ((8, 2), lambda: [QAveragePooling1D(2), QGlobalAveragePooling1D()]),
    "2d": ((4, 5, 2), lambda: [QConv2D(3, 2, activation="relu"), QConv2D(2, 2, padding="same")]),
    "2d groups": ((4, 4, 4), lambda: [QConv2D(4, 2, groups=2, use_bias=False)]),
    "2d pool": ((5, 5, 1), lambda: [QConv2D(2, 2), QMaxPooling2D(2), QGlobalAveragePooling2D()]),
    "2d mean": ((4, 4, 2), lambda: [QAveragePooling2D(2), QConv2D(2, 2), QGlobalMaxPooling2D()]),
    "3d": ((3, 3, 3, 1), lambda: [QConv3D(2, 2)]),
    "padded input": ((4, 2), lambda: [layers.ZeroPadding1D(1), QConv1D(2, 3)]),
    "one type a channel": (
        (5, 3),
        lambda: [QConv1D(2, 2, iq_conf=QuantizerConfig("kbi", heterogeneous_axis=(2,)))],
    ),
    "mean of nine": (
        (6, 3, 1),
        lambda: [QConv2D(2, 2), layers.AveragePooling2D((3, 2), 1, "same"), QConv2D(2, 1)],
    ),
    "mean of five": ((5, 2), lambda: [QAveragePooling1D(5, enable_oq=True)]),
    "global mean of six": (
        (6, 2),
        lambda: [QConv1D(3, 1), QGlobalAveragePooling1D(enable_oq=True)],
    ),
}


@pytest.mark.parametrize("name", QUANTIZED)
def test_quantised_layers_are_exact(name, assert_same, randomize, rng):
    shape, make = QUANTIZED[name]
    model = keras.Sequential([keras.Input(shape), *make()])
    randomize(model, rng)
    assert_same(model, data(rng, *shape))


def test_channels_first_is_exact(assert_same, quantized, short_weights, rng):
    """JAX on a CPU convolves with channels first as well."""
    inputs = keras.Input((2, 4, 3))
    x = quantized(6)(inputs)
    named = {"data_format": FIRST}
    made = [
        layers.Conv2D(3, 2, padding="same", **named),
        layers.DepthwiseConv2D(2, **named),
        layers.Conv2DTranspose(2, 2, strides=2, **named),
        layers.MaxPooling2D(2, padding="same", **named),
        layers.AveragePooling2D((2, 1), **named),
        layers.GlobalMaxPooling2D(**named),
    ]
    model = keras.Model(inputs, [layer(x) for layer in made])
    for layer in made:
        short_weights(layer, rng)
    assert_same(model, data(rng, 2, 4, 3))
