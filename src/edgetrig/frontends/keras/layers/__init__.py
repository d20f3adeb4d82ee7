"""One handler a layer: what it does to exact arrays (without the event axis).

A handler gets the layer and its arguments and returns its result; NumPy expressions trace, so the
code reads as the layer's definition. A new layer is one function and one line below.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Final

from edgetrig.frontends.keras.layer import LIBRARIES, Layer
from edgetrig.frontends.keras.layers import (
    activation,
    attention,
    convolution,
    dense,
    merge,
    movements,
    moving,
    normalization,
    operations,
    pooling,
    quantized_attention,
    quantized_recurrent,
    recurrent,
    selection,
    shape,
    softmax,
    table,
)
from edgetrig.frontends.values import Value

Handler = Callable[..., Any]
"""From a layer and its arguments to its result, or a list of results."""

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
    "LayerNormalization": normalization.layer_normalization,
    "RMSNormalization": normalization.rms_normalization,
    "UnitNormalization": normalization.unit_normalization,
    "GroupNormalization": normalization.group_normalization,
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
    # convolutions
    "Conv1D": convolution.convolution,
    "Conv2D": convolution.convolution,
    "Conv3D": convolution.convolution,
    "QConv1D": convolution.convolution,
    "QConv2D": convolution.convolution,
    "QConv3D": convolution.convolution,
    "DepthwiseConv1D": convolution.depthwise_convolution,
    "DepthwiseConv2D": convolution.depthwise_convolution,
    "SeparableConv1D": convolution.separable_convolution,
    "SeparableConv2D": convolution.separable_convolution,
    "Conv1DTranspose": convolution.transposed_convolution,
    "Conv2DTranspose": convolution.transposed_convolution,
    "Conv3DTranspose": convolution.transposed_convolution,
    # tables
    "QDenseT": table.dense_tables,
    "QEinsumDenseT": table.einsum_tables,
    "QConvT1D": table.convolution_tables,
    "QConvT2D": table.convolution_tables,
    # pooling
    **{f"{q}MaxPooling{d}D": pooling.max_pool for q in ("", "Q") for d in (1, 2, 3)},
    **{f"{q}AveragePooling{d}D": pooling.average_pool for q in ("", "Q") for d in (1, 2, 3)},
    **{f"{q}GlobalMaxPooling{d}D": pooling.global_max_pool for q in ("", "Q") for d in (1, 2, 3)},
    **{
        f"{q}GlobalAveragePooling{d}D": pooling.global_average_pool
        for q in ("", "Q")
        for d in (1, 2, 3)
    },
    # recurrence
    "SimpleRNN": recurrent.simple_rnn,
    "LSTM": recurrent.lstm,
    "GRU": recurrent.gru,
    "Bidirectional": recurrent.bidirectional,
    "TimeDistributed": recurrent.time_distributed,
    "RNN": quantized_recurrent.cells,
    "QSimpleRNN": quantized_recurrent.simple_rnn,
    "QGRU": quantized_recurrent.gru,
    "QSimpleSNN": quantized_recurrent.spiking,
    "QLIF": quantized_recurrent.spiking,
    # attention
    "MultiHeadAttention": attention.multi_head,
    "Attention": attention.attention,
    "AdditiveAttention": attention.additive_attention,
    "QMultiHeadAttention": quantized_attention.multi_head,
    "QMultiHeadAttentionT": quantized_attention.multi_head,
    "QLinformerAttention": quantized_attention.linformer,
    "QLinformerAttentionT": quantized_attention.linformer,
    "QSALTAttention": quantized_attention.salt,
    # look-up
    "Embedding": selection.embedding,
    "CategoryEncoding": selection.category_encoding,
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
    **{f"ZeroPadding{d}D": moving.zero_padding for d in (1, 2, 3)},
    **{f"Cropping{d}D": moving.cropping for d in (1, 2, 3)},
    **{f"UpSampling{d}D": moving.upsampling for d in (1, 2, 3)},
    # nothing at inference
    "Identity": shape.identity,
    "Dropout": shape.identity,
    "SpatialDropout1D": shape.identity,
    "SpatialDropout2D": shape.identity,
    "SpatialDropout3D": shape.identity,
    "AlphaDropout": shape.identity,
    "GaussianDropout": shape.identity,
    "GaussianNoise": shape.identity,
    "ActivityRegularization": shape.identity,
}
"""Handlers by the layer's class name."""

OPERATIONS: Final[dict[str, Handler]] = operations.OPERATIONS | movements.MOVEMENTS
"""Handlers of `keras.ops` functions inside a Functional model, by class name."""

OWN_OUTPUT: Final = frozenset(
    {
        "QGRU",
        "QLIF",
        "QLinformerAttention",
        "QLinformerAttentionT",
        "QMultiHeadAttention",
        "QMultiHeadAttentionT",
        "QSALTAttention",
        "QSimpleRNN",
        "QSimpleSNN",
    }
)
"""Layers whose output quantiser does not simply follow them."""


def handler_of(layer: Layer) -> Handler | None:
    """Return what computes a layer of Keras or HGQ2; None if it is not supported."""
    if layer.is_operation:
        return OPERATIONS.get(layer.kind)
    if layer.registered is None or layer.registered.startswith(LIBRARIES):
        return HANDLERS.get(layer.kind)
    return None  # a user's own class, whatever its name


def applied(
    layer: Layer, *values: Value, find: Callable[[Layer], Handler | None] = handler_of
) -> Value:
    """Return a layer's one result, its output quantiser included; ``find`` knows the layers.

    Raises
    ------
    ValueError
        If it is not supported.
    """
    handler = find(layer)
    if handler is None:
        raise ValueError(f"a {layer.kind} inside is not supported")
    result = handler(layer, *values)
    if layer.config.get("enable_oq") and layer.kind not in OWN_OUTPUT:
        result = layer.quantized(result, "oq")
    return result[0] if isinstance(result, list | tuple) else result


_INSTEAD: Final = {
    "Lambda": "a Lambda holds Python code, which is never run; write it with Keras or HGQ2 layers",
    "Masking": "masks are not carried through hardware; multiply by 0 and 1 instead",
}


def nearest(layer: Layer) -> str:
    """Return what a user may do about an unsupported layer or function."""
    if layer.kind in _INSTEAD:
        return _INSTEAD[layer.kind]
    known, usual = HANDLERS, ("QDense", "QEinsumDense")
    if layer.is_operation:
        known, usual = OPERATIONS, ("Add", "Multiply")
    close = get_close_matches(layer.kind, known, n=3, cutoff=0.6)
    return f"the nearest that are: {', '.join(close or usual)}"
