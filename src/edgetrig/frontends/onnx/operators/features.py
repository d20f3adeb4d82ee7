"""Operators of ``ai.onnx.ml`` that have no equal among the standard ones: trees and columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.layers import selection
from edgetrig.frontends.onnx.node import Node, constant
from edgetrig.frontends.onnx.operators.shape import Results, from_front, moved
from edgetrig.frontends.scales.scaled import Known, numbers, shape_of
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.step import layer
from edgetrig.frontends.values import Value, exact


def trees(node: Node, x: Value) -> Results:
    """Return the sums of a forest, which stands among the attributes, for (events, features)."""
    forest = node.attributes["forest"]
    assert isinstance(forest, Forest)
    events, width = shape_of(x)
    if width < len(forest.features):
        raise ValueError(f"its trees ask for {len(forest.features)} features of {width}")
    named = replace(forest, features=tuple(f"x{k}" for k in range(width)))
    run, array = layer(named), exact(x)
    return [np.stack([run(node.precision, array[k])[0] for k in range(events)], axis=0)]


def array_feature_extractor(node: Node, x: Value | Known, index: Value | Known) -> Results:
    """ONNX' ``ArrayFeatureExtractor``: columns by number, or entries of a list; words by number."""
    if isinstance(index, Known):
        where = constant(index, "positions").astype(np.int64).ravel()
        return [_columns(x, where)]
    if not isinstance(x, Known) or x.values.size != shape_of(x)[-1]:
        raise ValueError("it picks elements of one computed value by another")
    places = moved(index, lambda v: v.reshape((1, -1)))
    if x.values.dtype.kind in "OSU":
        return [places]
    table = numbers(x.real).ravel()
    return [selection.embedding(from_front(places, table.size), table)]


def _columns(x: Value | Known, where: NDArray[np.int64]) -> Value | Known:
    size = shape_of(x)[-1]
    if where.size and not 0 <= where.min() <= where.max() < size:
        raise ValueError(f"it picks column {where.max()} of {size}")
    if len(shape_of(x)) == 1:
        x = moved(x, lambda v: v[None])
    return moved(x, lambda v: np.take(v, where, axis=-1))
