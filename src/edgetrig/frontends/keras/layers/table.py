"""HGQ2's table layers: one table for each weight's place, of one quantised number, then sums.

A table is a small network of one input that was trained in place of a weight. It is computed in
float64 for every value that its input can take and rounded to float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.activation import activated, activation_name
from edgetrig.frontends.keras.layers.convolution import numbers
from edgetrig.frontends.keras.layers.merge import LARGEST
from edgetrig.frontends.keras.layers.moving import zero_padded
from edgetrig.frontends.layers.activation import EXACT, TABLES, finite_float32
from edgetrig.frontends.layers.convolution import gathered, padded, taps
from edgetrig.frontends.layers.equations import written_out
from edgetrig.frontends.layers.normalization import inverse_deviation
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Value, rearranged, shape_of

Network = Callable[[Floats, tuple[int, ...]], Floats]
"""The function of the table at one place of the weights."""


def dense_tables(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QDenseT``: ``y[o] = sum_i table[i, o](x[i])`` over the last axis."""
    rank = len(shape_of(x))
    units = int(layer.config["n_out"])
    spread = _spread(x, (units,))
    places = (rank - 1, rank)
    network = _network(layer, places, _output_statistics(layer, shape_of(x)[-1]))
    tables = _tabulated(layer, layer.quantized(spread), places, network)
    return activated(layer, np.sum(tables, axis=-2))


def convolution_tables(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QConvT1D`` and ``QConvT2D``: `dense_tables` over every window."""
    if layer.config["data_format"] != "channels_last":
        raise ValueError("data_format='channels_first' is not supported for tables")
    *sizes, channels = shape_of(x)
    options = [numbers(layer.config[k], len(sizes)) for k in _WINDOW]
    window, strides, dilation = options
    pads = padded(str(layer.config["padding"]), sizes, window, strides, dilation)
    x = zero_padded(x, [*pads, (0, 0)])
    wide = [size + sum(pad) for size, pad in zip(sizes, pads, strict=True)]
    axes = zip(wide, window, strides, dilation, strict=True)
    indices = [taps(size, k, s, (0, 0), d) for size, k, s, d in axes]
    positions = tuple(len(index) for index in indices)
    shape = (*positions, prod(window) * channels)
    x = rearranged(x, lambda v: gathered(v, indices).reshape(shape))
    config = dict(layer.config) | {"n_out": layer.config["filters"]}
    return dense_tables(replace(layer, config=config), x)


_WINDOW = ("kernel_size", "strides", "dilation_rate")


def einsum_tables(layer: Layer, x: Value) -> Value:
    """HGQ2's ``QEinsumDenseT``: an einsum whose products are tables."""
    written = str(layer.config["equation"])
    kernel = written.partition(",")[2].partition("->")[0].strip()
    equation = written_out(written, [len(shape_of(x)) + 1, len(kernel)])
    left, out = equation.split("->")
    inputs, weights = left.split(",")
    inputs, out = inputs[1:], out[1:]  # without events
    extra = "".join(c for c in weights if c not in inputs)
    every = inputs + extra
    sizes = dict(zip(weights, _kernel_shape(layer, len(weights)), strict=True))
    spread = _spread(x, tuple(sizes[c] for c in extra))
    places = tuple(every.index(c) for c in weights)
    contracted = [c for c in inputs if c not in out]
    count = prod(shape_of(x)[inputs.index(c)] for c in contracted)
    network = _network(layer, places, _einsum_statistics(layer, weights, out, count))
    tables = _tabulated(layer, layer.quantized(spread), places, network)
    total = np.sum(tables, axis=tuple(every.index(c) for c in contracted)) if contracted else tables
    left_over = [c for c in every if c not in contracted]
    return activated(layer, np.transpose(total, [left_over.index(c) for c in out]))


def _spread(x: Value, sizes: tuple[int, ...]) -> Value:
    """Return a value repeated along new axes at the end, one for each further index of weights."""
    shape = shape_of(x)
    if prod(shape) * prod(sizes) > LARGEST:
        raise ValueError(f"{prod(shape) * prod(sizes)} tables are too many to unroll")
    new = (..., *[None] * len(sizes))
    return rearranged(x, lambda v: np.broadcast_to(v[new], (*shape, *sizes)))


def _tabulated(layer: Layer, x: Any, places: Sequence[int], network: Network) -> Any:
    """Return each element through the table at its place; ``places`` are the axes of weights."""
    quantizer = layer.quantizer("toq")
    if quantizer is None:
        raise ValueError("its tables have no quantiser")
    order = [*places, *(k for k in range(x.ndim) if k not in places)]
    columns = [
        np.broadcast_to(column, x.shape).transpose(order)
        for column in (quantizer.signed, quantizer.integer, quantizer.fraction)
    ]
    moved = np.transpose(x, order)
    results = []
    for place in np.ndindex(*moved.shape[: len(places)]):
        signed, integer, fraction = (column[place] for column in columns)
        types = replace(quantizer, signed=signed, integer=integer, fraction=fraction)
        results.append(types.table(moved[place], _column(network, place)))
    stacked = np.stack(results, axis=0).reshape(moved.shape)
    return np.transpose(stacked, [int(k) for k in np.argsort(order)])


def _column(network: Network, place: tuple[int, ...]) -> Callable[[Floats], Floats]:
    def values(x: Floats) -> NDArray[np.float64]:
        return finite_float32(lambda: network(x.ravel(), place).reshape(x.shape))

    return values


@dataclass(frozen=True)
class _Statistics:
    """``(y * scale[place] + offset[place]) / divisor`` behind the networks."""

    scale: Floats
    offset: Floats
    divisor: float


def _network(layer: Layer, places: Sequence[int], statistics: _Statistics | None) -> Network:
    """Return the networks of all places: linear layers with a function between them.

    ``places`` are the axes of the weights among those of the layer's products.
    """
    name = activation_name(layer, "subnn_activation")
    function = EXACT.get(name) or TABLES.get(name)
    if function is None:
        raise ValueError(f"subnn_activation '{name}' is not supported")
    layers = _linear_layers(layer, places)

    def network(x: Floats, place: tuple[int, ...]) -> Floats:
        y = x[:, None]
        for kernel, bias in layers[:-1]:
            weights = kernel[place]
            y = np.broadcast_to(y, (len(x), len(weights))) @ weights
            y = function(y if bias is None else y + bias[place])
        kernel, bias = layers[-1]
        y = np.broadcast_to(y, (len(x), len(kernel[place]))) @ kernel[place]
        if bias is not None:
            y = y + bias[place]
        if statistics is None:
            return np.asarray(y)
        scaled = y * statistics.scale[place] + statistics.offset[place]
        return np.asarray(scaled / statistics.divisor)

    return network


def _linear_layers(layer: Layer, places: Sequence[int]) -> list[tuple[Floats, Floats | None]]:
    """Return kernels (*place, inputs, outputs), the last (*place, inputs), and biases."""
    result: list[tuple[Floats, Floats | None]] = []
    for number in range(int(layer.config["n_hl"]) + 1):
        part = _linear_layer(layer, number)
        kernel = part.weight(0).astype(np.float64)
        bias = part.weight(1).astype(np.float64) if len(part.variables) > 1 else None
        result.append((kernel, None if bias is None else _by_place(bias, kernel, places)))
    return result


def _linear_layer(layer: Layer, number: int) -> Layer:
    name = f"einsum_dense_{number}" if number else "einsum_dense"
    return layer.part("module", {}).part("layers", {}).part(name, {})


def _by_place(bias: Floats, kernel: Floats, places: Sequence[int]) -> Floats:
    """Return a bias with the kernel's order of axes: Keras has them in the order of products'."""
    order = [int(k) for k in np.argsort(places)]
    shape = [kernel.shape[k] for k in order]
    behind = bias.size // prod(shape)
    ordered = bias.reshape((*shape, behind))
    moved = ordered.transpose([*(int(k) for k in np.argsort(order)), len(shape)])
    return moved if kernel.ndim > len(shape) + 1 else moved[..., 0]


def _kernel_shape(layer: Layer, axes: int) -> tuple[int, ...]:
    """Return the sizes of the weights' axes, from the last of a place's linear layers."""
    return _linear_layer(layer, int(layer.config["n_hl"])).weight(0).shape[:axes]


def _output_statistics(layer: Layer, inputs: int) -> _Statistics | None:
    """Return ``QDenseT``'s batch norm: one scale and offset an output."""
    if not layer.config.get("batch_norm"):
        return None
    scale, offset = _folded(layer.part("bn_module", layer.config), layer.config)
    units = int(layer.config["n_out"])
    shape = (inputs, units)
    return _Statistics(
        np.broadcast_to(scale, shape), np.broadcast_to(offset, shape), float(np.sqrt(inputs))
    )


def _einsum_statistics(layer: Layer, weights: str, out: str, inputs: int) -> _Statistics | None:
    """Return ``QEinsumDenseT``'s batch norm, over the axes that it normalises."""
    if not layer.config.get("batch_norm"):
        return None
    named = layer.config.get("normalize_axes") or layer.config.get("bias_axes")
    normalized = str(named or "".join(c for c in weights if c in out))
    if any(c not in weights for c in normalized):
        raise ValueError(f"normalises over '{normalized}', not all of them its weights' axes")
    scale, offset = _folded(layer, layer.config)
    shape = _kernel_shape(layer, len(weights))
    order = [normalized.index(c) for c in weights if c in normalized]
    new = tuple(slice(None) if c in normalized else None for c in weights)
    wide = [np.broadcast_to(v.transpose(order)[new], shape) for v in (scale, offset)]
    return _Statistics(wide[0], wide[1], float(np.sqrt(inputs)))


def _folded(holder: Layer, config: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Return a batch norm's scale and offset, in float32 as the library computes them."""
    scaled, centered = bool(config["bn_scale"]), bool(config["bn_center"])
    first = int(scaled) + int(centered)
    mean, variance = holder.weight(first), holder.weight(first + 1)
    factor = inverse_deviation(variance, config["bn_epsilon"])
    if scaled:
        factor = holder.weight(0, variance.shape) * factor
    offset = -mean * factor
    if centered:
        offset = holder.weight(int(scaled), variance.shape) + offset
    return factor.astype(np.float64), offset.astype(np.float64)
