"""Softmax and its normalisation: exponentials by a table, their sum, and a table of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.layers.inner import pending, rounded, tabulated
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, Value, exact


def softmax(
    x: Value,
    axis: int | tuple[int, ...] = -1,
    precision: Precision = AS_IS,
    log: bool = False,
    mask: Any = None,
) -> Value:
    """Return ``exp(x - max) / sum``, or its logarithm.

    Parameters
    ----------
    x
        Exact values.
    axis
        One or several axes, without the event axis.
    precision
        Gives types to the roles "exp", "sum" and "inverse" (or "log"). Where it has none for
        "exp", the result is a `Pending` that a model may only end with.
    log
        Whether to return the logarithm.
    mask
        1 or True where an element takes part; None if all do.
    """

    def change(error: Floats) -> Floats:
        """Return how much a probability changes: its log odds by twice the largest change."""
        largest = np.max(error, axis=axis, keepdims=True)
        return error + largest if log else np.broadcast_to(np.tanh(largest / 2), error.shape)

    def function(v: Any) -> Value:
        return _softmax(v, axis, precision, log, mask)

    result = precision.composed(function, exact(x), change, argument="exp_input")
    return result if log or isinstance(result, Pending) else precision.within(result, 0, 1)


def log_sum_exp(x: Value, axes: tuple[int, ...], precision: Precision = AS_IS) -> Any:
    """Return ``max + log(sum(exp(x - max)))``, axes kept.

    Parameters
    ----------
    x
        Exact values.
    axes
        Without the event axis.
    precision
        Gives types to the roles "exp", "sum" and "log".
    """
    x = exact(x)
    top = np.max(x, axis=axes, keepdims=True)
    powers = tabulated("exp", np.exp, x - top, "exp", precision)
    total = rounded(np.sum(powers, axis=axes, keepdims=True), "sum", precision)
    return top + tabulated("logarithm", np.log, total, "log", precision)


def log_add_exp(x: Any, y: Any, precision: Precision = AS_IS) -> Any:
    """Return ``log(exp(x) + exp(y))`` of exact arrays: the greater one and a table of the distance.

    ``precision`` gives a type to the role "log".
    """
    distance = np.abs(x - y)
    table = lambda d: np.log1p(np.exp(-d))  # noqa: E731
    return np.maximum(x, y) + tabulated("logarithm", table, distance, "log", precision)


def _softmax(
    x: Any, axis: int | tuple[int, ...], precision: Precision, log: bool, mask: Any
) -> Value:
    valid = x if mask is None else np.where(mask, x, np.min(x, axis=axis, keepdims=True))
    difference = valid - np.max(valid, axis=axis, keepdims=True)
    difference = precision.within(difference, -np.inf, 0)
    powers = precision.inner(pending("exp", np.exp, difference), "exp")
    if isinstance(powers, Pending):
        return Pending(x, None, "log_softmax" if log else "softmax")
    if mask is not None:
        powers = np.where(mask, powers, 0.0)
    total = rounded(np.sum(powers, axis=axis, keepdims=True), "sum", precision)
    # The largest element's exponential is 1; none is larger.
    least = 1.0 if mask is None else _any(mask, powers.shape, axis)
    total = precision.within(total, least, powers.size // max(total.size, 1))
    if log:
        return difference - tabulated("logarithm", np.log, total, "log", precision)
    inverse = tabulated("reciprocal", np.reciprocal, total, "inverse", precision)
    return precision.within(powers * inverse, 0, 1)


def _any(mask: Any, shape: tuple[int, ...], axis: int | tuple[int, ...]) -> Any:
    """Return 1 where any element surely takes part, else 0."""
    if not isinstance(mask, np.ndarray):
        return 0.0
    return np.any(np.broadcast_to(mask, shape), axis=axis, keepdims=True).astype(np.float64)
