"""ONNX's six comparisons and its sets of values, as the one comparison of a `Forest`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.assemble import Tree

_LEQ, _LT, _GTE, _GT, _EQ, _NEQ, _MEMBER, _LEAF = range(8)

CATEGORY_LIMIT: Final = 1 << 31
"""Categories are below this."""


@dataclass(frozen=True)
class Rows:
    """The nodes of all trees.

    Parameters
    ----------
    mode
        Number of the comparison in the order above.
    feature, split
        What is compared with what; ignored at leaves.
    yes, no
        Rows of the children; ignored at leaves.
    missing_yes
        Whether an event without the feature goes to ``yes`` whatever the comparison.
    value
        Shape (rows, outputs).
    roots
        Row of each tree's root.
    members
        The values that ``_MEMBER`` nodes ask for, by row.
    """

    mode: NDArray[np.int64]
    feature: NDArray[np.int64]
    split: NDArray[np.float64]
    yes: NDArray[np.int64]
    no: NDArray[np.int64]
    missing_yes: NDArray[np.bool_]
    value: NDArray[np.float64]
    roots: NDArray[np.int64]
    members: Mapping[int, NDArray[np.float64]]


def compared(rows: Rows, narrow: bool) -> tuple[Tree, bool]:
    """Return the nodes with one kind of comparison, and whether that is inclusive.

    ``x >= t`` is the other way round of ``x < t``, and ``x > t`` of ``x <= t``. Where nodes of both
    kinds occur, ``x < t`` becomes ``x <= u`` for the largest number ``u`` below ``t``.

    Parameters
    ----------
    rows
        The nodes.
    narrow
        Whether inputs are float32.

    Raises
    ------
    ModelError
        If a node asks for a category that is no integer from 0 on, or for a negative feature.
    """
    mode = rows.mode
    leaf = mode == _LEAF
    if (rows.feature[~leaf] < 0).any():
        raise ModelError("a split is on a negative feature; the model is damaged")
    swapped = np.isin(mode, (_GTE, _GT, _NEQ))
    # NaN fails every comparison but `!=`.
    missing_left = np.where(swapped, (mode != _NEQ) & ~rows.missing_yes, rows.missing_yes)
    strict = np.isin(mode, (_LT, _GTE))
    inclusive = not strict.any() or bool(np.isin(mode, (_LEQ, _GT)).any())
    threshold = rows.split
    if inclusive:
        threshold = np.where(strict, _below(threshold, narrow), threshold)
    nodes = Tree(
        feature=np.where(leaf, -1, rows.feature),
        threshold=threshold,
        left=np.where(swapped, rows.no, rows.yes),
        right=np.where(swapped, rows.yes, rows.no),
        value=rows.value,
        missing_left=missing_left,
        categories={
            int(row): _categories(rows.members.get(int(row), rows.split[row : row + 1]))
            for row in np.flatnonzero(np.isin(mode, (_EQ, _NEQ, _MEMBER)))
        },
    )
    return nodes, inclusive


def _below(number: NDArray[np.float64], narrow: bool) -> NDArray[np.float64]:
    if not narrow:
        return np.nextafter(number, -np.inf)
    return np.nextafter(number.astype(np.float32), np.float32(-np.inf)).astype(np.float64)


def _categories(values: NDArray[np.float64]) -> frozenset[int]:
    if not ((values >= 0) & (values < CATEGORY_LIMIT) & (values == np.floor(values))).all():
        raise ModelError(f"compares for equality with {values[0]:g}; only integers from 0 on work")
    return frozenset(values.astype(np.int64).tolist())
