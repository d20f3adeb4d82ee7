"""Opens pipelines and searches, and hands what is inside to the reader that knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgetrig.errors import ModelError
from edgetrig.frontends.model import Model
from edgetrig.frontends.sklearn import networks
from edgetrig.frontends.sklearn.preparation import Preparation
from edgetrig.frontends.sklearn.thresholds import moved
from edgetrig.frontends.trees import read_model as read_forest
from edgetrig.frontends.trees.ensembles import feature_names
from edgetrig.frontends.trees.forest import Forest


def read_model(model: Any) -> Forest | Model:
    """Read a fitted estimator: trees as a forest, linear models and perceptrons as steps.

    A pipeline is read with the scalers, selections and imputers in front of its model, of whatever
    library that is; a search (`GridSearchCV` and its kin) as its best estimator.

    Raises
    ------
    ModelError
        If it is not fitted, or a part of it is not known; the line names the part.
    """
    kind = type(model).__name__
    if hasattr(model, "best_estimator_"):
        return read_model(model.best_estimator_)
    if kind in _OPENED and hasattr(model, "cv"):
        raise ModelError(f"{kind}: is not fitted; call  fit(x, y)  first")
    if kind == "CalibratedClassifierCV":
        raise ModelError(
            f"{kind}: compile the model inside it (calibrated_classifiers_[0].estimator): a "
            "calibration changes no ranking, and a threshold is set on the margin"
        )
    if kind == "Pipeline":
        return _pipeline(model)
    if networks.knows(model):
        return networks.network(model, Preparation.nothing(_width(model)))
    return read_forest(model)


_OPENED = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")


def _pipeline(pipeline: Any) -> Forest | Model:
    *before, (_, last) = pipeline.steps
    # A pipeline knows its columns by its first step, which may be none at all.
    known = next((m for _, m in pipeline.steps if m not in (None, "passthrough")), pipeline)
    try:
        names = feature_names(known)
    except AttributeError as error:
        raise ModelError("Pipeline: is not fitted; call  fit(x, y)  first") from error
    try:
        preparation = Preparation.nothing(len(names))
        for _, step in before:
            preparation = preparation.then(step)
        if networks.knows(last):
            return replace(networks.network(last, preparation), where="model 'Pipeline'")
        forest = read_model(last) if _is_sklearn(last) else read_forest(last)
        if not isinstance(forest, Forest):
            raise ModelError(f"a {type(last).__name__} inside another model is not read")
        return moved(forest, preparation, names)
    except ModelError as error:
        raise ModelError(f"Pipeline: {error}") from error
    except AttributeError as error:
        raise ModelError(f"Pipeline: a step is not fitted ({error})") from error


def _is_sklearn(model: Any) -> bool:
    return type(model).__module__.startswith("sklearn.")


def _width(model: Any) -> int:
    if not hasattr(model, "n_features_in_"):
        raise ModelError(f"{type(model).__name__}: is not fitted; call  fit(x, y)  first")
    return int(model.n_features_in_)
