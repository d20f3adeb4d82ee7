"""All the paths that events can take through trees, as trees of their own."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.forest import NODE_LIMIT
from edgetrig.jit import jit

_STACK: Final = 1 << 15
"""Entries of the walk's stack: more than three for each level of the deepest tree."""

_ROOT: Final = 0  # also: an entry that only sets limits
_LEFT: Final = 1
_RIGHT: Final = 2

Columns = tuple[
    NDArray[Any],
    NDArray[np.float64],
    NDArray[Any],
    NDArray[Any],
    NDArray[np.bool_],
    NDArray[np.bool_],
]
"""feature, threshold, left, right, missing_left and whether the split is categorical, one a node.

One form serves inclusive and exclusive thresholds: a comparison is decided by those above it under
the same conditions.
"""

Limits = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]
"""By feature: what the path so far has its values above, and up to; whether NaN comes here."""


def unfold(
    columns: Columns, roots: NDArray[Any], features: int, missing: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Walk all paths from `roots` that some event can take; parts shared by paths are copied.

    Parameters
    ----------
    columns
        feature, threshold, left, right, missing_left and whether the split is categorical, a node.
    roots
        First node of each tree.
    features
        Number of features.
    missing
        Whether events may lack features.

    Returns
    -------
    tuple
        For each node of the result the node it is a copy of, its left and its right child (-1 at
        leaves); and the roots.

    Raises
    ------
    ModelError
        If it has more than `NODE_LIMIT` nodes.
    """
    capacity = 2 * len(columns[0])
    while True:
        source, left, right = (np.full(capacity, -1, np.int64) for _ in range(3))
        starts = np.zeros(len(roots), np.int64)
        low, high = np.full(features, -np.inf), np.full(features, np.inf)
        limits = (low, high, np.full(features, missing))
        size = _walk(columns, roots, limits, (source, left, right), starts)
        if size >= 0:
            return source[:size], left[:size], right[:size], starts
        if capacity > NODE_LIMIT:
            raise ModelError(f"more than {NODE_LIMIT} nodes; train fewer or shallower trees")
        capacity *= 2


@jit
def _walk(
    columns: Columns,
    roots: NDArray[Any],
    limits: Limits,
    made: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    starts: NDArray[np.int64],
) -> int:
    """Fill in the unfolded trees, in preorder; return their size, -1 if it is too large."""
    feature, threshold, left, right, missing_left, categorical = columns
    low, high, absent = limits
    source, new_left, new_right = made
    # An entry sets the limits of a feature, then visits a node (-1: no more than the limits).
    node_of, parent_of = np.empty(_STACK, np.int64), np.empty(_STACK, np.int64)
    side_of, feature_of = np.empty(_STACK, np.int64), np.empty(_STACK, np.int64)
    low_of, high_of = np.empty(_STACK), np.empty(_STACK)
    absent_of = np.empty(_STACK, np.bool_)
    size = 0
    for tree in range(len(roots)):
        starts[tree] = size
        top = 0
        node_of[0], parent_of[0], side_of[0], feature_of[0] = roots[tree], -1, _ROOT, -1
        while top >= 0:
            node, parent, side, at = node_of[top], parent_of[top], side_of[top], feature_of[top]
            if at >= 0:
                low[at], high[at], absent[at] = low_of[top], high_of[top], absent_of[top]
            top -= 1
            if node < 0:
                continue
            node = _undecided(columns, limits, node)
            if size == len(source):
                return -1
            source[size] = node
            if side == _LEFT:
                new_left[parent] = size
            elif side == _RIGHT:
                new_right[parent] = size
            at = feature[node]
            if at >= 0:
                limit, lost, numeric = threshold[node], missing_left[node], not categorical[node]
                for side in (_ROOT, _RIGHT, _LEFT):  # the last is visited first
                    top += 1
                    parent_of[top], side_of[top], feature_of[top] = size, side, at
                    node_of[top] = -1
                    low_of[top], high_of[top], absent_of[top] = low[at], high[at], absent[at]
                    if side == _LEFT:
                        node_of[top] = left[node]
                        high_of[top] = min(high[at], limit) if numeric else high[at]
                        absent_of[top] = absent[at] and lost
                    elif side == _RIGHT:
                        node_of[top] = right[node]
                        low_of[top] = max(low[at], limit) if numeric else low[at]
                        absent_of[top] = absent[at] and not lost
            size += 1
    return size


@jit
def _undecided(columns: Columns, limits: Limits, node: int) -> int:
    """Return `node`, or the first below it whose comparison the limits do not decide."""
    feature, threshold, left, right, missing_left, categorical = columns
    low, high, absent = limits
    while feature[node] >= 0 and not categorical[node]:
        at, limit, lost = feature[node], threshold[node], missing_left[node]
        if high[at] <= limit and (lost or not absent[at]):
            node = left[node]
        elif low[at] >= limit and not (lost and absent[at]):
            node = right[node]
        else:
            break
    return node
