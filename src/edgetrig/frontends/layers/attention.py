"""Attention: products of queries and keys, softmax, products with values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgetrig.frontends.layers.inner import rounded
from edgetrig.frontends.layers.softmax import softmax
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Pending, exact


def scaled_dot_product(
    query: Any,
    key: Any,
    value: Any,
    precision: Precision = AS_IS,
    scale: float | None = None,
    mask: Any = None,
    bias: Any = None,
) -> Any:
    """Return ``softmax(scale query key^T + bias) value``.

    Parameters
    ----------
    query, key, value
        Exact arrays (..., targets, d), (..., sources, d), (..., sources, e); leading axes
        (heads) are alike.
    precision
        Has types for the roles "scores", those of `softmax`, and "context".
    scale
        ``1 / sqrt(d)`` if None.
    mask
        Shape (..., targets, sources): 1 where a source takes part. None: all do.
    bias
        Added to the scores; broadcasts to (..., targets, sources).

    Raises
    ------
    ValueError
        If the precision has no types for the softmax.
    """
    factor = 1 / np.sqrt(query.shape[-1]) if scale is None else scale
    # The scale goes into the scores' type when it is a power of two, into a constant otherwise.
    scores = (query @ np.swapaxes(key, -1, -2)) * np.float64(np.float32(factor))
    scores = rounded(scores if bias is None else scores + bias, "scores", precision)

    def weighting(scores: Any) -> Any:
        weights = softmax(scores, -1, precision, mask=mask)
        if isinstance(weights, Pending):
            raise ValueError(
                "its softmax has no number types; edgetrig.quantize(model, x) finds them"
            )
        return rounded(weights, "weights", precision)

    return rounded(precision.attended(weighting, scores, value), "context", precision)


def causal(targets: int, sources: int) -> Floats:
    """Return the mask that lets each target see the sources up to its own place."""
    return np.tri(targets, sources)


@dataclass(frozen=True)
class Projection:
    """A linear map into or out of heads, with Keras' shapes.

    ``kernel`` is (features, heads, size) and ``bias`` (heads, size) or None; out of heads,
    ``kernel`` is (heads, size, features) and ``bias`` (features,).
    """

    kernel: Floats
    bias: Floats | None = None

    def into(self, x: Any, role: str, precision: Precision) -> Any:
        """Return (heads, steps, size) of (steps, features)."""
        features, heads, size = self.kernel.shape
        kernel = precision.weight(self.kernel, f"{role}_kernel").reshape((features, -1))
        result = x @ kernel
        if self.bias is not None:
            result = result + precision.weight(self.bias, f"{role}_bias").reshape(-1)
        result = rounded(result, role, precision).reshape((x.shape[0], heads, size))
        return np.transpose(result, (1, 0, 2))

    def out(self, x: Any, precision: Precision) -> Any:
        """Return (steps, features) of (heads, steps, size)."""
        heads, size, features = self.kernel.shape
        kernel = precision.weight(self.kernel, "output_kernel").reshape((-1, features))
        x = np.transpose(x, (1, 0, 2)).reshape((x.shape[1], heads * size)) @ kernel
        return x if self.bias is None else x + precision.weight(self.bias, "output_bias")


@dataclass(frozen=True)
class Projections:
    """The four linear maps of multi-head attention."""

    query: Projection
    key: Projection
    value: Projection
    output: Projection


def multi_head(
    query: Any,
    key: Any,
    value: Any,
    projections: Projections,
    precision: Precision = AS_IS,
    scale: float | None = None,
    mask: Any = None,
) -> Any:
    """Return multi-head attention over exact arrays (steps, features).

    ``precision`` has types for the roles "query", "key", "value" and those of
    `scaled_dot_product`; ``mask`` is (targets, sources) or (heads, targets, sources).
    """
    q = projections.query.into(exact(query), "query", precision)
    k = projections.key.into(exact(key), "key", precision)
    v = projections.value.into(exact(value), "value", precision)
    return projections.output.out(scaled_dot_product(q, k, v, precision, scale, mask), precision)
