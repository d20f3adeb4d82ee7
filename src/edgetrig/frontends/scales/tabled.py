"""Functions of one variable of values whose scale differs from element to element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgetrig.frontends.layers.inner import finite_float32, pending
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats, Quantizer
from edgetrig.frontends.scales.requantize import Whole
from edgetrig.frontends.scales.scaled import Known, Scaled, numbers
from edgetrig.frontends.values import Deferred, Pending, Value

Function = Callable[[Floats], Any]


@dataclass(frozen=True)
class Tabled(Deferred):
    """``function(x)``, to be made exact by the quantiser that follows, by a table a scale."""

    x: Scaled
    function: Function
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.x.shape

    def rearranged(self, function: Callable[[Any], Any]) -> Tabled:
        """Return the same values in another order or shape."""
        return replace(self, x=self.x.rearranged(function))

    def exact(self) -> Any:
        """Refuse, as nothing says how many bits the result should have."""
        raise ValueError(f"the {self.name} before it is not quantised; quantise its result")


def applied(name: str, function: Function, x: Value | Known, precision: Precision) -> Value | Known:
    """Return a function of one variable of any value."""
    if isinstance(x, Known):
        return Known(finite_float32(lambda: function(numbers(x.real))))
    if isinstance(x, Tabled):
        inner = x.function
        return Tabled(x.x, lambda v: function(inner(v)), name)
    x = precision.inner(x, "linear")
    if not isinstance(x, Scaled):
        return pending(name, function, x)
    columns = (x.scale, x.offset, x.low, x.high)
    if not all((v == v.ravel()[:1]).all() for v in columns):
        return Tabled(x, function, name)
    scale, offset, low, high = (float(v.ravel()[0]) for v in columns)
    return pending(name, lambda v: function(np.clip(v * scale + offset, low, high)), x.array)


def whole_numbers(value: Pending | Tabled, target: Whole) -> Any:
    """Return the whole numbers that a function's results are rounded to, by tables."""
    function = value.function
    if function is None:
        raise ValueError(
            f"the {value.name} before it is not exact; quantise what it is made of, by"
            " edgetrig.quantize(model, x)"
        )
    x = value.array if isinstance(value, Pending) else value.x.array
    columns = [target.scale, target.zero, target.low, target.high]
    if isinstance(value, Tabled):
        columns += [value.x.scale, value.x.offset, value.x.low, value.x.high]
    flat = np.stack([np.broadcast_to(v, x.shape).ravel() for v in columns], axis=1)
    kinds, which = np.unique(flat.astype(np.float64), axis=0, return_inverse=True)
    results = []
    for kind in kinds:
        scale, zero, low, high = kind[:4]
        own = Whole(scale, zero, np.int64(low), np.int64(high), target.rounding)  # type: ignore[arg-type]

        def table(v: Floats, own: Whole = own, inner: Any = kind[4:]) -> Floats:
            argument = np.asarray(v, np.float64)
            if inner.size:
                argument = np.clip(argument * inner[0] + inner[1], inner[2], inner[3])
            result = finite_float32(lambda: function(argument)).astype(np.float32)
            return own.of_floats(result)

        bits = max(int(abs(low)), int(abs(high))).bit_length()
        type_ = Quantizer(np.array(1), np.array(bits), np.array(0), "RND", "SAT")
        results.append((type_, table))
    if len(results) == 1:
        type_, table = results[0]
        return type_.table(x, table)
    which = which.reshape(x.shape)
    parts = [type_.table(x[which == k], table) for k, (type_, table) in enumerate(results)]
    order = np.concatenate([np.flatnonzero(which.ravel() == k) for k in range(len(results))])
    return np.concatenate(parts)[np.argsort(order)].reshape(x.shape)
