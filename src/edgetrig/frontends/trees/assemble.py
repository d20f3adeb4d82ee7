"""Trees as files give them, in any order of nodes and not yet trusted, into one checked forest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.forest import LARGEST, NODE_LIMIT, VALUE_LIMIT, Forest

DEPTH_LIMIT: Final = 4096
"""Most comparisons on a path."""

CATEGORY_LIMIT: Final = 4 << 20
"""Most categories in the sets of all categorical splits together."""


@dataclass(frozen=True)
class Tree:
    """One tree in its library's own numbering; the root is node 0.

    Parameters
    ----------
    feature
        -1 at leaves.
    threshold
        float64; what stands at leaves and categorical splits is ignored.
    left, right
        Children; what stands at leaves is ignored.
    value
        float64, shape (nodes, outputs of this tree); what stands at inner nodes is ignored.
    missing_left
        Where an event without the feature goes.
    output
        The output of the forest that column 0 of `value` adds to.
    categories
        The categories that go left, by node.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    output: int = 0
    categories: Mapping[int, frozenset[int]] = field(default_factory=dict)


def assemble(
    trees: Sequence[Tree],
    *,
    base: NDArray[np.float64],
    inclusive: bool,
    features: Sequence[str],
    narrow_inputs: bool = False,
    link: str = "identity",
    notes: Sequence[str] = (),
) -> Forest:
    """Return the forest of `trees`; nodes that no path reaches are left out.

    Raises
    ------
    ModelError
        If there is no tree, or too many nodes; if a child or a feature does not exist, a node is
        its own ancestor or has two parents, or a threshold or leaf is NaN. The line names the tree
        and its node.
    """
    if not trees:
        raise ModelError("the model has no trees; train it first")
    _check_sizes(trees, len(base))
    feature = np.concatenate([tree.feature for tree in trees])
    counts = [len(tree.feature) for tree in trees]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    owner = np.repeat(np.arange(len(trees)), counts)
    offset = first[owner]
    children = np.stack(
        [
            np.concatenate([tree.left for tree in trees]),
            np.concatenate([tree.right for tree in trees]),
        ]
    )
    inner = feature >= 0
    lost = inner & ((children < 0) | (children >= np.array(counts)[owner])).any(axis=0)
    _refuse(lost, owner, offset, "has a child that does not exist")
    _refuse(feature >= len(features), owner, offset, f"uses none of the {len(features)} features")
    children = np.where(inner, children + offset, -1)

    # Order of the new numbers: tree by tree, within a tree level by level.
    reached = _levels(first, inner, children, owner, offset)
    order = reached[np.argsort(owner[reached], kind="stable")]
    number = np.full(len(feature) + 1, -1)  # the last entry serves the leaves' child -1
    number[order] = np.arange(len(order))

    threshold = np.concatenate([tree.threshold for tree in trees]).astype(np.float64)
    categories = _categories(trees, first, number)
    threshold[~inner] = 0
    threshold[order[list(categories)]] = 0
    _refuse(np.isnan(threshold), owner, offset, "has NaN for a threshold")
    value = _values(trees, first, len(base))
    value[inner] = 0
    _refuse(
        np.asarray(~np.isfinite(value).all(axis=1)), owner, offset, "has a leaf that is not finite"
    )
    return Forest(
        feature=np.where(inner, feature, -1)[order].astype(np.int32),
        threshold=np.clip(threshold, -LARGEST, LARGEST)[order],
        left=number[children[0, order]].astype(np.int32),
        right=number[children[1, order]].astype(np.int32),
        value=value[order],
        roots=number[first].astype(np.int32),
        base=np.asarray(base, np.float64),
        inclusive=inclusive,
        missing_left=np.concatenate([tree.missing_left for tree in trees])[order] & inner[order],
        features=tuple(features),
        categories=categories,
        narrow_inputs=narrow_inputs,
        link=link,
        notes=tuple(notes),
    ).check()


def _check_sizes(trees: Sequence[Tree], outputs: int) -> None:
    nodes = sum(len(tree.feature) for tree in trees)
    if nodes > NODE_LIMIT or nodes * outputs > VALUE_LIMIT:
        raise ModelError(
            f"{nodes} nodes with {outputs} outputs are too many (at most {NODE_LIMIT} nodes, "
            f"{VALUE_LIMIT} values); train fewer or shallower trees"
        )
    groups = (group for tree in trees for group in tree.categories.values())
    if sum(map(len, groups)) > CATEGORY_LIMIT:
        raise ModelError(f"more than {CATEGORY_LIMIT} categories in its splits")
    for index, tree in enumerate(trees):
        nodes = len(tree.feature)
        columns = (tree.threshold, tree.left, tree.right, tree.missing_left)
        if not nodes:
            raise ModelError(f"tree {index}: has no nodes")
        if any(column.shape != (nodes,) for column in columns) or len(tree.value) != nodes:
            raise ModelError(f"tree {index}: its columns have different lengths")
        if not 0 <= tree.output <= outputs - tree.value.shape[1]:
            raise ModelError(f"tree {index}: adds to output {tree.output} of {outputs}")


def _levels(
    first: NDArray[np.int64],
    inner: NDArray[np.bool_],
    children: NDArray[np.int64],
    owner: NDArray[np.int64],
    offset: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the nodes that paths reach, level by level from the roots."""
    seen = np.zeros(len(inner), np.int64)
    seen[first] = 1
    levels = [first]
    while len(here := levels[-1][inner[levels[-1]]]):
        below = children[:, here].T.ravel()
        np.add.at(seen, below, 1)
        _refuse(seen > 1, owner, offset, "has two parents or is its own ancestor")
        if len(levels) > DEPTH_LIMIT:
            raise ModelError(f"a tree is deeper than {DEPTH_LIMIT} comparisons")
        levels.append(below)
    return np.concatenate(levels)


def _categories(
    trees: Sequence[Tree], first: NDArray[np.int64], number: NDArray[np.int64]
) -> dict[int, frozenset[int]]:
    found: dict[int, frozenset[int]] = {}
    for index, tree in enumerate(trees):
        for node, group in tree.categories.items():
            if not 0 <= node < len(tree.feature) or min(group, default=0) < 0:
                raise ModelError(f"tree {index}: has a bad categorical split at node {node}")
            at = int(number[first[index] + node])
            if at >= 0:
                found[at] = group
    return found


def _values(trees: Sequence[Tree], first: NDArray[np.int64], outputs: int) -> NDArray[np.float64]:
    value = np.zeros((sum(len(tree.feature) for tree in trees), outputs))
    for start, tree in zip(first, trees, strict=True):
        width = tree.value.shape[1]
        value[start : start + len(tree.value), tree.output : tree.output + width] = tree.value
    return value


def _refuse(
    bad: NDArray[np.bool_], owner: NDArray[np.int64], offset: NDArray[np.int64], what: str
) -> None:
    if bad.any():
        at = int(np.argmax(bad))
        raise ModelError(f"tree {owner[at]}: node {at - offset[at]} {what}; the model is damaged")
