"""Which of PyTorch's operations there are, by ATen's names, and what is promised of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edgetrig.frontends.torch import scatters
from edgetrig.frontends.torch.handlers import (
    HANDLERS,
    activation,
    normalization,
    recurrent,
)
from edgetrig.frontends.torch.maps import MAPS
from edgetrig.frontends.torch.moves import MOVES

_WRITTEN_OUT: Final = frozenset(
    {"relu", "relu6", "abs", "sign", "sgn", "square", "prelu", "hardtanh", "threshold"}
    | {"hardshrink", "softshrink"}
)
"""Activations that need no table."""

_TYPED: Final = frozenset(
    {*recurrent.HANDLERS, *normalization.HANDLERS, "logsumexp", "std", "var", "glu"}
    | {"scaled_dot_product_attention", "linalg_vector_norm", "norm"}
) - {"batch_norm"}
"""Operations with inner numbers that need types."""

_SOFTMAX: Final = frozenset({"softmax", "log_softmax"})
_TABLES: Final = frozenset(activation.HANDLERS) - _WRITTEN_OUT - _SOFTMAX - _TYPED
_QUOTIENTS: Final = frozenset({"div", "divide", "true_divide"})
_MEANS: Final = frozenset(
    {"mean"} | {f"{kind}_pool{n}d" for kind in ("avg", "adaptive_avg") for n in (1, 2, 3)}
)

_PROMISES: Final[Mapping[str, frozenset[str]]] = {
    "exact": frozenset({*HANDLERS, *MOVES, *MAPS, *scatters.SCATTERS, "dropout"}),
    "exact where a quantiser follows": _TABLES | {"pow"},
    "exact by powers of two, else where a quantiser follows": _QUOTIENTS,
    "exact over 2, 4, 8, ... elements, else where a quantiser follows": _MEANS,
    "by edgetrig.quantize": _TYPED,
    "left out at the end, else by edgetrig.quantize": _SOFTMAX,
}

SUPPORTED: Final[Mapping[str, str]] = {
    name: promise
    for promise, names in _PROMISES.items()
    for name in sorted(names)
    if not name.startswith("_")
}
"""Promise by operation; later promises stand above earlier ones. Modules consist of these."""
