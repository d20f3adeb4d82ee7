"""Splits where 0 counts as missing, as plain comparisons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.trees.assemble import Tree
from edgetrig.frontends.trees.unfold import unfold

ZERO: Final = float(np.float32(1e-35))
"""LightGBM takes values from -ZERO to ZERO for 0 (``kZeroThreshold`` in its `meta.h`)."""

BELOW_ZERO: Final = float(np.nextafter(-ZERO, -1.0))
"""The largest value below all that LightGBM takes for 0."""


def split_zeros(tree: Tree, nodes: NDArray[np.int64]) -> Tree:
    """Return a checked tree whose 0 and NaN go the default way at `nodes`.

    A split ``x <= t`` with zeros on their own side of ``t`` stays as it is, or moves its threshold
    across 0. Otherwise it becomes three: zeros leave one side of the threshold for the other, and
    the subtrees behind both sides are copied.

    Raises
    ------
    ModelError
        If that makes more nodes than a forest may have.
    """
    threshold, default_left = tree.threshold[nodes], tree.missing_left[nodes]
    natural_left, natural_right = threshold >= ZERO, threshold <= BELOW_ZERO
    plain = np.where(default_left, natural_left, natural_right)
    # Nothing but zeros lies between the threshold and where it moves to.
    moved = ~plain & (np.where(default_left, threshold >= BELOW_ZERO, threshold <= ZERO))
    columns = {name: getattr(tree, name).copy() for name in ("threshold", "left", "right")}
    columns["threshold"][nodes[moved]] = np.where(default_left[moved], ZERO, BELOW_ZERO)
    split = nodes[~plain & ~moved]
    if not len(split):
        return replace(tree, **columns)
    return _copied(_three(replace(tree, **columns), split))


def _three(tree: Tree, split: NDArray[np.int64]) -> Tree:
    """Split each of the nodes in three; both subtrees then have two parents."""
    size = len(tree.feature)
    low, high = size + np.arange(len(split)), size + len(split) + np.arange(len(split))
    limit, default_left = tree.threshold[split], tree.missing_left[split]
    to_left, to_right = tree.left[split], tree.right[split]

    def extended(column: NDArray[Any], first: Any, below: Any, above: Any) -> NDArray[Any]:
        column = np.concatenate(
            [column, np.broadcast_to(below, len(split)), np.broadcast_to(above, len(split))]
        )
        column[split] = first
        return column

    # Default left (t < 0):  x < 0 ? (x <= t ? L : R) : (x <= 0 ? L : R), missing on the upper side.
    # Default right (t > 0): x <= 0 ? (x < 0 ? L : R) : (x <= t ? L : R), missing on the lower side.
    return replace(
        tree,
        feature=extended(
            tree.feature, tree.feature[split], tree.feature[split], tree.feature[split]
        ),
        threshold=extended(
            tree.threshold,
            np.where(default_left, BELOW_ZERO, ZERO),
            np.where(default_left, limit, BELOW_ZERO),
            np.where(default_left, ZERO, limit),
        ),
        left=extended(tree.left, low, to_left, to_left),
        right=extended(tree.right, high, to_right, to_right),
        value=np.concatenate([tree.value, np.zeros((2 * len(split), tree.value.shape[1]))]),
        missing_left=extended(tree.missing_left, ~default_left, default_left, default_left),
    )


def _copied(tree: Tree) -> Tree:
    """Return a tree in which each node has one parent."""
    categorical = np.zeros(len(tree.feature), np.bool_)
    categorical[list(tree.categories)] = True
    columns = (
        tree.feature,
        tree.threshold,
        tree.left,
        tree.right,
        tree.missing_left,
        categorical,
    )
    features = int(tree.feature.max()) + 1
    source, left, right, _ = unfold(columns, np.zeros(1, np.int64), features)
    return Tree(
        feature=tree.feature[source],
        threshold=tree.threshold[source],
        left=left,
        right=right,
        value=tree.value[source],
        missing_left=tree.missing_left[source],
        output=tree.output,
        categories={
            new: tree.categories[int(source[new])]
            for new in np.flatnonzero(categorical[source]).tolist()
        },
    )
