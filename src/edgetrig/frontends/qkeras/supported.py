"""Which layers and quantisers of QKeras there are, and what is promised of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edgetrig.frontends.qkeras.description import PARAMETERS
from edgetrig.frontends.qkeras.layers import HANDLERS

_EXACT: Final = "exact"
_TABLE: Final = "exact; by a table"
_REAL: Final = "exact; with use_real_... by a table that may differ next to a tie"

SUPPORTED: Final[Mapping[str, str]] = {
    **dict.fromkeys(HANDLERS, _EXACT),
    **dict.fromkeys(PARAMETERS, _EXACT),
    "quantized_tanh": _REAL,
    "quantized_sigmoid": _REAL,
    "quantized_hswish": _TABLE,
    "quantized_po2": _TABLE,
    "quantized_relu_po2": _TABLE,
    "quantized_ulaw": "by a table of float32 logarithms, equal to a last bit of 24",
    "binary": "exact; without alpha QKeras adds noise of 2**-24",
    "ternary": "exact; without alpha QKeras adds noise of 2**-24",
    "stochastic_binary": "exact, as at inference",
    "stochastic_ternary": "exact, as at inference",
    "bernoulli": "refused: random at inference",
    "TFOpLambda": "exact, for the TensorFlow functions that docs/qkeras.md lists",
}
"""Promise by the name of a layer or a quantiser; those of Keras are in `frontends.keras`."""
