"""Test vectors: real events, corners of the input ranges, and random codes."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from edgetrig.circuit import IntArray, compact
from edgetrig.errors import Error
from edgetrig.rtl import Port


@dataclass(frozen=True)
class Vectors:
    """Input codes, shape (events, input elements): real events, then corners, then random."""

    codes: IntArray
    counts: dict[str, int]

    def kind(self, event: int) -> str:
        """Return which kind of vector an event is."""
        for name, count in self.counts.items():
            if event < count:
                return name
            event -= count
        return "unknown"


def make_vectors(inputs: list[Port], events: IntArray, least: int, seed: int) -> Vectors:
    """Return all real events, and corner and random vectors up to `least` together.

    At least a quarter of `least` are corners and random codes, however many events there are.
    Corners: all elements at their smallest, largest, or nearest-to-zero code; each element in turn
    at its ends, at 0 and next to it, with all others at an end, at zero or anywhere. Where there
    are more than a quarter of `least`, that many are drawn.

    Raises
    ------
    Error
        If `least` is not positive.
    """
    if least < 1:
        raise Error(f"{least} vectors: at least 1 is needed")
    lo = [int(v) for port in inputs for v in port.lo.tolist()]
    hi = [int(v) for port in inputs for v in port.hi.tolist()]
    fill = max(least - len(events), least // 4)
    corner = _corners(lo, hi, fill // 2, random.Random(seed))
    rest = random_codes(lo, hi, fill - len(corner), seed)
    parts = [events, corner, rest]
    if any(part.dtype == object for part in parts):
        parts = [part.astype(object) for part in parts]
    counts = {"real": len(events), "corner": len(corner), "random": len(rest)}
    return Vectors(compact(np.concatenate(parts)), counts)


def random_codes(lo: list[int], hi: list[int], events: int, seed: int) -> IntArray:
    """Return codes spread evenly over each element's interval, shape (events, elements)."""
    generator, wide = np.random.default_rng(seed), random.Random(seed)
    columns: list[IntArray] = []
    for low, high in zip(lo, hi, strict=True):
        if low >= -(2**62) and high < 2**62:
            columns.append(generator.integers(low, high, events, endpoint=True))
        else:
            columns.append(np.array([wide.randint(low, high) for _ in range(events)], object))
    if not columns:
        return np.zeros((events, 0), np.int64)
    return np.stack(columns, axis=1)


def _corners(lo: list[int], hi: list[int], most: int, chance: random.Random) -> IntArray:
    zero = [min(max(0, low), high) for low, high in zip(lo, hi, strict=True)]
    backgrounds = [lo, hi, zero, []]
    cases = [
        (element, value, background)
        for element, (low, high) in enumerate(zip(lo, hi, strict=True))
        for value in sorted({low, high, 0, -1, 1})
        if low <= value <= high
        for background in range(len(backgrounds))
    ]
    room = max(0, most - 3)
    if len(cases) > room:
        cases = chance.sample(cases, room)
    events = [lo, hi, zero][:most]
    for element, value, background in cases:
        pairs = zip(lo, hi, strict=True)
        event = backgrounds[background] or [chance.randint(low, high) for low, high in pairs]
        events.append([*event[:element], value, *event[element + 1 :]])
    return compact(np.array(events, object).reshape(len(events), len(lo)))
