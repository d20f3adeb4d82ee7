"""A value divided by a scale and rounded to whole numbers, by the shortest right multiplier.

With scales that are no powers of two, ``round(a * m + c)`` of a whole number ``a`` is wanted for
real numbers m and c. As ``a`` lies in a known interval, there are whole numbers with
``floor((a * M + C) / 2**n)`` the same for every such ``a``; the smallest ``n`` is taken. Equality
is not argued but checked at the steps: for each result q, the smallest ``a`` that reaches it must
reach it, and the one before must not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from edgetrig import circuit
from edgetrig.circuit import Rounding
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.quantizer import ROUND as FIXED
from edgetrig.frontends.quantizer import Floats, Ints
from edgetrig.frontends.scales.scaled import Float64s, Scaled

MOST_BITS: Final = 48
"""Most bits tried behind the multiplier's point."""

MOST_STEPS: Final = 1 << 16
"""Most results whose steps are listed."""

LONGEST: Final = 96
"""Most bits behind the multiplier's point where results are not listed."""

_FAR: Final = 1e9
"""A bound that no result reaches."""

ROUND: Final[dict[str, Callable[[Floats], Floats]]] = {
    **FIXED,
    "CEIL": np.ceil,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
}
"""Rounding to integers: the modes of `ap_fixed`, upwards, and away from zero."""

_SIDES: Final = {
    "TRN_ZERO": ("TRN", "CEIL"),
    "UP": ("CEIL", "TRN"),
    "RND_INF": ("RND", "RND_MIN_INF"),
    "RND_ZERO": ("RND_MIN_INF", "RND"),
}
"""How modes that look at the sign round above and below zero."""


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

    def chosen(self, shape: tuple[int, ...], elements: Ints) -> Whole:
        """Return the target of some elements, by number, of an array of a shape."""

        def at(column: NDArray[Any]) -> NDArray[Any]:
            return np.broadcast_to(column, shape).ravel()[elements]

        scale, zero, low, high = map(at, (self.scale, self.zero, self.low, self.high))
        return Whole(scale, zero, low, high, self.rounding)

    def of_floats(self, x: Floats) -> Float64s:
        """Round plain numbers, in their own precision."""
        kind = x.dtype.type
        code = ROUND[self.rounding](x / self.scale.astype(kind) + self.zero.astype(kind))
        return np.asarray(np.clip(code, self.low, self.high), np.float64)


def requantized(x: Scaled, target: Whole) -> Any:
    """Return the whole numbers that a value with a scale is rounded to, as an exact array."""
    low, high = range_of(x.low, x.high, target)
    if isinstance(x.array, circuit.Array):
        return _traced(x, target, low, high)
    factor = x.scale / target.scale
    offset = x.offset / target.scale + target.zero
    whole = mapped(x.array * factor + offset, lambda v: ROUND[target.rounding](snapped(v)))
    return np.minimum(np.maximum(whole, low), high)


def snapped(v: Float64s) -> Float64s:
    """Return numbers that float64 has moved off a half by its own rounding, moved back."""
    half = np.rint(v * 2) / 2
    return np.where(np.abs(v - half) <= 2.0**-40 * np.maximum(np.abs(v), 1), half, v)


def range_of(
    bottom: Float64s, top: Float64s, target: Whole
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the least and greatest whole number of values that are clipped to bounds first.

    Rounding keeps the order, so that bounds may be rounded in place of values.
    """
    least, most = (v.astype(np.float64) for v in (target.low, target.high))
    if np.isfinite(bottom).any() or np.isfinite(top).any():
        ends = (np.clip(v, -_FAR, _FAR) / target.scale + target.zero for v in (bottom, top))
        first, last = (ROUND[target.rounding](v) for v in ends)
        least, most = np.clip(first, least, most), np.clip(last, least, most)
    low, high = (np.broadcast_to(v, bottom.shape).astype(np.int64) for v in (least, most))
    return low, high


def rounded(x: Any, mode: str) -> Any:
    """Return an exact array rounded to whole numbers."""
    if not isinstance(x, circuit.Array):
        # Truth values, while looking ahead, are numbers too.
        return mapped(x, lambda v: ROUND[mode](np.asarray(v, np.float64)))
    if mode == "CEIL":
        return np.ceil(x)
    if mode == "UP":
        return np.where(x < 0, np.floor(x), np.ceil(x))
    lo, hi = x.interval
    bits = max(int(np.abs(lo).max(initial=1)), int(np.abs(hi).max(initial=1))).bit_length()
    bits += int(max(-x.fraction.min(initial=0), 0)) + 1
    return circuit.quantize(x, 1, bits, 0, cast(Rounding, mode), "WRAP")


def mapped(x: Any, function: Callable[[Any], Any]) -> Any:
    """Return a function of every number of a plain array or a batch."""
    return x.map(function) if isinstance(x, Batch) else function(x)


@dataclass(frozen=True)
class _Task:
    """One element: whole numbers from lo to hi, times m plus c, to be rounded and clipped."""

    lo: int
    hi: int
    m: Fraction
    c: Fraction
    low: int
    high: int


def _traced(value: Scaled, target: Whole, low: NDArray[np.int64], high: NDArray[np.int64]) -> Any:
    x, mode = value.array, target.rounding
    lo, hi = x.interval
    scale = np.ldexp(value.scale, -x.fraction.astype(np.int32))
    columns = (lo, hi, scale, value.offset, target.scale, target.zero, low, high)
    flat = [np.broadcast_to(v, x.shape).ravel().tolist() for v in columns]
    keys = [*zip(*flat, strict=True)]
    found: dict[tuple[Any, ...], tuple[_Task, _Floor | None]] = {}
    for key in keys:
        if key not in found:
            m, c, step, zero = map(_simple, key[2:6])
            task = _Task(key[0], key[1], m / step, c / step + zero, key[6], key[7])
            found[key] = task, _multiplier(task, mode)
    tasks = [found[key] for key in keys]
    kinds = np.array([0 if floor else 1 if _dyadic(task) else 2 for task, floor in tasks])
    codes = x.codes.ravel()
    pieces = []
    for kind, function in enumerate((_floors, _fixed, _by_sides)):
        if (kinds == kind).any():
            mine: Any = [task for task, own in zip(tasks, kinds, strict=True) if own == kind]
            pieces.append(function(codes[kinds == kind], mine, mode))
    order = np.argsort(np.argsort(kinds, kind="stable"), kind="stable")
    result = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)[order]
    return np.minimum(np.maximum(result.reshape(x.shape), low), high)


_Floor = tuple[int, int, int]
"""M, C and n of ``floor((a M + C) / 2**n)``."""


def _simple(number: float) -> Fraction:
    """Return a number exactly, or the simple quotient it is the float64 of, such as 1/3."""
    exact = Fraction(number)
    near = exact.limit_denominator(1 << 20)
    return near if abs(near - exact) <= abs(exact) / (1 << 50) else exact


def _dyadic(task: _Task) -> bool:
    return all(v.denominator.bit_count() == 1 for v in (task.m, task.c))


def _floors(a: circuit.Array, tasks: Sequence[tuple[_Task, _Floor]], mode: str) -> Any:
    """Return the floors of multiples."""
    columns = zip(*(floor for _, floor in tasks), strict=True)
    multiplier, offset, bits = (np.array(column, object) for column in columns)
    y = a * multiplier + offset
    return np.floor(y.with_fraction(y.fraction + bits.astype(np.int64)))


def _fixed(a: circuit.Array, tasks: Sequence[tuple[_Task, Any]], mode: str) -> Any:
    """Return roundings of products that are exact in binary, or as exact as float64 is."""
    factor = np.array([float(task.m) for task, _ in tasks])
    return rounded(a * factor + np.array([float(task.c) for task, _ in tasks]), mode)


def _by_sides(a: circuit.Array, tasks: Sequence[tuple[_Task, Any]], mode: str) -> Any:
    """Return roundings for which one multiplier will not do: ties differ from result to result."""
    if mode == "RND_CONV":
        return _ties_to_even(a, tasks)
    if mode not in _SIDES:  # too many results, or too close ones
        return _fixed(a, tasks, mode)
    above, below = _SIDES[mode]
    positive = [replace(task, low=0, high=max(task.high, 0)) for task, _ in tasks]
    negative = [replace(task, low=min(task.low, 0), high=0) for task, _ in tasks]
    up = [(task, _multiplier(task, above)) for task in positive]
    down = [(task, _multiplier(task, below)) for task in negative]
    if any(floor is None for _, floor in (*up, *down)):
        return _fixed(a, tasks, mode)
    raised, lowered = _floors(a, cast(Any, up), above), _floors(a, cast(Any, down), below)
    return np.maximum(raised, 0) + np.minimum(lowered, 0)


def _ties_to_even(a: circuit.Array, tasks: Sequence[tuple[_Task, Any]]) -> Any:
    """Return ``a p / q`` rounded, halves to even ones, where halves are met but q is odd.

    With ``k = floor(2 a p / q)`` the result is k / 2, or the next above it if k is odd; a half is
    met where k is odd and ``k q == 2 a p``, and then the even one of its neighbours is taken.
    """
    doubled = [
        replace(task, m=task.m * 2, c=task.c * 2, low=2 * task.low - 2, high=2 * task.high + 2)
        for task, _ in tasks
    ]
    floors = [(task, _multiplier(task, "TRN")) for task in doubled]
    if any(floor is None for _, floor in floors):
        return _fixed(a, tasks, "RND_CONV")
    k = _floors(a, cast(Any, floors), "TRN")
    shared = [np.lcm(int(t.m.denominator), int(t.c.denominator)) for t in doubled]
    p, c = (
        np.array([int(v * int(d)) for v, d in zip(column, shared, strict=True)], object)
        for column in ([t.m for t in doubled], [t.c for t in doubled])
    )
    half = np.floor(k * 0.5)
    odd = k - half * 2
    met = k * np.array(shared, object) == a * p + c
    lower_is_even = half - np.floor(half * 0.5) * 2 == 0
    return half + np.where(met & lower_is_even, 0.0, odd)


def _multiplier(task: _Task, mode: str) -> _Floor | None:
    """Return M, C and n for one element; None if there are none, as with ties to even."""
    lo, hi, m, c, low, high = task.lo, task.hi, task.m, task.c, task.low, task.high
    first, last = (_at(m * a + c, low, high, mode) for a in (lo, hi))
    if last - first > MOST_STEPS:
        return _on_grid(task, mode)
    if first == last:
        return 0, first, 0
    results = range(first + 1, last + 1)
    steps = _firsts(results, m, c, mode)
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
                return multiplier, roundest(bottom, top), n
    return None


def _on_grid(task: _Task, mode: str) -> _Floor | None:
    """Return M, C and n without looking at any result; None where M would be absurdly long.

    All ``a m + c``, and all halves, lie on one grid. A product that is off by less than half a gap
    of it, brought half a gap behind where rounding steps, is rounded as the exact one is.
    """
    shared = lcm(task.m.denominator, task.c.denominator)
    if mode == "RND_CONV" and shared % 2:  # no half is met
        mode = "RND"
    gap = Fraction(1, 2 * shared)
    behind = {
        "TRN": gap / 2,
        "CEIL": 1 - gap / 2,
        "RND": Fraction(1, 2) + gap / 2,
        "RND_MIN_INF": Fraction(1, 2) - gap / 2,
    }
    bits = max(-task.lo, task.hi, 1).bit_length() + (2 * shared).bit_length() + 2
    if mode not in behind or bits > LONGEST:
        return None
    return round(task.m * (1 << bits)), round((task.c + behind[mode]) * (1 << bits)), bits


def roundest(smallest: int, largest: int) -> int:
    """Return the number in an interval with the most zero bits at its end."""
    if smallest <= 0 <= largest:
        return 0
    shift = 0
    while -(-smallest >> shift + 1) << shift + 1 <= largest:
        shift += 1
    return -(-smallest >> shift) << shift


def _step(q: int, mode: str) -> tuple[int, bool]:
    """Return twice the number where rounding reaches q, and whether that number stays below."""
    half = 2 * q - 1
    if mode == "RND_CONV":
        return half, q % 2 == 1
    if mode == "TRN" or (mode == "TRN_ZERO" and q > 0) or (mode == "UP" and q <= 0):
        return 2 * q, False
    if mode in ("CEIL", "TRN_ZERO", "UP"):
        return 2 * (q - 1), True
    stays = {"RND": False, "RND_MIN_INF": True, "RND_INF": q <= 0, "RND_ZERO": q > 0}
    return half, stays[mode]


def _firsts(results: range, m: Fraction, c: Fraction, mode: str) -> list[int]:
    """Return the smallest whole a for which ``round(a m + c) >= q``, for every q."""
    shared = lcm(m.denominator, c.denominator)
    slope, offset = int(2 * m * shared), int(2 * c * shared)
    firsts = []
    for q in results:
        doubled, strict = _step(q, mode)
        rest = doubled * shared - offset
        firsts.append(rest // slope + 1 if strict else -(-rest // slope))
    return firsts


def _at(v: Fraction, low: int, high: int, mode: str) -> int:
    """Return ``clip(round(v), low, high)``."""
    q = v.numerator // v.denominator
    for candidate in (q + 1, q):
        doubled, strict = _step(candidate, mode)
        if 2 * v > doubled or (2 * v == doubled and not strict):
            return min(max(candidate, low), high)
    return min(max(q - 1, low), high)
