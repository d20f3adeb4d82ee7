"""QKeras' power-of-two quantisers: every number becomes plus or minus ``2**exponent``."""

from __future__ import annotations

import numpy as np

from edgetrig.frontends.qkeras.description import Description
from edgetrig.frontends.qkeras.scale import EPSILON, Float32s
from edgetrig.frontends.quantizer import Floats


def exponent_range(description: Description) -> tuple[int, int]:
    """Return the smallest and the largest exponent of `quantized_po2` or `quantized_relu_po2`.

    Raises
    ------
    ValueError
        If it has too few bits, or its largest value is negative.
    """
    bits, top = description["bits"], description["max_value"]
    if top is not None and top < 0:
        raise ValueError(f"{description.kind} with max_value={top}; it must be positive")
    signs = int(top is None or top > 1) + int(description.kind == "quantized_po2")
    if not 0 <= bits - signs <= 8:
        raise ValueError(f"{description.kind} of {bits} bits; use {signs} to {signs + 8}")
    reach = 1 << (bits - signs)
    highest = reach - 1
    return -reach, highest // 2 * 2 if description["quadratic_approximation"] else highest


def rounded(description: Description, values: Floats) -> Floats:
    """Return the numbers as powers of two, computed in float32 as QKeras does.

    Zero becomes the smallest power: there is no code for it.
    """
    with np.errstate(all="ignore"):
        x = values.astype(np.float32)
        if description.kind == "quantized_po2":
            return np.where(x < 0, np.float32(-1), np.float32(1)) * _power(description, np.abs(x))
        slope = np.float32(description["negative_slope"])
        positive = _power(description, np.maximum(x, 0))
        if not slope:
            return positive
        return np.where(x >= 0, positive, -_power(description, np.maximum(-x, 0) * slope))


def _power(description: Description, size: Float32s) -> Float32s:
    lowest, highest = exponent_range(description)
    top = description["max_value"]
    known = np.maximum(size, EPSILON)
    if top is not None:
        known = np.minimum(known, np.float32(top))
    factor = 1
    if description["quadratic_approximation"]:
        factor, known = 2, np.sqrt(known)
    nearest = np.floor if description["log2_rounding"] == "floor" else np.rint
    exponent = nearest(np.log(known) / np.float32(np.log(2.0)))
    # Where the number is too small, the smallest exponent is not doubled: QKeras' own rule.
    exponent = np.where(size < EPSILON, lowest, factor * np.clip(exponent, lowest, highest))
    return np.asarray(np.exp2(exponent), np.float32)
