"""What every tree library's model is read into: the nodes of all trees in a few columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError, ModelError

NODE_LIMIT: Final = 4 << 20
"""Most nodes a forest may have."""

VALUE_LIMIT: Final = 1 << 26
"""Most leaf values (nodes times outputs) a forest may have."""

_BLOCK: Final = 1 << 21
"""Pairs of event and tree walked at once by the reference."""

LARGEST: Final = float(np.finfo(np.float64).max)
"""Stands for an infinite threshold: every finite value lies on the same side of both."""


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
        int32, one a node; children have larger numbers than their parent, and every node but a
        root has exactly one parent. At leaves all three are -1.
    threshold
        float64, one a node; finite at inner nodes, 0 at leaves and categorical splits.
    value
        float64, shape (nodes, outputs); 0 at inner nodes. Averages (bagging) and learning rates are
        multiplied in.
    roots
        int32, ascending, the first node of each tree: tree ``t`` is ``roots[t]:roots[t + 1]``.
    base
        float64, one an output: the base score or intercept on the margin's scale.
    inclusive
        Whether a value equal to the threshold goes left.
    missing_left
        bool, one a node: where an event without this feature goes.
    features
        Names of the input features, in the order of the columns.
    categories
        The integer categories (0 or larger) that go left, by node, for categorical splits. All
        others go right, those never seen in training too.
    narrow_inputs
        Whether the library rounds its inputs to float32 before it compares.
    link
        What the library makes of the margins: "identity", "sigmoid", "softmax", "exp", "average"
        (the margins are already probabilities), or "isolation" (a monotone function of the mean
        path length), rarely another name. Never in the hardware; thresholds and rankings are on
        the margins.
    notes
        One line each on what a user of the model should know.
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
    notes: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        """Number of nodes of all trees, leaves included."""
        return len(self.feature)

    @property
    def outputs(self) -> int:
        """Number of margins: one for binary models, one a class otherwise."""
        return len(self.base)

    def tree_of_node(self) -> NDArray[np.int32]:
        """Return the number of the tree that each node belongs to, shape (nodes,)."""
        tree: NDArray[np.int32] = np.zeros(self.nodes, np.int32)
        tree[self.roots[1:]] = 1
        return np.cumsum(tree, dtype=np.int32)

    def levels(self) -> NDArray[np.int32]:
        """Return how many comparisons lie above each node (0 at roots), shape (nodes,)."""
        level = np.zeros(self.nodes, np.int32)
        here = self.roots
        while len(here := here[self.feature[here] >= 0]):
            below = np.concatenate([self.left[here], self.right[here]])
            level[below] = np.tile(level[here] + 1, 2)
            here = below
        return level

    def depths(self) -> NDArray[np.int32]:
        """Return the most comparisons on a path of each tree, shape (trees,)."""
        return np.maximum.reduceat(self.levels(), self.roots)

    def thresholds(self, feature: int) -> NDArray[np.float64]:
        """Return the distinct thresholds that ``feature`` is compared with, ascending."""
        numeric = self.feature == feature
        numeric[list(self.categories)] = False
        return np.unique(self.threshold[numeric])

    def leaves(self, x: ArrayLike) -> NDArray[np.int32]:
        """Return the leaf that each event reaches in each tree.

        Parameters
        ----------
        x
            Shape (events, features); NaN where an event lacks the feature.

        Returns
        -------
        numpy.ndarray
            Node numbers, shape (events, trees).

        Raises
        ------
        DataError
            If `x` has another number of columns than the model has features.
        """
        events = self._events(x)
        rows = max(1, _BLOCK // len(self.roots))
        blocks = [self._walk(events[i : i + rows]) for i in range(0, len(events), rows)]
        return np.concatenate(blocks) if blocks else np.zeros((0, len(self.roots)), np.int32)

    def scores(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the margins: the plain float64 reference of the model, shape (events, outputs).

        Parameters and errors are those of `leaves`. Libraries that add in float32 (XGBoost) differ
        from this by the rounding of their sums.
        """
        events = self._events(x)
        rows = max(1, _BLOCK // len(self.roots))
        total = np.tile(self.base, (len(events), 1))
        for i in range(0, len(events), rows):
            leaves = self._walk(events[i : i + rows])
            for tree in range(len(self.roots)):
                total[i : i + rows] += self.value[leaves[:, tree]]
        return total

    def check(self) -> Forest:
        """Return this forest if it is what this page says, or say what is wrong with it.

        Raises
        ------
        ModelError
            If a column has the wrong shape, a child, feature or number is out of range, a node has
            two parents or none, or there are more than `NODE_LIMIT` nodes.
        """
        self._check_shapes()
        nodes, features = self.nodes, len(self.features)
        inner = self.feature >= 0
        number = np.arange(nodes)
        if ((self.feature < -1) | (self.feature >= features)).any():
            raise ModelError(f"a split is on a feature that is none of the model's {features}")
        children = np.concatenate([self.left[inner], self.right[inner]])
        if ((children <= np.tile(number[inner], 2)) | (children >= nodes)).any():
            raise ModelError("a node's child does not come after its parent")
        if (self.left[~inner] != -1).any() or (self.right[~inner] != -1).any():
            raise ModelError("a leaf has children")
        parents = np.bincount(children, minlength=nodes)
        parents[self.roots] += 1
        if (parents != 1).any() or (self.tree_of_node()[children] != _twice(self, inner)).any():
            raise ModelError("a node has two parents or none")
        if not np.isfinite(self.threshold).all():
            raise ModelError("a threshold is NaN or infinite")
        if not np.isfinite(self.value).all() or not np.isfinite(self.base).all():
            raise ModelError("a leaf or the base score is NaN or infinite")
        if self.value[inner].any():
            raise ModelError("an inner node has a value")
        if any(not 0 <= node < nodes or not inner[node] for node in self.categories):
            raise ModelError("a categorical split is none of the inner nodes")
        if any(category < 0 for group in self.categories.values() for category in group):
            raise ModelError("a category is negative")
        return self

    def _check_shapes(self) -> None:
        nodes, outputs = self.nodes, self.outputs
        if not 0 < nodes <= NODE_LIMIT:
            raise ModelError(f"a forest has between 1 and {NODE_LIMIT} nodes, this has {nodes}")
        if not 0 < outputs <= VALUE_LIMIT // nodes:
            raise ModelError(f"a forest of {nodes} nodes cannot have {outputs} outputs")
        columns = (self.feature, self.threshold, self.left, self.right, self.missing_left)
        if any(column.shape != (nodes,) for column in columns):
            raise ModelError("the columns of a forest have different lengths")
        if self.value.shape != (nodes, outputs):
            raise ModelError(f"leaf values of shape {self.value.shape}, not {(nodes, outputs)}")
        roots = self.roots
        if not len(roots) or roots[0] != 0 or (np.diff(roots) <= 0).any() or roots[-1] >= nodes:
            raise ModelError("the roots of the trees are not ascending node numbers from 0")

    def _events(self, x: ArrayLike) -> NDArray[np.float64]:
        events = np.asarray(x)
        if events.ndim != 2 or events.shape[1] != len(self.features):
            raise DataError(
                f"events of shape {events.shape}, but the model has {len(self.features)} features"
            )
        if self.narrow_inputs:
            with np.errstate(over="ignore"):
                events = events.astype(np.float32)
        return events.astype(np.float64)

    def _walk(self, x: NDArray[np.float64]) -> NDArray[np.int32]:
        """Take every event from the roots to its leaves, one level at a time."""
        node = np.tile(self.roots, (len(x), 1))
        event, tree = np.nonzero(self.feature[node] >= 0)
        categorical, keys = list(self.categories), self._category_keys()
        while len(event):
            here = node[event, tree]
            at = x[event, self.feature[here]]
            limit = self.threshold[here]
            goes_left = at <= limit if self.inclusive else at < limit
            if categorical:
                known = _among(keys, here, at)
                goes_left = np.where(np.isin(here, categorical), known, goes_left)
            goes_left = np.where(np.isnan(at), self.missing_left[here], goes_left)
            node[event, tree] = np.where(goes_left, self.left[here], self.right[here])
            inner = self.feature[node[event, tree]] >= 0
            event, tree = event[inner], tree[inner]
        return node

    def _category_keys(self) -> NDArray[np.int64]:
        """Return node * 2^32 + category of all categories that go left, ascending."""
        keys = [
            (node << 32) + category for node, group in self.categories.items() for category in group
        ]
        return np.array(sorted(keys), np.int64)


def _twice(forest: Forest, inner: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.tile(forest.tree_of_node()[inner], 2)


def _among(
    keys: NDArray[np.int64], node: NDArray[np.int32], at: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return whether the category ``at`` (its fraction cut off) goes left at ``node``."""
    possible = (at >= 0) & (at < 1 << 31)
    category = np.where(possible, at, 0).astype(np.int64)
    return possible & np.isin((node.astype(np.int64) << 32) + category, keys)
