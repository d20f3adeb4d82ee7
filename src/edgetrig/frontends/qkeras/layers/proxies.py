"""HGQ's quantiser layers: its first release saves trained models as Keras layers and these."""

from __future__ import annotations

from typing import Final, cast

import numpy as np

from edgetrig.circuit import Overflow, Rounding
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.qkeras.stored import NamedWeights
from edgetrig.frontends.quantizer import ROUND, Ints, Quantizer
from edgetrig.frontends.values import Value, quantized

_OVERFLOW: Final = ("WRAP", "SAT", "SAT_SYM")


def fixed_point(layer: Layer, x: Value) -> Value:
    """HGQ's ``FixedPointQuantizer``: types as those of ``ap_fixed``, by element or for all.

    Its weights are the sign, the bits in all and those before the point, the sign among both;
    where there are no bits the result is 0.
    """
    rounding, overflow = str(layer.config["RND"]), str(layer.config["SAT"])
    if rounding not in ROUND or overflow not in _OVERFLOW:
        raise ValueError(f"rounding {rounding} with overflow {overflow} is not known")
    sign, bits, before = (_numbers(layer, name) for name in ("keep_negative", "bits", "integers"))
    used = bits > 0
    signed = np.where(used & (sign != 0), 1, 0)
    integer = np.where(used, before - signed, 0)
    fraction = np.where(used, bits - before, 0)
    modes = cast(Rounding, rounding), cast(Overflow, overflow)
    return quantized(x, Quantizer(signed, integer, fraction, *modes))


def _numbers(layer: Layer, name: str) -> Ints:
    """Return a weight of whole numbers, without its axis of events."""
    store = layer.variables
    index = store.named(name) if isinstance(store, NamedWeights) else None
    if index is None:
        raise ValueError(f"it has no weight '{name}'; save the model again")
    values = np.asarray(store.read(index))
    if values.dtype.kind not in "iu" or np.abs(values.astype(np.int64)).max(initial=0) > 64:
        raise ValueError(f"its weight '{name}' is damaged")
    whole = values.astype(np.int64)
    return whole[0] if whole.ndim > 1 else whole.reshape(()) if whole.size == 1 else whole
