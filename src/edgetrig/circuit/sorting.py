"""Sorting by a network of comparisons."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgetrig.circuit import arithmetic as ar
from edgetrig.circuit.array import Array
from edgetrig.circuit.builder import Builder
from edgetrig.circuit.circuit import Ints
from edgetrig.circuit.moves import moveaxis


def sort(builder: Builder, x: Array, axis: int | None = -1) -> Array:
    """Sort by Batcher's odd-even merge network (Knuth, TAOCP 3, 5.2.2, algorithm M)."""
    if axis is None:
        x, axis = x.ravel(), 0
    items = moveaxis(builder, x, axis, 0)
    rows, fraction = items.rows.copy(), items.fraction.copy()
    for low, distance in sorting_network(len(items)):
        high = low + distance
        first, second = (
            Array(builder, rows[k], fraction[k], boolean=x.boolean) for k in (low, high)
        )
        swap = ar.less(second, first)
        for place, value in (
            (low, ar.select(swap, second, first)),
            (high, ar.select(swap, first, second)),
        ):
            rows[place], fraction[place] = value.rows, value.fraction
    return moveaxis(builder, Array(builder, rows, fraction, boolean=x.boolean), 0, axis)


def sorting_network(count: int) -> Iterator[tuple[Ints, int]]:
    """Yield the network's steps: which positions are compared with those a distance above."""
    step = 1 << max((count - 1).bit_length() - 1, 0)
    positions = np.arange(count)
    p = step if count > 1 else 0
    while p > 0:
        q, r, d = step, 0, p
        while True:
            below = positions[: max(count - d, 0)]
            yield below[below & p == r], d
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
