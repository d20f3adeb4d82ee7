"""Integer types of fixed width, as the libraries' tensors have them."""

from __future__ import annotations

from typing import Final

import numpy as np

from edgetrig.circuit import Overflow, Rounding
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.values import Pending, Raw, Value, exact

BITS: Final = {
    "bool": (0, 1), "uint8": (0, 8), "int8": (1, 7), "uint16": (0, 16), "int16": (1, 15),
    "uint32": (0, 32), "int32": (1, 31),
}  # fmt: skip
"""Sign and further bits by NumPy's names. Wider types are taken to hold everything."""


def quantizer_of(type_: str, rounding: Rounding, overflow: Overflow) -> Quantizer:
    """Return what makes numbers of an integer type."""
    signed, bits = BITS[type_]
    return Quantizer(np.array(signed), np.array(bits), np.array(0), rounding, overflow)


def wrapped(value: Value, type_: str) -> Value:
    """Return a whole number's bits that an integer type has; other values as they are."""
    if type_ not in BITS or type_ == "bool" or isinstance(value, Raw | Pending):
        return value
    return quantizer_of(type_, "TRN", "WRAP")(exact(value))
