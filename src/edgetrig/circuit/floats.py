"""Plain floats into hardware integers, exactly as `quantize` does it to symbolic arrays."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit.intervals import LARGEST, WIDEST
from edgetrig.errors import CircuitError

Ints = NDArray[np.int64]

Rounding = Literal["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
"""What happens to bits behind the last kept one.

TRN: towards minus infinity. TRN_ZERO: towards zero. The others go to the nearest number and differ
on ties: RND up, RND_ZERO towards zero, RND_INF away from zero, RND_MIN_INF down, RND_CONV to even.
"""

Overflow = Literal["WRAP", "SAT", "SAT_SYM", "SAT_ZERO", "WRAP_SM"]
"""What happens to values outside the range.

WRAP: drop the upper bits. SAT: clip. SAT_SYM: clip to a range symmetric around zero. SAT_ZERO:
become zero. WRAP_SM: sign-magnitude wrap, which inverts the kept bits where the highest of them
differs from the lowest dropped one (unsigned types have no sign: as WRAP).
"""

_HUGE, _TINY = 2.0**1000, 2.0**-1000

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
OVERFLOWS: tuple[Overflow, ...] = get_args(Overflow)


def check_modes(rounding: str, overflow: str) -> None:
    """Raise CircuitError on a mode that `ap_fixed` does not have."""
    if rounding not in ROUNDINGS:
        raise CircuitError(f"rounding {rounding!r} is unknown; use one of {', '.join(ROUNDINGS)}")
    if overflow not in OVERFLOWS:
        raise CircuitError(f"overflow {overflow!r} is unknown; use one of {', '.join(OVERFLOWS)}")


def fixed_types(
    signed: ArrayLike, integer: ArrayLike, fraction: ArrayLike
) -> tuple[Ints, Ints, Ints]:
    """Return the three numbers of a fixed-point type as integer arrays.

    Raises
    ------
    CircuitError
        If one is not a whole number, or `signed` is neither 0 nor 1.
    """
    result = []
    for name, given in (("signed", signed), ("integer", integer), ("fraction", fraction)):
        values = np.asarray(given)
        if values.dtype.kind not in "biuf" or np.any(values != np.floor(values)):
            raise CircuitError(f"{name} bits must be whole numbers, not {given!r}"[:200])
        if values.size and np.abs(values).max() > LARGEST:
            raise CircuitError(f"{name}: a type of more than {LARGEST} bits")
        result.append(values.astype(np.int64))
    if np.any((result[0] != 0) & (result[0] != 1)):
        raise CircuitError("signed must be 0 or 1")
    return result[0], result[1], result[2]


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

    Raises
    ------
    CircuitError
        On an unknown mode, a type of more than 62 bits, or a value that is NaN or infinite.
    """
    check_modes(rounding, overflow)
    k, i, f = fixed_types(signed, integer, fraction)
    given = np.asarray(values, np.float64)
    if not np.isfinite(given).all():
        raise CircuitError("a value is NaN or infinite; it has no code")
    bits = k + i + f
    if bits.size and bits.max() > WIDEST:
        raise CircuitError(f"a type of {bits.max()} bits; use at most {WIDEST}")
    codes = _round(_scaled(given, f), rounding)
    kept = np.maximum(bits, 1)
    if overflow in ("WRAP", "WRAP_SM"):
        result = _wrapped(codes, k, kept, overflow == "WRAP_SM")
    else:
        result = _clipped(codes, k, kept, overflow)
    return np.where(bits > 0, result, 0)


def _scaled(values: NDArray[np.float64], fraction: Ints) -> NDArray[np.float64]:
    """Return values * 2**fraction, exact but for what is too large or too small to matter."""
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.ldexp(values, fraction.astype(np.int32))
    # Beyond float64: huge numbers stay huge and even, tiny ones tiny but not zero.
    scaled = np.clip(scaled, -_HUGE, _HUGE)
    return np.where((scaled == 0) & (values != 0), np.copysign(_TINY, values), scaled)


def _round(scaled: NDArray[np.float64], mode: Rounding) -> NDArray[np.float64]:
    """Round to whole numbers; the rest behind the point is exact, measured from zero."""
    if mode == "RND_CONV":
        return np.asarray(np.rint(scaled))
    whole = np.trunc(scaled)
    rest = scaled - whole
    up, down = {
        "TRN": (np.False_, rest < 0),
        "TRN_ZERO": (np.False_, np.False_),
        "RND": (rest >= 0.5, rest < -0.5),
        "RND_MIN_INF": (rest > 0.5, rest <= -0.5),
        "RND_ZERO": (rest > 0.5, rest < -0.5),
        "RND_INF": (rest >= 0.5, rest <= -0.5),
    }[mode]
    return np.asarray(whole + up - down)


def _clipped(codes: NDArray[np.float64], k: Ints, bits: Ints, mode: Overflow) -> Ints:
    # Within 2**62 every whole float is an integer of 64 bits, and no type reaches further.
    near = np.clip(codes, -(2.0**WIDEST), 2.0**WIDEST).astype(np.int64)
    top = (1 << (bits - k)) - 1
    bottom = -top * k if mode == "SAT_SYM" else -(top + 1) * k
    if mode == "SAT_ZERO":
        return np.where((near < bottom) | (near > top), 0, near)
    return np.clip(near, bottom, top)


def _wrapped(codes: NDArray[np.float64], k: Ints, bits: Ints, sign_magnitude: bool) -> Ints:
    # One bit above the kept ones is all that matters of the rest; fmod is exact.
    low = np.fmod(codes, np.ldexp(1.0, (bits + 1).astype(np.int32))).astype(np.int64)
    kept = low & ((1 << bits) - 1)
    if sign_magnitude:
        # The lowest dropped bit and the highest kept one differ: invert what is kept.
        differ = (k > 0) & ((low >> (bits - 1) & 1) != (low >> bits & 1))
        kept = np.where(differ, ((1 << bits) - 1) - kept, kept)
    return np.where((k > 0) & (kept >> (bits - 1) > 0), kept - (1 << bits), kept)
