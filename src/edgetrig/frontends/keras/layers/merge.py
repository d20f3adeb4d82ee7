"""Merges of several values, sums over axes, and contractions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.frontends.joined import joined
from edgetrig.frontends.keras.form import Given
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.quantizers import read_quantizer
from edgetrig.frontends.layers.equations import written_out
from edgetrig.frontends.layers.inner import divided
from edgetrig.frontends.values import Value, exact, quantized

LARGEST: Final = 1 << 22
"""Most elements a merge may broadcast to."""


def sum_of(x: Any, y: Any) -> Any:
    """Return x + y."""
    return x + y


def difference_of(x: Any, y: Any) -> Any:
    """Return x - y."""
    return x - y


def product_of(x: Any, y: Any) -> Any:
    """Return x * y."""
    return x * y


def maximum_of(x: Any, y: Any) -> Any:
    """Return the greater."""
    return np.maximum(x, y)


def minimum_of(x: Any, y: Any) -> Any:
    """Return the lesser."""
    return np.minimum(x, y)


def _arrays(layer: Layer, values: Sequence[Value]) -> list[Any]:
    """Return exact arrays, each through its own input quantiser, broadcast as Keras does."""
    if not layer.config.get("enable_iq"):
        arrays = [exact(value) for value in values]
    else:
        conf = layer.config["iq_confs"]
        confs = conf if isinstance(conf, list) else [conf] * len(values)
        arrays = []
        for number, (value, description) in enumerate(zip(values, confs, strict=True)):
            name = f"quantizer_{number}" if number else "quantizer"
            store = layer.variables.at("iq", "quantizers", name)
            arrays.append(quantized(value, read_quantizer(description, store, events=True)))
    return arrays


def broadcastable(arrays: Sequence[Any]) -> Sequence[Any]:
    """Line up axes from the event axis on, as Keras' merge layers do, and bound the result."""
    rank = max(array.ndim for array in arrays)
    arrays = [array.reshape((1,) * (rank - array.ndim) + array.shape) for array in arrays]
    if prod(np.broadcast_shapes(*(array.shape for array in arrays))) > LARGEST:
        raise ValueError(f"it would broadcast to more than {LARGEST} elements")
    return arrays


def _merge(function: Callable[[Any, Any], Any]) -> Callable[..., Value]:
    def handler(layer: Layer, *values: Value) -> Value:
        return reduce(function, broadcastable(_arrays(layer, values)))

    return handler


add = _merge(sum_of)
subtract = _merge(difference_of)
multiply = _merge(product_of)
maximum = _merge(maximum_of)
minimum = _merge(minimum_of)


def average(layer: Layer, *values: Value) -> Value:
    """Keras' ``Average``: exact for 2, 4, 8, ... values, else once a quantiser follows."""
    return divided(add(layer, *values), len(values), layer.precision)


def average_pow2(layer: Layer, *values: Value) -> Value:
    """HGQ2's ``QAveragePow2``: the sum divided by the nearest power of two."""
    return add(layer, *values) * 2.0 ** round(np.log2(1 / len(values)))


def concatenate(layer: Layer, *values: Value) -> Value:
    """Join values along an axis; model inputs may be joined before they are quantised."""
    axis = int(layer.config["axis"])
    axis = axis - 1 if axis > 0 else axis
    return joined(lambda *arrays: np.concatenate(arrays, axis=axis), values)


def total(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QSum``: a sum over axes times a power of two."""
    axes = tuple(axis - 1 for axis in layer.config["axes"])
    keepdims = bool(layer.config["keepdims"])
    return np.sum(layer.quantized(x), axis=axes, keepdims=keepdims) * float(layer.config["scale"])


def mean_pow2(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QMeanPow2``: a sum over axes divided by the nearest power of two."""
    x = layer.quantized(x)
    axes = tuple(axis - 1 for axis in layer.config["axes"])
    scale = 2.0 ** round(np.log2(1 / prod(x.shape[axis] for axis in axes)))
    return np.sum(x, axis=axes, keepdims=bool(layer.config["keepdims"])) * scale


def dot(layer: Layer, x: Value, y: Value) -> Value:
    """Contract one axis of each of two values."""
    if layer.config.get("normalize"):
        raise ValueError("normalize=True is not supported; normalise before, or leave it out")
    a, b = _arrays(layer, (x, y))
    axes = layer.config["axes"]
    first, second = axes if isinstance(axes, list) else (axes, axes)
    letters = "abcdefghijklmnopqrstuvw"
    left, right = list(letters[: a.ndim]), list(letters[a.ndim : a.ndim + b.ndim])
    left[first % (a.ndim + 1) - 1] = right[second % (b.ndim + 1) - 1] = "z"
    out = "".join(c for c in left + right if c != "z")
    result = np.einsum(f"{''.join(left)},{''.join(right)}->{out}", a, b)
    return result if out else result.reshape((1,))


def einsum(layer: Layer, *values: Value) -> Value:
    """HGQ2's ``QEinsum``; the first index of each operand is the event axis."""
    return contracted(str(layer.config["equation"]), _arrays(layer, values))


def contracted(equation: str, arrays: Sequence[Any]) -> Any:
    """Return an einsum of arrays whose first index in the equation is the event axis.

    A constant (`Given`) has all the indices that the equation gives it, the event axis if there.
    """
    whole = [array.array if isinstance(array, Given) else array[None] for array in arrays]
    equation = written_out(equation, [array.ndim for array in whole])
    names = equation.split("->")[0].split(",")
    sizes = {
        c: size
        for name, array in zip(names, whole, strict=True)
        for c, size in zip(name, array.shape, strict=True)
    }
    if prod(sizes.values()) > LARGEST:
        raise ValueError(f"{prod(sizes.values())} products are too many to unroll")
    events = {name[:1] for name, x in zip(names, arrays, strict=True) if not isinstance(x, Given)}
    if len(events) != 1 or not equation.split("->")[-1].startswith(events.pop()):
        raise ValueError(f"the equation '{equation}' does not keep the event axis in front")
    return np.einsum(equation, *whole)[0]
