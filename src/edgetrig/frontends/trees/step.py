"""A forest among the layers of a network: its features are numbers that other layers make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edgetrig.circuit import Array, Input, dyadic, widths
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.gates import scores
from edgetrig.frontends.trees.inputs import WIDEST_PORT, given_types
from edgetrig.frontends.trees.lower_leaves import MOST, rounded
from edgetrig.frontends.trees.simplify import simplified
from edgetrig.frontends.values import Value, exact


def layer(forest: Forest) -> Callable[[Precision, Value], Sequence[Value]]:
    """Return what a `Step` computes: a forest's margins, of one value with all its features.

    Comparisons are exact on the numbers that arrive. The precision's roles are "leaves" and "bias".
    """

    def function(precision: Precision, x: Value) -> Sequence[Value]:
        leaves = precision.weight(forest.value, "leaves")
        base = precision.weight(forest.base, "bias")
        given = replace(forest, value=leaves, base=np.zeros(forest.outputs))
        x = exact(x)
        if isinstance(x, Batch):
            return [Batch(given.scores(x.values) + base)]
        if isinstance(x, Array):
            return [_circuit(given, x) + base]
        if isinstance(x, np.ndarray):
            return [given.scores(x[None])[0] + base]
        raise TypeError("trees have no bound")

    return function


def _circuit(forest: Forest, x: Array) -> Array:
    small = simplified(forest, missing=False)
    fraction = max(int(dyadic(np.append(small.value, small.base))[1].max(initial=0)), 0)
    if fraction > MOST:
        raise ValueError("its leaves have no type; edgetrig.quantize(model, x) finds one")
    splits = given_types(small, _port(x))
    return scores(small, splits, rounded(small, fraction), x)


def _port(x: Array) -> Input:
    """Return a port that holds what an array can be."""
    lo, hi = x.interval
    if int(widths(lo, hi).max(initial=0)) > WIDEST_PORT:
        raise ValueError("its features have no type; edgetrig.quantize(model, x) finds one")
    return Input("x", lo.astype(np.int64), hi.astype(np.int64), x.fraction)
