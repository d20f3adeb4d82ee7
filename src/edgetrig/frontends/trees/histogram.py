"""scikit-learn's `HistGradientBoosting` estimators, whose trees differ from its other ones.

They compare ``x <= threshold`` in float64, send missing values either way, and split categories by
sets of encoded codes, which are decoded here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.trees.assemble import Tree, assemble
from edgetrig.frontends.trees.ensembles import feature_names
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.labels import coded


def forest_of_histogram_boosting(model: Any) -> Forest:
    """Return the forest of a fitted `HistGradientBoosting` estimator.

    Categories are the numbers that it was fitted on; where these are no integers from 0 on, or are
    words, their codes in the order of the model's encoder, which a note lists.
    """
    columns, categories, notes = _encoding(model)
    rounds = model._predictors
    trees = [
        _tree(predictor, output, columns, categories)
        for predictors in rounds
        for output, predictor in enumerate(predictors)
    ]
    base = np.asarray(model._baseline_prediction, np.float64).reshape(-1)
    classes = hasattr(model, "classes_")
    return assemble(
        trees,
        base=base,
        inclusive=True,
        features=feature_names(model),
        link=("sigmoid" if len(base) == 1 else "softmax") if classes else _regression_link(model),
        notes=notes,
    )


def _regression_link(model: Any) -> str:
    return "exp" if model.loss in ("poisson", "gamma") else "identity"


def _encoding(model: Any) -> tuple[NDArray[np.int64], list[NDArray[np.int64]], list[str]]:
    """Return the model's column for each column of its trees, and the categories of the first ones.

    An encoder in front of the trees moves categorical columns to the front and replaces their
    values by codes 0, 1, ... What must be known of these comes last.
    """
    count = model.n_features_in_
    categorical = getattr(model, "is_categorical_", None)
    if categorical is None or not np.any(categorical):
        return np.arange(count), [], []
    columns = np.concatenate([np.flatnonzero(categorical), np.flatnonzero(~categorical)])
    encoder = model._preprocessor.named_transformers_["encoder"]
    names, found, notes = feature_names(model), [], []
    for column, values in zip(columns, encoder.categories_, strict=False):
        labels = [label for label in np.asarray(values).tolist() if not _is_missing(label)]
        if all(_is_code(label) for label in labels):
            found.append(np.array(labels, np.int64))
        else:
            found.append(np.arange(len(labels)))
            notes.append(coded(names[column], labels))
    return columns, found, notes


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, float) and np.isnan(label))


def _is_code(label: Any) -> bool:
    """Whether a category is an integer that hardware takes as it is."""
    return isinstance(label, int | float) and 0 <= label < 1 << 31 and label == int(label)


def _tree(
    predictor: Any, output: int, columns: NDArray[np.int64], categories: list[NDArray[np.int64]]
) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"] != 0
    left, right = (nodes[name].astype(np.int64) for name in ("left", "right"))
    missing_left = nodes["missing_go_to_left"] != 0
    groups = {}
    for node in np.flatnonzero((nodes["is_categorical"] != 0) & ~leaf).tolist():
        known = categories[nodes["feature_idx"][node]]
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]].astype("<u4")
        goes_left = np.unpackbits(bits.view(np.uint8), bitorder="little")[: len(known)] != 0
        # Unknown categories go where missing ones go, which must be the right here.
        if missing_left[node]:
            left[node], right[node] = right[node], left[node]
            goes_left, missing_left[node] = ~goes_left, False
        groups[node] = frozenset(known[goes_left].tolist())
    return Tree(
        feature=np.where(leaf, -1, columns[np.where(leaf, 0, nodes["feature_idx"])]),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=left,
        right=right,
        value=nodes["value"].astype(np.float64)[:, None],
        missing_left=missing_left,
        output=output,
        categories=groups,
    )
