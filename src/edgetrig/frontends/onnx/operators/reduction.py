"""Reductions over axes, and choices among elements."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import activation as neutral
from edgetrig.frontends.layers import selection, softmax
from edgetrig.frontends.layers.running import running
from edgetrig.frontends.onnx.node import Argument, Node, argument, constant
from edgetrig.frontends.onnx.operators.pooling import greatest, mean, total
from edgetrig.frontends.onnx.operators.shape import Results, from_front
from edgetrig.frontends.scales.quotients import whole_quotient
from edgetrig.frontends.scales.scaled import (
    Known,
    Scaled,
    bounded_shape,
    same_along,
    scaled,
    shape_of,
)
from edgetrig.frontends.scales.tabled import applied
from edgetrig.frontends.values import Value, exact

Reduction = Callable[[Value, tuple[int, ...], bool], Value]


def reduction(function: Reduction, name: str = "") -> Callable[..., Results]:
    """Return the operator of a reduction, with a function of one variable after it if named."""

    def handler(node: Node, *arguments: Argument) -> Results:
        x = arguments[0]
        rank = len(shape_of(x))
        axes = node.listed("axes", arguments, 1)
        if not axes and not node.integer("noop_with_empty_axes", 0):
            axes = list(range(rank))
        keepdims = bool(node.integer("keepdims", 1))
        chosen = tuple(sorted({axis % max(rank, 1) for axis in axes or []}))
        result = function(x, chosen, keepdims)
        if name:
            result = applied(name, neutral.TABLES[name], result, node.precision)
        return [result]

    return handler


def picked(function: Callable[..., Any]) -> Reduction:
    """Return a reduction that picks elements: the greatest or the least."""

    def run(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
        return greatest(lambda v: function(v, axis=axes, keepdims=keepdims), x, axes)

    return run


def total_of(function: Callable[[Any], Any]) -> Reduction:
    """Return the sum of a function of each element, for which ``f(s x) = f(s) f(x)``."""

    def run(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
        if isinstance(x, Scaled) and x.pure:
            return total(scaled(function(x.array), function(x.scale)), axes, keepdims)
        return total(function(exact(x)), axes, keepdims)

    return run


def product(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
    """Return the product over axes."""
    return np.prod(exact(x), axis=axes, keepdims=keepdims)


def reduced_mean(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``ReduceMean``; that of whole numbers is one too, rounded towards zero."""
    if not node.whole:
        return reduction(mean)(node, *arguments)

    def whole_mean(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
        count = np.asarray(prod(shape_of(x)[axis] for axis in axes), np.float64)
        return whole_quotient(np.sum(exact(x), axis=axes, keepdims=keepdims), count, "TRN_ZERO")

    return reduction(whole_mean)(node, *arguments)


def log_sum_exp(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``ReduceLogSumExp``."""

    def run(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
        if not axes:
            return exact(x)
        kept = softmax.log_sum_exp(x, axes, node.precision)
        return kept if keepdims else np.squeeze(kept, axis=axes)

    return reduction(run)(node, *arguments)


REDUCTIONS: Final = {
    "ReduceSum": reduction(total),
    "ReduceMean": reduced_mean,
    "ReduceMax": reduction(picked(np.max)),
    "ReduceMin": reduction(picked(np.min)),
    "ReduceProd": reduction(product),
    "ReduceL1": reduction(total_of(np.abs)),
    "ReduceL2": reduction(total_of(np.square), "sqrt"),
    "ReduceSumSquare": reduction(total_of(np.square)),
    "ReduceLogSum": reduction(total, "log"),
}


def running_sum(node: Node, x: Value, axis: Argument) -> Results:
    """ONNX' ``CumSum``."""
    return [_running(node, x, axis, np.add, 0.0)]


def running_product(node: Node, x: Value, axis: Argument) -> Results:
    """ONNX' ``CumProd``."""
    return [_running(node, x, axis, np.multiply, 1.0)]


def _running(
    node: Node, x: Value, axis: Argument, join: Callable[[Any, Any], Any], first: float
) -> Any:
    array = exact(x)
    along = int(constant(axis, "axis").ravel()[0]) % array.ndim
    back = node.integer("reverse", 0)
    array = np.flip(array, axis=along) if back else array
    if node.integer("exclusive", 0):
        pads = [(int(k == along), 0) for k in range(array.ndim)]
        index = tuple(slice(0, -1) if k == along else slice(None) for k in range(array.ndim))
        array = np.pad(array[index], pads, constant_values=first)
    result = running(array, along, join)
    return np.flip(result, axis=along) if back else result


def hard_max(node: Node, x: Value) -> Results:
    """ONNX' ``Hardmax``: 1 at the first of the greatest; opsets below 13 take all axes from one."""
    values = exact(x)
    rank = values.ndim
    axis = node.integer("axis", -1 if node.opset >= 13 else 1) % rank
    if node.opset >= 13:
        return [selection.one_hot(selection.argmax(values, axis), values.shape[axis], axis)]
    flat = values.reshape((*values.shape[:axis], -1))
    return [selection.one_hot(selection.argmax(flat, -1), flat.shape[-1]).reshape(values.shape)]


def ordered(x: Value, axis: int) -> Any:
    """Return an exact array whose order along an axis is that of a value."""
    if not isinstance(x, Scaled) or x.bounded:
        return exact(x)
    alike = same_along(x.scale, (axis,)) and same_along(x.offset, (axis,))
    return x.array if alike else x.exact()


def best(function: Callable[..., Any]) -> Callable[..., Results]:
    """Return ``ArgMax`` or ``ArgMin``: the first of equals, or the last if asked for."""

    def handler(node: Node, x: Value) -> Results:
        axis = node.integer("axis", 0) % len(shape_of(x))
        keepdims = bool(node.integer("keepdims", 1))
        values = ordered(x, axis)
        if not node.integer("select_last_index", 0):
            return [function(values, axis, keepdims)]
        back = function(np.flip(values, axis=axis), axis, keepdims)
        return [values.shape[axis] - 1 - back]

    return handler


def top_k(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``TopK``: of equal elements the first comes first."""
    x = arguments[0]
    given = argument(arguments, 1)
    k = node.integer("k", 0) if given is None else int(constant(given, "k").ravel()[0])
    axis = node.integer("axis", -1) % len(shape_of(x))
    largest = bool(node.integer("largest", 1))
    return list(selection.top_k(exact(x), k, axis, largest))


def one_hot(node: Node, index: Value, depth: Argument, values: Argument) -> Results:
    """ONNX' ``OneHot``; an index below zero counts from the end."""
    count = int(constant(depth, "depth").ravel()[0])
    off, on = constant(values, "values").astype(np.float64)
    bounded_shape([*shape_of(index), count])
    axis = node.integer("axis", -1)
    if isinstance(index, Known):
        wrapped = np.where(index.real < 0, index.real + count, index.real)
        hot = np.moveaxis(wrapped[..., None] == np.arange(count), -1, axis)
        return [Known(np.where(hot, on, off))]
    hot = selection.one_hot(from_front(index, count), count, axis)
    return [hot * (on - off) + off]
