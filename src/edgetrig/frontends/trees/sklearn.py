"""scikit-learn's trees and ensembles of trees, read from live models.

`RandomForest`, `ExtraTrees`, `DecisionTree`, `GradientBoosting`, `AdaBoost` and `IsolationForest`
compare ``float32(x) <= threshold``, `HistGradientBoosting` compares ``x <= threshold`` in float64.
Ensembles of other models than trees, such as `Voting`, are in `ensembles`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.assemble import Tree, assemble
from edgetrig.frontends.trees.ensembles import bagged, feature_names, stacked, voted
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.histogram import forest_of_histogram_boosting


def forest_of_model(model: Any) -> Forest:
    """Return the forest of a fitted estimator.

    Raises
    ------
    ModelError
        If it is not fitted, or is not one of the estimators above.
    """
    for base in type(model).__mro__:
        read = _READERS.get(base.__name__) if base.__module__.startswith("sklearn.") else None
        if read is not None:
            if not hasattr(model, "n_features_in_"):
                raise ModelError("is not fitted; call  fit(x, y)  first")
            return read(model)
    known = ", ".join(name for name, read in _READERS.items() if read is not _refused)
    raise ModelError(
        f"is not among scikit-learn's models read: {known}, linear models, perceptrons, densities, "
        "stacks and calibrations"
    )


def _averaged(model: Any) -> Forest:
    """Return a forest, or one tree, as the mean of its trees' leaves.

    Classifiers average the share of each class in the leaf; with two classes the one margin is that
    of the second. Regressors have a margin for each target.
    """
    classes = getattr(model, "classes_", None)
    members = getattr(model, "estimators_", [model])
    if classes is not None and model.n_outputs_ != 1:
        raise ModelError(f"sorts by {model.n_outputs_} targets; fit one model for each")

    def values(tree: Any) -> NDArray[np.float64]:
        if classes is None:
            return np.asarray(tree.value[:, :, 0] / len(members), np.float64)
        value: NDArray[np.float64] = tree.value[:, 0, :] / len(members)
        # Counts before version 1.3, shares since.
        value /= len(members) * value.sum(axis=1, keepdims=True)
        return value[:, 1:] if len(classes) == 2 else value

    trees = [_tree(member.tree_, values(member.tree_)) for member in members]
    return _forest(model, trees, trees[0].value.shape[1], "average" if classes is not None else "")


def _boosted(model: Any) -> Forest:
    """Return gradient boosting: the prior of ``init_``, plus the trees' leaves times the rate."""
    trees = [
        _tree(member.tree_, model.learning_rate * member.tree_.value[:, :, 0], output)
        for members in model.estimators_
        for output, member in enumerate(members)
    ]
    classes = hasattr(model, "classes_")
    outputs = model.estimators_.shape[1]
    link = ("sigmoid" if outputs == 1 else "softmax") if classes else ""
    forest = _forest(model, trees, outputs, link)
    prior = type(model.init_).__name__ if not isinstance(model.init_, str) else model.init_
    if prior not in ("zero", "DummyClassifier", "DummyRegressor"):
        raise ModelError(f"starts from another model (init={prior}); fit with init=None or 'zero'")
    # The margin of any event, less its leaves, is the prior, in every version of the library.
    event = np.zeros((1, model.n_features_in_), np.float32)
    margin = model.decision_function(event) if classes else model.predict(event)
    base = np.reshape(margin, (1, outputs)) - forest.scores(event)
    return _forest(model, trees, outputs, link, base=base[0])


def _adaptive(model: Any) -> Forest:
    """Return AdaBoost's votes: a tree's weight for its class, less the others' share of it.

    Over the sum of all weights, as ``decision_function`` has it; of two classes the one margin is
    the second's less the first's.
    """
    count = len(model.classes_)
    share = model.estimator_weights_[: len(model.estimators_)] / model.estimator_weights_.sum()
    if not all(hasattr(member, "tree_") for member in model.estimators_):
        raise ModelError("boosts other models than single trees; use DecisionTreeClassifier")

    def votes(member: Any, weight: float) -> NDArray[np.float64]:
        winner = member.classes_.take(member.tree_.value[:, 0, :].argmax(axis=1))
        value = np.where(winner[:, None] == model.classes_, weight, -weight / (count - 1))
        return value[:, 1:] - value[:, :1] if count == 2 else value

    trees = [
        _tree(member.tree_, votes(member, float(weight)))
        for member, weight in zip(model.estimators_, share, strict=True)
    ]
    return _forest(model, trees, trees[0].value.shape[1], "votes")


def _isolation(model: Any) -> Forest:
    """Return an isolation forest; its margin is the mean path length over the one of a random tree.

    The margin ``m`` is `scikit-learn`'s anomaly score ``2^-m``: ``score_samples`` is ``-2^-m`` and
    ``decision_function`` is ``-2^-m - offset_``, both rising with ``m``. So ``score_samples > s``
    is ``m > -log2(-s)``, and an event is an inlier for ``predict`` where
    ``m >= -log2(-offset_)``.
    """
    scale = len(model.estimators_) * float(_path_length(np.array([model.max_samples_]))[0])
    if not scale:
        raise ModelError("was fitted on samples of one event; fit with a larger max_samples")
    trees = []
    columns = model.estimators_features_
    for member, column in zip(model.estimators_, columns, strict=True):
        tree = _tree(member.tree_, np.zeros((member.tree_.node_count, 1)))
        depth = member.tree_.compute_node_depths() - 1.0  # comparisons above each node
        length = depth + _path_length(member.tree_.n_node_samples)
        feature = np.where(tree.feature < 0, -1, np.asarray(column)[tree.feature])
        trees.append(
            Tree(
                feature=feature,
                threshold=tree.threshold,
                left=tree.left,
                right=tree.right,
                value=(length / scale)[:, None],
                missing_left=tree.missing_left,
            )
        )
    return _forest(model, trees, 1, "isolation")


def _path_length(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean path length of a search that fails in a random binary tree of that size.

    Equation 1 of Liu, Ting and Zhou, Isolation Forest (ICDM 2008), with the harmonic number as
    ``ln(n - 1) + gamma``, as scikit-learn has it.
    """
    size = np.asarray(samples, np.float64)
    large = np.maximum(size, 3.0)
    length = 2 * (np.log(large - 1) + np.euler_gamma) - 2 * (large - 1) / large
    return np.where(size <= 1, 0.0, np.where(size == 2, 1.0, length))


def _tree(tree: Any, value: NDArray[np.float64], output: int = 0) -> Tree:
    left = np.asarray(tree.children_left, np.int64)
    missing = getattr(tree, "missing_go_to_left", None)
    missing_left = np.zeros(len(left), np.bool_) if missing is None else np.asarray(missing) != 0
    return Tree(
        feature=np.where(left < 0, -1, np.asarray(tree.feature, np.int64)),
        threshold=np.asarray(tree.threshold, np.float64),
        left=left,
        right=np.asarray(tree.children_right, np.int64),
        value=np.asarray(value, np.float64),
        missing_left=missing_left,
        output=output,
    )


def _forest(
    model: Any,
    trees: Sequence[Tree],
    outputs: int,
    link: str,
    base: NDArray[np.float64] | None = None,
) -> Forest:
    return assemble(
        trees,
        base=np.zeros(outputs) if base is None else base,
        inclusive=True,
        features=feature_names(model),
        narrow_inputs=True,
        link=link or "identity",
    )


def _refused(model: Any) -> Forest:
    raise ModelError(
        "gives a weighted median of its trees, which is no sum of leaves; "
        "GradientBoostingRegressor, RandomForestRegressor or ExtraTreesRegressor work"
    )


_READERS: Final[dict[str, Callable[[Any], Forest]]] = {
    "GradientBoostingClassifier": _boosted,
    "GradientBoostingRegressor": _boosted,
    "HistGradientBoostingClassifier": forest_of_histogram_boosting,
    "HistGradientBoostingRegressor": forest_of_histogram_boosting,
    "RandomForestClassifier": _averaged,
    "RandomForestRegressor": _averaged,
    "ExtraTreesClassifier": _averaged,
    "ExtraTreesRegressor": _averaged,
    "DecisionTreeClassifier": _averaged,
    "DecisionTreeRegressor": _averaged,
    "IsolationForest": _isolation,
    "AdaBoostClassifier": _adaptive,
    "BaggingClassifier": bagged,
    "BaggingRegressor": bagged,
    "VotingClassifier": voted,
    "VotingRegressor": voted,
    "MultiOutputClassifier": stacked,
    "MultiOutputRegressor": stacked,
    "OneVsRestClassifier": stacked,
    "AdaBoostRegressor": _refused,
}
"""Readers by the class or base class of the estimator; the last has a line of its own."""
