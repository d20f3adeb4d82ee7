"""Opens pipelines and searches, and hands what is inside to the reader that knows it."""

from __future__ import annotations

from typing import Any, Final

from edgetrig.errors import ModelError
from edgetrig.frontends.model import Model, Port
from edgetrig.frontends.sklearn import distances, ensembles, networks
from edgetrig.frontends.sklearn.builder import INPUT, Builder, Columns, Scores
from edgetrig.frontends.sklearn.transformers import transformed
from edgetrig.frontends.trees import read_model as read_forest
from edgetrig.frontends.trees.ensembles import feature_names
from edgetrig.frontends.trees.forest import Forest

_OPENED: Final = {
    "GridSearchCV": "best_estimator_",
    "RandomizedSearchCV": "best_estimator_",
    "HalvingGridSearchCV": "best_estimator_",
    "HalvingRandomSearchCV": "best_estimator_",
    "RANSACRegressor": "estimator_",
    "FixedThresholdClassifier": "estimator_",
    "TunedThresholdClassifierCV": "estimator_",
    "FrozenEstimator": "estimator",
}
"""Models that predict as one inside them does, by the attribute that holds it."""


def read_model(model: Any) -> Forest | Model:
    """Read a fitted estimator: trees as a forest, other models as steps.

    A pipeline is read with what stands in front of its model, of whatever library that is; a search
    (`GridSearchCV` and its kin) as its best estimator. Trees behind transformers that mix columns,
    and trees beside other models, are steps too.

    Raises
    ------
    ModelError
        If it is not fitted, or a part of it is not known; the line names the part.
    """
    name = type(model).__name__
    builder = Builder(_names(model))
    try:
        scores = _read(builder, builder.columns, model)
    except AttributeError as error:
        raise ModelError(f"{name}: a part of it is not fitted ({error})") from error
    if scores.forest is not None and scores.key == INPUT:
        return scores.forest
    port = Port(INPUT, INPUT, (len(builder.features),))
    outputs = (("scores", builder.predicted(scores)),)
    steps = tuple(builder.steps)
    return Model(name, f"model '{name}'", (port,), steps, outputs, tuple(builder.notes))


def _names(model: Any) -> list[str]:
    """Return the names of the columns that a model takes."""
    opened = _opened(model)
    parts = [opened]
    if type(opened).__name__ == "Pipeline":
        # A pipeline knows its columns by its first step, which may be none at all.
        parts += [step for _, step in opened.steps if step not in (None, "passthrough")]
    for part in parts:
        try:
            return feature_names(part)
        except AttributeError:
            continue
    raise ModelError(f"{type(model).__name__}: is not fitted; call  fit(x, y)  first")


def _opened(model: Any) -> Any:
    while (inner := _OPENED.get(_kind(model))) is not None:
        if not hasattr(model, inner):
            raise ModelError(f"{type(model).__name__}: is not fitted; call  fit(x, y)  first")
        model = getattr(model, inner)
    return model


def _kind(model: Any) -> str:
    """Return the name of scikit-learn's class that an estimator is, or is derived from."""
    for base in type(model).__mro__:
        known = base.__name__ in _KNOWN or base.__name__ in _OPENED
        if base.__module__.startswith("sklearn.") and known:
            return str(base.__name__)
    return ""


def _read(builder: Builder, columns: Columns, model: Any) -> Scores:
    """Add any model behind columns."""
    model = _opened(model)
    kind = _kind(model)
    if kind == "Pipeline":
        return _pipeline(builder, columns, model)
    if kind in networks.KINDS:
        return networks.network(builder, columns, model, kind)
    if kind in distances.KINDS:
        return distances.distances(builder, columns, model, kind)
    if kind not in ensembles.KINDS:
        if columns.sparse and type(model).__module__.startswith("xgboost"):
            raise ModelError(
                f"{type(model).__name__}: takes the zeros of a sparse matrix for missing values; "
                "fit with encode='onehot-dense'"
            )
        return builder.behind(read_forest(model), columns)
    if (forest := _one_forest(model)) is not None:
        return builder.behind(forest, columns)
    return ensembles.combined(builder, columns, model, kind, _read)


def _pipeline(builder: Builder, columns: Columns, pipeline: Any) -> Scores:
    *before, (_, last) = pipeline.steps
    if last is None or isinstance(last, str):
        raise ModelError("Pipeline: ends in no model")
    try:
        for _, step in before:
            columns = transformed(builder, columns, step)
        return _read(builder, columns, last)
    except ModelError as error:
        raise ModelError(f"Pipeline: {error}") from error


def _one_forest(model: Any) -> Forest | None:
    """Return an ensemble of trees as one forest, where all of it adds up."""
    try:
        return read_forest(model)
    except ModelError:
        return None


_KNOWN: Final = networks.KINDS | distances.KINDS | ensembles.KINDS | {"Pipeline"}
"""Estimators that are more than trees."""
