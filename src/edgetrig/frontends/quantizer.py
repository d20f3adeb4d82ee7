"""Fixed-point quantisers as they act on symbolic arrays, on floats, and on weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig import circuit
from edgetrig.circuit import Overflow, Rounding
from edgetrig.errors import CircuitError
from edgetrig.frontends.batch import Batch

Ints = NDArray[np.int64]
Floats = NDArray[Any]

ROUND: Final[dict[str, Callable[[Floats], Floats]]] = {
    "TRN": np.floor,
    "TRN_ZERO": np.trunc,
    "RND": lambda x: np.floor(x + x.dtype.type(0.5)),
    "RND_MIN_INF": lambda x: -np.floor(-x + x.dtype.type(0.5)),
    "RND_INF": lambda x: np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5)),
    "RND_ZERO": lambda x: -np.sign(x) * np.floor(-np.abs(x) + x.dtype.type(0.5)),
    "RND_CONV": np.rint,
}
"""Rounding to integers, in the precision of the argument."""


@dataclass(frozen=True)
class Quantizer:
    """A fixed-point type per element: values ``code * 2**-fraction``.

    ``signed`` (0 or 1), ``integer`` (bits before the point without the sign) and ``fraction`` (bits
    behind it) broadcast against what is quantised, without the event axis. ``scaler`` divides
    before and multiplies after (weights only; powers of two are in the types already).
    ``affine`` is a factor and an offset applied afterwards. ``bounded`` is False for weights that
    are rounded but never wrap.
    """

    signed: Ints
    integer: Ints
    fraction: Ints
    rounding: Rounding
    overflow: Overflow
    scaler: float | None = None
    affine: tuple[float, float] | None = None
    bounded: bool = True

    def __call__(self, x: Any) -> Any:
        """Quantise a symbolic array, a batch of events, or an array of float64."""
        if self.scaler is not None:
            raise CircuitError(
                f"a quantiser with scaler={self.scaler} is not exact; use a power of two"
            )
        if isinstance(x, circuit.Array):
            return self._affine(circuit.quantize(x, *self._type, self.rounding, self.overflow))
        if isinstance(x, Batch):
            return self._affine(x.map(lambda v: self._fixed(v.astype(np.float64, copy=False))))
        return self._affine(self._fixed(x))

    def table(self, x: Any, function: Callable[[Floats], Floats]) -> Any:
        """Quantise ``function(x)``, by a table over every value of ``x`` if ``x`` is symbolic."""
        if isinstance(x, Batch):
            return self(x.map(function))
        if not isinstance(x, circuit.Array):
            return self(function(x))
        return self._affine(circuit.lookup(x, function, *self._type, self.rounding, self.overflow))

    def weights(self, values: Floats) -> NDArray[np.float64]:
        """Quantise weights in float32 arithmetic, as the libraries that trained them do."""
        x = values.astype(np.float32)
        scaler = np.float32(1.0 if self.scaler is None else self.scaler)
        result: NDArray[np.float64] = (self._fixed(x / scaler) * scaler).astype(np.float64)
        if self.affine is not None:
            factor, offset = map(np.float32, self.affine)
            result = (result.astype(np.float32) * factor + offset).astype(np.float64)
        return result

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the types."""
        return np.broadcast_shapes(self.signed.shape, self.integer.shape, self.fraction.shape)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which types have any bits."""
        return np.asarray(self.signed + self.integer + self.fraction > 0)

    @property
    def _type(self) -> tuple[Ints, Ints, Ints]:
        return self.signed, self.integer, self.fraction

    def _affine(self, x: Any) -> Any:
        if self.affine is None:
            return x
        factor, offset = map(np.float32, self.affine)
        return x * np.float64(factor) + np.float64(offset)

    def _fixed(self, x: Floats) -> Floats:
        """Return ``x`` on the grid, computed in the precision of ``x``."""
        scale = np.ldexp(x.dtype.type(1), self.fraction)
        code = ROUND[self.rounding](x * scale)
        if not self.bounded:
            return np.asarray(code / scale)
        bits = np.maximum(self.integer + self.fraction, 0)
        top = np.ldexp(x.dtype.type(1), bits)
        bottom = -self.signed.astype(x.dtype) * top
        if self.overflow == "WRAP":
            code = np.mod(code - bottom, top - bottom) + bottom
        elif self.overflow == "SAT":
            code = np.clip(code, bottom, top - 1)
        else:
            code = np.clip(code, -self.signed.astype(x.dtype) * (top - 1), top - 1)
        return np.asarray(np.where(self.used, code / scale, x.dtype.type(0)))
