"""Types for the features and leaves of a forest, found from data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import Input, widths
from edgetrig.errors import DataError, ModelError
from edgetrig.frontends.quantization.loss import Loss, Metric, agreement, loss_against
from edgetrig.frontends.quantization.result import Quantized, Row
from edgetrig.frontends.quantization.sample import halves
from edgetrig.frontends.trees import Forest, simplified, translate
from edgetrig.frontends.trees.inputs import Splits, exact_types, given_types, narrow_types
from edgetrig.frontends.trees.lower_leaves import MOST, Leaves, calibrated, fraction_bits

SEARCH_EVENTS: Final = 20_000
"""Most events on which types are searched."""

LEAST_BITS: Final = 2
"""Narrowest feature that is tried."""


@dataclass(frozen=True)
class _Trial:
    """A forest with trial types.

    Leaves are rounded to suit the scores of ``events``; ``others`` judge them.
    """

    small: Forest
    events: NDArray[np.float64]
    others: NDArray[np.float64]
    scores: NDArray[np.float64]
    splits: Splits

    def leaves(self, fraction: int) -> tuple[Leaves, NDArray[np.float64]]:
        """Return leaves with so many fraction bits, and the others' scores that they make."""
        leaves = calibrated(self.small, fraction, self._reached(self.events), self.scores)
        reached = self._reached(self.others)
        made = np.tile(leaves.base, (len(reached), 1))
        for tree in reached.T:
            made += leaves.codes[tree]
        return leaves, np.ldexp(made.astype(np.float64), -fraction)

    def _reached(self, events: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the leaf that each event reaches in each tree."""
        codes = self.splits.codes(events)
        return self.splits.goes_by(self.small).leaves(codes).astype(np.int64)


def quantize_forest(
    forest: Forest,
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    bits: int | None = None,
    max_bits: int = 16,
    leaf_bits: int | None = None,
    inputs: Input | None = None,
    tolerance: float = 0.01,
    metric: Metric | None = None,
    name: str = "trees",
) -> Quantized:
    """Find the bits of a forest's features and leaves.

    Parameters
    ----------
    forest
        The model.
    x
        Events, shape (events, features); NaN where a feature is missing, which the circuit then
        has an input for.
    y
        Class of every event, or targets. Without it the forest's own decisions (a regression's
        scores) are what is to be kept.
    bits
        Bits of a feature, without a search.
    max_bits
        Most bits of a feature that the search takes; where they are too few, features have all the
        bits that their thresholds need.
    leaf_bits
        Bits behind the point of leaves and scores, without a search.
    inputs
        The features as hardware integers, used as they are.
    tolerance, metric
        As for `edgetrig.frontends.quantization.quantize_model`.
    name
        Of the model.

    Raises
    ------
    ModelError
        If an option is wrong, or the forest has no exact hardware form.
    DataError
        If the data do not fit.
    """
    events = np.asarray(x)
    if events.ndim != 2 or events.shape[1] != len(forest.features) or not len(events):
        raise DataError(
            f"x of shape {events.shape}: the model needs (events, {len(forest.features)})"
        )
    if y is not None and len(np.asarray(y)) != len(events):
        raise DataError(f"y has {len(np.asarray(y))} events, x has {len(events)}")
    if not 2 <= max_bits <= 32 or not tolerance >= 0:
        raise ModelError(f"max_bits={max_bits}, tolerance={tolerance}: use 2 to 32, and 0 or more")
    chosen = np.arange(0, len(events), -(-len(events) // SEARCH_EVENTS))
    # Leaves are rounded to suit the events that reach them, so others judge. Without y a metric
    # may know the events by their order: then all of them do both.
    parts = (chosen, chosen) if metric is not None and y is None else _halves_of(chosen)
    few, others = (events[part].astype(np.float64) for part in parts)
    missing = bool(np.isnan(events[chosen]).any())
    small = simplified(forest, missing=missing)
    scores = forest.scores(few)
    wanted = forest.scores(others)
    loss = _loss(forest, wanted, None if y is None else np.asarray(y)[parts[1]], metric)

    def trial(width: int | None) -> _Trial:
        if inputs is not None:
            return _Trial(small, few, others, scores, given_types(small, inputs))
        splits = exact_types(small) if width is None else narrow_types(small, width, few)
        return _Trial(small, few, others, scores, splits)

    finest = fraction_bits(forest) if leaf_bits is None else leaf_bits
    if bits is None and inputs is None:
        bits = _least(
            lambda n: loss.cautious([trial(n).leaves(finest)[1]]) <= tolerance / 2,
            LEAST_BITS,
            max_bits,
        )
    best = trial(bits)
    if leaf_bits is None:
        kept = _least(
            lambda n: loss.cautious([best.leaves(n)[1]]) <= tolerance, 0, min(max(finest, 12), MOST)
        )
        leaf_bits = finest if kept is None else kept
    leaves, made = best.leaves(leaf_bits)
    loaded = translate(
        forest, inputs=inputs, bits=bits, data=few, leaf_bits=leaf_bits, missing=missing, name=name
    )
    total = loss.of([made])
    notes = loaded.notes
    if total > tolerance:
        notes = (*notes, f"the loss of {total:.3g} is above the {tolerance:.3g} allowed")
    return Quantized(
        loaded.circuit,
        loaded.name,
        loaded.dropped,
        notes,
        table=(*_features(forest, best, few), _leaf_row(small, leaves)),
        measure=loss.name,
        loss=total,
        uncertainty=loss.uncertainty([made]),
        tolerance=tolerance,
        judged=len(others),
        unseen=len(others) < len(chosen),
        agreement=agreement([made], [wanted]),
    )


def _halves_of(events: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the events that choose and of those that judge."""
    fit, judge = halves(len(events))
    return events[fit], events[judge]


def _loss(
    forest: Forest, scores: NDArray[np.float64], y: ArrayLike | None, metric: Metric | None
) -> Loss:
    if y is not None or metric is not None or forest.link == "identity":
        return loss_against([scores], y, metric)
    own = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(np.int64)
    return replace(loss_against([scores], own, None), name="decisions changed")


def _least(good: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the least number that is good enough, by bisection; None if none is."""
    if not good(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle + 1, high)
    return high


def _features(forest: Forest, trial: _Trial, events: NDArray[np.float64]) -> list[Row]:
    """Return a line for each feature that a split uses."""
    port = trial.splits.port
    bits = widths(port.lo, port.hi)
    rows = []
    for number, name in enumerate(forest.features):
        if not bits[number]:
            continue
        seen = events[:, number][np.isfinite(events[:, number])]
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0)
        kind = "fixed" if port.lo[number] < 0 else "ufixed"
        width, fraction = int(bits[number]), int(port.fraction[number])
        span = f"{kind}<{width},{width - fraction},{port.rounding},{port.overflow}>"
        # Ports end where the thresholds do: what lies beyond decides no split.
        rows.append(Row(str(name), "input", low, high, span, 0, len(seen)))
    return rows


def _leaf_row(forest: Forest, leaves: Leaves) -> Row:
    values = forest.value[forest.feature < 0]
    width = max(int(leaves.codes.max(initial=0)).bit_length(), 1)
    span = f"ufixed<{width},{width - leaves.fraction}>"
    low, high = float(values.min()), float(values.max())
    bound = float(leaves.error.max())
    return Row("trees", "leaves", low, high, span, 0, values.size, None, bound)
