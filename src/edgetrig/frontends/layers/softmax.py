"""Softmax: exponentials by a table, their sum, its reciprocal by a table, and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.layers.inner import pending, rounded, tabulated
from edgetrig.frontends.precision import AS_IS, Precision
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
    x = exact(x)
    valid = x if mask is None else np.where(mask, x, np.min(x, axis=axis, keepdims=True))
    difference = valid - np.max(valid, axis=axis, keepdims=True)
    powers = precision.inner(pending("exp", np.exp, difference), "exp")
    if isinstance(powers, Pending):
        return Pending(x, None, "log_softmax" if log else "softmax")
    if mask is not None:
        powers = np.where(mask, powers, 0.0)
    total = rounded(np.sum(powers, axis=axis, keepdims=True), "sum", precision)
    if log:
        return difference - tabulated("logarithm", np.log, total, "log", precision)
    return powers * tabulated("reciprocal", np.reciprocal, total, "inverse", precision)
