"""Walks over the operand graph that every pass needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit


@jit
def register_depth(
    operands: NDArray[np.int32], is_register: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return, for every row, the most registers on a way from an input to it, itself included."""
    depth = np.zeros(len(operands), np.int64)
    for row in range(len(operands)):
        for k in range(3):
            if operands[row, k] >= 0:
                depth[row] = max(depth[row], depth[operands[row, k]])
        depth[row] += is_register[row]
    return depth


@jit
def live_rows(operands: NDArray[np.int32], roots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows the given rows need, themselves included."""
    live = np.zeros(len(operands), np.bool_)
    for root in roots:
        live[root] = True
    for row in range(len(operands) - 1, -1, -1):
        if live[row]:
            for k in range(3):
                if operands[row, k] >= 0:
                    live[operands[row, k]] = True
    return live


@jit
def use_counts(operands: NDArray[np.int32], roots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each row is read, by rows and as a root."""
    count = np.zeros(len(operands), np.int64)
    for root in roots:
        count[root] += 1
    for row in range(len(operands)):
        for k in range(3):
            if operands[row, k] >= 0:
                count[operands[row, k]] += 1
    return count
