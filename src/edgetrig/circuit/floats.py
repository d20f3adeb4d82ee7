"""Plain floats into hardware integers, exactly as `quantize` does it to symbolic arrays."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import CircuitError

Rounding = Literal["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
"""What happens to bits behind the last kept one.

TRN: towards minus infinity. TRN_ZERO: towards zero. The others go to the nearest number and differ
on ties: RND up, RND_ZERO towards zero, RND_INF away from zero, RND_MIN_INF down, RND_CONV to even.
"""

Overflow = Literal["WRAP", "SAT", "SAT_SYM", "SAT_ZERO", "WRAP_SM"]
"""What happens to values outside the range.

WRAP: drop the upper bits. SAT: clip. SAT_SYM: clip to a range symmetric around zero. SAT_ZERO:
become zero. WRAP_SM: sign-magnitude wrap.
"""

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
OVERFLOWS: tuple[Overflow, ...] = get_args(Overflow)


def check_modes(rounding: str, overflow: str) -> None:
    """Raise CircuitError on a mode that `ap_fixed` does not have."""
    if rounding not in ROUNDINGS:
        raise CircuitError(f"rounding {rounding!r} is unknown; use one of {', '.join(ROUNDINGS)}")
    if overflow not in OVERFLOWS:
        raise CircuitError(f"overflow {overflow!r} is unknown; use one of {', '.join(OVERFLOWS)}")


def quantize_floats(
    values: ArrayLike,
    signed: ArrayLike,
    integer: ArrayLike,
    fraction: ArrayLike,
    rounding: Rounding,
    overflow: Overflow,
) -> NDArray[np.int64]:
    """Return the codes that `quantize` gives for plain numbers.

    Parameters
    ----------
    values
        Finite floats.
    signed, integer, fraction
        The type, as for `quantize`; at most 62 bits. Broadcast against `values`.
    rounding, overflow
        Modes of `ap_fixed`.
    """
    check_modes(rounding, overflow)
    k, i, f = (np.asarray(v).astype(np.int64) for v in (signed, integer, fraction))
    # Scaling by a power of two is exact in float64, and so is every step below: the numbers are
    # integers or differ from one by a fraction with the same exponent.
    codes = _round(np.ldexp(np.asarray(values, np.float64), f.astype(np.int32)), rounding)
    bits = k + i + f
    span = np.ldexp(1.0, np.maximum(i + f, 0).astype(np.int32))
    top, bottom = span - 1, -span * k
    if overflow == "SAT_SYM":
        bottom = -top * k
    if overflow in ("SAT", "SAT_SYM"):
        result = np.clip(codes, bottom, top)
    elif overflow == "SAT_ZERO":
        result = np.where((codes < bottom) | (codes > top), 0.0, codes)
    else:
        result = _wrap(codes, bottom, span * (1 + k))
        if overflow == "WRAP_SM":
            twice = _wrap(codes, 2 * bottom, 2 * span * (1 + k))
            # The lowest dropped bit and the highest kept one differ: invert what is kept.
            flip = (k > 0) & ((twice >= span) | (twice < -span))
            result = np.where(flip, -1 - result, result)
    return np.where(bits > 0, result, 0).astype(np.int64)


def _wrap(
    codes: NDArray[np.float64], bottom: NDArray[np.float64], period: NDArray[np.float64]
) -> NDArray[np.float64]:
    remainder = np.fmod(codes, period)
    remainder = np.where(remainder < bottom, remainder + period, remainder)
    return np.where(remainder >= bottom + period, remainder - period, remainder)


def _round(scaled: NDArray[np.float64], mode: Rounding) -> NDArray[np.float64]:
    floor = np.floor(scaled)
    rest = scaled - floor
    up = {
        "TRN": np.False_,
        "TRN_ZERO": (rest > 0) & (scaled < 0),
        "RND": rest >= 0.5,
        "RND_MIN_INF": rest > 0.5,
        "RND_ZERO": (rest > 0.5) | ((rest == 0.5) & (scaled < 0)),
        "RND_INF": (rest > 0.5) | ((rest == 0.5) & (scaled > 0)),
        "RND_CONV": (rest > 0.5) | ((rest == 0.5) & (np.fmod(floor, 2) != 0)),
    }[mode]
    return np.asarray(floor + up)
