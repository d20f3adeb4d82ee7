"""Which ONNX operators there are, and what is promised of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edgetrig.frontends.onnx.learned import LEARNED
from edgetrig.frontends.onnx.operators import EXACT, MOVERS, QUANTIZERS, TABLES, TYPED

SUPPORTED: Final[Mapping[str, str]] = {
    **dict.fromkeys((*MOVERS, *QUANTIZERS, *EXACT, *LEARNED), "exact"),
    **dict.fromkeys(TABLES, "exact where a quantiser follows"),
    **dict.fromkeys((*TYPED, "Normalizer"), "by edgetrig.quantize"),
    **dict.fromkeys(("Softmax", "LogSoftmax"), "left out at the end, else by edgetrig.quantize"),
    "Div": "exact by constants, else by edgetrig.quantize",
}
"""Promise by operator; the scales of quantisers are exact where they are powers of two."""
