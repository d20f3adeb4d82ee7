"""Quantisers: hand-written ones as `rounding` finds them, and PyTorch's fake quantisation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import numpy as np

from edgetrig.circuit import Overflow, Rounding
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.scales.quantized import quantized as with_scale
from edgetrig.frontends.scales.requantize import Whole, rounded
from edgetrig.frontends.scales.scaled import Scaled, scaled
from edgetrig.frontends.torch.handlers.arithmetic import multiply, powers_of_two
from edgetrig.frontends.torch.operation import Call, Weight, values_of
from edgetrig.frontends.values import Pending, Raw, Value, exact, quantized

Function = Callable[..., Any]


def quantize(call: Call, x: Value, scale: float, rounding: str, low: float, high: float) -> Value:
    """``clamp(round(x * scale), low, high)``."""
    if math.frexp(scale)[0] != 0.5:
        step, zero = np.asarray(1 / scale), np.zeros(())
        target = Whole(step, zero, np.int64(low), np.int64(high), rounding)  # type: ignore[arg-type]
        result = with_scale(x, target)
        return result.array if isinstance(result, Scaled) else exact(result) / step
    value = x if isinstance(x, Pending) else multiply(call, x, scale)
    waiting = isinstance(value, Raw | Pending)
    if math.isinf(low) or math.isinf(high):
        if waiting:
            raise ValueError("it rounds without bounds; put torch.clamp with two bounds around it")
        return _clamped(rounded(exact(value), rounding), low, high)
    if isinstance(x, Pending):
        result = exact(quantized(x, _type(low, high, rounding, round(math.log2(scale))))) * scale
    else:
        result = quantized(value, _type(low, high, rounding))
    return exact(result) if _is_type(low, high) else _clamped(exact(result), low, high)


def _clamped(x: Any, low: float, high: float) -> Any:
    x = x if math.isinf(low) else np.maximum(x, low)
    return x if math.isinf(high) else np.minimum(x, high)


def _type(low: float, high: float, rounding: str, shift: int = 0) -> Quantizer:
    """Return the smallest type of whole numbers times ``2**-shift`` that holds an interval."""
    bits = max(int(max(high, -low - 1, 0)).bit_length(), 0)
    overflow: Overflow = "SAT_SYM" if low == -high and _is_type(low, high) else "SAT"
    signed, integer, fraction = (np.array(v) for v in (int(low < 0), bits - shift, shift))
    return Quantizer(signed, integer, fraction, cast(Rounding, rounding), overflow)


def _is_type(low: float, high: float) -> bool:
    """Whether an interval is all that a type holds."""
    top = int(high)
    return top >= 0 and top & (top + 1) == 0 and low in (0, -top - 1, -top)


def fake_quantize(
    call: Call, x: Value, scale: Any, zero_point: Any, quant_min: int, quant_max: int, **_: Any
) -> Value:
    """PyTorch's ``fake_quantize_per_tensor_affine``."""
    step, zero = values_of(scale).reshape(-1), values_of(zero_point).reshape(-1)
    return _fake_quantized(call, x, step, zero, (quant_min, quant_max))


def fake_quantize_by_channel(
    call: Call,
    x: Value,
    scale: Weight,
    zero_point: Weight,
    axis: int,
    quant_min: int,
    quant_max: int,
) -> Value:
    """PyTorch's ``fake_quantize_per_channel_affine``."""
    shape = [1] * len(call.shape)
    shape[axis] = -1
    step, zero = values_of(scale).reshape(shape), values_of(zero_point).reshape(-1)
    return _fake_quantized(call, x, step, zero, (quant_min, quant_max))


def _fake_quantized(call: Call, x: Value, step: Any, zero: Any, bounds: tuple[int, int]) -> Value:
    if not powers_of_two(step) or len(set(zero.tolist())) > 1:
        low, high = (np.asarray(bound - zero.reshape(step.shape), np.int64) for bound in bounds)
        return with_scale(x, Whole(step, np.zeros(step.shape), low, high, "RND_CONV"))
    low, high = (bound - zero[0] for bound in bounds)
    if step.size == 1:
        codes = quantize(call, x, 1 / step.item(), "RND_CONV", low, high)
    else:
        codes = quantize(call, multiply(call, x, Weight(1 / step)), 1.0, "RND_CONV", low, high)
    return codes * step


def _decimals(call: Call, x: Value, decimals: int = 0) -> Value:
    raise ValueError("round(decimals=...) is not exact in binary; round x * 2**n instead")


def rescaled(call: Call, x: Value, factor: float) -> Value:
    """``x * factor`` of whole numbers, the factor kept aside."""
    return scaled(exact(x), call.number(factor))


HANDLERS: Final[Mapping[str, Function]] = {
    "round": _decimals,
    "fake_quantize_per_tensor_affine": fake_quantize,
    "fake_quantize_per_channel_affine": fake_quantize_by_channel,
}
"""By ATen's names."""
