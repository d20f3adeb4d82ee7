"""scikit-learn's ensembles of whole models: several forests as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.forest import Forest


@dataclass(frozen=True)
class Part:
    """A forest inside another one.

    Parameters
    ----------
    forest
        The forest.
    weight
        What its margins are multiplied by.
    output
        The output of the whole that its first margin adds to.
    columns
        The feature of the whole that each of its features is; None: the same.
    """

    forest: Forest
    weight: float = 1.0
    output: int = 0
    columns: NDArray[np.int64] | None = None


def feature_names(model: Any) -> list[str]:
    """Return the names of the columns an estimator was fitted on."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return [f"x{i}" for i in range(model.n_features_in_)]
    return [str(name) for name in names]


def bagged(model: Any) -> Forest:
    """Return `Bagging`: the mean of models, each of which sees some of the features."""
    columns = [np.asarray(c, np.int64) for c in model.estimators_features_]
    forests = _averages(model, model.estimators_)
    weight = 1 / len(forests)
    parts = [Part(f, weight, 0, c) for f, c in zip(forests, columns, strict=True)]
    return joined(parts, feature_names(model), forests[0].outputs)


def voted(model: Any) -> Forest:
    """Return `Voting`: the weighted mean of several models' predictions (of "soft" votes)."""
    if getattr(model, "voting", "soft") != "soft":
        raise ModelError("counts votes; fit with voting='soft'")
    weights = [1.0] * len(model.estimators) if model.weights is None else model.weights
    # Those that are dropped have a weight and no model.
    kept = [w for w, (_, e) in zip(weights, model.estimators, strict=True) if e != "drop"]
    forests = _averages(model, model.estimators_)
    parts = [Part(f, w / sum(kept)) for f, w in zip(forests, kept, strict=True)]
    return joined(parts, feature_names(model), forests[0].outputs)


def stacked(model: Any) -> Forest:
    """Return `MultiOutput` or `OneVsRest`: one model a target or class, their margins in a row."""
    forests = [_inner(member) for member in model.estimators_]
    if any(forest.outputs != 1 for forest in forests):
        raise ModelError("has models of several outputs inside; compile them one by one")
    parts = [Part(forest, output=k) for k, forest in enumerate(forests)]
    return joined(parts, feature_names(model), len(parts))


def joined(parts: Sequence[Part], features: Sequence[str], outputs: int) -> Forest:
    """Return one forest of all the parts' trees.

    Raises
    ------
    ModelError
        If the parts compare in different ways.
    """
    forests = [part.forest for part in parts]
    first = forests[0]
    for forest in forests:
        if (forest.inclusive, forest.narrow_inputs) != (first.inclusive, first.narrow_inputs):
            raise ModelError("has models of several libraries inside; compile them one by one")
        if forest.link != first.link:
            raise ModelError(f"mixes margins ({first.link} and {forest.link}); compile one by one")
    starts = np.cumsum([0, *(forest.nodes for forest in forests)]).astype(np.int32)
    value, base = np.zeros((int(starts[-1]), outputs)), np.zeros(outputs)
    feature, categories = [], {}
    for part, start in zip(parts, starts, strict=False):
        forest, chosen = part.forest, slice(part.output, part.output + part.forest.outputs)
        value[start : start + forest.nodes, chosen] = part.weight * forest.value
        base[chosen] += part.weight * forest.base
        columns = np.arange(len(features)) if part.columns is None else part.columns
        feature.append(np.where(forest.feature < 0, -1, columns[forest.feature]).astype(np.int32))
        categories.update({start + node: group for node, group in forest.categories.items()})

    def moved(name: str) -> NDArray[np.int32]:
        columns = [getattr(forest, name) for forest in forests]
        pairs = zip(columns, starts, strict=False)
        return np.concatenate([np.where(c < 0, -1, c + s).astype(np.int32) for c, s in pairs])

    return Forest(
        feature=np.concatenate(feature),
        threshold=np.concatenate([forest.threshold for forest in forests]),
        left=moved("left"),
        right=moved("right"),
        value=value,
        roots=moved("roots"),
        base=base,
        inclusive=first.inclusive,
        missing_left=np.concatenate([forest.missing_left for forest in forests]),
        features=tuple(features),
        categories=categories,
        narrow_inputs=first.narrow_inputs,
        link=first.link,
        notes=tuple(dict.fromkeys(note for forest in forests for note in forest.notes)),
    ).check()


def _averages(model: Any, members: Sequence[Any]) -> list[Forest]:
    """Return forests whose mean is the model's prediction, not that of something behind it."""
    forests = [_inner(member) for member in members]
    classes = getattr(model, "classes_", None)
    wanted = "identity" if classes is None else "average"
    for member, forest in zip(members, forests, strict=True):
        if forest.link != wanted:
            raise ModelError(
                f"averages what a {type(member).__name__} gives behind its {forest.link}; "
                "RandomForest, ExtraTrees and DecisionTree inside it work"
            )
        if classes is not None and len(member.classes_) != len(classes):
            raise ModelError("has models inside that do not know all classes; fit on more events")
    return forests


def _inner(member: Any) -> Forest:
    from edgetrig.frontends.trees.read import read_model

    return read_model(member)
