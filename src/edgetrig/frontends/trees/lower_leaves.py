"""Leaf values as integers: what rounding them costs is computed, and kept small by data if given.

All leaves of a forest share one last bit, so that scores add up without shifts and compare with
each other. Each tree's smallest leaf is taken out of its leaves and into the one constant of its
output (TreeLUT, arXiv:2501.01511), so that a tree has few bits and none of them is a sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import dyadic
from edgetrig.errors import CircuitError, ModelError
from edgetrig.frontends.trees.forest import Forest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXACT: Final = 16
"""Fraction bits up to which leaves that are whole multiples of their last bit stay as they are."""
SPREAD: Final = 1 / 32
"""Spread of a score's rounding error, as a share of the largest tree's span, by default."""
MOST: Final = 40
"""Fraction bits beyond which nothing is rounded to."""
LARGEST: Final = 2.0**62
"""The leaves' integers are below this."""
_SWEEPS: Final = 3


@dataclass(frozen=True)
class Leaves:
    """The leaves of a forest as integers.

    Parameters
    ----------
    codes
        int64, shape (nodes, outputs): what each leaf adds to its output, from 0 up; 0 elsewhere.
    base
        int64, one an output: the constant that is added.
    fraction
        Bits behind the point of all of them.
    error
        One an output: the most that a score differs from the sum of the model's own leaves.
    """

    codes: Ints
    base: Ints
    fraction: int
    error: Floats


def fraction_bits(forest: Forest) -> int:
    """Return the default number of fraction bits.

    As many as the leaves have, if these are few (`EXACT`). Otherwise so many that rounding spreads
    a score, as its trees' errors were independent and uniform, by at most `SPREAD` of the largest
    span of leaves in a tree: ``sqrt(trees / 12) 2^-f <= SPREAD * span``.
    """
    everything = np.append(forest.value.ravel(), forest.base)
    own = int(dyadic(everything)[1].max(initial=0))
    if own <= EXACT:
        return max(own, 0)
    leaf = forest.feature < 0
    low = np.minimum.reduceat(np.where(leaf[:, None], forest.value, np.inf), forest.roots)
    high = np.maximum.reduceat(np.where(leaf[:, None], forest.value, -np.inf), forest.roots)
    span = float((high - low).max())
    if span == 0:
        return EXACT
    trees = int((high > low).sum(axis=0).max())
    needed = np.log2(np.sqrt(trees / 12) / (SPREAD * span))
    return int(np.clip(np.ceil(needed), 0, MOST))


def rounded(forest: Forest, fraction: int) -> Leaves:
    """Round every leaf to the nearest multiple of ``2^-fraction``."""
    _check(fraction)
    return _taken_out(forest, np.rint(np.ldexp(forest.value, fraction)), fraction)


def calibrated(forest: Forest, fraction: int, reached: Ints, scores: Floats) -> Leaves:
    """Round every leaf so that errors of other trees are made good where events have both.

    Tree by tree, a leaf is rounded after adding the mean difference between the model's score and
    the present one over the events that reach it; this is gone through a few times.

    Parameters
    ----------
    forest
        The model.
    fraction
        Fraction bits of the result.
    reached
        Leaf of each event in each tree, as the hardware decides, shape (events, trees).
    scores
        The model's own margins, shape (events, outputs).
    """
    _check(fraction)
    value = np.ldexp(forest.value, fraction)
    codes = value.copy()
    left = np.ldexp(scores, fraction) - np.rint(np.ldexp(forest.base, fraction))
    for tree in reached.T:
        left -= value[tree]
    ends = np.append(forest.roots[1:], forest.nodes)
    for _ in range(1 + _SWEEPS):
        for tree, first, last in zip(reached.T, forest.roots, ends, strict=True):
            _round_tree(codes[first:last], tree - first, left)
    codes[forest.feature >= 0] = 0
    return _taken_out(forest, codes, fraction)


def _round_tree(codes: Floats, reached: Ints, left: Floats) -> None:
    """Round one tree's leaves in place, and what is left of every event's scores with them."""
    count = np.maximum(np.bincount(reached, minlength=len(codes)), 1)
    for output in np.flatnonzero(codes.any(axis=0)).tolist():
        mean = np.bincount(reached, weights=left[:, output], minlength=len(codes)) / count
        new = np.rint(codes[:, output] + mean)
        left[:, output] += (codes[:, output] - new)[reached]
        codes[:, output] = new


def _taken_out(forest: Forest, codes: Floats, fraction: int) -> Leaves:
    """Take every tree's smallest leaf into the base, and compute what rounding can cost."""
    leaf = (forest.feature < 0)[:, None]
    base = np.rint(np.ldexp(forest.base, fraction))
    away = np.where(leaf, np.abs(np.ldexp(codes, -fraction) - forest.value), 0)
    error = np.abs(np.ldexp(base, -fraction) - forest.base)
    error += np.maximum.reduceat(away, forest.roots).sum(axis=0)
    least = np.minimum.reduceat(np.where(leaf, codes, np.inf), forest.roots)
    base += least.sum(axis=0)
    codes = np.where(leaf, codes - least[forest.tree_of_node()], 0)
    largest = max(np.abs(codes).max(initial=0), np.abs(base).max(initial=0))
    if largest >= LARGEST:
        raise CircuitError(
            f"leaves up to {np.ldexp(largest, -fraction):.3g} with {fraction} bits behind the point"
            " have more than 62 bits; scale the model's target, or choose fewer leaf_bits"
        )
    return Leaves(codes.astype(np.int64), base.astype(np.int64), fraction, error)


def _check(fraction: int) -> None:
    if not 0 <= fraction <= MOST:
        raise ModelError(f"leaf_bits={fraction}: use 0 to {MOST} bits behind the point")
