"""Arrays of intervals with an error: how far a rounded model may be from the exact one.

The quantised value of every element lies in [low, high], the float model's in [bottom, top] and at
most ``error`` from it. Intervals of products are in midpoint-radius form (S. M. Rump, "Fast and
parallel interval arithmetic", BIT 39, 1999), which over-estimates at most by half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import MOVES
from edgetrig.frontends.quantization.slopes import range_and_slope
from edgetrig.frontends.quantizer import Floats

Array = NDArray[np.float64]
Function = Callable[..., Any]


class Bounded(NDArrayOperatorsMixin):
    """Intervals with an error.

    Parameters
    ----------
    low, high
        Smallest and largest quantised value of every element.
    error
        Largest distance to the float model's.
    bottom, top
        Smallest and largest value of the float model, where more is known than ``error`` says.
    """

    def __init__(
        self, low: Any, high: Any, error: Any, bottom: Any = None, top: Any = None
    ) -> None:
        self.low, self.high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        self.error: Array = np.asarray(error, np.float64)
        least, most = self.low - self.error, self.high + self.error
        self.bottom: Array = least if bottom is None else np.maximum(least, bottom)
        self.top: Array = most if top is None else np.minimum(most, top)

    @staticmethod
    def of(value: Any) -> Bounded:
        """Return a bounded value; numbers are what they are."""
        return value if isinstance(value, Bounded) else Bounded(value, value, np.zeros_like(value))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, without the event axis."""
        return self.low.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.low.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.low.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.low.dtype

    @property
    def T(self) -> Bounded:  # noqa: N802 - NumPy's name
        """The transposed array."""
        return self.moved(np.transpose)

    @property
    def largest(self) -> Array:
        """Largest magnitude of a quantised value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def closest(self) -> Bounded:
        """The same with an error that the two intervals allow."""
        farthest = np.maximum(self.high - self.bottom, self.top - self.low)
        error = np.minimum(self.error, farthest)
        return Bounded(self.low, self.high, error, self.bottom, self.top)

    def within(self, low: ArrayLike, high: ArrayLike) -> Bounded:
        """Return the same, with a range that the float model's values are known to be in."""
        bottom, top = np.maximum(self.bottom, low), np.minimum(self.top, high)
        error = Bounded(self.low, self.high, self.error, bottom, top).closest.error
        least, most = np.maximum(self.low, bottom - error), np.minimum(self.high, top + error)
        return Bounded(least, most, error, bottom, top)

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, index: Any) -> Bounded:
        return self.moved(lambda v: v[index])

    __hash__ = None  # type: ignore[assignment]

    def __array__(self, *args: object, **kwargs: object) -> Array:
        raise TypeError("an interval is no number")

    def moved(self, function: Function) -> Bounded:
        """Apply something that only moves elements."""
        parts = (self.low, self.high, self.error, self.bottom, self.top)
        return Bounded(*(function(part) for part in parts))

    def reshape(self, *shape: Any) -> Bounded:
        """Return the elements in another shape."""
        return self.moved(lambda v: v.reshape(*shape))

    def transpose(self, *axes: Any) -> Bounded:
        """Return the array with its axes permuted."""
        return self.moved(lambda v: v.transpose(*axes))

    def ravel(self) -> Bounded:
        """Return the elements in one axis."""
        return self.reshape(-1)

    def astype(self, dtype: Any, copy: bool = True) -> Bounded:
        """Return the same intervals: constants in float64 are as they are."""
        return self

    def through(self, function: Callable[[Floats], Floats]) -> Bounded:
        """Return a function of one number of every element, by its range and steepest slope.

        Range and slope are those at 2049 arguments of each interval; what the function may do
        between two of them is bounded by how much its slope changes from one to the next.
        """
        ends = (self.low, self.high, self.bottom, self.top)
        keys = np.stack([v.ravel() for v in ends], axis=1)
        unique, back = np.unique(keys, axis=0, return_inverse=True)
        found = np.array([range_and_slope(function, *key) for key in unique])
        low, high, bottom, top, slope, noise = found[back.ravel()].T.reshape(6, *self.shape)
        return Bounded(low, high, self.error * slope + noise, bottom, top).closest

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply a NumPy universal function."""
        function = _UFUNCS.get(ufunc)
        if function is None or method != "__call__" or kwargs:
            return NotImplemented
        return function(*(Bounded.of(value) for value in inputs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Apply any other NumPy function."""
        known = _FUNCTIONS.get(function)
        return NotImplemented if known is None else known(*args, **kwargs)


def _add(x: Bounded, y: Bounded) -> Bounded:
    error, bottom, top = x.error + y.error, x.bottom + y.bottom, x.top + y.top
    return Bounded(x.low + y.low, x.high + y.high, error, bottom, top)


def _negative(x: Bounded) -> Bounded:
    return Bounded(-x.high, -x.low, x.error, -x.top, -x.bottom)


def _bilinear(product: Function) -> Function:
    """Return a sum of products of two arrays' elements."""

    def interval(low: Array, high: Array, low2: Array, high2: Array) -> tuple[Array, Array]:
        middle, radius = (low + high) / 2, (high - low) / 2
        middle2, radius2 = (low2 + high2) / 2, (high2 - low2) / 2
        result = product(middle, middle2)
        spread = product(np.abs(middle), radius2) + product(radius, np.abs(middle2) + radius2)
        return result - spread, result + spread

    def apply(x: Bounded, y: Bounded) -> Bounded:
        error = product(x.error, y.largest + y.error) + product(x.largest, y.error)
        exact = interval(x.bottom, x.top, y.bottom, y.top)
        return Bounded(*interval(x.low, x.high, y.low, y.high), error, *exact)

    return apply


def _choice(function: Function) -> Function:
    """Return the maximum or minimum: no farther from each other than its arguments."""

    def apply(x: Bounded, y: Bounded) -> Bounded:
        error = np.maximum(x.error, y.error)
        # Where the choice is certain with its errors, it is the chosen one's.
        above = x.low - x.error >= y.high + y.error
        below = y.low - y.error >= x.high + x.error
        first, second = (above, below) if function is np.maximum else (below, above)
        error = np.where(first, x.error, np.where(second, y.error, error))
        return Bounded(function(x.low, y.low), function(x.high, y.high), error)

    return apply


def _absolute(x: Bounded) -> Bounded:
    crosses = (x.low < 0) & (x.high > 0)
    low = np.where(crosses, 0.0, np.minimum(np.abs(x.low), np.abs(x.high)))
    return Bounded(low, x.largest, x.error)


def _divide(x: Bounded, y: Bounded) -> Bounded:
    if np.any(y.low != y.high) or np.any(y.error) or np.any(y.low == 0):
        raise TypeError("a quotient has no bound here")
    return _PRODUCT(x, Bounded.of(1 / y.low))  # type: ignore[no-any-return]


def _less(x: Bounded, y: Bounded) -> Bounded:
    """Return truth values: an error of 1 where the float model may decide otherwise."""
    surely = x.high + x.error < y.low - y.error
    never = x.low - x.error >= y.high + y.error
    low, high = (x.high < y.low).astype(np.float64), (x.low < y.high).astype(np.float64)
    return Bounded(low, high, np.where(surely | never, 0.0, 1.0))


def _not(x: Bounded) -> Bounded:
    return Bounded(1 - x.high, 1 - x.low, x.error)


def _where(condition: Any, x: Any, y: Any) -> Bounded:
    c, x, y = (Bounded.of(v) for v in (condition, x, y))
    low, high = np.minimum(x.low, y.low), np.maximum(x.high, y.high)
    bottom = np.minimum(x.low - x.error, y.low - y.error)
    top = np.maximum(x.high + x.error, y.high + y.error)
    unsure = np.maximum(high - bottom, top - low)
    error = np.where(c.error > 0, unsure, np.maximum(x.error, y.error))
    yes, no = (c.low == 1) & (c.error == 0), (c.high == 0) & (c.error == 0)
    return Bounded(
        *(
            np.where(yes, a, np.where(no, b, both))
            for a, b, both in (
                (x.low, y.low, low),
                (x.high, y.high, high),
                (x.error, y.error, error),
            )
        )
    )


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Any:
    low, high = kwargs.get("min", a_min), kwargs.get("max", a_max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _einsum(equation: str, x: Any, y: Any) -> Bounded:
    product = _bilinear(lambda a, b: np.einsum(equation, a, b))
    return product(Bounded.of(x), Bounded.of(y))  # type: ignore[no-any-return]


def _joined(function: Function) -> Function:
    def join(arrays: Sequence[Any], *args: Any, **kwargs: Any) -> Bounded:
        parts = [Bounded.of(array) for array in arrays]
        return Bounded(
            *(
                function([getattr(part, name) for part in parts], *args, **kwargs)
                for name in ("low", "high", "error")
            )
        )

    return join


def _pad(x: Bounded, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Bounded:
    if mode != "constant":
        return x.moved(lambda v: np.pad(v, pad_width, mode=mode))
    low, high = (np.pad(v, pad_width, constant_values=constant_values) for v in (x.low, x.high))
    return Bounded(low, high, np.pad(x.error, pad_width))


def _mover(function: Function) -> Function:
    return lambda x, *args, **kwargs: x.moved(lambda v: function(v, *args, **kwargs))


_PRODUCT = _bilinear(np.multiply)

_UFUNCS: dict[Any, Function] = {
    np.add: _add,
    np.subtract: lambda x, y: _add(x, _negative(y)),
    np.multiply: _PRODUCT,
    np.matmul: _bilinear(np.matmul),
    np.divide: _divide,
    np.square: lambda x: _PRODUCT(x, x),
    np.negative: _negative,
    np.absolute: _absolute,
    np.maximum: _choice(np.maximum),
    np.minimum: _choice(np.minimum),
    np.less: _less,
    np.greater: lambda x, y: _less(y, x),
    np.less_equal: lambda x, y: _not(_less(y, x)),
    np.greater_equal: lambda x, y: _not(_less(x, y)),
}

_FUNCTIONS: dict[Any, Function] = {
    np.where: _where,
    np.clip: _clip,
    np.einsum: _einsum,
    np.dot: lambda x, y: _bilinear(np.dot)(Bounded.of(x), Bounded.of(y)),
    np.concatenate: _joined(np.concatenate),
    np.stack: _joined(np.stack),
    np.pad: _pad,
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    **{function: _mover(function) for function in MOVES},
    # Sums add errors up; a largest element is no farther off than the worst of all.
    **{function: _mover(function) for function in (np.sum, np.mean, np.max, np.min)},
}
