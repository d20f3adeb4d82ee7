"""What a layer's numbers are rounded to while a model is replayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Value


class Precision:
    """Leaves every number as it is: a quantised model brings its own types.

    A subclass rounds (post-training quantisation) or looks on (calibration). One object belongs to
    one layer.

    Attributes
    ----------
    exact
        Whether every number is left as it is: a layer that could only be rounded is refused then.
    """

    exact: bool = True

    def weight(self, values: Floats, role: str) -> NDArray[np.float64]:
        """Return constants of the layer; ``role`` says which: "kernel", "bias", "scale", ..."""
        return values.astype(np.float64)

    def inner(self, value: Value, role: str) -> Value:
        """Return a result between two parts of the layer, such as a sum before its sigmoid."""
        return value

    def output(self, value: Value) -> Value:
        """Return the layer's result."""
        return value


AS_IS = Precision()
"""Leaves every number as it is."""
