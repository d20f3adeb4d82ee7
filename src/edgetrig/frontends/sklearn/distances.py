"""Models that compare distances: Gaussian densities, nearest centres, envelopes.

All outputs rise with the density: a logarithm of it, or minus a distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.layers.softmax import log_sum_exp
from edgetrig.frontends.model import Key
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.sklearn.builder import Builder, Columns, Function, Scores
from edgetrig.frontends.sklearn.networks import dense
from edgetrig.frontends.values import Value, exact

_Arrays = Sequence[NDArray[np.float64]]


def distances(builder: Builder, columns: Columns, model: Any, kind: str) -> Scores:
    """Add a fitted model behind columns.

    Raises
    ------
    ModelError
        If it has an option that hardware has no place for.
    """
    return _READERS[kind](builder, builder.value(columns), model)


def _densities(
    builder: Builder,
    key: Key,
    model: Any,
    means: NDArray[np.float64],
    factors: _Arrays,
    logarithms: NDArray[np.float64],
) -> Key:
    """Return ``logarithm - |(x - mean) @ factor|^2 / 2`` for each mean."""
    kernel = np.concatenate(factors, axis=1)
    bias = -np.concatenate([mean @ factor for mean, factor in zip(means, factors, strict=True)])
    kind = type(model).__name__
    whitened = builder.add("whiten", kind, dense(kernel, bias), key)
    widths = [factor.shape[1] for factor in factors]
    return builder.add("density", kind, _squares(widths, logarithms), whitened)


def _squares(widths: Sequence[int], logarithms: NDArray[np.float64]) -> Function:
    ends = np.cumsum([0, *widths])

    def function(precision: Precision, x: Value) -> Sequence[Value]:
        squares = exact(x) * exact(x)
        parts = [np.sum(squares[a:b], keepdims=True) for a, b in pairwise(ends.tolist())]
        return [np.concatenate(parts, axis=0) * -0.5 + precision.weight(logarithms, "bias")]

    return function


def _of_classes(builder: Builder, key: Key, model: Any) -> Scores:
    """Return one score a class; of two classes the second's less the first's."""
    count = len(model.classes_)
    if count != 2:
        return Scores(count, "softmax", key)
    kind = type(model).__name__
    margin = builder.add("margin", kind, lambda p, x: [exact(x)[1:] - exact(x)[:1]], key)
    return Scores(1, "sigmoid", margin)


def _naive_bayes(builder: Builder, key: Key, model: Any) -> Scores:
    factors = [np.diag(1 / np.sqrt(variance)) for variance in model.var_]
    logarithms = np.log(model.class_prior_) - np.log(2 * np.pi * model.var_).sum(axis=1) / 2
    made = _densities(builder, key, model, model.theta_, factors, logarithms)
    return _of_classes(builder, made, model)


def _quadratic(builder: Builder, key: Key, model: Any) -> Scores:
    pairs = list(zip(model.rotations_, model.scalings_, strict=True))
    factors = [rotation * scaling**-0.5 for rotation, scaling in pairs]
    spread = np.array([np.log(scaling).sum() for _, scaling in pairs])
    logarithms = np.log(model.priors_) - spread / 2
    made = _densities(builder, key, model, model.means_, factors, logarithms)
    return _of_classes(builder, made, model)


def _envelope(builder: Builder, key: Key, model: Any) -> Scores:
    """Return ``decision_function``: the offset less the squared Mahalanobis distance."""
    factor = np.linalg.cholesky(model.precision_) * np.sqrt(2.0)
    bias = np.array([-model.offset_])
    made = _densities(builder, key, model, model.location_[None], [factor], bias)
    return Scores(1, "identity", made)


def _mixture(builder: Builder, key: Key, model: Any) -> Scores:
    """Return ``score_samples``: the logarithm of the sum of all components' densities."""
    count, width = model.means_.shape
    given = np.asarray(model.precisions_cholesky_)
    by_kind: dict[str, Callable[[int], NDArray[np.float64]]] = {
        "full": lambda k: given[k],
        "tied": lambda k: given,
        "diag": lambda k: np.diag(given[k]),
        "spherical": lambda k: np.eye(width) * given[k],
    }
    factors = [by_kind[model.covariance_type](k) for k in range(count)]
    spread = np.array([np.log(np.diag(factor)).sum() for factor in factors])
    logarithms = np.log(model.weights_) + spread - width * np.log(2 * np.pi) / 2
    made = _densities(builder, key, model, model.means_, factors, logarithms)
    if count > 1:
        made = builder.add("log_sum", type(model).__name__, _log_sum, made)
    return Scores(1, "identity", made)


def _log_sum(precision: Precision, x: Value) -> Sequence[Value]:
    return [log_sum_exp(x, (0,), precision)]


def _centroid(builder: Builder, key: Key, model: Any) -> Scores:
    """Return scores that are the larger the nearer a class is; none has a square of an event."""
    count = len(model.classes_)
    if model.metric != "euclidean" or not np.isclose(model.class_prior_, 1 / count).all():
        raise ModelError("NearestCentroid: is read with metric='euclidean' and uniform priors")
    centres = np.asarray(model.centroids_, np.float64)
    bias = -(centres**2).sum(axis=1) / 2
    made = builder.add("centroids", type(model).__name__, dense(centres.T, bias), key)
    scores = _of_classes(builder, made, model)
    return Scores(scores.width, "margin", scores.key)


def _clusters(builder: Builder, key: Key, model: Any) -> Scores:
    """Return minus the squared distance to each centre."""
    centres = np.asarray(model.cluster_centers_, np.float64)
    kind = type(model).__name__
    bias = -(centres**2).sum(axis=1)
    near = builder.add("centres", kind, dense(2 * centres.T, bias), key)

    def function(precision: Precision, near: Value, x: Value) -> Sequence[Value]:
        return [exact(near) - np.sum(exact(x) * exact(x))]

    return Scores(len(centres), "margin", builder.add("distance", kind, function, near, key))


_READERS: Final[dict[str, Callable[[Builder, Key, Any], Scores]]] = {
    "GaussianNB": _naive_bayes,
    "QuadraticDiscriminantAnalysis": _quadratic,
    "EllipticEnvelope": _envelope,
    "GaussianMixture": _mixture,
    "NearestCentroid": _centroid,
    "KMeans": _clusters,
    "MiniBatchKMeans": _clusters,
    "BisectingKMeans": _clusters,
}

KINDS: Final = frozenset(_READERS)
"""Names of the classes that are read here."""
