"""Input codes for random circuits: corners, boundaries of quantisers, and anything else."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from edgetrig.circuit import Circuit, IntArray, compact


def integers(values: Any) -> IntArray:
    """Return int64, or Python integers where 62 bits do not hold a value."""
    return compact(np.array(values, object))


def random_codes(circuit: Circuit, n: int, seed: int = 0) -> IntArray:
    """Return input codes of `n` events, shape (n, elements) in port order: corners come first.

    int64, or Python integers (object) for ports beyond 62 bits.
    """
    low = [int(v) for port in circuit.inputs for v in port.lo.ravel()]
    high = [int(v) for port in circuit.inputs for v in port.hi.ravel()]
    chance = random.Random(seed)
    events = [low, high, [min(max(0, a), b) for a, b in zip(low, high, strict=True)]]
    while len(events) < n:
        corners = chance.random() < 0.3
        events.append([_code(chance, a, b, corners) for a, b in zip(low, high, strict=True)])
    return integers(events[:n]).reshape(n, len(low))


def _code(chance: random.Random, low: int, high: int, corner: bool) -> int:
    kind = 0.0 if corner else chance.random()
    if kind < 0.2:
        near = (low, high, low + 1, high - 1, 0, -1, 1)
        return min(max(chance.choice(near), low), high)
    if kind < 0.5:  # beside a multiple of a power of two: where words end and roundings tie
        power = chance.randrange(max(abs(low), abs(high)).bit_length() + 1)
        value = (chance.randint(low, high) >> power << power) + chance.randint(-1, 1)
        return min(max(value, low), high)
    return chance.randint(low, high)


def split_codes(circuit: Circuit, codes: IntArray) -> list[IntArray]:
    """Return the columns of `random_codes` as one array a port, shape (events, *port shape)."""
    ends = np.cumsum([port.size for port in circuit.inputs])[:-1]
    parts = np.split(codes, ends, axis=1)
    return [
        part.reshape(len(codes), *port.shape)
        for part, port in zip(parts, circuit.inputs, strict=True)
    ]
