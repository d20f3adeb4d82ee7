"""What comes in: numbers become codes, and codes are checked against their intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit

Ints = NDArray[np.int64]

TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV = range(7)
WRAP, SAT, SAT_SYM, SAT_ZERO, WRAP_SM = range(5)

_HUGE, _TINY = 2.0**62, 2.0**-1000


@jit
def first_outside(codes: Ints, events: int, lo: Ints, hi: Ints) -> Any:
    """Return (event, element) of the first code outside its interval, or (-1, -1)."""
    found, where = events, -1
    for k in range(len(lo)):
        line = codes[k, :found]
        bad = 0
        for event in range(len(line)):
            bad += (line[event] < lo[k]) | (line[event] > hi[k])
        if bad > 0:
            for event in range(len(line)):
                if line[event] < lo[k] or line[event] > hi[k]:
                    found, where = event, k
                    break
    return (found, where) if where >= 0 else (-1, -1)


@jit
def quantize(  # noqa: PLR0912 - a loop for each mode
    values: NDArray[np.float64],
    fraction: Ints,
    lo: Ints,
    hi: Ints,
    rounding: int,
    overflow: int,
    codes: Ints,
    row: int,
) -> Any:
    """Quantise ``values`` (events, elements) into ``codes[row:, :events]``.

    ``rounding`` and ``overflow`` are positions in `edgetrig.circuit.ROUNDINGS` and `OVERFLOWS`.
    Returns (event, element) of the first value that is not finite, or (-1, -1).
    """
    events, elements = values.shape
    line = np.empty(events)
    for k in range(elements):
        scale = math.ldexp(1.0, fraction[k])
        bad = 0
        for event in range(events):
            value = values[event, k]
            bad += not abs(value) <= 1.7976931348623157e308
            line[event] = value * scale
        if bad > 0:
            return _first_not_finite(values)
        if fraction[k] < 0:
            # Where the product is too small for a float, its sign still counts.
            for event in range(events):
                if line[event] == 0 and values[event, k] != 0:
                    line[event] = math.copysign(_TINY, values[event, k])
        _round(line, rounding)
        out = codes[row + k, :events]
        if overflow in (SAT, SAT_SYM):
            for event in range(events):
                code = np.int64(min(max(line[event], -_HUGE), _HUGE))
                out[event] = min(max(code, lo[k]), hi[k])
        elif overflow == SAT_ZERO:
            for event in range(events):
                code = np.int64(min(max(line[event], -_HUGE), _HUGE))
                out[event] = code if lo[k] <= code <= hi[k] else np.int64(0)
        else:
            for event in range(events):
                out[event] = _wrap(line[event], values[event, k], fraction[k], lo[k], hi[k])
        if overflow == WRAP_SM and lo[k] < 0:
            # Where the lowest dropped bit and the highest kept one differ, invert what is kept.
            for event in range(events):
                # Beyond any float, a product is a multiple of every power of two in question.
                rest = np.fmod(line[event], -4.0 * lo[k]) if math.isfinite(line[event]) else 0.0
                bits = np.int64(rest)
                if (bits // -lo[k]) & 1 != (bits // (-2 * lo[k])) & 1:
                    out[event] = -1 - out[event]
    return -1, -1


@jit
def _first_not_finite(values: NDArray[np.float64]) -> Any:
    for event in range(values.shape[0]):
        for k in range(values.shape[1]):
            if not math.isfinite(values[event, k]):
                return event, k
    return -1, -1


@jit
def _round(line: NDArray[np.float64], mode: int) -> None:
    """Round in place. The rest behind the point is exact, measured from zero."""
    if mode == RND_CONV:
        for k in range(len(line)):
            line[k] = np.rint(line[k])
    elif mode == TRN:
        for k in range(len(line)):
            line[k] = np.floor(line[k])
    elif mode == TRN_ZERO:
        for k in range(len(line)):
            line[k] = np.trunc(line[k])
    else:
        # Ties go up where `up_tie`, down where `down_tie`, else to zero.
        up_tie, down_tie = mode in (RND, RND_INF), mode in (RND_MIN_INF, RND_INF)
        for k in range(len(line)):
            whole = np.trunc(line[k])
            rest = line[k] - whole
            up = (rest > 0.5) | ((rest == 0.5) & up_tie)
            down = (rest < -0.5) | ((rest == -0.5) & down_tie)
            line[k] = whole + up - down


@jit
def _wrap(code: float, value: float, fraction: int, lo: int, hi: int) -> Any:
    """Return the number in ``[lo, hi]`` that equals a rounded code modulo their number."""
    doublings = 0
    if math.isinf(code):
        code, doublings = value, fraction
    # Numbers beyond 2**53 are whole: halving is exact, and remainders are taken on integers.
    while abs(code) >= _HUGE:
        code *= 0.5
        doublings += 1
    period = hi - lo + 1
    rest = np.int64(code)
    for _ in range(doublings):
        rest = 2 * (rest % period) % period
    if period & (period - 1) == 0:
        return lo + ((rest - lo) & (period - 1))
    return lo + (rest - lo) % period
