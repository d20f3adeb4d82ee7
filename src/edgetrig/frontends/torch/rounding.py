"""Hand-written quantisers, found in the graph: a scaling, a rounding, and a clamp in any order.

``clamp(round(x / s), lo, hi) * s`` and its like become one operation ``quantize``, which can
give a model's input its type and turns a function such as tanh into a table. For a rounding that
never falls, clamping first is the same as clamping last to rounded bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from edgetrig.frontends.torch.operation import Operation, Reference, Weight

_ROUNDINGS: Final[Mapping[str, tuple[str, Callable[[float], float]]]] = {
    "round": ("RND_CONV", lambda v: float(np.rint(v))),
    "floor": ("TRN", math.floor),
    "trunc": ("TRN_ZERO", math.trunc),
    "fix": ("TRN_ZERO", math.trunc),
}


@dataclass(frozen=True)
class _Bounds:
    low: float = -math.inf
    high: float = math.inf

    def clamped(self, inner: _Bounds) -> _Bounds:
        """Return these bounds after inner ones: ``clamp(clamp(x, inner), self)``."""
        low, high = (min(max(v, self.low), self.high) for v in (inner.low, inner.high))
        return _Bounds(low, high)

    def times(self, factor: float) -> _Bounds:
        return _Bounds(self.low * factor, self.high * factor)


def quantizers(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield the operations with hand-written quantisers as ``quantize`` operations."""
    by_key = {operation.key: operation for operation in operations}
    codes: set[str] = set()
    for operation in operations:
        for made in _clamped_after(operation, by_key) or _rounded(operation, by_key) or [operation]:
            if made.target == "quantize":
                codes.add(made.key)
            yield _rescaled(made) if made.x in map(Reference, codes) else made


def _rescaled(operation: Operation) -> Operation:
    """Return a product of whole numbers with a scale as one that keeps the scale aside."""
    factor = _scale(operation)
    if factor is None or math.frexp(factor)[0] == 0.5:
        return operation
    return replace(operation, target="rescaled", arguments={"x": operation.x, "factor": factor})


def _clamped_after(operation: Operation, by_key: Mapping[str, Operation]) -> list[Operation] | None:
    """Return ``factor * quantize(...)`` for a clamp that follows a rounding."""
    bounds, factor = _Bounds(), 1.0
    current: Operation | None = operation
    if _clamp(operation) is None:
        return None
    while current is not None and current.target not in _ROUNDINGS:
        clamp, scale = _clamp(current), _scale(current)
        if clamp is not None:
            bounds = bounds.clamped(clamp)
        elif scale is not None:
            bounds, factor = bounds.times(1 / scale), factor * scale
        else:
            return None
        current = _before(current, by_key)
    if current is None:
        return None
    quantize = _quantize(current, by_key, bounds)
    if quantize is None:
        return None
    if factor == 1:
        return [replace(quantize, key=operation.key)]
    quantize = replace(quantize, key=f"{operation.key}.code")
    product = {"self": Reference(quantize.key), "other": factor}
    return [quantize, replace(operation, target="mul", arguments=product)]


def _rounded(operation: Operation, by_key: Mapping[str, Operation]) -> list[Operation] | None:
    if operation.target not in _ROUNDINGS or operation.arguments.get("decimals"):
        return None
    quantize = _quantize(operation, by_key, _Bounds())
    return None if quantize is None else [quantize]


def _quantize(
    operation: Operation, by_key: Mapping[str, Operation], after: _Bounds
) -> Operation | None:
    """Return ``clamp(round(x * scale), bounds)`` for a rounding, its clamps before it included."""
    if operation.arguments.get("decimals"):
        return None
    name, function = _ROUNDINGS[operation.target]
    source, scale, before = operation.x, 1.0, _Bounds()
    current = _before(operation, by_key)
    if name == "TRN" and current is not None and _added(current) == 0.5:
        name, source = "RND", current.x  # floor(x + 1/2)
        current = _before(current, by_key)
        function = _half_up
    start = source
    while current is not None:
        clamp, factor = _clamp(current), _scale(current)
        if factor is not None:
            scale *= factor
        elif clamp is not None and (clamp.low != 0 or clamp.high != math.inf):
            before = before.clamped(clamp.times(scale))
        else:
            break
        source = current.x
        current = _before(current, by_key)
    if current is not None and current.target in _ROUNDINGS:
        source, scale, before = start, 1.0, _Bounds()  # those clamps are another quantiser's
    low, high = (v if math.isinf(v) else function(v) for v in (before.low, before.high))
    bounds = after.clamped(_Bounds(low, high))
    low, high = (v if math.isinf(v) else float(v) for v in (bounds.low, bounds.high))
    if not all(math.isinf(v) or v.is_integer() for v in (low, high)):
        return None
    if math.frexp(scale)[0] != 0.5 and (name == "RND" or math.isinf(low) or math.isinf(high)):
        return None
    arguments = {"x": source, "scale": scale, "rounding": name, "low": low, "high": high}
    return replace(operation, target="quantize", arguments=arguments)


def _half_up(value: float) -> float:
    return math.floor(value + 0.5)


def _before(operation: Operation, by_key: Mapping[str, Operation]) -> Operation | None:
    x = operation.x
    return by_key.get(x.key) if isinstance(x, Reference) and x.index == 0 else None


def scalar(value: Any) -> float | None:
    """Return a constant of one element as a number."""
    if isinstance(value, Weight):
        return float(value.values.reshape(-1)[0]) if value.values.size == 1 else None
    return float(value) if isinstance(value, int | float) else None


def _scale(operation: Operation) -> float | None:
    """Return the positive number by which an operation multiplies its first argument."""
    if operation.target not in ("mul", "div") or operation.arguments.get("rounding_mode"):
        return None
    factor = scalar(operation.arguments.get("other"))
    if factor is None or not 0 < factor < math.inf:
        return None
    return factor if operation.target == "mul" else 1 / factor


def _added(operation: Operation) -> float | None:
    if operation.target != "add" or operation.arguments.get("alpha", 1) != 1:
        return None
    return scalar(operation.arguments.get("other"))


def _clamp(operation: Operation) -> _Bounds | None:
    """Return the bounds of an operation that clamps its first argument."""
    given = operation.arguments
    match operation.target:
        case "relu":
            return _Bounds(0.0)
        case "relu6":
            return _Bounds(0.0, 6.0)
        case "hardtanh":
            return _Bounds(float(given["min_val"]), float(given["max_val"]))
        case "clamp" | "clamp_min" | "clamp_max":
            pair = [given.get("min"), given.get("max")]
        case "minimum" | "min":
            pair = [None, given.get("other", "")]
        case "maximum" | "max":
            pair = [given.get("other", ""), None]
        case _:
            return None
    if any(v is not None and scalar(v) is None for v in pair):
        return None
    low, high = (None if v is None else scalar(v) for v in pair)
    return _Bounds(-math.inf if low is None else low, math.inf if high is None else high)
