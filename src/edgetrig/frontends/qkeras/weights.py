"""Weights through QKeras' quantisers, as a layer uses them at inference: in float32.

QKeras writes ``x + stop_gradient(q - x)``, whose float32 rounding may leave a last bit of the
unquantised ``x`` in a weight. Hardware gets ``q`` itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.qkeras import power_of_two
from edgetrig.frontends.qkeras.activations import applied
from edgetrig.frontends.qkeras.description import Description
from edgetrig.frontends.qkeras.scale import (
    EPSILON,
    Float32s,
    least_squares,
    scale_axes,
)
from edgetrig.frontends.qkeras.scale import power_of_two as nearest_power
from edgetrig.frontends.quantizer import Floats


@dataclass(frozen=True)
class Weights:
    """Quantised weights ``codes * scale``; ``scale`` broadcasts."""

    codes: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def values(self) -> NDArray[np.float64]:
        """The weights as QKeras multiplies by them: products in float32."""
        product = self.codes.astype(np.float32) * self.scale.astype(np.float32)
        return np.asarray(product, np.float64)

    def split(self) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return weights, and a factor for each of the last axis that the layer applies to sums.

        The factor is None where scales are powers of two, which cost nothing in the weights, or
        differ along other axes.
        """
        used = self.scale[self.scale != 0]
        dyadic = bool((np.abs(np.frexp(used)[0]) == 0.5).all())
        last = self.scale.ndim == 0 or self.scale.size == self.scale.shape[-1]
        if dyadic or not last:
            return self.values, None
        return self.codes, self.scale.reshape(-1)


def quantized(description: Description, values: Floats) -> Weights:
    """Return weights through a quantiser.

    Raises
    ------
    ValueError
        If the quantiser is random at inference or its parameters make no sense.
    """
    if description.get("qnoise_factor") not in (None, 1, 1.0):
        raise ValueError(
            f"{description.kind} with qnoise_factor={description['qnoise_factor']} mixes in "
            "unquantised numbers; set it to 1"
        )
    function = _QUANTIZERS.get(description.kind)
    with np.errstate(all="ignore"):
        if function is not None:
            codes, scale = function(description, values.astype(np.float32))
        else:
            codes, scale = applied(description, values.astype(np.float64)), 1.0
    result = Weights(np.asarray(codes, np.float64), np.asarray(scale, np.float64))
    if not (np.isfinite(result.codes).all() and np.isfinite(result.scale).all()):
        raise ValueError(f"{description.kind} gives no finite weights")
    return result


def _bits(description: Description, x: Float32s) -> tuple[Any, Any]:
    """`quantized_bits`."""
    bits, negative = description["bits"], bool(description["keep_negative"])
    steps = np.float32(2.0 ** (bits - negative))
    unit = np.exp2(np.asarray(description["integer"], np.float32))
    if description.automatic:
        return _bits_by_data(description, np.asarray(x / unit, np.float32), steps, unit)
    scale = least_squares(description["alpha"], x, x)
    if bits == negative:  # one bit: the sign
        return np.where(x < 0, -1, 1), scale
    lowest = negative * (-steps + int(description["symmetric"]))
    return unit * np.clip(np.rint(x * steps / unit), lowest, steps - 1) / steps, scale


def _bits_by_data(description: Description, x: Float32s, steps: Any, unit: Any) -> tuple[Any, Any]:
    """`quantized_bits` with a scale per channel from the weights' largest, or least squares."""
    axes = scale_axes(description["scale_axis"], x.ndim) if x.ndim > 1 else (0,)
    half = np.float32(2 ** (description["bits"] - 1) - 1)
    fixed = description["post_training_scale"]
    if fixed is not None:
        scale = np.asarray(fixed, np.float32) / steps
    else:
        scale = np.max(np.abs(x), axis=axes, keepdims=True) * np.float32(2) / (half * 2)

    def codes(scale: Float32s) -> Float32s:
        size = np.floor(np.abs(x) / scale + np.float32(0.5))
        return np.sign(x) * np.where(size < half, size, half)

    found = codes(scale)
    if fixed is None and description["alpha"] == "auto_po2":
        scale = nearest_power(scale)
        for _ in range(5):
            found = codes(scale)
            scale = _least_squares(description, "auto_po2", x, found)
        if description["rounds_again"]:  # releases up to 0.9.0 keep the last but one scale's codes
            found = codes(scale)
    return unit * found / steps, scale * steps


def _linear(description: Description, x: Float32s) -> tuple[Any, Any]:
    """`quantized_linear`."""
    bits, negative = description["bits"], int(bool(description["keep_negative"]))
    grid = np.float32(2.0 ** (description["integer"] - bits + negative))
    sign = bits == 1 and negative
    top = np.float32(0.5 if sign else 2.0 ** (bits - negative) - 1)
    bottom = -top if sign else np.float32(negative * (-top - 1 + int(description["symmetric"])))

    def codes(scale: Float32s) -> Float32s:
        shift = np.float32(0.5 if sign else 0)
        return np.asarray(np.rint(np.clip(x / scale, bottom, top) - shift) + shift)

    if not description.automatic:
        scale = least_squares(description["alpha"], x, x) * grid
        return codes(scale), scale
    axes = scale_axes(description["scale_axis"], x.ndim)
    if negative:
        scale = np.max(np.abs(x), axis=axes, keepdims=True) * np.float32(2) / (top - bottom)
    else:
        scale = np.max(x, axis=axes, keepdims=True) / (top - bottom)
    scale = np.maximum(scale, EPSILON)
    if description["alpha"] == "auto_po2":
        scale = nearest_power(scale)
        for _ in range(1 if sign else 5):
            before = scale
            scale = _least_squares(description, "auto_po2", x, codes(scale))
            if np.array_equal(before, scale):
                break
    return codes(scale), scale


def _binary(description: Description, x: Float32s) -> tuple[Any, Any]:
    """`binary`, and `stochastic_binary` at inference; zero counts as positive."""
    codes = np.where(x < 0, np.float32(-1), np.float32(1))
    if description.get("use_01"):
        codes = (codes + 1) / 2
    return codes, _least_squares(description, description["alpha"], x, codes)


def _ternary(description: Description, x: Float32s) -> tuple[Any, Any]:
    """`ternary`, and `stochastic_ternary` at inference."""
    if not description.automatic:
        threshold = 0.33 if description["threshold"] is None else description["threshold"]
        codes = (np.abs(x) >= np.float32(threshold)) * np.sign(x)
        return codes, least_squares(description["alpha"], x, x)
    axes = tuple(range(x.ndim - 1)) if x.ndim > 1 else None
    scale = np.float32(2) * np.max(np.abs(x), axis=axes, keepdims=True) / np.float32(3)
    if description["alpha"] == "auto_po2":
        scale = nearest_power(scale)
    codes = np.zeros_like(x)
    for _ in range(min(int(description["number_of_unrolls"]), 100)):
        near = scale * np.rint(x / scale)
        codes = (np.abs(near) >= scale / np.float32(2)) * np.sign(x)
        scale = least_squares(description["alpha"], x, codes)
    return codes, scale


def _least_squares(description: Description, alpha: Any, x: Float32s, codes: Any) -> Float32s:
    return least_squares(
        alpha,
        x,
        codes,
        description.get("scale_axis"),
        description.get("elements_per_scale"),
        (description.get("min_po2_exponent"), description.get("max_po2_exponent")),
    )


def _po2(description: Description, x: Float32s) -> tuple[Any, Any]:
    return power_of_two.rounded(description, x), 1.0


_QUANTIZERS: Final[dict[str, Callable[[Description, Float32s], tuple[Any, Any]]]] = {
    "quantized_bits": _bits,
    "quantized_linear": _linear,
    "binary": _binary,
    "stochastic_binary": _binary,
    "ternary": _ternary,
    "stochastic_ternary": _ternary,
    "quantized_po2": _po2,
    "quantized_relu_po2": _po2,
}
