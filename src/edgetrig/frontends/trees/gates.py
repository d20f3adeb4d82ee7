"""From a forest to a circuit: comparisons, each once; trees as choices among integers; sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import Array, Circuit, Input, lookup, origin, trace
from edgetrig.errors import CircuitError, DataError, ModelError
from edgetrig.frontends.loaded import Loaded
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.inputs import Splits, exact_types, given_types, narrow_types
from edgetrig.frontends.trees.lower_leaves import MOST, Leaves, calibrated, fraction_bits, rounded
from edgetrig.frontends.trees.simplify import simplified

Ints = NDArray[np.int64]

EVENTS = 20_000
"""Events that leaves are calibrated on, at most."""


def translate(
    forest: Forest,
    *,
    inputs: Input | None = None,
    bits: int | None = None,
    data: ArrayLike | None = None,
    leaf_bits: int | None = None,
    tolerance: float | None = None,
    missing: bool = False,
    name: str = "trees",
) -> Loaded:
    """Return the circuit of a forest: its margins, in the output port ``scores``.

    Parameters
    ----------
    forest
        The model.
    inputs
        The features as hardware integers: a port with one element a feature. Left out, each
        feature gets the type that decides every split as the model does.
    bits
        Bits of a feature, instead: its values are rounded down to so many.
    data
        Events, shape (events, features), NaN where a feature is missing. Leaves are then rounded
        so that the scores of these are met as well as can be; `bits` spends no code outside their
        range.
    leaf_bits
        Bits behind the point of leaves and scores; by default see
        `edgetrig.frontends.trees.lower_leaves.fraction_bits`.
    tolerance
        Instead: as few of these bits as change the decision (largest score; the sign of a single
        one) of at most this share of the events in `data`.
    missing
        Whether features can be missing. The port ``missing``, one bit a feature, then says which
        are; otherwise NaN is refused.
    name
        Of the model.

    Raises
    ------
    ModelError
        If arguments or features do not fit the model, or the model has no exact hardware form.
    DataError
        If `data` does not fit the model.
    """
    events = _events(forest, data, missing)
    small = simplified(forest, missing=missing)
    splits = _splits(small, inputs, bits, events)
    try:
        leaves = _leaves(forest, small, splits, leaf_bits, tolerance, events)
        traced = _traced(small, splits, leaves, missing)
    except CircuitError as error:
        raise ModelError(f"{name}: {error}") from error
    dropped = {} if forest.link == "identity" else {"scores": forest.link}
    notes = (*forest.notes, *splits.notes, _leaf_note(leaves), *_missing_note(missing))
    return Loaded(traced, name, dropped, notes)


def _events(forest: Forest, data: ArrayLike | None, missing: bool) -> NDArray[np.float64] | None:
    """Return at most `EVENTS` events, spread over those given."""
    if data is None:
        return None
    events = np.asarray(data)
    if events.ndim != 2 or events.shape[1] != len(forest.features) or not len(events):
        raise DataError(
            f"data of shape {events.shape}: the model needs (events, {len(forest.features)})"
        )
    events = events[:: -(-len(events) // EVENTS)].astype(np.float64)
    if not missing and np.isnan(events).any():
        raise DataError("data has NaN: ask for missing=True, or leave these events out")
    return events


def _splits(
    forest: Forest, inputs: Input | None, bits: int | None, events: NDArray[np.float64] | None
) -> Splits:
    if inputs is not None:
        if bits is not None:
            raise ModelError("give the types of the features (inputs=) or their bits=, not both")
        return given_types(forest, inputs)
    return exact_types(forest) if bits is None else narrow_types(forest, bits, events)


def _leaves(
    forest: Forest,
    small: Forest,
    splits: Splits,
    leaf_bits: int | None,
    tolerance: float | None,
    events: NDArray[np.float64] | None,
) -> Leaves:
    """Round the leaves, to the nearest or by events."""
    fraction = fraction_bits(forest) if leaf_bits is None else leaf_bits
    if events is None:
        if tolerance is not None:
            raise ModelError("tolerance= needs events to count on: give data=")
        return rounded(small, fraction)
    scores = forest.scores(events)
    reached = splits.goes_by(small).leaves(splits.codes(events)).astype(np.int64)
    if tolerance is None:
        return calibrated(small, fraction, reached, scores)
    for fraction in range(MOST + 1):
        leaves = calibrated(small, fraction, reached, scores)
        if _changed(leaves, reached, scores) <= tolerance:
            return leaves
    raise ModelError(f"tolerance={tolerance}: the rounded features alone change more decisions")


def _changed(leaves: Leaves, reached: Ints, scores: NDArray[np.float64]) -> float:
    """Return the share of events whose decision the rounding changes."""
    made = np.tile(leaves.base, (len(reached), 1))
    for tree in reached.T:
        made += leaves.codes[tree]
    if scores.shape[1] == 1:
        return float(((made > 0) != (scores > 0)).mean())
    return float((made.argmax(axis=1) != scores.argmax(axis=1)).mean())


def _leaf_note(leaves: Leaves) -> str:
    error = float(leaves.error.max())
    if error == 0:
        return f"leaves are exact with {leaves.fraction} bits behind the point"
    return (
        f"leaves are rounded to {leaves.fraction} bits behind the point: a score differs from the"
        f" model's by at most {error:.3g}; leaf_bits= of quantize and translate changes it"
    )


def _missing_note(missing: bool) -> tuple[str, ...]:
    if missing:
        return ()
    how = "edgetrig.frontends.trees.translate(forest, missing=True) adds a bit a feature for it"
    return (f"features must be there, NaN is refused; {how}",)


# ---- the circuit --------------------------------------------------------------------------------


def _traced(forest: Forest, splits: Splits, leaves: Leaves, missing: bool) -> Circuit:
    def function(x: Array, *absent: Array) -> dict[str, Array]:
        return {"scores": scores(forest, splits, leaves, x, absent[0] if absent else None)}

    ports = [splits.port]
    if missing:
        ports.append(_missing_port(forest))
    return trace(function, *ports)


def scores(
    forest: Forest, splits: Splits, leaves: Leaves, x: Array, absent: Array | None = None
) -> Array:
    """Append a forest to the trace that its features belong to, and return its margins.

    Parameters
    ----------
    forest
        The model.
    splits
        Its comparisons, for features of the types that ``x`` has.
    leaves
        What its leaves add.
    x
        The features, one element each.
    absent
        Which of them are missing; None if none can be.
    """
    with origin("comparisons"):
        left = _conditions(forest, splits, x.codes, absent)
    with origin("trees"):
        values = _tree_values(forest, leaves, left)
    tree_output = _ports_of_trees(forest, leaves)[1]
    with origin("scores"):
        totals = [
            _total(x, values, tree_output == output, int(leaves.base[output]))
            for output in range(forest.outputs)
        ]
        return cast(Array, np.stack(totals)).with_fraction(leaves.fraction)


def _missing_port(forest: Forest) -> Input:
    """Return one bit a feature, none for features that no split uses."""
    used = np.zeros(len(forest.features), np.int64)
    used[forest.feature[forest.feature >= 0]] = 1
    return Input("missing", np.zeros_like(used), used, np.zeros_like(used))


@dataclass(frozen=True)
class _Conditions:
    """Truth values, and which of them each node asks for (-1 at leaves)."""

    rows: Array
    number: Ints


def _conditions(forest: Forest, splits: Splits, x: Array, absent: Array | None) -> _Conditions:
    """Ask each distinct question once: whether an event goes left."""
    categories = {group: k for k, group in enumerate(dict.fromkeys(forest.categories.values()))}
    inner = np.flatnonzero(forest.feature >= 0)
    group = np.full(forest.nodes, -1)
    for node, members in forest.categories.items():
        group[node] = categories[members]
    asked: list[NDArray[Any]] = [forest.feature, splits.limit, group]
    if absent is not None:
        asked.append(forest.missing_left)
    columns = np.stack([np.asarray(column[inner], np.int64) for column in asked])
    keys, place = np.unique(columns, axis=1, return_inverse=True)
    number = np.full(forest.nodes, -1)
    number[inner] = place.ravel()
    feature, limit, of_group = keys[:3]
    if not len(feature):
        return _Conditions(x[:0], number)
    truth = x[feature] < np.where(of_group < 0, limit, 0)
    groups = list(categories)
    for k in np.flatnonzero(of_group >= 0).tolist():
        known = np.array(sorted(groups[of_group[k]]), np.float64)
        among = lookup(x[feature[k]], partial(np.isin, test_elements=known), 0, 1, 0)
        truth = truth.where(np.arange(len(feature)) != k, Array(x.builder, among.rows, 0))
    if absent is not None:
        gone, left = np.logical_or(absent[feature], False), keys[3].astype(bool)
        truth = np.where(left, np.logical_or(gone, truth), np.logical_and(~gone, truth))
    return _Conditions(truth, number)


def _ports_of_trees(forest: Forest, leaves: Leaves) -> tuple[Ints, Ints]:
    """Return the trees that add something, with the output they add it to, in order."""
    most = np.maximum.reduceat(leaves.codes, forest.roots)
    tree, output = np.nonzero(most)
    return tree, output


def _tree_values(forest: Forest, leaves: Leaves, left: _Conditions) -> Array:
    """Return each tree's integer for each output it adds to, in the order of `_ports_of_trees`.

    From the leaves up, all trees at once: a node's value is its left or its right child's. Where
    both are equal there is nothing to choose.
    """
    builder = left.rows.builder
    tree, output = _ports_of_trees(forest, leaves)
    distinct, place = np.unique(leaves.codes, return_inverse=True)
    rows = builder.constant(distinct)[place.reshape(leaves.codes.shape)]
    # Columns of `rows` are outputs; only those that a tree adds to are looked at.
    adds = np.zeros((len(forest.roots), forest.outputs), np.bool_)
    adds[tree, output] = True
    of_tree = forest.tree_of_node()
    for nodes in _by_height(forest):
        node, column = np.nonzero(adds[of_tree[nodes]])
        node = nodes[node]
        condition = left.rows[left.number[node]]
        then, other = (
            Array(builder, rows[child[node], column], 0) for child in (forest.left, forest.right)
        )
        rows[node, column] = cast(Array, np.where(condition, then, other)).rows
    return Array(builder, rows[forest.roots[tree], output], 0)


def _by_height(forest: Forest) -> list[Ints]:
    """Return the inner nodes in groups, children's groups first."""
    level = forest.levels()
    inner = np.flatnonzero(forest.feature >= 0)
    order = inner[np.argsort(-level[inner], kind="stable")]
    edges = np.flatnonzero(np.diff(level[order])) + 1
    return [group.astype(np.int64) for group in np.split(order, edges) if len(group)]


def _total(x: Array, values: Array, mask: NDArray[np.bool_], base: int) -> Array:
    """Return the sum of some trees' values and a constant."""
    constant = Array(x.builder, x.builder.constant(base), 0)
    if not mask.any():
        return constant
    return cast(Array, values[mask].sum() + constant)
