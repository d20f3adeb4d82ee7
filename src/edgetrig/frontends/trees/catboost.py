"""CatBoost models: JSON files, and live models through the same file.

CatBoost sends ``float32(x) > border`` to the right. Its trees are oblivious (one split a level) or,
with ``grow_policy`` "Depthwise" or "Lossguide", like those of other libraries.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.assemble import Tree, assemble
from edgetrig.frontends.trees.document import file_bytes, parse_json
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.values import (
    FEATURE_LIMIT,
    OUTPUT_LIMIT,
    integer,
    items,
    member,
    narrow,
    number,
    numbers,
    optional,
)

DEPTH_LIMIT: Final = 22
"""Deepest oblivious tree; CatBoost itself stops at 16."""

CATEGORY_LIMIT: Final = 1000
"""Categories that are read, from 0 on."""


@dataclass(frozen=True)
class _Columns:
    """The model's columns: those of numeric features with the way of NaN, of categorical ones."""

    numeric: Sequence[tuple[int, bool]]
    categorical: Sequence[int]


class _Split(NamedTuple):
    """One question; `category` is the one that goes right, None at comparisons with `border`."""

    column: int
    border: float
    missing_left: bool
    category: int | None = None


_LINKS: Final = {
    "Logloss": "sigmoid",
    "CrossEntropy": "sigmoid",
    "MultiClass": "softmax",
    "MultiClassOneVsAll": "sigmoid",
    "Poisson": "exp",
    "Tweedie": "exp",
}

# Where NaN goes, by `nan_value_treatment`: "AsIs" fails the comparison as any NaN does.
_MISSING_LEFT: Final = {"AsIs": True, "AsFalse": True, "AsTrue": False}


def forest_of_document(document: Any) -> Forest:
    """Return the forest of a parsed model document.

    Raises
    ------
    ModelError
        If it is not a whole CatBoost model, or splits on statistics of categories or on text.
    """
    names, columns = _features(member(document, "features_info"))
    scale, base = _scale_and_bias(member(document, "scale_and_bias"))
    if optional(document, "oblivious_trees", None) is not None:
        trees = items(document["oblivious_trees"], "oblivious_trees")
        make = _oblivious
    else:
        trees = items(member(document, "trees"), "trees")
        make = _asymmetric
    made = []
    for index, tree in enumerate(trees):
        try:
            made.append(make(tree, columns, len(base), scale))
        except ModelError as error:
            raise ModelError(f"tree {index}: {error}") from error
    return assemble(
        made,
        base=base,
        inclusive=True,
        features=names,
        narrow_inputs=True,
        link=_link(document),
    )


def forest_of_model(model: Any) -> Forest:
    """Return the forest of a live model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        try:
            model.save_model(str(path), format="json")
        except Exception as error:  # its own errors derive from Exception directly
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"cannot be saved as JSON ({reason}); train it first") from error
        return forest_of_document(parse_json(file_bytes(path)))


def _link(document: Any) -> str:
    here = document
    for name in ("model_info", "params", "loss_function", "type"):
        here = optional(here, name, {})
        if not isinstance(here, Mapping):
            return _LINKS.get(str(here), "identity")
    return "identity"


def _features(info: Any) -> tuple[list[str], _Columns]:
    """Return all features' names, and the columns by kind."""
    names: dict[int, str] = {}
    for kind in ("float_features", "categorical_features", "text_features", "embedding_features"):
        for feature in items(optional(info, kind, []), kind):
            column = integer(member(feature, "flat_feature_index"), "flat_feature_index")
            names[column] = str(optional(feature, "feature_id", "")) or f"f{column}"
    count = max(names, default=-1) + 1
    if count > FEATURE_LIMIT:
        raise ModelError(f"{count} features are more than {FEATURE_LIMIT}")
    floats = []
    for feature in items(optional(info, "float_features", []), "float_features"):
        treatment = str(optional(feature, "nan_value_treatment", "AsIs"))
        if treatment not in _MISSING_LEFT:
            raise ModelError(f"'nan_value_treatment' {treatment[:40]!r} is unknown")
        column = integer(feature["flat_feature_index"], "flat_feature_index")
        floats.append((column, _MISSING_LEFT[treatment]))
    categorical = [
        integer(feature["flat_feature_index"], "flat_feature_index")
        for feature in items(optional(info, "categorical_features", []), "categorical_features")
    ]
    named = [names.get(column, f"f{column}") for column in range(count)]
    return named, _Columns(floats, categorical)


def _scale_and_bias(pair: Any) -> tuple[float, NDArray[np.float64]]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ModelError("'scale_and_bias' is not a pair; the file is damaged")
    scale, bias = pair
    base = numbers(bias if isinstance(bias, list) else [bias], "scale_and_bias")
    if not 0 < len(base) <= OUTPUT_LIMIT:
        raise ModelError(f"{len(base)} outputs are not between 1 and {OUTPUT_LIMIT}")
    return number(scale, "scale_and_bias"), base


def _split(split: Any, columns: _Columns) -> _Split:
    kind = member(split, "split_type")
    if kind == "OneHotFeature":
        index = integer(member(split, "cat_feature_index"), "cat_feature_index")
        if index >= len(columns.categorical):
            raise ModelError(f"splits on category {index}, which is none; the file is damaged")
        category = _categories().get(int(number(member(split, "value"), "value")) & 0xFFFFFFFF)
        if category is None:
            raise ModelError(
                f"splits on a category that is no integer from 0 to {CATEGORY_LIMIT - 1}"
            )
        return _Split(columns.categorical[index], 0.0, False, category)
    if kind != "FloatFeature":
        what = "statistics of a category" if kind == "OnlineCtr" else f"a {str(kind)[:40]}"
        raise ModelError(
            f"splits on {what}; train with one_hot_max_size above the number of categories, or "
            "give them as numbers without cat_features"
        )
    index = integer(member(split, "float_feature_index"), "float_feature_index")
    if index >= len(columns.numeric):
        raise ModelError(
            f"splits on feature {index} of {len(columns.numeric)}; the file is damaged"
        )
    column, missing_left = columns.numeric[index]
    border = narrow(np.array([number(member(split, "border"), "border")]))
    return _Split(column, float(border[0]), missing_left)


@cache
def _categories() -> dict[int, int]:
    """Return the integers of one to three digits by what CatBoost keeps of them.

    That is the low half of version 1 of CityHash64 (https://github.com/google/cityhash) of their
    decimal digits. Comparisons of integers with longer ones would need the rest of that hash.
    """
    found = {}
    for category in range(CATEGORY_LIMIT):
        digits = str(category).encode()
        first = digits[0] + (digits[len(digits) >> 1] << 8)
        last = len(digits) + (digits[-1] << 2)
        mixed = (first * 0x9AE16A3B2F90404F ^ last * 0xC949D7C7509E6557) & (1 << 64) - 1
        found[(mixed ^ mixed >> 47) * 0x9AE16A3B2F90404F & 0xFFFFFFFF] = category
    return found


def _turned(tree: Tree, categories: Mapping[int, int]) -> Tree:
    """Let the category that some nodes ask for go left."""
    groups = {node: frozenset([one]) for node, one in categories.items()}
    nodes = list(groups)
    left, right = tree.left.copy(), tree.right.copy()
    left[nodes], right[nodes] = tree.right[nodes], tree.left[nodes]
    return replace(tree, left=left, right=right, categories=groups)


def _oblivious(tree: Any, columns: _Columns, outputs: int, scale: float) -> Tree:
    """Return a full tree whose levels ask one question each, the last in the file at the root."""
    splits = [_split(split, columns) for split in items(optional(tree, "splits", []), "splits")]
    leaves = numbers(member(tree, "leaf_values"), "leaf_values")
    if len(splits) > DEPTH_LIMIT or len(leaves) != outputs << len(splits):
        raise ModelError(f"has {len(leaves)} leaf values for {len(splits)} splits")
    inner = (1 << len(splits)) - 1
    level = np.repeat(np.arange(len(splits)), 1 << np.arange(len(splits)))
    splits.reverse()
    feature = np.array([split.column for split in splits], np.int64)[level]
    border = np.array([split.border for split in splits], np.float64)[level]
    missing_left = np.array([split.missing_left for split in splits], np.bool_)[level]
    pad = np.full(inner + 1, -1)
    children = np.arange(inner)
    made = Tree(
        feature=np.concatenate([feature, pad]),
        threshold=np.concatenate([border, np.zeros(inner + 1)]),
        left=np.concatenate([2 * children + 1, pad]),
        right=np.concatenate([2 * children + 2, pad]),
        value=np.concatenate([np.zeros((inner, outputs)), _scaled(scale, leaves, outputs)]),
        missing_left=np.concatenate([missing_left, pad > 0]),
    )
    categories = {
        node: split.category
        for depth, split in enumerate(splits)
        if split.category is not None
        for node in range((1 << depth) - 1, (2 << depth) - 1)
    }
    return _turned(made, categories)


def _scaled(scale: float, leaves: NDArray[np.float64], outputs: int) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # infinite leaves are refused where trees are assembled
        return scale * leaves.reshape(-1, outputs)


def _asymmetric(tree: Any, columns: _Columns, outputs: int, scale: float) -> Tree:
    """Return a tree that the file nests, its nodes in the order in which they are met."""
    nodes = [tree]
    rows, values = [], []
    for node in nodes:  # grows on the way
        if optional(node, "split", None) is None:
            value = member(node, "value")
            values.append(numbers(value if isinstance(value, list) else [value], "value"))
            rows.append((_Split(-1, 0.0, False), -1, -1))
        else:
            values.append(np.zeros(outputs))
            rows.append((_split(node["split"], columns), len(nodes), len(nodes) + 1))
            nodes += [member(node, "left"), member(node, "right")]
        if len(values[-1]) != outputs:
            raise ModelError(f"a leaf has {len(values[-1])} values for {outputs} outputs")
    splits, left, right = zip(*rows, strict=True)
    made = Tree(
        feature=np.array([split.column for split in splits], np.int64),
        threshold=np.array([split.border for split in splits]),
        left=np.array(left, np.int64),
        right=np.array(right, np.int64),
        value=_scaled(scale, np.array(values), outputs),
        missing_left=np.array([split.missing_left for split in splits]),
    )
    asked = enumerate(split.category for split in splits)
    return _turned(made, {node: one for node, one in asked if one is not None})
