"""The same margins from fewer nodes: what an ancestor has decided is not asked again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.unfold import unfold
from edgetrig.jit import jit


def simplified(forest: Forest, *, missing: bool = True) -> Forest:
    """Return a forest of the same margins with no comparison that cannot matter.

    Comparisons decided by those above them are left out, two leaves of equal values become one, and
    trees that are one leaf move into `base`.

    Parameters
    ----------
    forest
        A checked forest.
    missing
        Whether events may lack features (NaN). Without, more can be left out.
    """
    forest = _unfolded(forest, missing)
    rows = np.unique(forest.value, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    _merge_leaves(forest.feature, forest.left, forest.right, rows)
    merged = (forest.feature >= 0) & (rows >= 0)
    source = _last_leaf(forest, merged)
    forest = replace(
        forest,
        feature=np.where(merged, -1, forest.feature).astype(np.int32),
        value=forest.value[source],
        categories={n: group for n, group in forest.categories.items() if not merged[n]},
    )
    return _without_constants(_unfolded(forest, missing))


def _unfolded(forest: Forest, missing: bool) -> Forest:
    categorical = np.zeros(forest.nodes, np.bool_)
    categorical[list(forest.categories)] = True
    columns = (
        forest.feature,
        forest.threshold,
        forest.left,
        forest.right,
        forest.missing_left,
        categorical,
    )
    source, left, right, roots = unfold(columns, forest.roots, len(forest.features), missing)
    return replace(
        forest,
        feature=forest.feature[source],
        threshold=np.where(left >= 0, forest.threshold[source], 0.0),
        left=left.astype(np.int32),
        right=right.astype(np.int32),
        value=forest.value[source],
        roots=roots.astype(np.int32),
        missing_left=forest.missing_left[source] & (left >= 0),
        categories={
            new: forest.categories[int(source[new])]
            for new in np.flatnonzero(categorical[source]).tolist()
        },
    )


def _last_leaf(forest: Forest, merged: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each merged node one of the leaves below it, for others the node itself."""
    source = np.arange(forest.nodes)
    while (inner := merged[source]).any():
        source[inner] = forest.right[source[inner]]
    return source


def _without_constants(forest: Forest) -> Forest:
    ends = np.append(forest.roots[1:], forest.nodes)
    constant = ends - forest.roots == 1
    if constant.all():
        constant[0] = False  # a forest has at least one tree
    keep = ~constant[forest.tree_of_node()]
    number = np.cumsum(keep) - 1
    inner = forest.feature[keep] >= 0
    return replace(
        forest,
        feature=forest.feature[keep],
        threshold=forest.threshold[keep],
        left=np.where(inner, number[forest.left[keep]], -1).astype(np.int32),
        right=np.where(inner, number[forest.right[keep]], -1).astype(np.int32),
        value=forest.value[keep],
        roots=number[forest.roots[~constant]].astype(np.int32),
        base=forest.base + forest.value[forest.roots[constant]].sum(axis=0),
        missing_left=forest.missing_left[keep],
        categories={int(number[node]): group for node, group in forest.categories.items()},
    )


@jit
def _merge_leaves(
    feature: NDArray[np.int32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    rows: NDArray[np.int64],
) -> None:
    """Set ``rows`` to -1 at every node whose leaves differ, else to their common row."""
    for node in range(len(feature) - 1, -1, -1):
        if feature[node] >= 0:
            one, other = rows[left[node]], rows[right[node]]
            rows[node] = one if one == other else -1
