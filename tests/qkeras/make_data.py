"""Write models of QKeras with inputs and outputs of its own: run once, beside a QKeras that works.

    python make_data.py OUT.zip

Made with Python 3.11 and, from PyPI, tensorflow-cpu 2.15.1, tensorflow-model-optimization 0.7.5,
qkeras 0.9.0, keras-tuner 1.4.8, pyparser 1.0, pyparsing 3.3.3 (the last four with --no-deps); and
once more with the sources of QKeras of June 2025 in place of 0.9.0 for the quantisers that came
later. Weights lie on a grid of 2**-10, so that QKeras' straight-through sums are exact.
"""

import io
import sys
import tempfile
import zipfile
from pathlib import Path

import keras  # noqa: F401 - before QKeras, which imports it half way
import numpy as np
import tensorflow as tf
from qkeras.utils import load_qmodel
from tensorflow.python.ops import array_ops
from tensorflow.python.util import nest

import qkeras as qk

L = tf.keras.layers
# Names that QKeras 0.9.0 uses and TensorFlow 2.15 has elsewhere or no longer needs.
array_ops.stack = getattr(array_ops, "stack", tf.stack)
array_ops.unstack = getattr(array_ops, "unstack", tf.unstack)
nest.is_sequence = getattr(nest, "is_sequence", nest.is_nested)
for cell in (qk.QSimpleRNN, qk.QLSTM, qk.QGRU):
    if not hasattr(cell, "_maybe_reset_cell_dropout_mask"):
        cell._maybe_reset_cell_dropout_mask = lambda self, cell: None

B4, B6, B8 = (
    "quantized_bits(4,0,alpha=1)",
    "quantized_bits(6,0,alpha=1)",
    "quantized_bits(8,3,alpha=1)",
)
NEWER = hasattr(qk.quantizers, "quantized_linear")


def entry():
    """A quantised input of 8 bits with 4 behind the point."""
    return qk.QActivation(B8, name="entry")


def dense(kernel=B4, bias="quantized_bits(6,1)", activation=None, **more):
    return qk.QDense(3, kernel_quantizer=kernel, bias_quantizer=bias, activation=activation, **more)


def activation(text):
    return lambda: [(6,), entry(), qk.QActivation(text)]


def weight(text):
    return lambda: [(6,), entry(), dense(text)]


ACTIVATIONS = [
    "quantized_bits(4,1,1)",
    "quantized_bits(4,1,0,0)",
    "quantized_bits(5,2,alpha=0.5)",
    "quantized_bits(1,0,alpha=1)",
    "quantized_bits(2,1,1,alpha=1.0)",
    "quantized_bits(3,5)",
    "quantized_relu(4)",
    "quantized_relu(4,2)",
    "quantized_relu(6,3,negative_slope=0.25)",
    "quantized_relu(3,1,negative_slope=0.125)",
    "quantized_relu(2,1,negative_slope=0.125)",
    "quantized_relu(4,1,1)",
    "quantized_relu(5,1,1,negative_slope=0.5)",
    "quantized_tanh(4)",
    "quantized_tanh(4,symmetric=1)",
    "quantized_tanh(5,use_real_tanh=1)",
    "quantized_sigmoid(4)",
    "quantized_sigmoid(4,1)",
    "quantized_sigmoid(5,use_real_sigmoid=1)",
    "quantized_ulaw(4,1)",
    "quantized_ulaw(5,0,1,100.0)",
    "quantized_hswish(6,2)",
    "quantized_po2(4)",
    "quantized_po2(4,2)",
    "quantized_po2(5,max_value=4,quadratic_approximation=True)",
    "quantized_relu_po2(4)",
    "quantized_relu_po2(4,4)",
    "quantized_relu_po2(3,2,negative_slope=0.5)",
    "binary(alpha=1)",
    "binary(alpha=0.5)",
    "binary(use_01=1,alpha=1)",
    "binary()",
    "ternary(alpha=1)",
    "ternary(alpha=2,threshold=1.5)",
    "ternary()",
    "stochastic_binary(alpha=1)",
    "stochastic_ternary(alpha=1)",
    "hard_sigmoid",
    "smooth_sigmoid",
    "binary_sigmoid",
    "hard_tanh",
    "smooth_tanh",
    "binary_tanh",
    "relu",
]
WEIGHTS = [
    "quantized_bits(4,0)",
    "quantized_bits(4,0,1,alpha=1)",
    "quantized_bits(5,1,0,0,alpha=1)",
    "quantized_bits(4,0,alpha='auto')",
    "quantized_bits(4,1,alpha='auto_po2')",
    "quantized_bits(2,0,alpha='auto_po2')",
    "quantized_bits(8,2,alpha='auto_po2')",
    "quantized_bits(4,0,alpha=0.3)",
    "quantized_bits(1,0,alpha=1)",
    "binary(alpha=1)",
    "binary(alpha='auto')",
    "binary(alpha='auto_po2')",
    "binary()",
    "ternary(alpha=1,threshold=0.25)",
    "ternary(alpha='auto')",
    "ternary(alpha='auto_po2')",
    "ternary()",
    "stochastic_binary()",
    "stochastic_ternary()",
    "quantized_po2(4)",
    "quantized_po2(3,1)",
    "quantized_relu(4,alpha=1)".replace(",alpha=1", ""),
    "quantized_tanh(4)",
]
NEWER_ACTIVATIONS = [
    "quantized_linear(4,1)",
    "quantized_linear(4,1,0)",
    "quantized_linear(4,1,1,0)",
    "quantized_linear(5,1,alpha=0.5)",
    "quantized_linear(1,1)",
]
NEWER_WEIGHTS = [
    "quantized_linear(4,0)",
    "quantized_linear(4,0,alpha=1.0)",
    "quantized_linear(4,0,alpha='auto')",
    "quantized_linear(1,0)",
    "quantized_linear(4,0,1,0)",
    "quantized_bits(4,1,alpha='auto_po2')",
    "quantized_bits(3,0)",
    "quantized_bits(4,0,alpha='auto')",
]


def conv(kind, shape, *args, **kwargs):
    more = {"kernel_quantizer": B4, "bias_quantizer": "quantized_bits(6,1)"} | kwargs
    return lambda: [shape, entry(), getattr(qk, kind)(*args, **more)]


def depthwise(kind, shape, *args, **kwargs):
    more = {"depthwise_quantizer": B4, "bias_quantizer": "quantized_bits(6,1)"} | kwargs
    return lambda: [shape, entry(), getattr(qk, kind)(*args, **more)]


def recurrent(kind, **kwargs):
    more = {
        "kernel_quantizer": B4,
        "recurrent_quantizer": B4,
        "bias_quantizer": "quantized_bits(4,0)",
        "state_quantizer": "quantized_bits(4,0)",
        "activation": "quantized_tanh(4)",
    } | kwargs
    if kind != "QSimpleRNN":
        more = {"recurrent_activation": "quantized_sigmoid(4)"} | more
    return getattr(qk, kind)(3, **more)


CASES = {
    "dense": lambda: [(6,), entry(), dense(activation="quantized_relu(4)"), dense()],
    "dense without bias": lambda: [(6,), entry(), dense(use_bias=False)],
    "dense of sequence": lambda: [(3, 4), entry(), dense()],
    "dense auto bias": lambda: [(6,), entry(), dense(bias="quantized_bits(4,0,alpha='auto_po2')")],
    "dense unquantised bias": lambda: [(6,), entry(), dense(bias=None)],
    "dense tanh": lambda: [
        (6,),
        entry(),
        dense(activation="tanh"),
        qk.QActivation("quantized_bits(5,0)"),
    ],
    "conv1d": conv("QConv1D", (7, 2), 3, 3),
    "conv1d causal": conv("QConv1D", (7, 2), 3, 3, padding="causal", dilation_rate=2),
    "conv2d": conv("QConv2D", (5, 6, 2), 3, (2, 3), activation="quantized_relu(5,1)"),
    "conv2d same": conv("QConv2D", (5, 6, 2), 3, 3, padding="same", strides=2),
    "conv2d auto": conv(
        "QConv2D", (4, 4, 2), 3, 2, kernel_quantizer="quantized_bits(4,0,alpha='auto')"
    ),
    "conv2d default scale": conv(
        "QConv2D", (4, 4, 2), 3, 2, kernel_quantizer="quantized_bits(4,0)"
    ),
    "conv2d transpose": conv("QConv2DTranspose", (3, 3, 2), 3, 3, strides=2),
    "conv2d transpose same": conv("QConv2DTranspose", (3, 3, 2), 3, 3, strides=2, padding="same"),
    "conv2d transpose short": conv("QConv2DTranspose", (3, 3, 2), 2, 2, strides=3),
    "depthwise": depthwise("QDepthwiseConv2D", (4, 5, 2), 2, depth_multiplier=2),
    "depthwise same auto": depthwise(
        "QDepthwiseConv2D",
        (4, 4, 3),
        3,
        padding="same",
        depth_multiplier=2,
        depthwise_quantizer="quantized_bits(4,0,alpha='auto')",
    ),
    "separable1d": depthwise("QSeparableConv1D", (6, 2), 3, 2, pointwise_quantizer=B4),
    "separable2d": depthwise(
        "QSeparableConv2D", (4, 4, 2), 3, 2, pointwise_quantizer=B4, padding="same"
    ),
    "average pool": lambda: [
        (4, 6, 2),
        entry(),
        qk.QAveragePooling2D(
            (2, 3),
            average_quantizer="quantized_bits(8,0,alpha=1)",
            activation="quantized_bits(6,2)",
        ),
    ],
    "average pool same": lambda: [
        (5, 5, 2),
        entry(),
        qk.QAveragePooling2D(2, padding="same", average_quantizer=B8.replace("3", "0")),
    ],
    "average pool plain": lambda: [(4, 4, 2), entry(), qk.QAveragePooling2D(2)],
    "global average pool": lambda: [
        (3, 3, 2),
        entry(),
        qk.QGlobalAveragePooling2D(average_quantizer="quantized_bits(8,0,alpha=1)"),
    ],
    "global average pool plain": lambda: [
        (3, 3, 2),
        entry(),
        qk.QGlobalAveragePooling2D(),
        qk.QActivation("quantized_bits(6,2)"),
    ],
    "batch norm": lambda: [
        (6,),
        entry(),
        qk.QBatchNormalization(),
        qk.QActivation("quantized_bits(8,4)"),
    ],
    "batch norm bits": lambda: [
        (4, 3),
        entry(),
        qk.QBatchNormalization(
            beta_quantizer=B6,
            gamma_quantizer="quantized_bits(6,1,alpha=1)",
            mean_quantizer=B6,
            variance_quantizer="quantized_bits(8,2,alpha=1)",
        ),
        qk.QActivation("quantized_bits(8,4)"),
    ],
    "batch norm plain": lambda: [
        (6,),
        entry(),
        L.BatchNormalization(),
        qk.QActivation("quantized_bits(8,4)"),
    ],
    "conv2d batch norm": conv(
        "QConv2DBatchnorm", (4, 4, 2), 3, 2, activation="quantized_relu(4,1)"
    ),
    "conv2d batch norm batch": conv(
        "QConv2DBatchnorm", (4, 4, 2), 3, 2, folding_mode="batch_stats_folding", use_bias=False
    ),
    "depthwise batch norm": depthwise(
        "QDepthwiseConv2DBatchnorm", (4, 4, 2), 2, depth_multiplier=2
    ),
    "simple rnn": lambda: [(4, 2), entry(), recurrent("QSimpleRNN")],
    "simple rnn sequences": lambda: [
        (4, 2),
        entry(),
        recurrent(
            "QSimpleRNN",
            return_sequences=True,
            go_backwards=True,
            state_quantizer="quantized_bits(3,0)",
        ),
    ],
    "lstm": lambda: [(3, 2), entry(), recurrent("QLSTM")],
    "lstm sequences": lambda: [
        (3, 2),
        entry(),
        recurrent("QLSTM", return_sequences=True, use_bias=True),
    ],
    "gru": lambda: [(3, 2), entry(), recurrent("QGRU")],
    "gru reset after": lambda: [
        (3, 2),
        entry(),
        recurrent("QGRU", reset_after=True, return_sequences=True),
    ],
    "bidirectional": lambda: [
        (3, 2),
        entry(),
        qk.QBidirectional(recurrent("QLSTM", return_sequences=True)),
    ],
    "bidirectional sum": lambda: [
        (3, 2),
        entry(),
        qk.QBidirectional(recurrent("QSimpleRNN"), merge_mode="sum"),
    ],
    "adaptive relu": lambda: [(6,), entry(), qk.QAdaptiveActivation("quantized_relu", 5)],
    "adaptive bits": lambda: [
        (6,),
        entry(),
        qk.QAdaptiveActivation("quantized_bits", 5, per_channel=True),
    ],
    "keras layers": lambda: [
        (6, 6, 2),
        entry(),
        L.Conv2D(2, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Flatten(),
        L.Dropout(0.5),
        L.LeakyReLU(0.25),
        L.Reshape((4, 2)),
        L.Permute((2, 1)),
        L.Dense(3),
    ],
    "keras recurrent": lambda: [
        (4, 2),
        entry(),
        L.SimpleRNN(3, activation="relu", return_sequences=True),
    ],
    "keras hard sigmoid": lambda: [
        (6,),
        entry(),
        L.Activation("hard_sigmoid"),
        qk.QActivation("quantized_bits(6,0)"),
    ],
}
CASES |= {f"activation {text}": activation(text) for text in ACTIVATIONS}
CASES |= {f"weights {text}": weight(text) for text in WEIGHTS}
NEWER_CASES = {f"activation {text}": activation(text) for text in NEWER_ACTIVATIONS}
NEWER_CASES |= {f"weights {text}": weight(text) for text in NEWER_WEIGHTS}
NEWER_CASES |= {
    "batch norm inverse": lambda: [
        (6,),
        entry(),
        qk.QBatchNormalization(
            gamma_quantizer=None,
            variance_quantizer=None,
            inverse_quantizer="quantized_bits(8,3,alpha=1)",
            beta_quantizer=B6,
            mean_quantizer=B6,
        ),
    ],
    "conv2d mask": conv("QConv2D", (4, 4, 2), 3, 2, mask=np.array([[1.0, 0.0], [1.0, 1.0]])),
    "average pool": CASES["average pool"],
    "conv2d groups": conv("QConv2D", (4, 4, 4), 4, 2, groups=2),
}


def functional():
    """Nested and shared models, and functions of TensorFlow."""
    given = tf.keras.Input((4,), name="given")
    x = qk.QActivation(B8, name="entry")(given)
    inner = tf.keras.Sequential(
        [
            tf.keras.Input((4,)),
            dense(name="inside"),
            L.BatchNormalization(name="norm"),
            L.Dense(2, name="last"),
        ],
        name="inner",
    )
    y = inner(x)
    z = inner(x * 2.0 + y[:, :1])
    port = tf.keras.Input((2,), name="port")
    outer = tf.keras.Model(port, L.Dense(2, name="twice")(port), name="outer")
    joined = outer(tf.nn.relu(tf.concat([z[:, :1], y[:, 1:]], -1)))
    total = tf.reduce_sum(x, axis=1, keepdims=True)
    most = tf.clip_by_value(tf.reduce_max(x, axis=-1), -1.5, 2.5)
    merged = L.Concatenate()([L.Add()([joined, y]), L.Subtract()([y, joined]), total])
    return tf.keras.Model(given, [merged, outer(y), most], name="functional")


def jet_tagger():
    """The tagger of hls4ml's tutorials; its input has no quantiser."""
    more = {"kernel_quantizer": B6, "bias_quantizer": B6}
    model = tf.keras.Sequential(name="jets")
    for number, units in enumerate([64, 32, 32], 1):
        size = {"input_shape": (16,)} if number == 1 else {}
        model.add(qk.QDense(units, name=f"fc{number}", **size, **more))
        model.add(qk.QActivation("quantized_relu(6)", name=f"relu{number}"))
    model.add(qk.QDense(5, name="output", **more))
    model.add(L.Activation("softmax", name="softmax"))
    return model


def digits():
    """A small convolutional network as in hls4ml's tutorial on street view numbers, cut down."""
    x = given = tf.keras.Input((12, 12, 1), name="input")
    for number, filters in enumerate([3, 4]):
        x = qk.QConv2DBatchnorm(
            filters,
            3,
            kernel_quantizer=B6,
            bias_quantizer=B6,
            use_bias=True,
            name=f"fused_convbn_{number}",
        )(x)
        x = qk.QActivation("quantized_relu(6)", name=f"conv_act_{number}")(x)
        x = L.MaxPooling2D(2, name=f"pool_{number}")(x)
    x = L.Flatten()(x)
    x = qk.QDense(6, kernel_quantizer=B6, name="dense_0", use_bias=False)(x)
    x = L.BatchNormalization(name="bn_dense_0")(x)
    x = qk.QActivation("quantized_relu(6)", name="dense_act_0")(x)
    x = L.Dense(5, name="output_dense")(x)
    return tf.keras.Model(given, L.Activation("softmax", name="output_softmax")(x), name="digits")


OTHER_FORMATS = ("functional", "digits", "bidirectional", "adaptive relu", "depthwise batch norm")
WHOLE = {"functional": functional, "jet tagger": jet_tagger, "digits": digits}


def randomize(model, rng):
    """Give all weights random values on a grid."""
    for variable in model.weights:
        name, shape = variable.name, variable.shape
        if "iteration" in name or "Variable" in name:
            continue
        if "variance" in name:
            # a root that float32 has exactly, so that nothing depends on who computes it
            values = rng.choice([0.25, 1.0, 4.0], shape) - 1e-3
        elif "ema" in name:
            values = np.full(shape, 2.7 if "max" in name else -1.3) * rng.choice([1, 2, 4], shape)
        else:
            values = np.rint(rng.normal(0, 0.4, shape) * 1024) / 1024
        variable.assign(values.astype(np.float32))


def write(archive, name, model, rng, softmax=False):
    """Add a model's file, inputs and outputs; those of the model that comes back from the file."""
    randomize(model, rng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"
        model.save(path)
        loaded = load_qmodel(str(path), compile=False)
        shape = (40, *model.inputs[0].shape[1:])
        x = (rng.integers(-(2**7), 2**7, shape) / 2.0**4).astype(np.float32)
        x[:8] = np.clip(np.round(x[:8]) / 16, -8, 8)
        if softmax:
            loaded = tf.keras.Model(loaded.inputs, loaded.layers[-2].output)
        loaded(x)  # the adaptive layers count their integer bits only now
        y = loaded(x, training=False)
        data = io.BytesIO()
        results = y if isinstance(y, list) else [y]
        np.savez(data, x=x, **{f"y{k}": v.numpy() for k, v in enumerate(results)})
        contents = {".h5": path.read_bytes(), ".npz": data.getvalue()}
        if name in OTHER_FORMATS and not NEWER:
            contents[".json"] = model.to_json().encode()
            for suffix in (".keras", ".weights.h5", "_weights.h5"):
                other = path.with_name(f"model{suffix}")
                (model.save if suffix == ".keras" else model.save_weights)(other)
                contents[suffix] = other.read_bytes()
        for suffix, content in contents.items():
            entry_of = zipfile.ZipInfo(name + suffix)
            entry_of.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry_of, content, compresslevel=9)


def main():
    rng = np.random.default_rng(1)
    with zipfile.ZipFile(sys.argv[1], "w") as archive:
        for name, build in (NEWER_CASES if NEWER else CASES).items():
            tf.keras.backend.clear_session()
            try:
                shape, *layers = build()
                model = tf.keras.Sequential([tf.keras.Input(shape, name="given"), *layers])
                write(archive, name, model, rng)
            except Exception as error:
                line = str(error)[-300:].replace("\n", " ")
                sys.stderr.write(f"left out: {name}: {type(error).__name__} {line}\n")
        for name, build in ({} if NEWER else WHOLE).items():
            tf.keras.backend.clear_session()
            write(archive, name, build(), rng, softmax=name != "functional")


if __name__ == "__main__":
    main()
