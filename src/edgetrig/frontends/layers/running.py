"""Sums and products of the first elements along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def running(x: Any, axis: int, join: Callable[[Any, Any], Any] = np.add) -> Any:
    """Return what the first 1, 2, ... elements of an exact array along an axis make together."""
    items = np.moveaxis(x, axis, 0)
    results = [items[0]]
    for k in range(1, items.shape[0]):
        results.append(join(results[-1], items[k]))
    return np.moveaxis(np.stack(results, axis=0), 0, axis)
