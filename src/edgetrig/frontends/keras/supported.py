"""Which layers and functions of Keras and HGQ2 there are, and what is promised of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edgetrig.frontends.keras.layers import HANDLERS, OPERATIONS
from edgetrig.frontends.keras.layers.operations import TABULATED

_MEANS: Final = "exact over 2, 4, 8, ... elements, else where a quantiser follows"
_TABLES: Final = "exact where a quantiser follows"
_NEAR_TIES: Final = "exact; its tables may differ next to a tie"
_TYPED: Final = "by edgetrig.quantize"
_LAST: Final = "left out at the end, else by edgetrig.quantize"

_PROMISES: Final[dict[str, tuple[str, ...]]] = {
    _MEANS: (
        *(f"{q}AveragePooling{d}D" for q in ("", "Q") for d in (1, 2, 3)),
        *(f"{q}GlobalAveragePooling{d}D" for q in ("", "Q") for d in (1, 2, 3)),
        "Average",
    ),
    _TABLES: ("Activation", "ELU", "LeakyReLU"),
    _NEAR_TIES: (
        "QUnaryFunctionLUT",
        "QAffinedUnaryFunctionLUT",
        "QSoftmax",
        "QDenseT",
        "QEinsumDenseT",
        "QConvT1D",
        "QConvT2D",
        "QMultiHeadAttention",
        "QMultiHeadAttentionT",
        "QLinformerAttention",
        "QLinformerAttentionT",
        "QSALTAttention",
    ),
    _TYPED: (
        "LayerNormalization",
        "RMSNormalization",
        "UnitNormalization",
        "GroupNormalization",
        "SimpleRNN",
        "LSTM",
        "GRU",
        "Bidirectional",
        "MultiHeadAttention",
        "Attention",
        "AdditiveAttention",
    ),
    _LAST: ("Softmax",),
    "exact around HGQ2's cells": ("RNN",),
    "exact if its deviations are powers of two, else by edgetrig.quantize": ("Normalization",),
    "as the layer inside": ("TimeDistributed",),
}

_OPERATIONS: Final[dict[str, tuple[str, ...]]] = {
    _MEANS: ("Mean", "Var"),
    "exact by powers of two, else where a quantiser follows": ("Divide", "TrueDivide"),
    _TABLES: TABULATED,
    _LAST: ("Softmax", "LogSoftmax"),
}


def _named(
    handlers: Mapping[str, object], promises: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    promised = {name: promise for promise, names in promises.items() for name in names}
    return {name: promised.get(name, "exact") for name in handlers}


SUPPORTED: Final[Mapping[str, str]] = _named(HANDLERS, _PROMISES) | {
    f"ops.{name}": promise for name, promise in _named(OPERATIONS, _OPERATIONS).items()
}
"""Promise by a layer's class name, or by that of a function of `keras.ops` after ``ops.``."""
