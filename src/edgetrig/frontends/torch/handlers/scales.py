"""Sums of whole numbers whose scales, no powers of two, are kept aside until a quantiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.scales.scaled import Scaled, one_scale, same_along, scaled
from edgetrig.frontends.torch.operation import Weight
from edgetrig.frontends.values import Value, exact

MOST_PARTS: Final = 32
"""Largest whole number that the smallest weight may be."""

MOST_STEPS: Final = 1 << 12
"""Largest whole number that a weight may be."""


def keeps_scales(x: Value, weight: Weight) -> bool:
    """Whether a product has factors that are whole numbers times scales."""
    return weight.scale is not None or isinstance(x, Scaled)


def common_step(values: Floats) -> Floats:
    """Return the step that weights are whole multiples of, to float32; 1 if there is none."""
    sizes = np.unique(np.abs(values[values != 0]))
    for part in range(1, MOST_PARTS) if sizes.size else ():
        step = np.asarray(sizes[0] / part)
        codes = sizes / step
        if codes[-1] < MOST_STEPS and (np.abs(codes - np.rint(codes)) <= codes * 2.0**-21).all():
            return step
    return np.ones(())


def selecting(x: Value, axes: int, function: Callable[[Any], Any]) -> Value:
    """Return the greatest elements along the last axes, a scale that is one along them kept aside.

    ``function`` picks among elements of an exact array by their order.
    """
    if isinstance(x, Scaled):
        last = range(-axes, 0)
        if all(same_along(v, [k % v.ndim for k in last]) for v in (x.scale, x.offset)):
            return x.rearranged(function)
    return function(exact(x))


def scaled_sums(
    x: Value, weight: Weight, bias: Any, axis: int, sums: Callable[[Any, Any], Any]
) -> Value:
    """Return sums of products of whole numbers, their scale and a bias kept aside.

    Parameters
    ----------
    x
        Any value but a model's input; one scale serves all of it.
    weight
        One scale for each output at most, which are its first axis.
    bias
        A constant for each output, or None.
    axis
        Of the outputs in the result, from behind.
    sums
        Makes the result of arrays of whole numbers.
    """
    given = one_scale(x)
    step = common_step(weight.values) if weight.scale is None else weight.scale
    if step.size not in (1, step.shape[0] if step.ndim else 1):
        raise ValueError("its weights' scales change along an input; use one for each output")
    offset = given.offset.reshape(-1)[:1].item() / given.scale.reshape(-1)[:1].item()
    array = given.array + offset if offset else given.array
    codes = np.rint(weight.values / step) if (step != 1).any() else weight.values
    shape = (-1, *(1,) * (-1 - axis))
    factor = (given.scale.reshape(-1)[0] * step).reshape(shape if step.size > 1 else ())
    constant = 0.0 if bias is None else bias.values.reshape(shape)
    return scaled(sums(array, codes), factor, constant)
