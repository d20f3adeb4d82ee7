"""QKeras' quantisers on values that flow between layers, at inference.

Rounding is half to even, as `tf.round`; everything saturates. On exact values the results are
QKeras' own float32 numbers. Only `binary` and `ternary` without an alpha leave rounding noise of
2**-24 behind in QKeras, which hardware has no use for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edgetrig.circuit import Overflow
from edgetrig.frontends.layers.inner import pending
from edgetrig.frontends.qkeras import power_of_two
from edgetrig.frontends.qkeras.description import Description
from edgetrig.frontends.quantizer import Floats, Quantizer
from edgetrig.frontends.values import Value, exact, quantized


def applied(description: Description, x: Value) -> Value:
    """Return a value through a quantiser or one of QKeras' activation functions.

    Raises
    ------
    ValueError
        If the quantiser draws random numbers at inference, takes its scale from the events, or is
        not fully on.
    """
    if description.kind == "bernoulli":
        raise ValueError("bernoulli draws random numbers at inference too; use stochastic_binary")
    if description.automatic:
        raise ValueError(
            f"{description.kind} with alpha='{description['alpha']}' takes its scale from a batch "
            "of events; give it a number"
        )
    if description.get("qnoise_factor") not in (None, 1, 1.0):
        raise ValueError(
            f"{description.kind} with qnoise_factor={description['qnoise_factor']} lets numbers "
            "through unquantised; set it to 1"
        )
    return _FUNCTIONS[description.kind](description, x)


def _fixed(
    x: Value, *, signed: bool, integer: Any, fraction: Any, overflow: Overflow = "SAT"
) -> Any:
    """Return a value on a grid, rounded half to even."""
    sign, before, behind = (np.asarray(v, np.int64) for v in (int(signed), integer, fraction))
    return exact(quantized(x, Quantizer(sign, before, behind, "RND_CONV", overflow)))


def _symmetric(description: Description) -> Overflow:
    return "SAT_SYM" if description["symmetric"] else "SAT"


def _scaled(description: Description, x: Any) -> Any:
    """Multiply by alpha."""
    alpha = description.get("alpha")
    if alpha is None:
        return x
    factor = np.asarray(alpha, np.float32).astype(np.float64)
    return x if (factor == 1).all() else x * factor


def _bits(description: Description, x: Value) -> Any:
    """`quantized_bits`; one bit is the sign, zero counting as positive."""
    negative = bool(description.options.get("keep_negative", True))
    size = description["bits"] - negative
    if size == 0:
        return _scaled(description, np.where(exact(x) < 0, -1, 1))
    integer = np.asarray(description["integer"], np.int64)
    overflow = _symmetric(description)
    return _scaled(
        description,
        _fixed(x, signed=negative, integer=integer, fraction=size - integer, overflow=overflow),
    )


def _linear(description: Description, x: Value) -> Any:
    """`quantized_linear` with a scale that is known."""
    negative = bool(description["keep_negative"])
    size = description["bits"] - negative
    alpha = np.float32(1 if description["alpha"] is None else description["alpha"])
    mantissa, exponent = np.frexp(alpha)
    if mantissa != 0.5:
        raise ValueError(f"quantized_linear with alpha={alpha}; use a power of two")
    integer = int(description["integer"]) + int(exponent) - 1
    if size == 0:
        return np.where(exact(x) < 0, -0.5, 0.5) * 2.0**integer
    overflow = _symmetric(description)
    return _fixed(x, signed=negative, integer=integer, fraction=size - integer, overflow=overflow)


def _relu(description: Description, x: Value) -> Any:
    """`quantized_relu`, its part below zero too, and its form on a sigmoid."""
    slope = float(description["negative_slope"])
    if slope < 0 or (slope and np.frexp(slope)[0] != 0.5):
        raise ValueError(f"quantized_relu with negative_slope={slope}; use a power of two")
    size = description["bits"] - bool(slope)
    integer = np.asarray(description["integer"], np.int64)
    if description["use_sigmoid"]:
        return _relu_of_sigmoid(x, size, integer, slope)
    result = _fixed(x, signed=False, integer=integer, fraction=size - integer)
    if slope:
        depth = np.log2(slope).astype(np.int64) + integer
        below = _fixed(
            exact(x) * slope,
            signed=True,
            integer=np.maximum(depth, integer - size),  # at least one step
            fraction=size - integer,
        )
        result = result + np.minimum(np.maximum(below, -np.exp2(depth)), 0)
    bound = description["relu_upper_bound"]
    if bound and not description["is_quantized_clip"]:
        result = np.minimum(result, np.float64(np.float32(bound)))
    return result


def _relu_of_sigmoid(x: Value, size: int, integer: Any, slope: float) -> Any:
    unit, steps = np.exp2(integer), 2.0**size
    gate = _clipped(exact(x) * (1 / unit), 0.5)
    result = _fixed(gate, signed=False, integer=1, fraction=size) * 2 - 1
    result = np.clip(result, 0, 1 - 1 / steps)
    if slope:
        below = _fixed(gate * slope, signed=False, integer=1, fraction=size) * (2 / slope) - 1
        result = result + np.clip(below, -1, 0) * slope
    return result * unit


def _clipped(x: Any, slope: float) -> Any:
    """Return QKeras' hard (slope 1/2) or smooth (3/16) sigmoid."""
    return np.clip(x * slope + 0.5, 0, 1)


def _tanh(description: Description, x: Value) -> Any:
    """`quantized_tanh`: of a real tanh, or of one made of straight lines."""
    if "integer" in description.options:
        return _old_tanh(description, x)
    if description["use_real_tanh"]:
        curve: Value = pending("tanh", np.tanh, x)
    else:
        curve = np.clip(exact(x), -1, 1)
    fraction = description["bits"] - 1
    overflow = _symmetric(description)
    return _fixed(curve, signed=True, integer=0, fraction=fraction, overflow=overflow)


def _old_tanh(description: Description, x: Value) -> Any:
    """`quantized_tanh` of early 2021 and before, which rounds the sigmoid inside."""
    fraction, unit = description["bits"] - 1, 2.0 ** description["integer"]
    gate = _fixed(_clipped(exact(x) / unit, 0.5), signed=False, integer=1, fraction=fraction)
    step = 2.0**-fraction
    return np.clip(gate * 2 - 1, -1 + bool(description["symmetric"]) * step, 1 - step) * unit


def _sigmoid(description: Description, x: Value) -> Any:
    """`quantized_sigmoid`: of a real sigmoid, or of one made of straight lines."""
    if description["use_real_sigmoid"]:
        curve: Value = pending("sigmoid", lambda v: 1 / (1 + np.exp(-v)), x)
    else:
        curve = _clipped(exact(x), 0.5)
    result = _fixed(curve, signed=False, integer=0, fraction=description["bits"])
    return np.maximum(result, 2.0 ** -description["bits"]) if description["symmetric"] else result


def _ulaw(description: Description, x: Value) -> Any:
    """`quantized_ulaw`: the hard sigmoid on a grid, then a logarithmic curve by a table."""
    fraction, unit = description["bits"] - 1, 2.0 ** description["integer"]
    u, step = np.float32(description["u"]), np.float32(2.0**-fraction)
    gate = _fixed(_clipped(exact(x) / unit, 0.5), signed=False, integer=1, fraction=fraction)

    def curve(values: Floats) -> Floats:
        line = np.asarray(values, np.float32) * 2 - 1
        bent = np.sign(line) * np.log(1 + u * np.abs(line)) / np.log(1 + u)
        low = -1 + np.float32(bool(description["symmetric"])) * step
        return np.asarray(np.clip(bent, low, 1 - step))

    # Every value of the curve is a float32 number: a grid fine enough for the smallest has it all.
    known = curve(np.arange(2**fraction + 1) * 2.0**-fraction)
    finest = 25 - int(np.frexp(known[known != 0])[1].min(initial=1))
    return _fixed(pending("ulaw", curve, gate), signed=True, integer=0, fraction=finest) * unit


def _hswish(description: Description, x: Value) -> Any:
    """`quantized_hswish`: ``x * clip(x + shift, 0, top) / top`` in float32, by a table."""
    shift, top = (np.float32(description[k]) for k in ("relu_shift", "relu_upper_bound"))
    if not (shift > 0 and top > 0):
        raise ValueError("quantized_hswish needs a positive relu_shift and relu_upper_bound")

    def curve(values: Floats) -> Floats:
        v = np.asarray(values, np.float32)
        return np.asarray(v * np.clip(v + shift, np.float32(0), top) / top)

    return _bits(description, pending("hswish", curve, x))


def _po2(description: Description, x: Value) -> Any:
    """`quantized_po2` and `quantized_relu_po2`, by a table."""
    lowest, highest = power_of_two.exponent_range(description)
    if description["quadratic_approximation"]:
        lowest, highest = 2 * lowest, 2 * highest
    curve = pending("power of two", lambda v: power_of_two.rounded(description, np.asarray(v)), x)
    signed = description.kind == "quantized_po2" or description["negative_slope"] != 0
    return _fixed(curve, signed=signed, integer=highest + 1, fraction=-lowest)


def _binary(description: Description, x: Value) -> Any:
    """`binary`, and `stochastic_binary` at inference; zero counts as positive."""
    low = 0 if description.get("use_01") else -1
    return _scaled(description, np.where(exact(x) < 0, low, 1))


def _ternary(description: Description, x: Value) -> Any:
    """`ternary`, and `stochastic_ternary` at inference."""
    x = exact(x)
    given = description["threshold"]
    threshold = np.float64(np.float32(0.33 if given is None else given))
    above = np.where(x >= threshold, 1, 0) if threshold > 0 else np.where(x > 0, 1, 0)
    below = np.where(x <= -threshold, 1, 0) if threshold > 0 else np.where(x < 0, 1, 0)
    return _scaled(description, above - below)


def _binary_sigmoid(x: Value) -> Any:
    return np.where(exact(x) > 0, 1, 0)  # one half rounds to even


_FUNCTIONS: Final[dict[str, Callable[[Description, Value], Any]]] = {
    "quantized_bits": _bits,
    "quantized_linear": _linear,
    "quantized_relu": _relu,
    "quantized_tanh": _tanh,
    "quantized_sigmoid": _sigmoid,
    "quantized_ulaw": _ulaw,
    "quantized_hswish": _hswish,
    "quantized_po2": _po2,
    "quantized_relu_po2": _po2,
    "binary": _binary,
    "stochastic_binary": _binary,
    "ternary": _ternary,
    "stochastic_ternary": _ternary,
    "hard_sigmoid": lambda _, x: _clipped(exact(x), 0.5),
    "smooth_sigmoid": lambda _, x: _clipped(exact(x), 0.1875),
    "binary_sigmoid": lambda _, x: _binary_sigmoid(x),
    "hard_tanh": lambda _, x: _clipped(exact(x), 0.5) * 2 - 1,
    "smooth_tanh": lambda _, x: _clipped(exact(x), 0.1875) * 2 - 1,
    "binary_tanh": lambda _, x: _binary_sigmoid(x) * 2 - 1,
}
