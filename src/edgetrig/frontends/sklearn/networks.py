"""Linear models and multi-layer perceptrons, with the scaling in front of them, as steps.

The outputs are margins: what ``decision_function`` or a regressor's ``predict`` gives, and of a
perceptron the sums before its last logistic or softmax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.layers import activation
from edgetrig.frontends.model import Model, Port, Step
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.sklearn.preparation import Preparation
from edgetrig.frontends.values import Value, exact, rearranged

Function = Callable[[Precision, Value], Sequence[Value]]
Layer = tuple[Floats, Floats, str]
"""Kernel (inputs, outputs), bias, and the activation's name."""

_ACTIVATIONS: Final = {"identity": "linear", "logistic": "sigmoid"}
"""scikit-learn's own names, where they differ from ours."""

_LINEAR: Final = (
    *("LogisticRegression", "LogisticRegressionCV", "RidgeClassifier", "RidgeClassifierCV"),
    *("SGDClassifier", "Perceptron", "LinearSVC", "LinearDiscriminantAnalysis"),
    *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV"),
    *("SGDRegressor", "LinearSVR", "HuberRegressor", "BayesianRidge", "Lars", "LassoLars"),
    *("ARDRegression", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV"),
    *("QuantileRegressor", "TheilSenRegressor", "MultiTaskLasso", "MultiTaskElasticNet"),
)
_PERCEPTRONS: Final = ("MLPClassifier", "MLPRegressor")


def knows(model: Any) -> bool:
    """Whether an estimator is one of the linear models or perceptrons."""
    return _kind(model) is not None


def _kind(model: Any) -> str | None:
    for base in type(model).__mro__:
        if base.__module__.startswith("sklearn.") and base.__name__ in (*_LINEAR, *_PERCEPTRONS):
            return base.__name__
    return None


def network(model: Any, preparation: Preparation) -> Model:
    """Return a fitted linear model or perceptron behind a preparation of its inputs.

    Raises
    ------
    ModelError
        If it is not fitted, or its inputs are prepared in a way that only trees are read with.
    """
    name = type(model).__name__
    if not hasattr(model, "n_features_in_"):
        raise ModelError(f"{name}: is not fitted; call  fit(x, y)  first")
    if preparation.filled:
        raise ModelError(f"{name}: missing values have no place in hardware; leave them out")
    functions: dict[str, Function] = {}
    if (preparation.sources != np.arange(preparation.features)[: preparation.width]).any() or (
        preparation.width != preparation.features
    ):
        functions["select"] = _selection(preparation.sources)
    if preparation.scaled.any():
        functions["scale"] = _scaling(preparation)
    for number, layer in enumerate(_layers(model)):
        functions[f"dense_{number + 1}"] = _dense(*layer)
    names = ["x", *functions]
    steps = tuple(
        Step(step, type(model).__name__, function, (before,), (step,))
        for before, (step, function) in zip(names, functions.items(), strict=False)
    )
    port = Port("x", "x", (preparation.features,))
    return Model(name, f"model '{name}'", (port,), steps, (("scores", names[-1]),))


def _layers(model: Any) -> list[Layer]:
    if _kind(model) in _LINEAR:
        kernel = np.atleast_2d(np.asarray(model.coef_, np.float64)).T
        bias = np.broadcast_to(np.asarray(model.intercept_, np.float64), kernel.shape[1:])
        return [_finite(kernel, bias, "linear")]
    last = len(model.coefs_) - 1
    return [
        _finite(kernel, bias, model.out_activation_ if number == last else model.activation)
        for number, (kernel, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True))
    ]


def _finite(kernel: Any, bias: Any, name: str) -> Layer:
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise ModelError("a weight is NaN or infinite")
    return np.asarray(kernel), np.asarray(bias), _ACTIVATIONS.get(name, name)


def _selection(columns: NDArray[np.int64]) -> Function:
    return lambda precision, x: [rearranged(x, lambda v: v[columns])]


def _scaling(preparation: Preparation) -> Function:
    clipped = np.isfinite(preparation.low)
    # Clipped columns first, then the others; `back` is the way back.
    order = np.argsort(~clipped, kind="stable")
    back, count = np.argsort(order), int(clipped.sum())
    low, high = (ends[clipped] for ends in (preparation.low, preparation.high))

    def function(precision: Precision, x: Value) -> Sequence[Value]:
        scaled = exact(x) * precision.weight(preparation.scale, "scale")
        scaled = scaled + precision.weight(preparation.offset, "bias")
        if count:
            inside = np.clip(scaled[order[:count]], low, high)
            scaled = np.concatenate([inside, scaled[order[count:]]])[back]
        return [scaled]

    return function


def _dense(kernel: Floats, bias: Floats, name: str) -> Function:
    def function(precision: Precision, x: Value) -> Sequence[Value]:
        sums = exact(x) @ precision.weight(kernel, "kernel") + precision.weight(bias, "bias")
        return [activation.apply(name, sums, precision)]

    return function
