"""Models of models: means, stacks and calibrations of what others give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from edgetrig.errors import ModelError
from edgetrig.frontends.layers.inner import pending
from edgetrig.frontends.model import Key
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.sklearn.builder import Builder, Columns, Function, Scores
from edgetrig.frontends.sklearn.networks import dense
from edgetrig.frontends.sklearn.preparation import Preparation
from edgetrig.frontends.values import Value, exact

Read = Callable[[Builder, Columns, Any], Scores]
"""Adds any model behind columns."""


def combined(builder: Builder, columns: Columns, model: Any, kind: str, read: Read) -> Scores:
    """Add a fitted model of models behind columns; ``read`` adds those inside.

    Raises
    ------
    ModelError
        If it has an option that hardware has no place for, or a model inside is not known.
    """
    try:
        return _READERS[kind](builder, columns, model, read)
    except ModelError as error:
        raise ModelError(f"{type(model).__name__}: {error}") from error


def _predicted(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    """Add a model up to its probabilities (of two classes the second's), or its prediction."""
    scores = read(builder, columns, model)
    if scores.link not in ("sigmoid", "softmax", "average", "identity"):
        raise ModelError(f"a {type(model).__name__} inside gives no probabilities that are read")
    link = scores.link if scores.link == "identity" else "average"
    return Scores(scores.width, link, builder.predicted(scores))


def _mean(
    builder: Builder, parts: Sequence[Scores], weights: Sequence[float], model: Any
) -> Scores:
    shares = np.asarray(weights, np.float64) / np.sum(weights)

    def function(precision: Precision, *values: Value) -> Sequence[Value]:
        stacked = np.stack([exact(value) for value in values], axis=0)
        return [precision.weight(shares, "kernel") @ stacked]

    keys = [part.key for part in parts]
    return replace(parts[0], key=builder.add("mean", type(model).__name__, function, *keys))


def _voted(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    if getattr(model, "voting", "soft") != "soft":
        raise ModelError("counts votes; fit with voting='soft'")
    weights = [1.0] * len(model.estimators) if model.weights is None else model.weights
    # Those that are dropped have a weight and no model.
    kept = [w for w, (_, e) in zip(weights, model.estimators, strict=True) if e != "drop"]
    parts = [_predicted(builder, columns, member, read) for member in model.estimators_]
    return _mean(builder, parts, kept, model)


def _bagged(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    classes = getattr(model, "classes_", ())
    parts = []
    for member, chosen in zip(model.estimators_, model.estimators_features_, strict=True):
        if len(getattr(member, "classes_", ())) != len(classes):
            raise ModelError("has models that do not know all classes; fit on more events")
        numbers = np.asarray(chosen, np.int64)
        part = replace(columns, preparation=columns.preparation.chosen(numbers))
        parts.append(_predicted(builder, part, member, read))
    return _mean(builder, parts, [1.0] * len(parts), model)


def _side_by_side(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    """Return one margin a target or class."""
    parts = [read(builder, columns, member) for member in model.estimators_]
    if any(part.width != 1 for part in parts):
        raise ModelError("has models of several outputs inside; compile them one by one")
    if len({part.link for part in parts}) != 1:
        raise ModelError("has models of several kinds inside; compile them one by one")
    key = builder.beside([builder.computed(part) for part in parts])
    return Scores(len(parts), parts[0].link if len(parts) == 1 else "margin", key)


def _stacked(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    """Return what the last model makes of the others' predictions."""
    keys: list[Key] = []
    width = 0
    for member, method in zip(model.estimators_, model.stack_method_, strict=True):
        if method == "predict_proba":
            scores = _predicted(builder, columns, member, read)
        elif method == "decision_function" or not hasattr(model, "classes_"):
            scores = read(builder, columns, member)
            if scores.link in ("exp", "isolation", "votes"):
                raise ModelError(f"a {type(member).__name__} inside has a link that is not read")
        else:
            raise ModelError("stacks classes; fit with stack_method='predict_proba'")
        keys.append(builder.computed(scores))
        width += scores.width
    if model.passthrough:
        keys.append(builder.value(columns))
        width += columns.width
    key = builder.beside(keys)
    return read(builder, Columns(key, Preparation.nothing(width)), model.final_estimator_)


def _calibrated(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    """Return the mean of calibrated probabilities; of one by a sigmoid, what is inside that."""
    members = model.calibrated_classifiers_
    if len(model.classes_) != 2 or model.method not in ("sigmoid", "isotonic"):
        raise ModelError(
            "several classes or a temperature are not read; compile the model inside it "
            "(calibrated_classifiers_[0].estimator)"
        )
    parts = []
    for member in members:
        scores = _response(builder, columns, member.estimator, read)
        (calibrator,) = member.calibrators
        if model.method == "sigmoid" and len(members) == 1:
            kernel, bias = np.array([[-calibrator.a_]]), np.array([-calibrator.b_])
            key = builder.add("calibration", "Sigmoid", dense(kernel, bias), scores.key)
            return Scores(1, "sigmoid", key)
        function = _calibration(calibrator)
        key = builder.add("calibration", type(calibrator).__name__, function, scores.key)
        parts.append(Scores(1, "average", key))
    return parts[0] if len(parts) == 1 else _mean(builder, parts, [1.0] * len(parts), model)


def _response(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    """Return what a calibration is fitted on: ``decision_function``, else the probability."""
    if not hasattr(model, "decision_function"):
        return _predicted(builder, columns, model, read)
    scores = read(builder, columns, model)
    return Scores(scores.width, scores.link, builder.computed(scores))


def _calibration(calibrator: Any) -> Function:
    def values(x: Floats) -> Floats:
        return np.asarray(calibrator.predict(np.ravel(x)), np.float64).reshape(np.shape(x))

    return lambda precision, x: [pending("calibration", values, exact(x))]


def _retargeted(builder: Builder, columns: Columns, model: Any, read: Read) -> Scores:
    """Return a regressor's prediction as the target was before it was scaled."""
    scores = read(builder, columns, model.regressor_)
    if scores.link != "identity":
        raise ModelError(f"scales back what is behind a link ({scores.link}); compile regressor_")
    if not Preparation.knows(model.transformer_):
        raise ModelError("transforms its target in a way that is not read; StandardScaler is")
    target = Preparation.nothing(scores.width).then(model.transformer_)
    if target.bent.any() or np.isfinite(target.low).any():
        raise ModelError("bends its target, which no ranking sees; compile its regressor_")
    kernel, bias = np.diag(1 / target.scale), -target.offset / target.scale
    key = builder.add("target", "Scaling", dense(kernel, bias), builder.computed(scores))
    return Scores(scores.width, scores.link, key)


_READERS: Final[dict[str, Callable[[Builder, Columns, Any, Read], Scores]]] = {
    "VotingClassifier": _voted,
    "VotingRegressor": _voted,
    "BaggingClassifier": _bagged,
    "BaggingRegressor": _bagged,
    "MultiOutputClassifier": _side_by_side,
    "MultiOutputRegressor": _side_by_side,
    "OneVsRestClassifier": _side_by_side,
    "StackingClassifier": _stacked,
    "StackingRegressor": _stacked,
    "CalibratedClassifierCV": _calibrated,
    "TransformedTargetRegressor": _retargeted,
}

KINDS: Final = frozenset(_READERS)
"""Names of the classes that are read here."""
