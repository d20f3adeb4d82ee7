"""Choosing elements: the greatest, the k greatest, sorted orders, and rows of a table by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgetrig.circuit import sorting_network
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats, Quantizer
from edgetrig.frontends.values import Raw, Value, exact, quantized


def argmax(x: Any, axis: int | None = -1, keepdims: bool = False) -> Any:
    """Return the position of the greatest element of an exact array, the first of equals."""
    return _kept(np.argmax(x, axis=axis), x, axis, keepdims)


def argmin(x: Any, axis: int | None = -1, keepdims: bool = False) -> Any:
    """Return the position of the least element of an exact array, the first of equals."""
    return _kept(np.argmin(x, axis=axis), x, axis, keepdims)


def _kept(index: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    if not keepdims:
        return index
    return index.reshape((1,) * x.ndim) if axis is None else np.expand_dims(index, axis)


def top_k(x: Any, k: int, axis: int = -1, largest: bool = True) -> tuple[Any, Any]:
    """Return the k greatest (or least) elements along an axis, best first, and their positions.

    Of equal elements the first comes first. One sorting network; what it does not need for its
    first k places is dropped with the dead rows of the circuit.

    Raises
    ------
    ValueError
        If there are fewer than k elements.
    """
    size = x.shape[axis]
    if not 0 < k <= size:
        raise ValueError(f"k={k} of {size} elements")
    values = np.moveaxis(x, axis, 0)
    places = np.arange(size).reshape((size, *[1] * (values.ndim - 1)))
    places = np.broadcast_to(places, values.shape).astype(np.float64)
    for low, distance in sorting_network(size):
        if not low.size:
            continue
        values, places = _exchanged(values, places, low, low + distance, largest)
    return np.moveaxis(values[:k], 0, axis), np.moveaxis(places[:k], 0, axis)


def _exchanged(values: Any, places: Any, low: Any, high: Any, largest: bool) -> tuple[Any, Any]:
    """Put pairs of elements in order."""
    (v0, v1), (p0, p1) = ([np.take(v, k, axis=0) for k in (low, high)] for v in (values, places))
    better = v0 < v1 if largest else v1 < v0
    swap = np.logical_or(better, np.logical_and(v0 == v1, p1 < p0))
    rest = np.setdiff1d(np.arange(values.shape[0]), np.concatenate([low, high]))
    back = np.argsort(np.concatenate([low, high, rest]))
    sorted_pairs = []
    for v, first, second in ((values, v0, v1), (places, p0, p1)):
        parts = [np.where(swap, second, first), np.where(swap, first, second)]
        if rest.size:
            parts.append(np.take(v, rest, axis=0))
        sorted_pairs.append(np.take(np.concatenate(parts, axis=0), back, axis=0))
    return sorted_pairs[0], sorted_pairs[1]


def sort(x: Any, axis: int = -1, descending: bool = False) -> Any:
    """Return an exact array sorted along an axis."""
    result = np.sort(x, axis=axis)
    return np.flip(result, axis=axis) if descending else result


def argsort(x: Any, axis: int = -1, descending: bool = False) -> Any:
    """Return the positions that sort an exact array along an axis, stably."""
    return top_k(x, x.shape[axis], axis, largest=descending)[1]


def one_hot(index: Any, depth: int, axis: int = -1) -> Any:
    """Return 1 at each index, 0 elsewhere, along a new axis of a given size.

    An index outside gives zeros alone.
    """
    x = exact(whole(index, depth))
    choices = np.arange(depth, dtype=np.float64)
    equal = np.where(x[..., None] == choices, 1.0, 0.0)
    return np.moveaxis(equal, -1, axis)


def embedding(index: Value, table: Floats, precision: Precision = AS_IS) -> Any:
    """Return rows of a table by exact whole numbers, or by a model's input.

    Parameters
    ----------
    index
        Whole numbers of any shape; those outside the table mean its first or last row.
    table
        Shape (rows, ...); goes through ``precision`` as "kernel".
    """
    rows = precision.weight(table, "kernel")
    x = exact(whole(index, len(rows)))
    columns = rows.reshape((len(rows), -1))
    results = [_exact_type(column).table(x, _row_of(column)) for column in columns.T]
    return np.stack(results, axis=-1).reshape((*x.shape, *rows.shape[1:]))


def _row_of(column: Floats) -> Callable[[Floats], Floats]:
    return lambda v: column[np.clip(v.astype(np.int64), 0, len(column) - 1)]


def whole(index: Value, count: int) -> Value:
    """Return exact whole numbers; a model's input becomes a port of just enough bits for count."""
    if not isinstance(index, Raw):
        return index
    bits = max((count - 1).bit_length(), 1)
    return quantized(index, Quantizer(np.array(0), np.array(bits), np.array(0), "TRN", "SAT"))


def _exact_type(values: Floats) -> Quantizer:
    """Return the smallest type that holds all of some numbers as they are."""
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    whole_ = (mantissa * 2.0**53).astype(np.int64)
    trailing = np.array([(int(v) & -int(v)).bit_length() - 1 for v in whole_])
    fraction = int(np.where(whole_ == 0, -100, 53 - exponent - trailing).max(initial=-100))
    codes = np.ldexp(values.astype(np.float64), max(fraction, -64))
    bits = max(int(np.abs(codes).max(initial=0)).bit_length(), 1)
    fraction = max(fraction, -64)
    signed = int((values < 0).any())
    return Quantizer(np.array(signed), np.array(bits - fraction), np.array(fraction), "TRN", "SAT")


def chosen(x: Any, index: Any, axis: int = 0) -> Any:
    """Return elements at computed positions along an axis, as ``np.take`` does.

    Parameters
    ----------
    x
        Exact values or constants.
    index
        Exact whole numbers of any shape; those below zero count from the end.
    axis
        Of ``x``, without the event axis.
    """
    options = np.moveaxis(x, axis, 0)
    place = index.reshape((*index.shape, *[1] * (options.ndim - 1)))
    result = _at([options[k] for k in range(options.shape[0])], place)
    axis, rank = axis % x.ndim, index.ndim
    return np.moveaxis(result, range(rank), range(axis, axis + rank))


def chosen_along(x: Any, index: Any, axis: int) -> Any:
    """Return for each position of an index its element along an axis, as PyTorch's ``gather``.

    Other axes of ``x`` may be longer than the index's: their first elements count.
    """
    place = np.moveaxis(index, axis, 0)
    rest = tuple(slice(size) for size in place.shape[1:])
    options = np.moveaxis(x, axis, 0)[(slice(None), *rest)]
    result = _at([options[k : k + 1] for k in range(options.shape[0])], place)
    return np.moveaxis(result, 0, axis)


def _at(options: list[Any], place: Any) -> Any:
    """Return the option of a number, one bit of the number after the other, the lowest first."""
    place = np.where(place < 0, place + len(options), place)
    if len(options) == 1:
        return np.where(place < 0, options[0], options[0])  # of both shapes together
    while len(options) > 1:
        half = np.floor(place * 0.5)
        odd = place - half * 2 > 0
        pairs = zip(options[::2], options[1::2], strict=False)
        last = options[len(options) & ~1 :]
        options = [np.where(odd, second, first) for first, second in pairs] + last
        place = half
    return options[0]


def gather(x: Any, indices: Floats, axis: int = 0) -> Any:
    """Return elements at known positions along an axis: wiring alone.

    Raises
    ------
    ValueError
        If a position is outside.
    """
    index = np.asarray(indices).astype(np.int64)
    size = x.shape[axis]
    if ((index < -size) | (index >= size)).any():
        raise ValueError(f"gathers from outside an axis of {size} elements")
    return np.take(x, np.where(index < 0, index + size, index), axis=axis)
