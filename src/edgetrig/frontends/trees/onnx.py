"""The ``TreeEnsemble`` operators of ONNX (domain ``ai.onnx.ml``) as forests.

`TreeEnsembleClassifier` and `TreeEnsembleRegressor` (versions 1 to 3) and `TreeEnsemble` (version
5), as https://onnx.ai/onnx/operators/ describes them. Inputs are float32 unless the node's numbers
are float64 tensors. ``BRANCH_EQ``, ``BRANCH_NEQ`` and ``BRANCH_MEMBER`` ask for categories, which
must be integers from 0 on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.assemble import plant
from edgetrig.frontends.trees.forest import VALUE_LIMIT, Forest
from edgetrig.frontends.trees.onnx_nodes import Rows, compared
from edgetrig.frontends.trees.values import (
    FEATURE_LIMIT,
    OUTPUT_LIMIT,
    integer,
    integers,
    items,
    numbers,
    optional,
)

Attributes = Mapping[str, Any]

_LINKS: Final = {
    "NONE": "identity",
    "SOFTMAX": "softmax",
    "LOGISTIC": "sigmoid",
    "SOFTMAX_ZERO": "softmax",
    "PROBIT": "probit",
}
_AGGREGATES: Final = ("AVERAGE", "SUM", "MIN", "MAX")

# Modes in the order of their numbers in version 5; there leaves are apart.
_MODES: Final = (
    *("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"),
    *("BRANCH_MEMBER", "LEAF"),
)
_MEMBER: Final = 6
_LEAF: Final = 7


def forest_of_node(attributes: Attributes, features: Sequence[str] | None = None) -> Forest:
    """Return the forest of a node of one of the operators above.

    Parameters
    ----------
    attributes
        The node's attributes by name: numbers, strings as str, lists, tensors as NumPy arrays.
    features
        Names of the input's columns; without, ``x0`` to the last that a split asks for.

    Returns
    -------
    Forest
        Its outputs are the scores before ``post_transform``. A classifier of two classes whose
        leaves all vote for one class has that class's score as its one output; what ONNX returns
        for the other class follows from it.

    Raises
    ------
    ModelError
        If an attribute is missing or damaged, or the trees are aggregated by minimum or maximum.
    """
    newer = "tree_roots" in attributes
    outputs, base = _outputs(attributes)
    rows = _newer_rows(attributes, outputs) if newer else _older_rows(attributes, outputs)
    narrow = _numbers(attributes, "nodes_splits" if newer else "nodes_values").dtype != np.float64
    nodes, inclusive = compared(rows, narrow)
    if features is None:
        last = int(rows.feature[rows.mode != _LEAF].max(initial=0))
        features = [f"x{i}" for i in range(min(last + 1, FEATURE_LIMIT))]
    transform = _word(attributes, "post_transform", "NONE", tuple(_LINKS))
    return plant(
        nodes,
        rows.roots,
        base=base,
        inclusive=inclusive,
        features=features,
        narrow_inputs=narrow,
        link=_LINKS[transform],
    )


def _outputs(attributes: Attributes) -> tuple[int, NDArray[np.float64]]:
    """Return the number of scores and their base values."""
    base = _numbers(attributes, "base_values").astype(np.float64)
    if "class_ids" in attributes:
        labels = attributes.get("classlabels_int64s") or attributes.get("classlabels_strings")
        outputs = len(items(labels, "classlabels"))
        if outputs == 2 and len(np.unique(_integers(attributes, "class_ids"))) == 1:
            outputs = 1
    else:
        outputs = integer(optional(attributes, "n_targets", 1), "n_targets")
    if not 0 < outputs <= OUTPUT_LIMIT or len(base) not in (0, outputs):
        raise ModelError(f"{len(base)} base values for {outputs} scores cannot be read")
    return outputs, base if len(base) else np.zeros(outputs)


def _share(attributes: Attributes, trees: int) -> float:
    """Return what each tree's leaves are multiplied by."""
    aggregate = _word(attributes, "aggregate_function", "SUM", _AGGREGATES)
    if aggregate in ("MIN", "MAX"):
        raise ModelError(f"the {aggregate} of its trees is no sum; only SUM and AVERAGE work")
    return 1 / trees if aggregate == "AVERAGE" else 1.0


def _older_rows(attributes: Attributes, outputs: int) -> Rows:
    """Read nodes that are named by tree and number, as are the leaves that weights add to."""
    tree = _integers(attributes, "nodes_treeids")
    modes = items(attributes.get("nodes_modes"), "nodes_modes")
    if unknown := {str(mode) for mode in modes} - set(_MODES):
        raise ModelError(f"mode {min(unknown)[:40]!r} of a node is unknown")
    mode = np.array([_MODES.index(str(name)) for name in modes], np.int64)
    node, feature, yes, no = (
        _integers(attributes, f"nodes_{name}")
        for name in ("nodeids", "featureids", "truenodeids", "falsenodeids")
    )
    split = _numbers(attributes, "nodes_values").astype(np.float64)
    missing = _flags(attributes, len(node))
    columns = (tree, mode, feature, yes, no, split, missing)
    if any(len(column) != len(node) for column in columns) or not len(node):
        raise ModelError("the columns of its nodes are empty or differ in length")
    row = _Keys(tree, node)
    leaf = mode == _LEAF
    yes, no = (row.of(tree, np.where(leaf, node, child)) for child in (yes, no))
    child = np.zeros(len(node), np.bool_)
    child[np.concatenate([yes[~leaf], no[~leaf]])] = True
    roots = np.flatnonzero(~child)
    if not np.array_equal(roots, np.sort(np.unique(tree, return_index=True)[1])):
        raise ModelError("a tree's first node is not its one root; the model is damaged")
    value = _space(len(node), outputs)
    role = "class" if "class_ids" in attributes else "target"
    at, to, column = (
        _integers(attributes, f"{role}_{name}") for name in ("treeids", "nodeids", "ids")
    )
    weights = _numbers(attributes, f"{role}_weights").astype(np.float64)
    if len({len(weights), len(at), len(to), len(column)}) > 1:
        raise ModelError(f"the columns of its {role} weights differ in length")
    column = np.zeros_like(column) if outputs == 1 and role == "class" else column
    if ((column < 0) | (column >= outputs)).any():
        raise ModelError(f"a weight is for none of the {outputs} scores")
    np.add.at(value, (row.of(at, to), column), weights * _share(attributes, len(roots)))
    return Rows(mode, feature, split, yes, no, missing, value, roots, {})


def _newer_rows(attributes: Attributes, outputs: int) -> Rows:
    """Read nodes that are named by their place; leaves are apart and may serve several nodes."""
    mode, feature, yes, no, to_leaf, no_leaf, roots = (
        _integers(attributes, name)
        for name in (
            *("nodes_modes", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids"),
            *("nodes_trueleafs", "nodes_falseleafs", "tree_roots"),
        )
    )
    split = _numbers(attributes, "nodes_splits").astype(np.float64)
    missing = _flags(attributes, len(mode))
    target = _integers(attributes, "leaf_targetids")
    weights = _numbers(attributes, "leaf_weights").astype(np.float64)
    count, columns = len(mode), (feature, yes, no, to_leaf, no_leaf, split, missing)
    if any(len(column) != count for column in columns) or len(target) != len(weights):
        raise ModelError("the columns of its nodes or leaves differ in length")
    if ((mode < 0) | (mode > _MEMBER)).any() or ((target < 0) | (target >= outputs)).any():
        raise ModelError("a node's mode or a leaf's target is unknown")
    if not len(roots) or ((roots < 0) | (roots >= count)).any() or len(set(roots)) != len(roots):
        raise ModelError("'tree_roots' do not name nodes")
    # Each place where a leaf is used becomes a row of its own below the nodes.
    children, leaves, rows = [], [], count
    for child, is_leaf in ((yes, to_leaf != 0), (no, no_leaf != 0)):
        if ((child < 0) | (child >= np.where(is_leaf, len(target), count))).any():
            raise ModelError("a node's child does not exist; the model is damaged")
        leaves.append(child[is_leaf])
        number = rows + np.cumsum(is_leaf) - 1
        children.append(np.where(is_leaf, number, child))
        rows += int(is_leaf.sum())
    used = np.concatenate(leaves)
    value = _space(rows, outputs)
    value[np.arange(count, rows), target[used]] = weights[used] * _share(attributes, len(roots))

    def pad(column: NDArray[Any], fill: int) -> NDArray[Any]:
        return np.concatenate([column, np.full(len(used), fill, column.dtype)])

    return Rows(
        mode=pad(mode, _LEAF),
        feature=pad(feature, 0),
        split=pad(split, 0),
        yes=pad(children[0], 0),
        no=pad(children[1], 0),
        missing_yes=pad(missing, 0),
        value=value,
        roots=roots,
        members=_members(attributes, mode),
    )


def _members(attributes: Attributes, mode: NDArray[np.int64]) -> dict[int, NDArray[np.float64]]:
    """Return the values that each membership node asks for; NaN stands between the sets."""
    nodes = np.flatnonzero(mode == _MEMBER)
    values = _numbers(attributes, "membership_values").astype(np.float64)
    if len(values) and not np.isnan(values[-1]):
        values = np.append(values, np.nan)
    ends = np.flatnonzero(np.isnan(values))
    if len(ends) != len(nodes):
        raise ModelError("'membership_values' are not one set for each node that asks for one")
    sets = np.split(values, ends + 1)[: len(nodes)]
    return {int(node): group[:-1] for node, group in zip(nodes, sets, strict=True)}


class _Keys:
    """Rows of nodes by the number of their tree and their own."""

    def __init__(self, tree: NDArray[np.int64], node: NDArray[np.int64]) -> None:
        key = self._key(tree, node)
        self.order = np.argsort(key, kind="stable")
        self.sorted = key[self.order]
        if (np.diff(self.sorted) == 0).any():
            raise ModelError("two nodes of a tree have the same number; the model is damaged")

    def of(self, tree: NDArray[np.int64], node: NDArray[np.int64]) -> NDArray[np.int64]:
        key = self._key(tree, node)
        place = np.minimum(np.searchsorted(self.sorted, key), len(self.sorted) - 1)
        if (self.sorted[place] != key).any():
            raise ModelError("a node's child, or a weight's leaf, does not exist")
        return self.order[place]

    @staticmethod
    def _key(tree: NDArray[np.int64], node: NDArray[np.int64]) -> NDArray[np.int64]:
        for number in (tree, node):
            if ((number < 0) | (number >= 1 << 31)).any():
                raise ModelError("a tree's or a node's number is out of range")
        return (tree << 31) + node


def _space(nodes: int, outputs: int) -> NDArray[np.float64]:
    if nodes * outputs > VALUE_LIMIT:
        raise ModelError(f"{nodes} nodes with {outputs} scores are too many")
    return np.zeros((nodes, outputs))


def _numbers(attributes: Attributes, name: str) -> NDArray[Any]:
    """Return a list of float32, or the tensor that stands for it (none: empty)."""
    tensor = attributes.get(f"{name}_as_tensor")
    given = attributes.get(name) if tensor is None or not np.size(tensor) else tensor
    column = numbers([] if given is None else given, name)
    wide = isinstance(given, np.ndarray) and given.dtype == np.float64
    with np.errstate(over="ignore"):
        return column if wide else column.astype(np.float32)


def _integers(attributes: Attributes, name: str) -> NDArray[np.int64]:
    return integers(attributes.get(name, []), name)


def _flags(attributes: Attributes, count: int) -> NDArray[np.bool_]:
    """Return where an event without the feature takes the true branch; without, nowhere."""
    flags = _integers(attributes, "nodes_missing_value_tracks_true") != 0
    return flags if len(flags) else np.zeros(count, np.bool_)


def _word(attributes: Attributes, name: str, default: str, words: Sequence[str]) -> str:
    """Return an attribute that older versions spell out and version 5 numbers."""
    word = attributes.get(name, default)
    if isinstance(word, int) and 0 <= word < len(words):
        return words[word]
    if word not in words:
        raise ModelError(f"{name} {str(word)[:40]!r} is unknown")
    return str(word)
