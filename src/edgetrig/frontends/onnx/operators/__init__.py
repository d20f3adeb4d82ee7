"""One handler an operator: what it computes of exact values, constants and values with scales.

A handler gets the node and its arguments and returns its results. Arrays have ONNX' own axes, the
event axis (of size 1) included. A new operator is one function and one line below.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import selection
from edgetrig.frontends.onnx.operators import (
    activation,
    attention,
    blocks,
    convolution,
    elementwise,
    features,
    integer,
    matrix,
    normalization,
    pooling,
    quantization,
    recurrent,
    reduction,
    shape,
)

Handler = Callable[..., list[Any]]

MOVERS: Final[dict[str, Handler]] = {
    "Identity": shape.identity,
    "Dropout": shape.identity,
    "Reshape": shape.reshape,
    "Flatten": shape.flatten,
    "Transpose": shape.transpose,
    "Squeeze": shape.squeeze,
    "Unsqueeze": shape.unsqueeze,
    "Concat": shape.concat,
    "Split": shape.split,
    "Slice": shape.cut,
    "Pad": shape.pad,
    "Expand": shape.expand,
    "Tile": shape.tile,
    "Gather": shape.gather,
    "GatherElements": shape.gather_elements,
    "GatherND": shape.gather_nd,
    "DepthToSpace": blocks.depth_to_space,
    "SpaceToDepth": blocks.space_to_depth,
    "Resize": blocks.resize,
    "Upsample": blocks.resize,
    "Trilu": shape.triangle,
    "Compress": shape.compress,
    "ArrayFeatureExtractor": features.array_feature_extractor,
}
"""Operators that move elements, or repeat them."""

QUANTIZERS: Final[dict[str, Handler]] = {
    "Quant": quantization.quant,
    "IntQuant": quantization.quant,
    "BipolarQuant": quantization.bipolar_quant,
    "Trunc": quantization.trunc,
    "QuantizeLinear": quantization.quantize_linear,
    "DequantizeLinear": quantization.dequantize_linear,
}
"""Operators that make and read whole numbers; of constants too."""

EXACT: Final[dict[str, Handler]] = {
    **reduction.REDUCTIONS,
    "Gemm": matrix.gemm,
    "MatMul": matrix.matmul,
    "Einsum": matrix.einsum,
    "Conv": convolution.conv,
    "ConvTranspose": convolution.conv_transpose,
    "MatMulInteger": integer.matmul_integer,
    "ConvInteger": integer.conv_integer,
    "QLinearMatMul": integer.q_linear_matmul,
    "QLinearConv": integer.q_linear_conv,
    "Add": elementwise.add,
    "Sub": elementwise.subtract,
    "Mul": elementwise.multiply,
    "Div": elementwise.divide,
    "Neg": elementwise.negative,
    "Sum": elementwise.total,
    "Mean": elementwise.average,
    "Max": elementwise.variadic(np.maximum),
    "Min": elementwise.variadic(np.minimum),
    "Abs": elementwise.homogeneous(np.abs),
    "Sign": elementwise.sign,
    "Clip": elementwise.clip,
    "Floor": elementwise.rounding("TRN"),
    "Ceil": elementwise.rounding("CEIL"),
    "Round": elementwise.rounding("RND_CONV"),
    "Cast": elementwise.cast,
    "CastLike": elementwise.cast_like,
    "Where": elementwise.where,
    "Less": elementwise.plain(np.less),
    "LessOrEqual": elementwise.plain(np.less_equal),
    "Greater": elementwise.plain(np.greater),
    "GreaterOrEqual": elementwise.plain(np.greater_equal),
    "Equal": elementwise.plain(np.equal),
    "And": elementwise.is_(np.logical_and),
    "Or": elementwise.is_(np.logical_or),
    "Xor": elementwise.is_(np.logical_xor),
    "Not": elementwise.plain(np.logical_not),
    "BitwiseAnd": elementwise.bits(np.bitwise_and),
    "BitwiseOr": elementwise.bits(np.bitwise_or),
    "BitwiseXor": elementwise.bits(np.bitwise_xor),
    "BitwiseNot": elementwise.bits_flipped,
    "BitShift": elementwise.bits_shifted,
    "Mod": elementwise.rest,
    "IsNaN": elementwise.never,
    "IsInf": elementwise.never,
    "Relu": activation.relu,
    "PRelu": activation.prelu,
    "ThresholdedRelu": activation.thresholded_relu,
    "Shrink": activation.shrink,
    "BatchNormalization": normalization.batch_norm,
    "MaxPool": pooling.max_pool,
    "AveragePool": pooling.average_pool,
    "LpPool": pooling.norm_pool,
    "GlobalLpPool": pooling.global_norm_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "GlobalAveragePool": pooling.global_average_pool,
    "ArgMax": reduction.best(selection.argmax),
    "ArgMin": reduction.best(selection.argmin),
    "CumSum": reduction.running_sum,
    "CumProd": reduction.running_product,
    "Hardmax": reduction.hard_max,
    "TopK": reduction.top_k,
    "OneHot": reduction.one_hot,
    "TreeEnsemble": features.trees,
}
"""Operators that compute exactly what they say."""

TABLES: Final[dict[str, Handler]] = {
    "Sigmoid": activation.table("sigmoid"),
    "Tanh": activation.table("tanh"),
    "Softplus": activation.table("softplus"),
    "Softsign": activation.table("softsign"),
    "Mish": activation.table("mish"),
    "Erf": activation.table("erf"),
    "Exp": activation.table("exp"),
    "Log": activation.table("log"),
    "Sqrt": activation.table("sqrt"),
    "Reciprocal": activation.table("reciprocal"),
    "Sin": activation.table("sin"),
    "Cos": activation.table("cos"),
    "Tan": activation.table("tan"),
    "Atan": activation.table("arctan"),
    "Asin": activation.table("arcsin"),
    "Acos": activation.table("arccos"),
    "Sinh": activation.table("sinh"),
    "Cosh": activation.table("cosh"),
    "Asinh": activation.table("arcsinh"),
    "Acosh": activation.table("arccosh"),
    "Atanh": activation.table("arctanh"),
    "HardSwish": activation.table("hard_swish"),
    "Elu": activation.made("elu", activation.elu),
    "Celu": activation.made("celu", activation.celu),
    "Selu": activation.made("selu", activation.selu),
    "Gelu": activation.made("gelu", activation.gelu),
    "Swish": activation.made("swish", activation.swish),
    "LeakyRelu": activation.leaky_relu,
    "HardSigmoid": activation.hard_sigmoid,
    "Pow": elementwise.power,
}
"""Functions of one variable that a quantiser behind them makes exact."""

TYPED: Final[dict[str, Handler]] = {
    "Softmax": activation.soft_max(log=False),
    "LogSoftmax": activation.soft_max(log=True),
    "LayerNormalization": normalization.layer_norm,
    "RMSNormalization": normalization.rms_norm,
    "LpNormalization": normalization.lp_norm,
    "Attention": attention.attention,
    "ReduceLogSumExp": reduction.log_sum_exp,
    "InstanceNormalization": normalization.instance_norm,
    "GroupNormalization": normalization.group_norm,
    "RNN": recurrent.recurrent,
    "LSTM": recurrent.recurrent,
    "GRU": recurrent.recurrent,
}
"""Operators with inner numbers that need types."""

HANDLERS: Final[dict[str, Handler]] = {**MOVERS, **QUANTIZERS, **EXACT, **TABLES, **TYPED}
"""Every operator's handler."""


_INSTEAD: Final[dict[str, str]] = {
    "DynamicQuantizeLinear": "its scale depends on the event; use quantize_static",
    "SVMClassifier": "several of its classes vote by pairs; LinearSVC is read",
    **dict.fromkeys(
        ("CastMap", "CategoryMapper", "DictVectorizer"), "it reads words; give numbers"
    ),
}
"""What to do about operators that have no handler, where more is known than similar names."""


def handler_of(kind: str) -> Handler:
    """Return an operator's handler.

    Raises
    ------
    ValueError
        If it has none; the line names the nearest that have.
    """
    if kind in _INSTEAD:
        raise ValueError(f"this operator is not supported; {_INSTEAD[kind]}")
    if kind not in HANDLERS:
        names = {name.lower(): name for name in HANDLERS}
        close = get_close_matches(kind.lower(), names, n=3, cutoff=0.6) or ("gemm", "conv", "quant")
        nearest = ", ".join(names[name] for name in close)
        raise ValueError(f"this operator is not supported; the nearest that are: {nearest}")
    return HANDLERS[kind]
