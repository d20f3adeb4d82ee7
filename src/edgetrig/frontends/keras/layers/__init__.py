"""One handler a layer: what it does to exact arrays (without the event axis).

A handler gets the layer and its arguments and returns its result; NumPy expressions trace, so the
code reads as the layer's definition. A new layer is one function and one line below.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Final

from edgetrig.frontends.keras.layers import activation, dense, merge, normalization, shape, softmax

Handler = Callable[..., Any]

HANDLERS: Final[dict[str, Handler]] = {
    # dense
    "Dense": dense.dense,
    "QDense": dense.dense,
    "QBatchNormDense": dense.batch_norm_dense,
    "EinsumDense": dense.einsum_dense,
    "QEinsumDense": dense.einsum_dense,
    "QEinsumDenseBatchnorm": dense.einsum_dense_batch_norm,
    # normalisation and plain quantisation
    "BatchNormalization": normalization.batch_normalization,
    "QBatchNormalization": normalization.q_batch_normalization,
    "Normalization": normalization.normalization,
    "Rescaling": normalization.rescaling,
    "Quantizer": normalization.quantizer,
    # activations
    "Activation": activation.activation,
    "QUnaryFunctionLUT": activation.unary_table,
    "QAffinedUnaryFunctionLUT": activation.affine_unary_table,
    "ReLU": activation.relu_layer,
    "LeakyReLU": activation.leaky_relu_layer,
    "PReLU": activation.prelu_layer,
    "ELU": activation.elu_layer,
    "Softmax": softmax.softmax,
    "QSoftmax": softmax.q_softmax,
    # merges
    "Concatenate": merge.concatenate,
    "Add": merge.add,
    "Subtract": merge.subtract,
    "Multiply": merge.multiply,
    "Maximum": merge.maximum,
    "Minimum": merge.minimum,
    "Average": merge.average,
    "Dot": merge.dot,
    "QAdd": merge.add,
    "QSubtract": merge.subtract,
    "QMultiply": merge.multiply,
    "QMaximum": merge.maximum,
    "QMinimum": merge.minimum,
    "QAveragePow2": merge.average_pow2,
    "QDot": merge.dot,
    "QEinsum": merge.einsum,
    "QSum": merge.total,
    "QMeanPow2": merge.mean_pow2,
    # shapes
    "Flatten": shape.flatten,
    "Reshape": shape.reshape,
    "Permute": shape.permute,
    "RepeatVector": shape.repeat_vector,
    # nothing at inference
    "Identity": shape.identity,
    "Dropout": shape.identity,
    "SpatialDropout1D": shape.identity,
    "AlphaDropout": shape.identity,
    "GaussianDropout": shape.identity,
    "GaussianNoise": shape.identity,
    "ActivityRegularization": shape.identity,
}
"""Handlers by the layer's class name."""

OPERATIONS: Final[dict[str, Handler]] = {
    "Add": merge.binary(merge.sum_of),
    "Subtract": merge.binary(merge.difference_of),
    "Multiply": merge.binary(merge.product_of),
    "Maximum": merge.binary(merge.maximum_of),
    "Minimum": merge.binary(merge.minimum_of),
    "Relu": activation.operation("relu"),
    "Relu6": activation.operation("relu6"),
    "Sigmoid": activation.operation("sigmoid"),
    "Tanh": activation.operation("tanh"),
}
"""Handlers of `keras.ops` functions inside a Functional model, by class name."""

_INSTEAD: Final = {
    "Lambda": "a Lambda holds Python code, which is never run; write it with Keras or HGQ2 layers",
    "LayerNormalization": "HGQ2's QBatchNormalization needs no division at run time",
}


def nearest(kind: str) -> str:
    """Return what a user may do about an unsupported layer."""
    if kind in _INSTEAD:
        return _INSTEAD[kind]
    close = get_close_matches(kind, HANDLERS, n=3, cutoff=0.6)
    return f"the nearest that are: {', '.join(close or ('QDense', 'QEinsumDense'))}"
