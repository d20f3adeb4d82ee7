"""What a layer's numbers are rounded to while a model is replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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

    # What a layer knows of its numbers and interval arithmetic (`quantize(...).bound`) does not:

    def composed(
        self,
        function: Callable[[Any], Value],
        x: Any,
        change: Callable[[Floats], Floats],
        argument: str = "",
    ) -> Value:
        """Return ``function(x)``, several steps whose exact result changes by ``change`` at most.

        ``change`` is a function of how much each element of ``x`` changes. To round the place
        ``argument`` is such a change, and what a layer says is `within` holds after it.
        """
        return function(x)

    def attended(self, weighting: Callable[[Any], Any], scores: Any, value: Any) -> Any:
        """Return ``weighting(scores) @ value``, the weights being a softmax over the last axis.

        Without any rounding each row of weights would be at least 0 and sum to 1 (to 0 where no
        element takes part); the place "exp_input" is inside.
        """
        return weighting(scores) @ value

    def within(self, value: Any, low: ArrayLike, high: ArrayLike) -> Any:
        """Return a value; without any rounding it would lie between ``low`` and ``high``."""
        return value

    def normalized(self, x: Any, square: Any, inverse: Any, count: int, epsilon: float) -> Any:
        """Return ``x * inverse``: ``square`` is the mean square of ``count`` elements of ``x``.

        Without any rounding ``inverse`` would be ``1 / sqrt(square + epsilon)``; ``x`` is as given
        to `composed`, or less its mean.
        """
        return x * inverse


AS_IS = Precision()
"""Leaves every number as it is."""
