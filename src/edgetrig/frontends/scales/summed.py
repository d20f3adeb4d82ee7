"""Sums of two values of different scales, which the quantiser that follows takes in at once.

``round(a m + b k + c)`` of two whole numbers is ``floor((a M + b K + C) / 2**n)`` for some whole
numbers and a small n; that it is so is checked for every pair that can occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig import circuit
from edgetrig.frontends.scales.requantize import (
    MOST_BITS,
    ROUND,
    Whole,
    mapped,
    range_of,
    requantized,
    roundest,
    snapped,
)
from edgetrig.frontends.scales.scaled import Float64s, Scaled, clipped_bounds, scaled
from edgetrig.frontends.values import Deferred

MOST_PAIRS: Final = 1 << 18
"""Most pairs of whole numbers that are checked."""

MOST_KINDS: Final = 64
"""Most elements of different scales or ranges that are solved."""


@dataclass(frozen=True)
class Summed(Deferred):
    """``clip(x + y, low, high)`` of two values that are not clipped themselves, of one shape."""

    x: Scaled
    y: Scaled
    low: Float64s
    high: Float64s

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.x.shape

    def rearranged(self, function: Callable[[Any], Any]) -> Summed:
        """Return the same values in another order or shape."""
        values = (self.x.rearranged(function), self.y.rearranged(function))
        return Summed(*values, function(self.low), function(self.high))

    def clipped(self, low: ArrayLike, high: ArrayLike) -> Summed:
        """Return the values clipped once more."""
        low, high = clipped_bounds(self.low, self.high, low, high)
        return replace(self, low=low, high=high)

    def merged(self) -> Scaled:
        """Return the values with one scale, the finer one; their ratio is rounded to float32."""
        x, y = self.x, self.y
        if x.scale.max(initial=0) < y.scale.max(initial=0):
            x, y = y, x
        ratio = (x.scale / y.scale).astype(np.float32).astype(np.float64)
        merged = Scaled(
            x.array * ratio + y.array, y.scale, x.offset + y.offset, self.low, self.high
        )
        return merged

    def exact(self) -> Any:
        """Return the values with the scales multiplied out."""
        return self.merged().exact()


def summed(x: Scaled, y: Scaled) -> Any:
    """Return a sum; whole numbers of the same scale are added as such."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = (v.rearranged(lambda a: np.broadcast_to(a, shape)) for v in (x, y))
    ratio = x.scale / y.scale
    near = np.ldexp(1.0, np.rint(np.log2(ratio)).astype(np.int32))
    if (np.abs(ratio / near - 1) < 2.0**-20).all():
        return scaled(x.array * near + y.array, y.scale, x.offset + y.offset)
    unbounded = np.broadcast_to(np.inf, shape)
    return Summed(x, y, -unbounded, unbounded)


def requantized_sum(value: Summed, target: Whole) -> Any:
    """Return the whole numbers that a sum is rounded to, as an exact array."""
    x, y = value.x, value.y
    low, high = range_of(value.low, value.high, target)
    factors = x.scale / target.scale, y.scale / target.scale
    offset = (x.offset + y.offset) / target.scale + target.zero
    if not isinstance(x.array, circuit.Array):
        v = mapped(x.array * factors[0] + y.array * factors[1] + offset, snapped)
        return np.minimum(np.maximum(mapped(v, ROUND[target.rounding]), low), high)
    columns = [*_column(x.array, factors[0]), *_column(y.array, factors[1]), offset, low, high]
    flat = np.stack([np.broadcast_to(v, value.shape).ravel() for v in columns], axis=1)
    kinds, which = np.unique(flat.astype(np.float64), axis=0, return_inverse=True)
    solved = (
        [_solved(kind, target.rounding) for kind in kinds] if len(kinds) <= MOST_KINDS else [None]
    )
    if any(one is None for one in solved):
        return requantized(value.merged(), target)
    each = np.array(solved, object)[which.ravel()].reshape((*value.shape, 4))
    total = x.array.codes * each[..., 0] + y.array.codes * each[..., 1] + each[..., 2]
    total = total.with_fraction(total.fraction + each[..., 3].astype(np.int64))
    return np.minimum(np.maximum(np.floor(total), low), high)


def _column(array: circuit.Array, factor: Float64s) -> tuple[NDArray[Any], ...]:
    lo, hi = array.interval
    return lo, hi, np.ldexp(factor, -array.fraction.astype(np.int32))


def _solved(kind: Float64s, mode: str) -> tuple[int, int, int, int] | None:
    """Return M, K, C and n for one element; None if there are none, or too many pairs."""
    (lo, hi, m), (lo2, hi2, k), (offset, low, high) = kind[:3], kind[3:6], kind[6:]
    if (hi - lo + 1) * (hi2 - lo2 + 1) > MOST_PAIRS:
        return None
    a = np.arange(int(lo), int(hi) + 1, dtype=np.int64)[:, None]
    b = np.arange(int(lo2), int(hi2) + 1, dtype=np.int64)[None, :]
    code = np.clip(ROUND[mode](snapped(a * m + b * k + offset)), low, high).astype(np.int64)
    for n in range(MOST_BITS):
        first, second = int(np.rint(m * 2.0**n)), int(np.rint(k * 2.0**n))
        if max(first, second) * (max(abs(lo), hi) + max(abs(lo2), hi2)) >= 2.0**60:
            return None
        total = a * first + b * second
        at_least = ((code << n) - total)[code > low]
        at_most = ((code + 1 << n) - 1 - total)[code < high]
        smallest = int(at_least.max()) if at_least.size else int(at_most.min())
        largest = int(at_most.min()) if at_most.size else int(smallest)
        if smallest <= largest:
            return first, second, roundest(smallest, largest), n
    return None
