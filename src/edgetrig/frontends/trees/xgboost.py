"""XGBoost models: JSON and UBJSON documents of versions 1 to 3, live boosters through the latter.

XGBoost compares ``float32(x) < float32(threshold)`` and adds leaves in float32. A model trained
with early stopping by one of the scikit-learn wrappers predicts with its best rounds, a `Booster`
with all of them; both are read as they predict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees import ubjson
from edgetrig.frontends.trees.assemble import Tree, assemble
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.labels import coded
from edgetrig.frontends.trees.values import (
    FEATURE_LIMIT,
    OUTPUT_LIMIT,
    integer,
    integers,
    items,
    member,
    narrow,
    number,
    numbers,
    optional,
)

_LINKS: Final = {
    "binary:logistic": "sigmoid",
    "binary:hinge": "step",
    "reg:logistic": "sigmoid",
    "multi:softmax": "softmax",
    "multi:softprob": "softmax",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "survival:cox": "exp",
    "survival:aft": "exp",
}

# Files keep base_score behind these objectives' inverse link; that of all others is a margin.
_PROBABILITIES: Final = ("binary:logistic", "reg:logistic")
_EPSILON: Final = np.float32(1e-6)  # `kRtEps`: probabilities stay this far from 0 and 1
_POSITIVE: Final = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")


def forest_of_document(document: Any) -> Forest:
    """Return the forest of a parsed model document.

    Raises
    ------
    ModelError
        If it is not a whole XGBoost model, or a booster without trees (``gblinear``).
    """
    learner = member(document, "learner")
    booster = member(learner, "gradient_booster")
    weights = None
    if optional(booster, "name", "gbtree") == "dart":
        weights = narrow(numbers(member(booster, "weight_drop"), "weight_drop"))
        booster = member(booster, "gbtree")
    kind = optional(booster, "name", "gbtree")
    if kind != "gbtree":
        raise ModelError(f"booster {str(kind)[:40]!r} has no trees; train with 'gbtree'")
    model = member(booster, "model")
    trees = items(member(model, "trees"), "trees")
    groups = integers(member(model, "tree_info"), "tree_info")
    if len(groups) != len(trees) or (weights is not None and len(weights) < len(trees)):
        raise ModelError(f"'tree_info' or 'weight_drop' are not of {len(trees)} trees")
    parameters = member(learner, "learner_model_param")
    outputs = _outputs(parameters)
    used = _trees_used(learner, model, len(trees), outputs)
    objective = str(member(learner, "objective", "name"))
    notes = []
    if used < len(trees):
        notes.append(f"early stopping: the first {used} of {len(trees)} trees, as it predicts")
    features = _features(learner, parameters)
    notes += _category_notes(optional(optional(model, "cats", {}), "enc", []), features)
    return assemble(
        [
            _tree(trees[i], i, int(groups[i]), 1.0 if weights is None else float(weights[i]))
            for i in range(used)
        ],
        base=_base(member(parameters, "base_score"), objective, outputs),
        inclusive=False,
        features=features,
        narrow_inputs=True,
        link=_LINKS.get(objective, "identity"),
        notes=notes,
    )


def forest_of_model(model: Any) -> Forest:
    """Return the forest of a live `Booster` or scikit-learn wrapper.

    Raises
    ------
    ModelError
        If it is not trained, or takes a number for a missing value.
    """
    wrapped = hasattr(model, "get_booster")
    absent = getattr(model, "missing", None)
    if absent is not None and not np.isnan(absent):
        raise ModelError(
            f"takes {absent:g} for a missing value; train on NaN in its place, with missing=nan"
        )
    try:
        booster = model.get_booster() if wrapped else model
        document = ubjson.parse(bytes(booster.save_raw("ubj")))
    except ModelError:
        raise
    except Exception as error:  # NotFittedError and XGBoostError share no base of their own
        reason = " ".join(str(error).split())[-160:]
        raise ModelError(f"cannot be saved ({reason}); train it first") from error
    if wrapped:
        member(document, "learner", "attributes")["scikit_learn"] = ""
    return forest_of_document(document)


def _outputs(parameters: Any) -> int:
    classes = integer(optional(parameters, "num_class", 0), "num_class")
    targets = integer(optional(parameters, "num_target", 1), "num_target")
    if not classes <= OUTPUT_LIMIT >= targets:
        raise ModelError(f"{max(classes, targets)} classes or targets are too many")
    return max(classes, targets, 1)


def _trees_used(learner: Any, model: Any, trees: int, outputs: int) -> int:
    """Return how many trees XGBoost's own ``predict`` adds up."""
    attributes = optional(learner, "attributes", {})
    best = optional(attributes, "best_iteration", None)
    # The wrappers write this attribute into files, and predict with the best rounds alone.
    if optional(attributes, "scikit_learn", None) is None or best is None:
        return trees
    rounds = integer(best, "best_iteration") + 1
    if optional(model, "iteration_indptr", None) is not None:
        ends = integers(model["iteration_indptr"], "iteration_indptr")
        return int(ends[rounds]) if rounds < len(ends) and 0 < ends[rounds] <= trees else trees
    parallel = optional(member(model, "gbtree_model_param"), "num_parallel_tree", 1)
    return min(trees, rounds * max(1, integer(parallel, "num_parallel_tree")) * outputs)


def _features(learner: Any, parameters: Any) -> list[str]:
    count = integer(member(parameters, "num_feature"), "num_feature")
    names = items(optional(learner, "feature_names", []), "feature_names")
    if len(names) not in (0, count) or count > FEATURE_LIMIT:
        raise ModelError(f"'feature_names' does not name {count} features; the file is damaged")
    return [str(name) for name in names] or [f"f{i}" for i in range(count)]


def _category_notes(encodings: Any, features: Sequence[str]) -> Iterator[str]:
    """Yield what the codes of categorical features stand for; numeric features have no values."""
    for feature, encoding in zip(features, items(encodings, "enc"), strict=False):
        given = optional(encoding, "values", [])
        labels: list[Any] = np.asarray(given).tolist()
        if "offsets" in encoding:  # words are the bytes between two of them
            ends = integers(encoding["offsets"], "offsets").tolist()
            octets = bytes((integers(given, "values") & 255).astype(np.uint8))
            labels = [octets[a:b].decode(errors="replace") for a, b in pairwise(ends)]
            if not octets.isascii():  # XGBoost counts characters and cuts words short
                yield f"feature {feature} takes the codes of the column that it was trained on"
                continue
        if labels:
            yield coded(feature, labels)


def _base(text: Any, objective: str, outputs: int) -> NDArray[np.float64]:
    """Return the base score as margins.

    Up to version 3.0 a file holds one number, from 3.1 on a list in brackets. Either is a
    prediction: what the objective's link makes of the margin.
    """
    fields = re.sub(r"[\[\]]", "", str(text)).split(",")
    base = narrow(np.array([number(field, "base_score") for field in fields])).astype(np.float32)
    if not np.isfinite(base).all():
        raise ModelError("'base_score' is beyond float32")
    one = np.float32(1)  # XGBoost computes the margin in float32, which shows near 0 and 1
    if len(base) not in (1, outputs):
        raise ModelError(f"'base_score' has {len(base)} numbers for {outputs} outputs")
    if objective in _PROBABILITIES:
        if not ((base >= 0) & (base <= 1)).all():
            raise ModelError(f"'base_score' {base[0]:g} is not a probability between 0 and 1")
        base = -np.log(one / np.clip(base, _EPSILON, one - _EPSILON) - one)
    elif objective in _POSITIVE:
        if not (base > 0).all():
            raise ModelError(f"'base_score' {base[0]:g} is not above 0, as {objective} needs")
        base = np.log(base)
    elif objective == "reg:expectileerror" and outputs > 1:
        raise ModelError("several expectiles in one model are no margins; train one model for each")
    return np.broadcast_to(base, outputs).astype(np.float64)


def _tree(tree: Any, index: int, group: int, weight: float) -> Tree:
    try:
        left = integers(member(tree, "left_children"), "left_children")
        right = integers(member(tree, "right_children"), "right_children")
        feature = integers(member(tree, "split_indices"), "split_indices")
        conditions = narrow(numbers(member(tree, "split_conditions"), "split_conditions"))
        missing = numbers(member(tree, "default_left"), "default_left") != 0
        if len({len(left), len(right), len(feature), len(conditions), len(missing)}) > 1:
            raise ModelError("its columns have different lengths; the file is damaged")
        leaf = left == -1
        if not leaf.all() and (feature[~leaf] < 0).any():
            raise ModelError("a split is on a negative feature; the file is damaged")
        value = _leaf_values(tree, leaf, right, conditions)
        categories = _categories(tree, leaf)
    except ModelError as error:
        raise ModelError(f"tree {index}: {error}") from error
    # Its sets of categories go right: the two children change places.
    swap = list(categories)
    left[swap], right[swap] = right[swap], left[swap]
    missing[swap] = ~missing[swap]
    return Tree(
        feature=np.where(leaf, -1, feature),
        threshold=conditions,
        left=left,
        right=right,
        value=value * weight,
        missing_left=missing,
        output=group if value.shape[1] == 1 else 0,
        categories=categories,
    )


def _leaf_values(
    tree: Any, leaf: NDArray[np.bool_], right: NDArray[np.int64], conditions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return leaf values, shape (nodes, outputs of this tree)."""
    parameters = member(tree, "tree_param")
    width = integer(optional(parameters, "size_leaf_vector", 1), "size_leaf_vector")
    if width <= 1:  # versions before 2 write 0
        return conditions[:, None]
    if optional(tree, "leaf_weights", None) is None:  # before 3.2 all nodes have their weight here
        weights = narrow(numbers(member(tree, "base_weights"), "base_weights"))
        if len(weights) != len(leaf) * width:
            raise ModelError(f"'base_weights' are not {width} numbers a node")
        return weights.reshape(-1, width)
    weights = narrow(numbers(tree["leaf_weights"], "leaf_weights"))
    rows = np.where(leaf, right, 0)  # a leaf's right child is its row
    if len(weights) % width or not ((rows >= 0) & (rows < max(1, len(weights) // width))).all():
        raise ModelError("'leaf_weights' do not fit its leaves")
    return weights.reshape(-1, width)[rows]


def _categories(tree: Any, leaf: NDArray[np.bool_]) -> dict[int, frozenset[int]]:
    """Return the categories that go right, by node."""
    kinds = integers(optional(tree, "split_type", [0] * len(leaf)), "split_type")
    names = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
    every, nodes, starts, sizes = (integers(optional(tree, name, []), name) for name in names)
    if (
        len(kinds) != len(leaf)
        or not len(nodes) == len(starts) == len(sizes)
        or not np.array_equal(np.sort(nodes), np.flatnonzero((kinds == 1) & ~leaf))
        or sizes.sum() > len(every)
        or ((starts < 0) | (sizes < 0) | (starts + sizes > len(every))).any()
    ):
        raise ModelError("its categorical splits do not fit their sets; the file is damaged")
    return {
        int(node): frozenset(every[start : start + size].tolist())
        for node, start, size in zip(nodes, starts, sizes, strict=True)
    }
