"""Types for a float model: observed, searched, reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError, ModelError
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import Model, replay
from edgetrig.frontends.quantization.bounds import bounds_of
from edgetrig.frontends.quantization.fixed import dropped_array
from edgetrig.frontends.quantization.fixed_type import FixedType
from edgetrig.frontends.quantization.floating import (
    Floating,
    Inputs,
    arrays_of,
    blocks,
    plain_values,
)
from edgetrig.frontends.quantization.fold import folded
from edgetrig.frontends.quantization.loss import Metric, Outputs, agreement, loss_against
from edgetrig.frontends.quantization.observe import RESULT, Place, Record, observe
from edgetrig.frontends.quantization.plan import Key, Plan
from edgetrig.frontends.quantization.ranges import RULES, Rule
from edgetrig.frontends.quantization.requested import Requested, requested_types
from edgetrig.frontends.quantization.result import Quantized, Row
from edgetrig.frontends.quantization.sample import Sample, halves
from edgetrig.frontends.quantization.saturation import Saturation, counted
from edgetrig.frontends.quantization.search import Trials, search
from edgetrig.frontends.quantization.survey import EVENTS, Survey, survey
from edgetrig.frontends.translate import translate
from edgetrig.progress import Progress, silent

SEARCH_EVENTS: Final = 16384
"""Most events on which types are searched."""

MEMORY: Final = 1 << 24
"""Most numbers that the search keeps at once."""

EXACT_BITS: Final = 53
"""Bits up to which float64 arithmetic is the hardware's."""


@dataclass(frozen=True)
class Options:
    """How types are chosen; see `quantize_model`."""

    precision: Requested
    bits: int | None
    max_bits: int
    tolerance: float
    ranges: Rule
    table_bits: int
    per_feature: bool
    budget: int

    def __post_init__(self) -> None:
        for name, bits in (("bits", self.bits), ("max_bits", self.max_bits)):
            if bits is not None and not 2 <= bits <= 32:
                raise ModelError(f"{name}={bits}: use 2 to 32")
        if not 2 <= self.table_bits <= 16:
            raise ModelError(f"table_bits={self.table_bits}: use 2 to 16")
        if self.ranges not in RULES:
            raise ModelError(f"ranges='{self.ranges}': use {' or '.join(RULES)}")
        if not self.tolerance >= 0:
            raise ModelError(f"tolerance={self.tolerance}: use 0 or more")


def quantize_model(
    model: Model,
    x: Inputs,
    y: ArrayLike | None = None,
    *,
    precision: Requested | None = None,
    bits: int | None = None,
    max_bits: int = 16,
    tolerance: float = 0.01,
    metric: Metric | None = None,
    ranges: Rule = "mse",
    table_bits: int = 10,
    per_feature: bool = True,
    budget: int = 600,
    progress: Progress = silent,
) -> Quantized:
    """Find fixed-point types for a float model.

    Every place where numbers are made gets a type: inputs, constants, sums that a table follows,
    results of layers. Rounding is RND and overflow SAT (which costs nothing where the range is
    proved). Batch norms are folded first. Widths are searched on up to 16384 of the events: one for
    all places that is good enough, then less, bit by bit, where it matters least for what it
    saves. One half of the events chooses, the other half judges. Layers that quantise by themselves
    (HGQ2) keep their types.

    Parameters
    ----------
    model
        As a front end reads it.
    x
        Calibration events, shape (events, *shape of the input); a mapping from input names, or a
        list, if there are several inputs.
    y
        Class of every event (whole numbers or one-hot), or targets; without it the float model's
        own outputs are what is to be kept.
    precision
        Types by the user: ``{"dense_1": "fixed<12,4>", "dense_*.weight": "fixed<6,2>",
        "input": "ufixed<8,8>"}``; see `parse_type` for the spelling.
    bits
        One width for everything that ``precision`` does not name, without a search.
    max_bits
        Widest type that the search takes.
    tolerance
        Loss to stay within: of accuracy where y has classes, of the metric, else the root mean
        square error relative to the spread of the outputs (of the targets).
    metric
        ``metric(y, outputs)``, the more the better. Outputs are the hardware's: without a last
        softmax or sigmoid.
    ranges
        "mse": each type's range makes the mean square error least, outliers are cut off; "all": it
        covers every number seen.
    table_bits
        Most bits of the argument of a table (tanh, sigmoid, exp, ...).
    per_feature
        Whether each index of an input's last axis has its own range.
    budget
        Evaluations of the model that the search may take, about.
    progress
        Called with evaluations done and the budget.

    Returns
    -------
    Quantized
        What `edgetrig.compile` takes; ``str()`` shows the table.

    Raises
    ------
    ModelError
        If a layer cannot be computed or translated, or an option or a name is wrong.
    DataError
        If the data do not fit the model.
    """
    options = Options(
        dict(precision or {}), bits, max_bits, tolerance, ranges, table_bits, per_feature, budget
    )
    arrays = arrays_of(model, x)
    if y is not None and len(np.asarray(y)) != len(arrays[0]):
        raise DataError(f"y has {len(np.asarray(y))} events, x has {len(arrays[0])}")
    found = survey(model, [array[:EVENTS] for array in arrays])
    plan = _plan(model, arrays, found, options)
    reference = _outputs(plan, {}, arrays, found)
    whole = Sample(arrays, reference, None if y is None else np.asarray(y))
    if options.bits is not None or not plan.searched:
        types = plan.types(plan.uniform(options.bits or options.max_bits))
        return _result(plan, types, whole, whole, metric, found, options)
    fit = judge = whole
    if metric is None or y is not None:  # without y a metric may know the events by their order
        fit, judge = (whole.chosen(half) for half in halves(len(whole)))
    types = _choose(plan, fit, judge, metric, options, progress, found)
    return _result(plan, types, whole, judge, metric, found, options)


def _plan(model: Model, arrays: Sequence[NDArray[Any]], found: Survey, options: Options) -> Plan:
    record = observe(model, arrays, found, {}, by_feature=options.per_feature)
    folding = folded(model, record, [array[:EVENTS].astype(np.float64) for array in arrays])
    if folding.replaced:
        record = observe(model, arrays, found, folding.replaced, by_feature=options.per_feature)
    places = {
        key: place
        for key, place in record.places.items()
        # A factor is 1 now, and what it scaled is part of the sum behind it.
        if key not in folding.units and not (key[1] == RESULT and key[0] in folding.linear)
    }
    exact = {key for key in places if _is_exact(places[key], found)}
    given = requested_types(
        options.precision,
        places.values(),
        [port.name for port in model.inputs],
        list(record.results.items()),
        exact,
    )
    active = [key for key in places if key in given or key not in exact]
    return Plan(
        model, record, tuple(active), given, folding.replaced, options.ranges, options.table_bits
    )


def _is_exact(place: Place, found: Survey) -> bool:
    """Whether a place needs no type: a result without new numbers, or constants that are 0."""
    if place.constant:
        return not (place.low.any() or place.high.any())
    return place.role == RESULT and place.layer not in found.rounds | found.ports


def _choose(
    plan: Plan,
    fit: Sample,
    judge: Sample,
    metric: Metric | None,
    options: Options,
    progress: Progress,
    found: Survey,
) -> dict[Key, FixedType]:
    """Return the types, searched with some of the events and accepted by the others."""
    numbers = sum(place.size for place in plan.record.places.values() if not place.constant)
    few = fit.spread(int(np.clip(MEMORY // max(numbers, 1), 64, SEARCH_EVENTS)))
    inputs = [array.astype(np.float64) for array in few.arrays]
    trials = Trials(plan, inputs, few.loss(metric))
    way = search(trials, options.tolerance, options.max_bits, options.budget, progress)
    loss = judge.loss(metric)

    def passes(step: int) -> bool:
        outputs = _outputs(plan, plan.types(way[step]), judge.arrays, found)
        return loss.cautious(outputs) <= options.tolerance

    # A search fits its own events a little: go back as far as the others demand.
    good, bad, step = 0, len(way), len(way) - 1
    while step > good:
        if passes(step):
            good = step
        else:
            bad = step
        step = (good + bad) // 2
    return plan.types(way[good])


def _outputs(
    plan: Plan, types: Mapping[Key, FixedType], arrays: Sequence[NDArray[Any]], found: Survey
) -> Outputs:
    """Return outputs with some layers in types, the others in floats."""
    typed = plan.precisions(types)
    layers = {layer for layer, _ in types}
    precisions = {
        name: fixed
        if name in layers or name in found.dropped
        else Floating(plan.replaced.get(name))
        for name, fixed in typed.items()
    }
    parts = []
    for block in blocks(arrays):
        results = replay(plan.model, [Batch(a) for a in block], precisions.__getitem__)
        parts.append([plain_values(dropped_array(result), len(block[0])) for result in results])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _result(
    plan: Plan,
    types: Mapping[Key, FixedType],
    whole: Sample,
    judge: Sample,
    metric: Metric | None,
    found: Survey,
    options: Options,
) -> Quantized:
    counts = counted(plan, types, whole.arrays)
    outputs = _outputs(plan, types, judge.arrays, found)
    loss = judge.loss(metric)
    precisions = plan.precisions(types)
    loaded = translate(plan.model, precisions.__getitem__)
    total = loss.of(outputs)
    notes = list(loaded.notes)
    if total > options.tolerance and options.bits is None:
        notes.append(
            f"the loss of {total:.3g} is above the {options.tolerance:.3g} allowed: "
            "raise max_bits or table_bits, or give more data"
        )
    widest = int(loaded.circuit.widths.max(initial=0))
    if widest > EXACT_BITS:
        notes.append(
            f"a number has {widest} bits: the hardware is exact, the losses above are computed in "
            "float64 and may differ in its last bit"
        )
    few = [array[: 4 * EVENTS] for array in whole.arrays]
    alone = {
        layer: loss_of_layer(plan, types, few, whole.reference, layer, found)
        for layer in dict.fromkeys(layer for layer, _ in types)
    }
    bound, by_layer = bounds_of(plan, types)
    return Quantized(
        loaded.circuit,
        loaded.name,
        loaded.dropped,
        tuple(notes),
        table=tuple(_rows(plan.record, types, counts, alone, by_layer)),
        measure=loss.name,
        loss=total,
        uncertainty=loss.uncertainty(outputs),
        tolerance=options.tolerance,
        judged=len(judge),
        unseen=judge is not whole and len(judge) < len(whole),
        agreement=agreement(outputs, judge.reference),
        bound=bound,
        precisions=precisions,
    )


def loss_of_layer(
    plan: Plan,
    types: Mapping[Key, FixedType],
    few: Sequence[NDArray[Any]],
    reference: Outputs,
    layer: str,
    found: Survey,
) -> float:
    """Return the relative error of the outputs if only one layer had types."""
    own = {key: kind for key, kind in types.items() if key[0] == layer}
    loss = loss_against([output[: len(few[0])] for output in reference], None, None)
    return loss.of(_outputs(plan, own, few, found))


def _rows(
    record: Record,
    types: Mapping[Key, FixedType],
    counts: Mapping[Key, Saturation],
    alone: Mapping[str, float],
    by_layer: Mapping[str, float],
) -> list[Row]:
    rows: list[Row] = []
    for layer in alone:
        first = True
        for key, kind in types.items():
            if key[0] != layer:
                continue
            place, count = record.places[key], counts.get(key, Saturation())
            rows.append(
                Row(
                    layer,
                    key[1],
                    float(place.low.min()),
                    float(place.high.max()),
                    str(kind),
                    count.saturated,
                    count.numbers,
                    alone[layer] if first else None,
                    by_layer.get(layer) if key == record.result(layer) else None,
                )
            )
            first = False
    return rows
