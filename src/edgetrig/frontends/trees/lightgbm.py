"""LightGBM models: text files, and live boosters through the same text.

LightGBM compares ``x <= threshold`` in float64. Learning rates and the average of the labels are in
the leaves already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.assemble import CATEGORY_LIMIT, Tree, assemble
from edgetrig.frontends.trees.document import parse_json
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.labels import coded
from edgetrig.frontends.trees.values import FEATURE_LIMIT, OUTPUT_LIMIT, integer, integers, numbers
from edgetrig.frontends.trees.zeros import BELOW_ZERO, ZERO, split_zeros

_LINKS: Final = {
    "binary": "sigmoid",
    "multiclass": "softmax",
    "multiclassova": "sigmoid",
    "cross_entropy": "sigmoid",
    "cross_entropy_lambda": "softplus",
    "poisson": "exp",
    "gamma": "exp",
    "tweedie": "exp",
}

# Bits of `decision_type`.
_CATEGORICAL: Final = 1
_DEFAULT_LEFT: Final = 2
_MISSING_SHIFT: Final = 2
_MISSING_NONE: Final = 0
_MISSING_ZERO: Final = 1

Section = Mapping[str, str]


def forest_of_text(text: str) -> Forest:
    """Return the forest of a model file's text.

    Raises
    ------
    ModelError
        If it is not a whole LightGBM model, or has linear trees.
    """
    body, end, tail = text.partition("\nend of trees")
    if not end:
        raise ModelError("has no line 'end of trees': it is truncated or no LightGBM model")
    head, *blocks = re.split(r"\n(?=Tree=\d+\n)", body)
    header = _section(head)
    per_round = integer(_entry(header, "num_tree_per_iteration"), "num_tree_per_iteration")
    if not 0 < per_round <= OUTPUT_LIMIT or len(blocks) % per_round:
        raise ModelError(f"{len(blocks)} trees are not rounds of {per_round}; the file is damaged")
    objective = header.get("objective", "").split()
    name = objective[0] if objective else ""
    share = per_round / len(blocks) if "average_output" in header and blocks else 1.0
    read = [_tree(_section(block), i, i % per_round, share) for i, block in enumerate(blocks)]
    trees = [tree for tree, _ in read]

    def forest(trees: list[Tree]) -> Forest:
        return assemble(
            trees,
            base=np.zeros(per_round),
            inclusive=True,
            features=_features(header),
            link="square" if "sqrt" in objective else _LINKS.get(name, "identity"),
            notes=_notes(header, tail),
        )

    made = forest(trees)
    if not any(len(nodes) for _, nodes in read):
        return made
    # Only trees that have been checked, as those of `made` are, may be split further.
    return forest([split_zeros(tree, nodes) if len(nodes) else tree for tree, nodes in read])


def forest_of_model(model: Any) -> Forest:
    """Return the forest of a live `Booster` or scikit-learn wrapper; its best rounds if it has."""
    try:
        text = getattr(model, "booster_", model).model_to_string()
    except Exception as error:  # NotFittedError and LightGBMError share no base of their own
        reason = " ".join(str(error).split())[-160:]
        raise ModelError(f"cannot be saved ({reason}); train it first") from error
    return forest_of_text(text)


def _section(block: str) -> Section:
    pairs = (line.partition("=") for line in block.splitlines())
    return {name: value for name, _, value in pairs}


def _entry(section: Section, name: str) -> str:
    if name not in section:
        raise ModelError(f"has no {name!r}; the file is damaged")
    return section[name]


def _column(section: Section, name: str) -> NDArray[np.float64]:
    fields = _entry(section, name).split()
    try:
        return numbers([float(field) for field in fields], name)
    except ValueError as error:
        raise ModelError(f"{name!r} is not a list of numbers; the file is damaged") from error


def _features(header: Section) -> list[str]:
    count = integer(_entry(header, "max_feature_idx"), "max_feature_idx") + 1
    names = _entry(header, "feature_names").split()
    if len(names) != count or count > FEATURE_LIMIT:
        raise ModelError(f"'feature_names' are {len(names)} names for {count} features")
    return names


def _notes(header: Section, tail: str) -> list[str]:
    """Return what the codes of categorical features stand for, where the file has it."""
    found = re.search(r"^pandas_categorical:(.*)$", tail, re.MULTILINE)
    if found is None or found[1] in ("null", "[]", ""):
        return []
    infos = header.get("feature_infos", "").split()
    # Ranges of numeric features stand in brackets.
    categorical = [
        name
        for name, info in zip(_features(header), infos, strict=False)
        if info != "none" and not info.startswith("[")
    ]
    labels = parse_json(b'{"columns":%s}' % found[1].encode())["columns"]
    if not isinstance(labels, list) or not all(isinstance(column, list) for column in labels):
        raise ModelError("'pandas_categorical' is no list of lists; the file is damaged")
    if len(labels) != len(categorical):
        return [f"categorical features take codes, in the order of {labels!a}"]
    return [coded(name, column) for name, column in zip(categorical, labels, strict=True)]


def _tree(
    section: Section, index: int, output: int, share: float
) -> tuple[Tree, NDArray[np.int64]]:
    """Return a tree, and those of its nodes where 0 counts as missing."""
    try:
        return _checked_tree(section, output, share)
    except ModelError as error:
        raise ModelError(f"tree {index}: {error}") from error


def _checked_tree(section: Section, output: int, share: float) -> tuple[Tree, NDArray[np.int64]]:
    """Give the inner nodes the first numbers, then the leaves (``-1 - leaf`` in the file)."""
    if section.get("is_linear", "0") != "0":
        raise ModelError("has linear models in its leaves; train with linear_tree=false")
    leaves = integer(_entry(section, "num_leaves"), "num_leaves")
    value = _column(section, "leaf_value") * share
    if len(value) != leaves or not leaves:
        raise ModelError(f"has {len(value)} values for {leaves} leaves; the file is damaged")
    if leaves == 1:
        return _leaf(value, output), np.zeros(0, np.int64)
    inner = leaves - 1
    feature, kind, left, right = (
        integers(_column(section, name), name)
        for name in ("split_feature", "decision_type", "left_child", "right_child")
    )
    threshold = _column(section, "threshold")
    if any(len(column) != inner for column in (feature, kind, left, right, threshold)):
        raise ModelError(f"its columns are not of {inner} splits; the file is damaged")
    if (feature < 0).any() or (np.minimum(left, right) < -leaves).any():
        raise ModelError("a feature or a leaf does not exist; the file is damaged")
    left, right = (np.where(child < 0, inner - 1 - child, child) for child in (left, right))
    categorical = (kind & _CATEGORICAL) != 0
    missing = kind >> _MISSING_SHIFT
    # Where a missing feature is no case of its own it counts as 0.
    missing_left = (
        np.where(missing == _MISSING_NONE, threshold >= 0, (kind & _DEFAULT_LEFT) != 0)
        & ~categorical
    )
    # Values next to 0 are 0 to LightGBM before they reach a tree.
    threshold = np.where(
        np.abs(threshold) <= ZERO, np.where(threshold < 0, BELOW_ZERO, ZERO), threshold
    )
    pad = np.full(leaves, -1)
    tree = Tree(
        feature=np.concatenate([feature, pad]),
        threshold=np.concatenate([threshold, np.zeros(leaves)]),
        left=np.concatenate([left, pad]),
        right=np.concatenate([right, pad]),
        value=np.concatenate([np.zeros(inner), value])[:, None],
        missing_left=np.concatenate([missing_left, pad > 0]),
        output=output,
        categories=_categories(section, categorical, threshold),
    )
    return tree, np.flatnonzero((missing == _MISSING_ZERO) & ~categorical)


def _leaf(value: NDArray[np.float64], output: int) -> Tree:
    none = np.full(1, -1)
    return Tree(none, np.zeros(1), none, none, value[:, None], np.zeros(1, np.bool_), output)


def _categories(
    section: Section, categorical: NDArray[np.bool_], threshold: NDArray[np.float64]
) -> dict[int, frozenset[int]]:
    """Return the categories that go left, by node: the bits of some of the file's 32-bit words."""
    if not categorical.any():
        return {}
    bounds = integers(_column(section, "cat_boundaries"), "cat_boundaries")
    words = integers(_column(section, "cat_threshold"), "cat_threshold")
    nodes = np.flatnonzero(categorical)
    groups = threshold[nodes]
    if (
        ((words < 0) | (words >= 1 << 32)).any()
        or np.bitwise_count(words).sum() > CATEGORY_LIMIT
        or len(bounds) < 2
        or (np.diff(bounds, prepend=0, append=len(words)) < 0).any()
        or not ((groups >= 0) & (groups < len(bounds) - 1)).all()
    ):
        raise ModelError("its sets of categories are damaged, or too large")
    octets = words.astype("<u4").view(np.uint8)
    sets = {
        group: np.flatnonzero(
            np.unpackbits(octets[4 * bounds[group] : 4 * bounds[group + 1]], bitorder="little")
        )
        for group in set(groups.astype(int).tolist())
    }
    members = {group: frozenset(bits.tolist()) for group, bits in sets.items()}
    return {int(node): members[int(group)] for node, group in zip(nodes, groups, strict=True)}
