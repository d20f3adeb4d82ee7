"""A value divided by a scale and rounded to whole numbers, by the shortest right multiplier.

With scales that are no powers of two, ``round(a * m + c)`` of a whole number ``a`` is wanted for
real numbers m and c. As ``a`` lies in a known interval, there are whole numbers with
``floor((a * M + C) / 2**n)`` the same for every such ``a``; the smallest ``n`` is taken. Equality
is not argued but checked at the steps: for each result q, the smallest ``a`` that reaches it must
reach it, and the one before must not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from edgetrig import circuit
from edgetrig.circuit import Rounding
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.onnx.scaled import Float64s, Scaled
from edgetrig.frontends.quantizer import Floats

MOST_BITS: Final = 48
"""Most bits tried behind the multiplier's point."""

MOST_STEPS: Final = 1 << 16
"""Most results whose steps are listed."""

_FAR: Final = 1e9
"""A bound that no result reaches."""

ROUND: Final[dict[str, Callable[[Float64s], Float64s]]] = {
    "HALF_EVEN": np.rint,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "DOWN": np.trunc,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "HALF_UP": lambda x: np.trunc(x) + np.where(np.abs(x - np.trunc(x)) >= 0.5, np.sign(x), 0.0),
    "HALF_DOWN": lambda x: np.trunc(x) + np.where(np.abs(x - np.trunc(x)) > 0.5, np.sign(x), 0.0),
}
"""Rounding modes by QONNX' names: UP and DOWN are away from zero and towards it."""

FIXED: Final[dict[str, str]] = {
    "HALF_EVEN": "RND_CONV",
    "FLOOR": "TRN",
    "DOWN": "TRN_ZERO",
    "HALF_UP": "RND_INF",
    "HALF_DOWN": "RND_ZERO",
}
"""Those that `ap_fixed` has."""


@dataclass(frozen=True)
class Whole:
    """Whole numbers to round to: ``clip(round(x / scale + zero), low, high)``.

    All but ``rounding`` broadcast against what is rounded.
    """

    scale: Float64s
    zero: Float64s
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    rounding: str

    def of_floats(self, x: Floats) -> Float64s:
        """Round plain numbers, in their own precision."""
        kind = x.dtype.type
        code = ROUND[self.rounding](x / self.scale.astype(kind) + self.zero.astype(kind))
        return np.asarray(np.clip(code, self.low, self.high), np.float64)


def requantized(x: Scaled, target: Whole) -> Any:
    """Return the whole numbers that a value with a scale is rounded to, as an exact array."""
    factor = x.scale / target.scale
    offset = x.offset / target.scale + target.zero
    low, high = _range(x, target)
    if isinstance(x.array, circuit.Array):
        return _traced(x.array, factor, offset, low, high, target.rounding)
    rounded = _mapped(x.array * factor + offset, ROUND[target.rounding])
    return np.minimum(np.maximum(rounded, low), high)


def _range(x: Scaled, target: Whole) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the smallest and largest whole number of each element; rounding keeps the order."""
    least, most = (v.astype(np.float64) for v in (target.low, target.high))
    if x.bounded:
        ends = (np.clip(v, -_FAR, _FAR) / target.scale + target.zero for v in (x.low, x.high))
        first, last = (ROUND[target.rounding](v) for v in ends)
        least, most = np.clip(least, first, last), np.clip(most, first, last)
    low, high = (np.broadcast_to(v, x.shape).astype(np.int64) for v in (least, most))
    return low, high


def rounded(x: Any, mode: str) -> Any:
    """Return an exact array rounded to whole numbers."""
    if not isinstance(x, circuit.Array):
        return _mapped(x, ROUND[mode])
    if mode == "CEIL":
        return np.ceil(x)
    if mode == "UP":
        return np.where(x < 0, np.floor(x), np.ceil(x))
    lo, hi = x.interval
    bits = max(int(np.abs(lo).max(initial=1)), int(np.abs(hi).max(initial=1))).bit_length()
    bits += int(max(-x.fraction.min(initial=0), 0)) + 1
    return circuit.quantize(x, 1, bits, 0, cast(Rounding, FIXED[mode]), "WRAP")


def _mapped(x: Any, function: Callable[[Any], Any]) -> Any:
    return x.map(function) if isinstance(x, Batch) else function(x)


def _traced(
    x: circuit.Array,
    factor: Float64s,
    offset: Float64s,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    mode: str,
) -> Any:
    lo, hi = x.interval
    columns = (lo, hi, np.ldexp(factor, -x.fraction.astype(np.int32)), offset, low, high)
    flat = [np.broadcast_to(v, x.shape).ravel().tolist() for v in columns]
    keys = [*zip(*flat, strict=True)]
    found: dict[tuple[Any, ...], tuple[int, int, int] | None] = {}
    for key in keys:
        if key not in found:
            lo_, hi_, m, c, least, most = key
            found[key] = _multiplier(lo_, hi_, m, c, least, most, mode)
    if any(found[key] is None for key in keys):
        exactly = rounded(x * factor + offset, mode)
        return np.minimum(np.maximum(exactly, low), high)
    solved = np.array([found[key] for key in keys], object).reshape((*x.shape, 3))
    y = x.codes * solved[..., 0] + solved[..., 1]
    y = y.with_fraction(solved[..., 2].astype(np.int64))
    return np.minimum(np.maximum(np.floor(y), low), high)


def _multiplier(
    lo: int, hi: int, factor: float, offset: float, low: int, high: int, mode: str
) -> tuple[int, int, int] | None:
    """Return M, C and n for one element; None if there are none, as with ties to even."""
    m, c = Fraction(factor), Fraction(offset)
    first, last = (_at(m * a + c, low, high, mode) for a in (lo, hi))
    if last - first > MOST_STEPS:
        return None
    if first == last:
        return 0, first, 0
    results = range(first + 1, last + 1)
    steps = [_first_at_least(q, m, c, mode) for q in results]
    largest = max(-lo, hi, last, -first, 1).bit_length()
    kind: type = np.int64 if largest < 62 else object
    q: NDArray[Any] = np.array(results, kind)
    reached: NDArray[Any] = np.array(steps, kind)
    before = reached - 1
    # Outside the steps it must not leave the first and last result, unless it is clipped there.
    above, at_least = (q, reached)
    if first > low:
        above, at_least = np.append(above, first), np.append(at_least, lo)
    below, at_most = (q, before)
    if last < high:
        below, at_most = np.append(below, last + 1), np.append(at_most, hi)
    for n in range(MOST_BITS):
        scaled = m * (1 << n)
        if kind is np.int64 and largest + max(n, int(scaled).bit_length()) >= 61:
            kind = object
            above, at_least, below, at_most = (
                v.astype(object) for v in (above, at_least, below, at_most)
            )
        for multiplier in {max(scaled.numerator // scaled.denominator + k, 1) for k in (0, 1)}:
            bottom = int((above * (1 << n) - multiplier * at_least).max())
            top = int((below * (1 << n) - 1 - multiplier * at_most).min())
            if bottom <= top:
                return multiplier, _roundest(bottom, top), n
    return None


def _roundest(smallest: int, largest: int) -> int:
    """Return the number in an interval with the most zero bits at its end."""
    if smallest <= 0 <= largest:
        return 0
    shift = 0
    while -(-smallest >> shift + 1) << shift + 1 <= largest:
        shift += 1
    return -(-smallest >> shift) << shift


def _step(q: int, mode: str) -> tuple[Fraction, bool]:
    """Return where rounding reaches q, and whether that point itself stays below."""
    half = Fraction(2 * q - 1, 2)
    return {
        "FLOOR": (Fraction(q), False),
        "CEIL": (Fraction(q - 1), True),
        "DOWN": (Fraction(q), False) if q > 0 else (Fraction(q - 1), True),
        "UP": (Fraction(q - 1), True) if q > 0 else (Fraction(q), False),
        "HALF_EVEN": (half, q % 2 == 1),
        "HALF_UP": (half, q <= 0),
        "HALF_DOWN": (half, q > 0),
    }[mode]


def _first_at_least(q: int, m: Fraction, c: Fraction, mode: str) -> int:
    """Return the smallest whole a for which ``round(a m + c) >= q``."""
    point, strict = _step(q, mode)
    a = (point - c) / m
    return a.numerator // a.denominator + 1 if strict else -(-a.numerator // a.denominator)


def _at(v: Fraction, low: int, high: int, mode: str) -> int:
    """Return ``clip(round(v), low, high)``."""
    q = v.numerator // v.denominator
    for candidate in (q + 1, q):
        point, strict = _step(candidate, mode)
        if v > point or (v == point and not strict):
            return min(max(candidate, low), high)
    return min(max(q - 1, low), high)
