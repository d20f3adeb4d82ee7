"""Rounding any value to whole numbers of a scale, by the cheapest way there is for it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from edgetrig.frontends.joined import Joined
from edgetrig.frontends.quantizer import ROUND as FIXED
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.scales.requantize import Whole, requantized
from edgetrig.frontends.scales.scaled import Known, Scaled, parts, scaled
from edgetrig.frontends.scales.summed import Summed, requantized_sum
from edgetrig.frontends.scales.tabled import Tabled, whole_numbers
from edgetrig.frontends.values import Pending, Raw, Value, exact

EXTRA: Final = 8
"""Bits that an input's port has behind a scale that is no power of two."""


def quantized(x: Value | Known | None, target: Whole) -> Value | Known:
    """Return ``(clip(round(x / scale + zero), low, high) - zero) * scale``."""
    if isinstance(x, Known):
        return _known(x, target)
    if _is_plain(x, target):
        return _fixed(x, target)
    return scaled(_codes(x, target), target.scale)


def whole(x: Value | Known | None, target: Whole) -> Any:
    """Return ``clip(round(x / scale + zero), low, high) - zero``: exact, or a constant."""
    if isinstance(x, Known):
        return Known(_known(x, target).values)
    if _is_plain(x, target):
        return _fixed(x, target) / target.scale
    return _codes(x, target)


def _codes(x: Any, target: Whole) -> Any:
    if isinstance(x, Joined):
        shape = x.array.shape
        return x.through(lambda part, places: _codes(part, target.chosen(shape, places)))
    if isinstance(x, Raw):
        x = _fine(x, target)
    if isinstance(x, Pending | Tabled):
        codes = whole_numbers(x, target)
    elif isinstance(x, Summed):
        codes = requantized_sum(x, target)
    else:
        codes = requantized(parts(x), target)
    return codes - target.zero


def _is_plain(x: Value | None, target: Whole) -> bool:
    """Whether a fixed-point type does it."""
    if x is None:
        raise ValueError("an argument is missing")
    return _is_fixed(target) and not isinstance(x, Scaled | Summed | Tabled)


def _known(x: Known, target: Whole) -> Known:
    codes = target.of_floats(x.real.astype(np.float32)) - target.zero
    return Known(codes, np.broadcast_to(target.scale, codes.shape))


def _is_fixed(target: Whole) -> bool:
    """Whether rounding is that of a fixed-point type, on its own or with the zero point added."""
    power = (np.frexp(target.scale)[0] == 0.5).all()
    if not power or target.rounding not in FIXED:
        return False
    unchanged = {"RND_CONV": target.zero % 2, "TRN": target.zero % 1}
    return not unchanged.get(target.rounding, target.zero).any()


def _fixed(x: Any, target: Whole) -> Any:
    """Quantise by the fixed-point type around the range, then clip what the type has too much."""
    fraction = 1 - np.frexp(target.scale)[1].astype(np.int64)
    low, high = target.low - target.zero, target.high - target.zero
    signed = (low < 0).astype(np.int64)
    reach = np.maximum(high, -low - 1)
    bits = np.ceil(np.log2(np.maximum(reach, 0) + 1)).astype(np.int64)
    symmetric = (low == -high).all()
    overflow = "SAT_SYM" if symmetric else "SAT"
    type_ = Quantizer(signed, bits - fraction, fraction, target.rounding, overflow)  # type: ignore[arg-type]
    waits = isinstance(x, Raw | Pending)
    result = exact(x.quantized(type_)) if waits else type_(exact(x))
    top = np.ldexp(1.0, bits.astype(np.int32)) - 1
    bottom = -signed * (top if symmetric else top + 1)
    if (low > bottom).any():
        result = np.maximum(result, low * target.scale)
    return np.minimum(result, high * target.scale) if (high < top).any() else result


def _fine(x: Raw, target: Whole) -> Any:
    """Return an input on a grid so fine that the rounding that follows hardly sees it."""
    fraction = np.ceil(-np.log2(target.scale)).astype(np.int64) + EXTRA
    reach = np.maximum(np.abs(target.low - target.zero), np.abs(target.high - target.zero)) + 1
    integer = np.ceil(np.log2(reach * target.scale)).astype(np.int64)
    type_ = Quantizer(np.ones_like(fraction), integer, fraction, "RND", "SAT")
    return exact(x.quantized(type_))
