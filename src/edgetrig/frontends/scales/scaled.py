"""Values whose scale is kept aside, and constants.

A quantised value is a whole number times a scale. Where the scale is no power of two, hardware adds
and multiplies the whole numbers alone; the scale waits until a quantiser divides by its own scale,
and both become one short multiplier (`requantize`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray

from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Deferred, Value, exact
from edgetrig.frontends.values import shape_of as shape_of_value

Float64s = NDArray[np.float64]

LARGEST: Final = 1 << 22
"""Most elements that one value may have."""

SHORT: Final = 2.0**16
"""Constants that are whole multiples of 1 / SHORT are multiplied and added as they are."""

_NEAR: Final = 2.0**-20
"""How far, relatively, float32 arithmetic may have moved a whole number of scales."""


@dataclass(frozen=True)
class Known:
    """A constant: ``values``, times ``scale`` where a quantiser has made whole numbers of it.

    ``scale`` has the shape of ``values``; None for numbers that nothing has quantised.
    """

    values: NDArray[Any]
    scale: Float64s | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.values.shape

    @property
    def real(self) -> NDArray[Any]:
        """The numbers themselves."""
        return self.values if self.scale is None else self.values * self.scale

    def rearranged(self, function: Callable[[Any], Any]) -> Known:
        """Return the same numbers in another order or shape."""
        scale = None if self.scale is None else function(self.scale)
        return Known(function(self.values), scale)


@dataclass(frozen=True)
class Scaled(Deferred):
    """``clip(array * scale + offset, low, high)`` of an exact array; made by `scaled`.

    ``scale`` (positive), ``offset``, ``low`` and ``high`` have the shape of ``array``.
    """

    array: Any
    scale: Float64s
    offset: Float64s
    low: Float64s
    high: Float64s

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def bounded(self) -> bool:
        """Whether anything is clipped."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    @property
    def pure(self) -> bool:
        """Whether it is ``array * scale`` alone."""
        return not (self.bounded or self.offset.any())

    def rearranged(self, function: Callable[[Any], Any]) -> Scaled:
        """Return the same values in another order or shape."""
        parts = (self.array, self.scale, self.offset, self.low, self.high)
        return Scaled(*(function(part) for part in parts))

    def exact(self) -> Any:
        """Return the values with the scale, rounded to float32, multiplied out."""
        scale = self.scale.astype(np.float32).astype(np.float64)
        x = self.array * scale + self.offset
        for bound, function in ((self.low, np.maximum), (self.high, np.minimum)):
            here = np.isfinite(bound)
            if here.any():
                clipped = function(x, np.where(here, bound, 0.0))
                x = clipped if here.all() else np.where(here, clipped, x)
        return x

    def clipped(self, low: ArrayLike, high: ArrayLike) -> Scaled:
        """Return the values clipped once more."""
        low, high = clipped_bounds(self.low, self.high, low, high)
        return replace(self, low=low, high=high)


def scaled(array: Any, scale: ArrayLike, offset: ArrayLike = 0.0) -> Value:
    """Return ``array * scale + offset``; a plain exact array where both are short constants."""
    if is_interval(scale) or is_interval(offset):
        return array * scale + offset
    scale = np.asarray(scale, np.float64)
    offset = np.asarray(offset, np.float64)
    shape = bounded_shape(np.broadcast_shapes(array.shape, scale.shape, offset.shape))
    if not (np.isfinite(scale).all() and np.isfinite(offset).all()):
        raise ValueError("a scale or offset is not finite")
    if (scale <= 0).any():
        array = array * np.sign(scale)
        scale = np.where(scale == 0, 1.0, np.abs(scale))
    if is_short(scale) and is_short(offset):
        result = array * scale if (scale != 1).any() else array
        return result + offset if offset.any() else broadcast(result, shape)
    scale, offset = np.broadcast_to(scale, shape), np.broadcast_to(offset, shape)
    unbounded = np.broadcast_to(np.inf, shape)
    return Scaled(broadcast(array, shape), scale, offset, -unbounded, unbounded)


def is_interval(constant: Any) -> bool:
    """Whether a constant has errors, as it does where the bound of a quantised model is sought."""
    return isinstance(constant, NDArrayOperatorsMixin)


def clipped_bounds(
    low: Float64s, high: Float64s, least: ArrayLike, most: ArrayLike
) -> tuple[Float64s, Float64s]:
    """Return the bounds of what is clipped to ``[low, high]``, then to ``[least, most]``."""
    least, most = (np.broadcast_to(np.asarray(v, np.float64), low.shape) for v in (least, most))
    return np.clip(low, least, most), np.clip(high, least, most)


def is_short(values: ArrayLike) -> bool:
    """Whether constants have few enough bits to be taken as they are."""
    values = np.asarray(values, np.float64)
    mantissa = np.frexp(values)[0]
    whole = (values * SHORT == np.rint(values * SHORT)) & (np.abs(values) < SHORT)
    return bool((whole | (np.abs(mantissa) == 0.5)).all())


def parts(value: Value) -> Scaled:
    """Return a value as a `Scaled` one, whatever it is; of a known one the array is constant."""
    if isinstance(value, Scaled):
        return value
    if isinstance(value, Known):
        array = value.values.astype(np.float64)
        scale = np.ones(array.shape) if value.scale is None else value.scale
    else:
        array = exact(value)
        scale = np.ones(array.shape)
    unbounded = np.full(array.shape, np.inf)
    return Scaled(array, scale, np.zeros(array.shape), -unbounded, unbounded)


def same_along(values: Float64s, axes: Sequence[int] | None = None) -> bool:
    """Whether constants do not change along axes (None: at all)."""
    axes = tuple(range(values.ndim)) if axes is None else tuple(axes)
    index = tuple(slice(0, 1) if k in axes else slice(None) for k in range(values.ndim))
    return bool((values == values[index]).all())


def one_scale(value: Value, axes: Sequence[int] | None = None) -> Scaled:
    """Return a value whose scale does not change along axes, and which is not clipped."""
    x = parts(value)
    axes = None if axes is None else [axis % max(x.array.ndim, 1) for axis in axes]
    if isinstance(x, Scaled) and not x.bounded and same_along(x.scale, axes):
        return x
    return parts(Known(x.exact()) if isinstance(value, Known) else x.exact())


def add_known(x: Value, constant: Float64s) -> Value:
    """Return a value plus constants: whole numbers of its scale go into its array."""
    bounded_shape(np.broadcast_shapes(x.shape, constant.shape))
    if not isinstance(x, Scaled) or x.bounded or is_interval(constant):
        return scaled(exact(x), 1.0, constant)
    steps = constant / x.scale
    whole = np.rint(steps)
    if (np.abs(steps - whole) <= _NEAR * np.maximum(np.abs(steps), 2.0**-4)).all():
        return scaled(x.array + whole, x.scale, x.offset)
    return scaled(x.array, x.scale, x.offset + constant)


def times_known(x: Value, factor: ArrayLike) -> Value:
    """Return a value times constants, which go into its scale."""
    if not isinstance(x, Scaled) or x.bounded or is_interval(factor):
        return scaled(exact(x), factor)
    factor = np.asarray(factor, np.float64)
    return scaled(x.array, x.scale * factor, x.offset * factor)


def broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    """Return an array repeated to a shape."""
    return x if x.shape == shape else np.broadcast_to(x, shape)


def bounded_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape that is not absurdly large.

    Raises
    ------
    ValueError
        If it is.
    """
    shape = tuple(int(size) for size in shape)
    if any(size < 0 for size in shape) or prod(shape) > LARGEST:
        raise ValueError(f"a result of shape {shape} is too large; at most {LARGEST} elements")
    return shape


def shape_of(value: Value | Known | None) -> tuple[int, ...]:
    """Return the shape of any value or constant.

    Raises
    ------
    ValueError
        If it is left out.
    """
    if value is None:
        raise ValueError("an argument is missing")
    return shape_of_value(value)


def numbers(values: NDArray[Any]) -> Floats:
    """Return constants as float64.

    Raises
    ------
    ValueError
        If one is no finite number.
    """
    if values.dtype.kind not in "biuf":
        raise ValueError(f"a constant of type {values.dtype} is not a number")
    result = values.astype(np.float64)
    if not np.isfinite(result).all():
        raise ValueError("a constant is not finite")
    return result
