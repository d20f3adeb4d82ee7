"""Fixed-point types from their definition, on exact fractions and one number at a time."""

from __future__ import annotations

import math
from fractions import Fraction


def ap_fixed(
    value: Fraction, signed: int, integer: int, fraction: int, rounding: str, overflow: str
) -> Fraction:
    """Return what an ``ap_fixed`` variable holds after a value is assigned to it.

    Written from the definition of the modes (IEEE 1666-2023, section 7.10), not from the circuit's
    lowering of them.

    Parameters
    ----------
    value
        Any exact number.
    signed, integer, fraction
        Sign bit (0 or 1), integer bits without the sign, fraction bits.
    rounding, overflow
        Modes.
    """
    bits = int(signed) + int(integer) + int(fraction)
    if bits <= 0:
        return Fraction(0)
    unit = Fraction(2) ** -int(fraction)
    code = _rounded(value / unit, rounding)
    return _in_range(code, bits, bool(signed), overflow) * unit


def _rounded(value: Fraction, mode: str) -> int:
    half = Fraction(1, 2)
    away = 1 if value > 0 else -1
    return {
        "TRN": lambda: math.floor(value),
        "TRN_ZERO": lambda: math.trunc(value),
        "RND": lambda: math.floor(value + half),
        "RND_MIN_INF": lambda: math.ceil(value - half),
        "RND_INF": lambda: away * math.floor(abs(value) + half),
        "RND_ZERO": lambda: away * math.ceil(abs(value) - half),
        "RND_CONV": lambda: round(value),
    }[mode]()


def _in_range(code: int, bits: int, signed: bool, mode: str) -> int:
    largest = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    smallest = -largest - 1 if signed else 0
    if mode == "SAT_SYM" and signed:
        smallest = -largest
    if smallest <= code <= largest:
        return code
    if mode in ("SAT", "SAT_SYM"):
        return smallest if code < smallest else largest
    if mode == "SAT_ZERO":
        return 0
    kept = [code >> k & 1 for k in range(bits)]
    if mode == "WRAP_SM" and signed and kept[-1] != code >> bits & 1:
        kept = [1 - bit for bit in kept]  # the lowest deleted bit becomes the sign
    pattern = sum(bit << k for k, bit in enumerate(kept))
    return pattern - (1 << bits) if signed and kept[-1] else pattern
