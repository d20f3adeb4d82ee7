"""Where events enter: an exact type for every feature, and every split as a question on integers.

An event goes left at a split where its feature's code is below the split's *limit*, an integer.
With codes of ``f`` fraction bits, ``x < t`` is ``code < ceil(t 2^f)`` and ``x <= t`` is
``code < floor(t 2^f) + 1`` for every x that is a code: no rounding, whatever ``t`` is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import Input, widths
from edgetrig.errors import ModelError
from edgetrig.frontends.trees.forest import Forest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDE = 24
"""Bits of a feature above which the user is told so."""
WIDEST_PORT = 48
"""Bits of a feature beyond which its finest steps are given up."""
_MOST_CATEGORIES = 1 << 16


@dataclass(frozen=True)
class Splits:
    """The features as hardware integers.

    Parameters
    ----------
    port
        The input port, one element a feature. A feature that no split uses has no bits.
    limit
        For every node: an event goes left where its code is below. 0 at leaves and at categorical
        splits.
    notes
        One line each on what a user may want to change.
    """

    port: Input
    limit: Ints
    notes: tuple[str, ...] = ()

    def codes(self, x: ArrayLike) -> Floats:
        """Return the codes of events, shape (events, features); NaN where a feature is missing."""
        values = np.asarray(x, np.float64)
        scaled = np.ldexp(values, self.port.fraction.astype(np.int32))
        rounded = np.floor(scaled) if self.port.rounding == "TRN" else np.floor(scaled + 0.5)
        return np.clip(rounded, self.port.lo, self.port.hi)

    def goes_by(self, forest: Forest) -> Forest:
        """Return the forest on codes: what the hardware decides, event by event."""
        return replace(
            forest, threshold=self.limit.astype(np.float64), inclusive=False, narrow_inputs=False
        )


def given_types(forest: Forest, port: Input) -> Splits:
    """Take the features as they are: hardware integers of known types.

    Parameters
    ----------
    forest
        The model.
    port
        The input port, one element a feature.

    Raises
    ------
    ModelError
        If the port has another number of elements, or a categorical feature has fraction bits.
    """
    if port.shape != (len(forest.features),):
        raise ModelError(
            f"input {port.name} has shape {port.shape}, but the model has"
            f" {len(forest.features)} features; give one element a feature"
        )
    notes = []
    wide = widths(port.lo, port.hi) > WIDE
    if forest.narrow_inputs and wide.any():
        notes.append(
            f"features of more than {WIDE} bits: the model's library rounds them to float32 before"
            " it compares, the hardware compares all bits"
        )
    for feature in _categorical(forest):
        if port.fraction[feature] != 0 or port.lo[feature] < 0:
            raise ModelError(
                f"feature {forest.features[feature]} is categorical: give it an unsigned integer"
                " type without fraction bits"
            )
    limit = _limits(forest, port, forest.threshold, forest.inclusive)
    return Splits(port, limit, tuple(notes))


def exact_types(forest: Forest, name: str = "x") -> Splits:
    """Find for every feature the port that decides every split as the model does.

    Every float32 value is rounded down to a multiple of the finest threshold's last bit and
    saturates just below the smallest and at the largest threshold: none of this crosses one. For
    ``<=`` the next float32 above the threshold takes its place. A feature that would need more than
    `WIDEST_PORT` bits gives up its finest steps: it is exact for values that the port can carry.
    """
    port, notes = _empty_port(forest, name), []
    cut = []
    for feature, own in _compared(forest).items():
        finest = _finest(own)
        if _widest_fraction(port, feature, own, finest, WIDEST_PORT) < finest:
            cut.append(feature)
    bits = widths(port.lo, port.hi)
    if bits.max(initial=0) > WIDE:
        widest = int(bits.argmax())
        notes.append(
            f"features take up to {bits[widest]} bits ({forest.features[widest]}), as fine as their"
            " thresholds are; edgetrig.quantize(model, x) narrows them"
        )
    if cut:
        named = ", ".join(forest.features[feature] for feature in cut[:4])
        notes.append(
            f"thresholds of {named}{', ...' if len(cut) > 4 else ''} need more than {WIDEST_PORT}"
            " bits: decisions are the model's for values that the input's type can carry"
        )
    if not forest.narrow_inputs:
        notes.append("features are taken as float32 values, the model compares float64")
    limit = _limits(forest, port, _float32_limits(forest), False)
    return Splits(port, limit, tuple(notes))


def narrow_types(forest: Forest, bits: int, data: Floats | None, name: str = "x") -> Splits:
    """Find ports of few bits; every split decides as the model does for each value they can carry.

    Parameters
    ----------
    forest
        The model.
    bits
        Bits a feature, at least 2.
    data
        Events, shape (events, features), NaN where a feature is missing: thresholds outside their
        range take no codes. None for no such limit.
    name
        Of the port.
    """
    if not 2 <= bits <= WIDEST_PORT:
        raise ModelError(f"bits={bits}: use 2 to {WIDEST_PORT} bits a feature")
    port = _empty_port(forest, name)
    for feature, own in _compared(forest).items():
        inside = own
        if data is not None and np.isfinite(data[:, feature]).any():
            low, high = np.nanmin(data[:, feature]), np.nanmax(data[:, feature])
            inside = own[(own > low) & (own <= high)]
        if len(inside):
            _widest_fraction(port, feature, inside, _finest(inside), bits)
    note = f"features are rounded down to {bits} bits at most, within their thresholds' range"
    return Splits(port, _limits(forest, port, _float32_limits(forest), False), (note,))


def _numeric(forest: Forest) -> NDArray[np.bool_]:
    """Return which nodes compare a number."""
    numeric = forest.feature >= 0
    numeric[list(forest.categories)] = False
    return numeric


def _categorical(forest: Forest) -> list[int]:
    """Return the features that categorical splits use.

    Raises
    ------
    ModelError
        If a feature is compared as a number too.
    """
    features = np.unique(forest.feature[list(forest.categories)]).tolist()
    both = np.intersect1d(features, forest.feature[_numeric(forest)])
    if both.size:
        raise ModelError(
            f"feature {forest.features[both[0]]} is split as a category and as a number;"
            " give it to the model as two features"
        )
    return [int(feature) for feature in features]


def _empty_port(forest: Forest, name: str) -> Input:
    """Return a port without bits but for the categories, which take two codes more.

    One beyond the largest and -1, what lies below 0, are none of them: pandas' code of a missing
    category is -1, and must not saturate to category 0.
    """
    count = len(forest.features)
    lo, hi, fraction = (np.zeros(count, np.int64) for _ in range(3))
    for feature in _categorical(forest):
        groups = [g for n, g in forest.categories.items() if forest.feature[n] == feature]
        largest = max((max(group) for group in groups if group), default=0)
        if largest >= _MOST_CATEGORIES:
            raise ModelError(
                f"feature {forest.features[feature]}: category {largest} is too large for a table;"
                f" number the categories from 0 to {_MOST_CATEGORIES - 1}"
            )
        lo[feature], hi[feature] = -1, largest + 1
    return Input(name, lo, hi, fraction, "TRN")


def _compared(forest: Forest) -> dict[int, Floats]:
    """Return for each feature the float32 values that a float32 must be below to go left."""
    numeric = _numeric(forest)
    below, feature = _float32_limits(forest)[numeric], forest.feature[numeric]
    finite = np.isfinite(below)
    return {int(k): np.unique(below[finite & (feature == k)]) for k in np.unique(feature[finite])}


def _widest_fraction(port: Input, feature: int, own: Floats, finest: int, bits: int) -> int:
    """Set a feature's range for its limits, with as many fraction bits as fit; return them."""
    largest = int(np.frexp(np.abs(own).max())[1])
    fraction = min(finest, bits - largest + 1)
    while True:
        limits = np.ceil(np.ldexp(own, fraction))
        port.lo[feature], port.hi[feature] = int(limits.min()) - 1, int(limits.max())
        port.fraction[feature] = fraction
        if widths(port.lo, port.hi)[feature] <= bits:
            return fraction
        fraction -= 1


def _limits(forest: Forest, port: Input, threshold: Floats, inclusive: bool) -> Ints:
    """Return every node's limit on codes; all limits beyond the range are those at its ends."""
    numeric = _numeric(forest)
    feature = np.where(numeric, forest.feature, 0)
    with np.errstate(over="ignore"):
        scaled = np.ldexp(threshold, port.fraction[feature].astype(np.int32))
    first, last = port.lo[feature], port.hi[feature] + 1
    low, high = scaled < first.astype(np.float64), scaled >= last.astype(np.float64)
    inside = np.where(numeric & ~low & ~high, scaled, 0.0)
    whole = np.floor(inside).astype(np.int64)
    limit = whole + 1 if inclusive else whole + (inside > whole)
    limit = np.where(low, first, np.where(high, last, limit))
    return np.where(numeric, np.clip(limit, first, last), 0)


def _float32_limits(forest: Forest) -> Floats:
    """Return for every node the float32 that a float32 must be below to go left."""
    with np.errstate(over="ignore"):
        nearest = forest.threshold.astype(np.float32)
    if forest.inclusive:
        at = np.where(
            nearest.astype(np.float64) > forest.threshold,
            nearest,
            np.nextafter(nearest, np.float32(np.inf)),
        )
    else:
        at = np.where(
            nearest.astype(np.float64) < forest.threshold,
            np.nextafter(nearest, np.float32(np.inf)),
            nearest,
        )
    return at.astype(np.float64)


def _finest(values: Floats) -> int:
    """Return how many bits behind the point finite numbers need (negative: whole zeros)."""
    mantissa, exponent = np.frexp(values[values != 0])
    codes = np.ldexp(mantissa, 53).astype(np.int64)
    zeros = np.frexp((codes & -codes).astype(np.float64))[1] - 1
    return int((53 - exponent - zeros).max()) if len(codes) else 0
