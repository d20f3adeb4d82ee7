"""What every tree library's model is read into: the nodes of all trees in a few columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Forest:
    """A sum of decision trees, as its library computes the margin (before any link function).

    Node ``n`` is a leaf where ``feature[n]`` is -1. Elsewhere an event goes to ``left[n]`` where
    ``x[feature[n]] < threshold[n]`` (``<=`` if ``inclusive``), or where its category is in
    ``categories[n]``, and to ``right[n]`` otherwise. Output ``k`` is ``base[k]`` plus, over all
    trees, ``value[leaf, k]`` of the leaf that the event reaches.

    Parameters
    ----------
    feature, left, right
        int32, one a node; children have larger numbers than their parent.
    threshold
        float64, one a node; finite at inner nodes.
    value
        float64, shape (nodes, outputs); 0 at inner nodes. Averages (bagging) and learning rates are
        multiplied in.
    roots
        int32, the first node of each tree.
    base
        float64, one an output: the base score or intercept on the margin's scale.
    inclusive
        Whether a value equal to the threshold goes left.
    missing_left
        bool, one a node: where an event without this feature goes.
    features
        Names of the input features, in the order of the columns.
    categories
        The integer categories that go left, by node, for categorical splits.
    narrow_inputs
        Whether the library rounds its inputs to float32 before it compares.
    link
        What the library makes of the margins: "identity", "sigmoid", "softmax", "exp", "average"
        (the margins are already probabilities), or "isolation" (a monotone function of the mean
        path length). Never in the hardware; thresholds and rankings are on the margins.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    roots: NDArray[np.int32]
    base: NDArray[np.float64]
    inclusive: bool
    missing_left: NDArray[np.bool_]
    features: tuple[str, ...]
    categories: Mapping[int, frozenset[int]] = field(default_factory=dict)
    narrow_inputs: bool = False
    link: str = "identity"
