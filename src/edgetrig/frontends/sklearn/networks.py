"""Linear models and multi-layer perceptrons as steps.

The outputs are margins: what ``decision_function`` or a regressor's ``predict`` gives, and of a
perceptron the sums before its last logistic or softmax.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from edgetrig.errors import ModelError
from edgetrig.frontends.layers import activation
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.sklearn.builder import Builder, Columns, Function, Scores
from edgetrig.frontends.values import Value, exact

Layer = tuple[Floats, Floats, str]
"""Kernel (inputs, outputs), bias, and the activation's name."""

_ACTIVATIONS: Final = {"identity": "linear", "logistic": "sigmoid"}
"""scikit-learn's own names, where they differ from ours."""

_LINKED: Final = ("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis")
_LINEAR: Final = (
    *("RidgeClassifier", "RidgeClassifierCV", "SGDClassifier", "Perceptron", "LinearSVC"),
    *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV"),
    *("SGDRegressor", "LinearSVR", "HuberRegressor", "BayesianRidge", "Lars", "LassoLars"),
    *("LarsCV", "LassoLarsCV", "LassoLarsIC", "PassiveAggressiveClassifier"),
    *("PassiveAggressiveRegressor", "ARDRegression", "OrthogonalMatchingPursuit"),
    *("OrthogonalMatchingPursuitCV", "QuantileRegressor", "TheilSenRegressor"),
    *("MultiTaskLasso", "MultiTaskElasticNet", "MultiTaskLassoCV", "MultiTaskElasticNetCV"),
)
_LOGARITHMIC: Final = ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")
_SUPPORT_VECTORS: Final = ("SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM")
_PERCEPTRONS: Final = ("MLPClassifier", "MLPRegressor")


def network(builder: Builder, columns: Columns, model: Any, kind: str) -> Scores:
    """Add a fitted linear model or perceptron behind columns.

    Raises
    ------
    ModelError
        If it has an option that hardware has no place for.
    """
    key = builder.value(columns)
    layers = _layers(model, kind)
    for layer in layers:
        number = 1 + sum(step.name.startswith("dense_") for step in builder.steps)
        key = builder.add(f"dense_{number}", type(model).__name__, dense(*layer), key)
    return Scores(layers[-1][0].shape[1], _link(model, kind, layers), key)


def dense(kernel: Floats, bias: Floats, name: str = "linear") -> Function:
    """Return a matrix of constants, constants that are added, and an activation.

    Raises
    ------
    ModelError
        If one of them is NaN or infinite.
    """
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise ModelError("a weight is NaN or infinite")

    def function(precision: Precision, x: Value) -> Sequence[Value]:
        sums = exact(x) @ precision.weight(kernel, "kernel") + precision.weight(bias, "bias")
        return [activation.apply(name, sums, precision)]

    return function


def _link(model: Any, kind: str, layers: Sequence[Layer]) -> str:
    """Return what turns the margins into the library's prediction."""
    if kind in _PERCEPTRONS:
        return "sigmoid" if model.out_activation_ == "logistic" else str(model.out_activation_)
    logistic = kind == "SGDClassifier" and model.loss == "log_loss" and len(model.classes_) == 2
    if kind in _LINKED or logistic:
        return "sigmoid" if layers[-1][0].shape[1] == 1 else "softmax"
    if kind in _LOGARITHMIC and getattr(model, "link", "log") != "identity":
        return "exp" if not (kind == "TweedieRegressor" and _is_straight(model)) else "identity"
    return "margin" if hasattr(model, "classes_") else "identity"


def _is_straight(model: Any) -> bool:
    return bool(model.link == "auto" and model.power <= 0)


def _layers(model: Any, kind: str) -> list[Layer]:
    if kind in _PERCEPTRONS:
        last = len(model.coefs_) - 1
        names = [model.activation] * last + ["identity"]
        parts = zip(model.coefs_, model.intercepts_, names, strict=True)
        return [(kernel, bias, _ACTIVATIONS.get(name, name)) for kernel, bias, name in parts]
    if kind in _SUPPORT_VECTORS:
        _check_support_vectors(model, kind)
    given = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_  # sparsify()
    kernel = np.atleast_2d(np.asarray(given, np.float64)).T
    bias = -model.offset_ if kind == "SGDOneClassSVM" else model.intercept_
    return [(kernel, np.broadcast_to(np.asarray(bias, np.float64), kernel.shape[1:]), "linear")]


def _check_support_vectors(model: Any, kind: str) -> None:
    if model.kernel != "linear":
        raise ModelError(
            f"{kind}: kernel={model.kernel!r} keeps every support vector; fit kernel='linear', or "
            "a small MLPClassifier"
        )
    if len(getattr(model, "classes_", ())) > 2:
        raise ModelError(f"{kind}: votes between pairs of classes; LinearSVC has one margin each")


KINDS: Final = frozenset(
    {*_LINKED, *_LINEAR, *_LOGARITHMIC, *_SUPPORT_VECTORS, "SGDOneClassSVM", *_PERCEPTRONS}
)
"""Names of the classes that are read here."""
