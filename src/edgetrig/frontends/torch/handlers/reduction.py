"""Sums, means, extremes and norms along axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import softmax
from edgetrig.frontends.layers.inner import divided, pending, rounded
from edgetrig.frontends.layers.pooling import mean as mean_over
from edgetrig.frontends.layers.running import running
from edgetrig.frontends.scales import requantize
from edgetrig.frontends.torch.operation import Call
from edgetrig.frontends.values import Value, exact

Function = Callable[..., Any]
Axes = Any
"""None (all), one axis, or several."""


def _axes(axes: Axes, rank: int) -> tuple[int, ...]:
    if axes is None or axes == []:
        return tuple(range(rank))
    given = (axes,) if isinstance(axes, int) else axes
    return tuple(axis % max(rank, 1) for axis in given)


def _summands(call: Call, x: Value, dtype: Any) -> Any:
    """Return an exact array as the type asked for, if one is, holds it."""
    array = exact(x)
    whole = dtype is not None and call.dtypes[0].startswith(("int", "uint"))
    return requantize.rounded(array, "TRN_ZERO") if whole else array


def over(function: Function) -> Function:
    """Return the handler of a reduction of an exact array along axes."""

    def handler(
        call: Call, x: Value, dim: Axes = None, keepdim: bool = False, dtype: Any = None
    ) -> Value:
        array = _summands(call, x, dtype)
        if array.ndim == 0:
            return array
        return function(array, axis=_axes(dim, array.ndim), keepdims=keepdim)

    return handler


def mean(call: Call, x: Value, dim: Axes = None, keepdim: bool = False, dtype: Any = None) -> Value:
    """Return a sum over its number of elements, which is exact for a power of two."""
    array = exact(x)
    return mean_over(array, _axes(dim, array.ndim), keepdim, call.precision)


def cumulative_sum(call: Call, x: Value, dim: int, dtype: Any = None) -> Value:
    """Return sums of the first 1, 2, ... elements."""
    return running(_summands(call, x, dtype), dim)


def _variance(root: bool) -> Function:
    def handler(
        call: Call,
        x: Value,
        dim: Axes = None,
        correction: float | None = None,
        keepdim: bool = False,
        unbiased: bool = True,
    ) -> Value:
        array = exact(x)
        axes = _axes(dim, array.ndim)
        count = prod(array.shape[axis] for axis in axes)
        free = (1 if unbiased else 0) if correction is None else int(correction)
        average = rounded(mean_over(array, axes, True, call.precision), "mean", call.precision)
        squares = np.sum((array - average) ** 2, axis=axes, keepdims=keepdim)
        variance = divided(squares, max(count - free, 1), call.precision, "variance")
        return pending("sqrt", np.sqrt, variance) if root else variance

    return handler


def vector_norm(
    call: Call,
    x: Value,
    ord: float = 2,
    dim: Axes = None,
    keepdim: bool = False,
    dtype: Any = None,
) -> Value:
    """Return the norm of order 1, 2 or infinity along axes."""
    array = exact(x)
    axes = _axes(dim, array.ndim)
    if ord == 1:
        return np.sum(np.abs(array), axis=axes, keepdims=keepdim)
    if ord == float("inf"):
        return np.max(np.abs(array), axis=axes, keepdims=keepdim)
    if ord != 2:
        raise ValueError(f"a norm of order {ord} is not supported; use 1, 2 or infinity")
    squares = np.sum(array * array, axis=axes, keepdims=keepdim)
    return pending("sqrt", np.sqrt, rounded(squares, "sum", call.precision))


def _norm(call: Call, x: Value, p: float = 2, dim: Axes = None, keepdim: bool = False) -> Value:
    return vector_norm(call, x, p, dim, keepdim)


def _log_sum_exp(call: Call, x: Value, dim: Axes, keepdim: bool = False) -> Value:
    array = exact(x)
    result = softmax.log_sum_exp(array, _axes(dim, array.ndim), call.precision)
    return result if keepdim else result.reshape(call.shape)


HANDLERS: Final[Mapping[str, Function]] = {
    "sum": over(np.sum),
    "mean": mean,
    "amax": over(np.max),
    "amin": over(np.min),
    "any": over(lambda x, **options: np.max(x != 0, **options)),
    "all": over(lambda x, **options: np.min(x != 0, **options)),
    "prod": over(np.prod),
    "cumsum": cumulative_sum,
    "var": _variance(root=False),
    "std": _variance(root=True),
    "linalg_vector_norm": vector_norm,
    "norm": _norm,
    "logsumexp": _log_sum_exp,
}
"""By ATen's names."""
