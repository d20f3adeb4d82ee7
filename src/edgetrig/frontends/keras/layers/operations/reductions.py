"""Reductions over axes, and choices among the elements along one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.axes import own_axes, own_axis
from edgetrig.frontends.layers import pooling, selection
from edgetrig.frontends.layers.inner import divided, pending, rounded
from edgetrig.frontends.layers.running import running
from edgetrig.frontends.values import Value, exact, shape_of

Handler = Callable[..., Any]


def reduction(function: Callable[..., Any]) -> Handler:
    """Return the handler of a reduction over axes."""

    def handler(layer: Layer, x: Value) -> Value:
        x = exact(x)
        axes = own_axes(layer.config["axis"], x.ndim)
        return function(x, axis=axes, keepdims=bool(layer.config["keepdims"]))

    return handler


def mean(layer: Layer, x: Value) -> Value:
    """``keras.ops.mean``: exact over 2, 4, 8, ... elements, else once a quantiser follows."""
    x = exact(x)
    axes = own_axes(layer.config["axis"], x.ndim)
    return pooling.mean(x, axes, bool(layer.config["keepdims"]), layer.precision)


def variance(layer: Layer, x: Value) -> Value:
    """``keras.ops.var``: exact over 2, 4, 8, ... elements, else by types for mean and quotient."""
    x = exact(x)
    axes = own_axes(layer.config["axis"], x.ndim)
    middle = rounded(pooling.mean(x, axes, True, layer.precision), "mean", layer.precision)
    squares = np.sum(np.square(x - middle), axis=axes, keepdims=bool(layer.config["keepdims"]))
    return divided(squares, x.size // max(middle.size, 1), layer.precision, "variance")


def deviation(layer: Layer, x: Value) -> Value:
    """``keras.ops.std``."""
    return pending("sqrt", np.sqrt, variance(layer, x))


def cumulated(layer: Layer, x: Value) -> Value:
    """``keras.ops.cumsum``."""
    x = exact(x)
    return running(x, own_axis(layer.config["axis"], x.ndim))


def best(function: Callable[..., Any]) -> Handler:
    """Return the handler of ``keras.ops.argmax`` or ``argmin``."""

    def handler(layer: Layer, x: Value) -> Value:
        x = exact(x)
        axis = own_axis(layer.config["axis"], x.ndim)
        return function(x, axis, bool(layer.config["keepdims"]))

    return handler


def top_k(layer: Layer, x: Value) -> Sequence[Value]:
    """``keras.ops.top_k``: values and positions."""
    return selection.top_k(exact(x), int(layer.config["k"]))


def sort(layer: Layer, x: Value) -> Value:
    """``keras.ops.sort``."""
    x = exact(x)
    return selection.sort(x, own_axis(layer.config["axis"], x.ndim))


def argsort(layer: Layer, x: Value) -> Value:
    """``keras.ops.argsort``."""
    x = exact(x)
    return selection.argsort(x, own_axis(layer.config["axis"], x.ndim))


def one_hot(layer: Layer, x: Value) -> Value:
    """``keras.ops.one_hot``."""
    rank = len(shape_of(x)) + 1
    axis = own_axis(layer.config["axis"], rank)
    return selection.one_hot(x, int(layer.config["num_classes"]), axis)


REDUCTIONS: Final[dict[str, Handler]] = {
    "Sum": reduction(np.sum),
    "Max": reduction(np.max),
    "Amax": reduction(np.max),
    "Min": reduction(np.min),
    "Amin": reduction(np.min),
    "Prod": reduction(np.prod),
    "Any": reduction(np.any),
    "All": reduction(np.all),
    "Mean": mean,
    "Var": variance,
    "Std": deviation,
    "Cumsum": cumulated,
    "Argmax": best(selection.argmax),
    "Argmin": best(selection.argmin),
    "TopK": top_k,
    "Sort": sort,
    "Argsort": argsort,
    "OneHot": one_hot,
}
"""Handlers by class name."""
