"""Trees as files give them, in any order of nodes and not yet trusted, into one checked forest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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
    _check_sizes(trees, len(base))
    roots = np.concatenate([[0], np.cumsum([len(tree.feature) for tree in trees])[:-1]])
    return plant(
        _joined(trees, roots, len(base)),
        roots,
        base=base,
        inclusive=inclusive,
        features=features,
        narrow_inputs=narrow_inputs,
        link=link,
        notes=notes,
    )


def plant(
    nodes: Tree,
    roots: NDArray[np.int64],
    *,
    base: NDArray[np.float64],
    inclusive: bool,
    features: Sequence[str],
    narrow_inputs: bool = False,
    link: str = "identity",
    notes: Sequence[str] = (),
) -> Forest:
    """Return the forest of trees that stand in one set of columns, below `roots`.

    Parameters and errors are those of `assemble`; `value` has a column for every output.
    """
    if len(nodes.feature) > NODE_LIMIT or nodes.value.size > VALUE_LIMIT:
        raise ModelError(
            f"{len(nodes.feature)} nodes with {len(base)} outputs are too many (at most "
            f"{NODE_LIMIT} nodes, {VALUE_LIMIT} values); train fewer or shallower trees"
        )
    if sum(map(len, nodes.categories.values())) > CATEGORY_LIMIT:
        raise ModelError(f"more than {CATEGORY_LIMIT} categories in its splits")
    children = np.stack([nodes.left, nodes.right], axis=1)
    reached, owner = _levels(nodes.feature, children, roots)
    # Order of the new numbers: tree by tree, within a tree level by level.
    by_tree = np.argsort(owner, kind="stable")
    order, owner = reached[by_tree], owner[by_tree]
    number = np.full(len(nodes.feature) + 1, -1)  # the last entry serves the leaves' child -1
    number[order] = np.arange(len(order))
    feature = np.maximum(nodes.feature[order], -1)
    inner = feature >= 0
    threshold = np.where(inner, nodes.threshold[order], 0.0)
    categories = {
        int(number[node]): group for node, group in nodes.categories.items() if number[node] >= 0
    }
    threshold[list(categories)] = 0
    value = np.where(inner[:, None], 0.0, nodes.value[order])

    def refuse(bad: Any, what: str) -> None:
        if bad.any():
            at = int(np.argmax(bad))
            raise _damaged(int(owner[at]), int(order[at] - roots[owner[at]]), what)

    refuse(feature >= len(features), f"uses none of the {len(features)} features")
    refuse(np.isnan(threshold), "has NaN for a threshold")
    refuse(~np.isfinite(value).all(axis=1), "has a leaf that is not finite")
    return Forest(
        feature=feature.astype(np.int32),
        threshold=np.clip(threshold, -LARGEST, LARGEST),
        left=np.where(inner, number[nodes.left[order]], -1).astype(np.int32),
        right=np.where(inner, number[nodes.right[order]], -1).astype(np.int32),
        value=value,
        roots=number[roots].astype(np.int32),
        base=np.asarray(base, np.float64),
        inclusive=inclusive,
        missing_left=nodes.missing_left[order] & inner,
        features=tuple(features),
        categories=categories,
        narrow_inputs=narrow_inputs,
        link=link,
        notes=tuple(notes),
    ).check()


def _damaged(tree: int, node: int, what: str) -> ModelError:
    return ModelError(f"tree {tree}: node {node} {what}; the model is damaged")


def _check_sizes(trees: Sequence[Tree], outputs: int) -> None:
    if not trees:
        raise ModelError("the model has no trees; train it first")
    nodes = sum(len(tree.feature) for tree in trees)
    if nodes > NODE_LIMIT or nodes * outputs > VALUE_LIMIT:
        raise ModelError(
            f"{nodes} nodes with {outputs} outputs are too many (at most {NODE_LIMIT} nodes, "
            f"{VALUE_LIMIT} values); train fewer or shallower trees"
        )
    for index, tree in enumerate(trees):
        nodes = len(tree.feature)
        columns = (tree.threshold, tree.left, tree.right, tree.missing_left)
        if not nodes:
            raise ModelError(f"tree {index}: has no nodes")
        if any(column.shape != (nodes,) for column in columns) or len(tree.value) != nodes:
            raise ModelError(f"tree {index}: its columns have different lengths")
        if not 0 <= tree.output <= outputs - tree.value.shape[1]:
            raise ModelError(f"tree {index}: adds to output {tree.output} of {outputs}")
        for node, group in tree.categories.items():
            if not 0 <= node < nodes or min(group, default=0) < 0:
                raise ModelError(f"tree {index}: has a bad categorical split at node {node}")


def _joined(trees: Sequence[Tree], roots: NDArray[np.int64], outputs: int) -> Tree:
    """Return the trees one below the other; a child that its tree does not have becomes -1."""
    value = np.zeros((sum(len(tree.feature) for tree in trees), outputs))
    children = []
    for start, tree in zip(roots, trees, strict=True):
        width, size = tree.value.shape[1], len(tree.feature)
        value[start : start + size, tree.output : tree.output + width] = tree.value
        pair = np.stack([tree.left, tree.right])
        children.append(np.where((pair >= 0) & (pair < size), pair + start, -1))
    left, right = np.concatenate(children, axis=1)
    return Tree(
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
        left=left,
        right=right,
        value=value,
        missing_left=np.concatenate([tree.missing_left for tree in trees]),
        categories={
            int(start) + node: group
            for start, tree in zip(roots, trees, strict=True)
            for node, group in tree.categories.items()
        },
    )


def _levels(
    feature: NDArray[np.int64], children: NDArray[np.int64], roots: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nodes that paths reach, level by level from the roots, and the tree of each."""
    seen = np.zeros(len(feature), np.int64)
    seen[roots] = 1
    levels, owners = [roots], [np.arange(len(roots))]
    while (inner := feature[levels[-1]] >= 0).any():
        here, owner = levels[-1][inner], owners[-1][inner]
        below = children[here]
        lost = (below < 0).any(axis=1)
        if lost.any():
            at = int(np.argmax(lost))
            start = int(here[at] - roots[owner[at]])
            raise _damaged(int(owner[at]), start, "has a child that does not exist")
        below, owner = below.ravel(), np.repeat(owner, 2)
        np.add.at(seen, below, 1)
        twice = seen[below] > 1
        if twice.any():
            at = int(np.argmax(twice))
            start = int(below[at] - roots[owner[at]])
            raise _damaged(int(owner[at]), start, "has two parents or is its own ancestor")
        if len(levels) > DEPTH_LIMIT:
            raise ModelError(f"a tree is deeper than {DEPTH_LIMIT} comparisons")
        levels.append(below)
        owners.append(owner)
    return np.concatenate(levels), np.concatenate(owners)
