"""A layer's numbers rounded to its types: on symbolic arrays, on batches, on constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import quantize_floats
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantization.fixed_type import FixedType
from edgetrig.frontends.quantization.observe import RESULT, argument_of
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.translate import DROPPABLE
from edgetrig.frontends.values import Pending, Value, exact, quantized

LayerTypes = Mapping[str, FixedType]
"""Types by role."""


class Fixed(Precision):
    """Rounds what has a type and leaves the rest exact.

    Parameters
    ----------
    types
        By role; "result" is the layer's output.
    replaced
        Constants instead of the layer's own, by role.
    """

    exact = False

    def __init__(
        self, types: LayerTypes, replaced: Mapping[str, NDArray[np.float64]] | None = None
    ) -> None:
        self.types = dict(types)
        self.replaced = dict(replaced or {})

    def weight(self, values: Floats, role: str) -> NDArray[np.float64]:
        """Return constants, rounded."""
        constants = self.replaced.get(role, values.astype(np.float64))
        kind = self.types.get(role)
        return constants if kind is None else kind(constants)

    def inner(self, value: Value, role: str) -> Value:
        """Return a result between two parts of the layer, rounded."""
        return self._rounded(value, role)

    def output(self, value: Value) -> Value:
        """Return the layer's result, rounded."""
        return self._rounded(value, RESULT)

    def _rounded(self, value: Value, role: str) -> Value:
        argument, kind = self.types.get(argument_of(role)), self.types.get(role)
        if argument is not None and type(value) is Pending:
            value = replace(value, array=self.fit(value.array, argument, argument_of(role)))
        return value if kind is None else self.fit(value, kind, role)

    def fit(self, value: Value, kind: FixedType, role: str) -> Any:
        """Return a value in a type."""
        return exact(quantized(value, kind.quantizer))


class FixedInput(Fixed):
    """An input's type, which takes raw floats exactly as the hardware's port does."""

    def fit(self, value: Value, kind: FixedType, role: str) -> Any:
        """Return an input in its type."""
        if not isinstance(value, Batch):
            return quantized(value, kind.quantizer)
        codes = quantize_floats(
            value.values, kind.signed, kind.integer, kind.fraction, kind.rounding, kind.overflow
        )
        return Batch(np.ldexp(codes.astype(np.float64), -kind.fraction))


def dropped_array(value: Value) -> Any:
    """Return a model's output as the hardware gives it: without a last activation."""
    if isinstance(value, Pending) and value.name in DROPPABLE:
        return value.array
    return exact(value)
