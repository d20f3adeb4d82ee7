"""Which function computes a layer of a legacy file: QKeras' own here, Keras' in `frontends.keras`.

A handler gets the layer and its arguments and returns its result, as there.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers import Handler, applied
from edgetrig.frontends.keras.layers.recurrent import each_step
from edgetrig.frontends.keras.steps import handler_of as handler_of_keras
from edgetrig.frontends.qkeras import tensorflow_calls
from edgetrig.frontends.qkeras.layers import (
    binary,
    convolution,
    dense,
    normalization,
    pooling,
    proxies,
    recurrent,
)
from edgetrig.frontends.values import Value

HANDLERS: Final[dict[str, Handler]] = {
    "QDense": dense.dense,
    "QActivation": dense.activation,
    "QAdaptiveActivation": dense.adaptive_activation,
    "QConv1D": convolution.convolution,
    "QConv2D": convolution.convolution,
    "QConv2DTranspose": convolution.transposed_convolution,
    "QDepthwiseConv2D": convolution.depthwise_convolution,
    "QSeparableConv1D": convolution.separable_convolution,
    "QSeparableConv2D": convolution.separable_convolution,
    "QBatchNormalization": normalization.batch_normalization,
    "QDenseBatchnorm": normalization.dense_batch_normalization,
    "QConv2DBatchnorm": normalization.convolution_batch_normalization,
    "QDepthwiseConv2DBatchnorm": normalization.depthwise_batch_normalization,
    "QAveragePooling2D": pooling.average_pool,
    "QGlobalAveragePooling2D": pooling.global_average_pool,
    "QSimpleRNN": recurrent.recurrent,
    "QLSTM": recurrent.recurrent,
    "QGRU": recurrent.recurrent,
    "QBidirectional": recurrent.bidirectional,
    "BinaryDense": binary.dense,
    "TernaryDense": binary.dense,
    "FixedPointQuantizer": proxies.fixed_point,
    "TFOpLambda": tensorflow_calls.call,
    "SlicingOpLambda": tensorflow_calls.call,
}
"""Handlers by the layer's class name."""


def handler_of(layer: Layer) -> Handler | None:
    """Return what computes a layer of QKeras or of Keras, None if neither knows it.

    Raises
    ------
    ModelError
        If it is a layer of HGQ2, whose number types an ``.h5`` file cannot tell apart.
    """
    if layer.kind.startswith(("hgq>", "hgq2>")):
        raise layer.error("is HGQ2's; save the model with  model.save('NAME.keras')")
    if layer.registered is None and layer.kind in HANDLERS:
        return HANDLERS[layer.kind]
    if layer.kind == "TimeDistributed":
        return _time_distributed
    if layer.kind == "Activation" and layer.config.get("activation") in [*binary.ACTIVATIONS]:
        return binary.activation
    return handler_of_keras(layer)


def _time_distributed(layer: Layer, x: Value) -> Value:
    """Keras' ``TimeDistributed`` of a layer of QKeras or Keras."""
    return each_step(layer, x, partial(applied, find=handler_of))
