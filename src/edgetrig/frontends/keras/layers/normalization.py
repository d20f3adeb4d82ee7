"""Batch normalisation with its statistics folded into one factor and one offset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.layers import normalization as neutral
from edgetrig.frontends.layers.normalization import inverse_deviation
from edgetrig.frontends.values import Raw, Value, exact, fits

Float32s = NDArray[np.float32]

_EPSILON = 1e-7  # Keras' global value, the least deviation that it divides by


def batch_normalization(layer: Layer, x: Value) -> Value:
    """``x * factor + offset`` with Keras' float32 factor and offset, not quantised."""
    x = exact(x)
    shape = _broadcast_shape(layer, x)
    factor, offset = _folded(layer, shape[np.argmax(shape)])
    scale = layer.quantized_weight(factor, "kq").reshape(shape)
    return x * scale + layer.quantized_weight(offset, "bq").reshape(shape)


def q_batch_normalization(layer: Layer, x: Value) -> Value:
    """``x * factor + offset``, both quantised."""
    x = layer.quantized(x)
    shape = _broadcast_shape(layer, x)
    factor, offset = _folded(layer, shape[np.argmax(shape)], missing_offset=1)
    scale = layer.quantized_weight(factor, "kq").reshape(shape)
    return x * scale + layer.quantized_weight(offset, "bq").reshape(shape)


def layer_normalization(layer: Layer, x: Value) -> Value:
    """Keras' ``LayerNormalization``."""
    x = exact(x)
    axes = _axes(layer, x.ndim)
    gamma, beta = _trained(layer, x, axes)
    if layer.config.get("rms_scaling"):
        raise ValueError("rms_scaling is not supported; use RMSNormalization")
    return neutral.layer_norm(x, axes, gamma, beta, layer.config["epsilon"], layer.precision)


def rms_normalization(layer: Layer, x: Value) -> Value:
    """Keras' ``RMSNormalization``."""
    x = exact(x)
    axes = _axes(layer, x.ndim)
    gamma = meeting(layer.weight(0), x, axes)
    return neutral.rms_norm(x, axes, gamma, None, layer.config["epsilon"], layer.precision)


def unit_normalization(layer: Layer, x: Value) -> Value:
    """Keras' ``UnitNormalization``."""
    x = exact(x)
    return neutral.unit_norm(x, _axes(layer, x.ndim), precision=layer.precision)


def group_normalization(layer: Layer, x: Value) -> Value:
    """Keras' ``GroupNormalization``; -1 groups mean one a channel."""
    x = exact(x)
    (axis,) = _axes(layer, x.ndim)
    gamma, beta = _trained(layer, np.moveaxis(x, axis, -1), (x.ndim - 1,))
    groups = int(layer.config["groups"])
    x = np.moveaxis(x, axis, -1)
    result = neutral.group_norm(
        x,
        x.shape[-1] if groups == -1 else groups,
        gamma,
        beta,
        layer.config["epsilon"],
        layer.precision,
    )
    return np.moveaxis(result, -1, axis)


def meeting(weight: Float32s, x: Any, axes: tuple[int, ...]) -> Float32s:
    """Return weights of normalised axes in the shape that meets ``x``."""
    return weight.reshape([size if k in axes else 1 for k, size in enumerate(x.shape)])


def _axes(layer: Layer, rank: int) -> tuple[int, ...]:
    """Return the normalised axes without the event axis, counted from the front."""
    axis = layer.config["axis"]
    axes = axis if isinstance(axis, list) else [axis]
    found = tuple(sorted(int(a) % (rank + 1) - 1 for a in axes))
    if found[0] < 0:
        raise ValueError("normalises over events")
    return found


def _trained(
    layer: Layer, x: Any, axes: tuple[int, ...]
) -> tuple[Float32s | None, Float32s | None]:
    """Return gamma and beta in the shape that meets ``x``."""
    scaled, centered = bool(layer.config["scale"]), bool(layer.config["center"])
    gamma = meeting(layer.weight(0), x, axes) if scaled else None
    beta = meeting(layer.weight(int(scaled)), x, axes) if centered else None
    return gamma, beta


def rescaling(layer: Layer, x: Value) -> Value:
    """``x * scale + offset`` in float32 constants."""
    scale, offset = (np.float64(np.float32(layer.config[k])) for k in ("scale", "offset"))
    return exact(x) * scale + offset


def normalization(layer: Layer, x: Value) -> Value:
    """Keras' ``Normalization``: by powers of two wiring and an offset, else a rounded factor."""
    if layer.config.get("invert"):
        raise ValueError("invert=True is not supported")
    mean, variance = _moments(layer)
    deviation = np.maximum(np.sqrt(variance), np.float32(_EPSILON)).astype(np.float64)
    scale, shape = 1 / deviation, x.array.shape if isinstance(x, Raw) else x.shape
    if not (fits(mean.shape, shape) and fits(scale.shape, shape)):
        raise ValueError(f"its mean of shape {mean.shape} does not fit an input of {shape}")
    wired = bool((np.frexp(deviation)[0] == 0.5).all())
    if not wired and layer.precision.exact:
        raise ValueError(
            "its standard deviations are not powers of two, which hardware would have to divide "
            "by; round them, as edgetrig.training does, or use edgetrig.quantize(model, x)"
        )
    if not isinstance(x, Raw):
        factor = scale if wired else layer.precision.weight(scale, "scale")
        return exact(x) * factor + layer.precision.weight(-mean * scale, "bias")
    return replace(x, scale=x.scale * scale, offset=(x.offset - mean) * scale)


def _moments(layer: Layer) -> tuple[NDArray[np.float64], Float32s]:
    """Return mean and variance as given, or as adapted to data along the last axis."""
    if layer.config.get("mean") is not None:
        mean, variance = (np.asarray(layer.config[k], np.float32) for k in ("mean", "variance"))
        return mean.astype(np.float64), variance
    axis = layer.config["axis"]
    if axis not in (-1, [-1], None, []):
        raise ValueError("is adapted along other axes than the last; give it mean and variance")
    mean, variance = layer.weight(0), layer.weight(1)
    return mean.astype(np.float64), variance


def quantizer(layer: Layer, x: Value) -> Value:
    """HGQ2's ``Quantizer`` used as a layer of its own."""
    return layer.fixed(x)


def _folded(layer: Layer, size: int, missing_offset: int = 0) -> tuple[Float32s, Float32s]:
    """Return factor and offset; HGQ2 takes an offset of 1 where there is no ``center``."""
    scaled, centered = bool(layer.config["scale"]), bool(layer.config["center"])
    first = int(scaled) + int(centered)
    mean, variance = (layer.weight(first + k, (size,)) for k in (0, 1))
    factor = inverse_deviation(variance, layer.config["epsilon"])
    if scaled:
        factor = layer.weight(0, (size,)) * factor
    shift = layer.weight(int(scaled), (size,)) if centered else np.float32(missing_offset)
    return factor, shift - mean * factor


def _broadcast_shape(layer: Layer, x: Any) -> tuple[int, ...]:
    """Return the shape that the statistics take on to meet ``x`` (without the event axis)."""
    axis = layer.config["axis"]
    axis = axis[0] if isinstance(axis, list) else axis
    axis = axis % (x.ndim + 1) - 1
    return tuple(size if k == axis else 1 for k, size in enumerate(x.shape))
