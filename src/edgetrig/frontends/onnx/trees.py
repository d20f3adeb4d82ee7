"""Graphs around one ensemble of trees, as converters of scikit-learn and its kin write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.onnx.build import DAMAGE, NodeError
from edgetrig.frontends.onnx.graph import Entry, Graph
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.moved import Prepared, moved
from edgetrig.frontends.trees.onnx import forest_of_node

_AFTER: Final = frozenset(
    {"ArgMax", "ArrayFeatureExtractor", "Cast", "Identity", "Reshape", "ZipMap"}
)


def forest_in(graph: Graph) -> Forest | None:
    """Return the forest of a graph that is one and no more; its scores are what hardware gives.

    Columns may be chosen, scaled by factors above 0 and filled in before it: comparisons move in
    front of that.

    Raises
    ------
    ModelError
        If the trees are damaged.
    NodeError
        If a node in front of them is.
    """
    ensembles = [entry for entry in graph.entries if entry.node.kind.startswith("TreeEnsemble")]
    if len(ensembles) != 1 or len(graph.inputs) != 1:
        return None
    (trees,) = ensembles
    before = _reaching(graph, trees)
    after = [entry for entry in graph.entries if entry is not trees and entry not in before]
    if any(entry.node.kind not in _AFTER for entry in after):
        return None
    width = graph.inputs[0].sizes[-1] if graph.inputs[0].sizes else None
    if all(entry.node.kind in ("Cast", "Identity") for entry in before):
        return forest_of_node(trees.node.attributes, _names(width))
    # What ONNX Runtime computes of float64 inputs is not written down.
    if width is None or graph.inputs[0].type != "float32":
        return None
    prepared = _Columns(width)
    for entry in before:
        try:
            if not prepared.behind(entry, graph):
                return None
        except DAMAGE as error:
            raise NodeError(entry.node, f"its description is damaged ({error!r})") from error
    forest = forest_of_node(trees.node.attributes, _names(len(prepared.sources)))
    return moved(forest, prepared.finished())


def _names(width: int | None) -> list[str] | None:
    return None if width is None else [f"x{k}" for k in range(width)]


def _reaching(graph: Graph, trees: Entry) -> list[Entry]:
    """Return the nodes between the input and the trees, in order."""
    wanted = {*trees.arguments}
    found = []
    for entry in reversed(graph.entries):
        if wanted & {*entry.results} and entry is not trees:
            found.append(entry)
            wanted |= {*entry.arguments}
    return found[::-1]


class _Columns:
    """Columns while nodes behind each other prepare them, in float32 as ONNX Runtime does."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.sources = np.arange(width)
        self.filled = np.zeros(width, np.bool_)
        self.scaled = np.zeros(width, np.bool_)
        self.functions: list[Callable[[NDArray[np.float32]], NDArray[np.float32]]] = []

    def behind(self, entry: Entry, graph: Graph) -> bool:
        """Return whether a node, which reads the one before alone, keeps columns apart."""
        node = entry.node
        given = node.attributes
        constant = graph.constants.get(entry.arguments[1]) if len(entry.arguments) == 2 else None
        if node.kind in ("Cast", "Identity"):
            return node.kind == "Identity" or given.get("to") == 1
        if node.kind == "Scaler":
            return self._moved(given.get("offset"), -1) and self._scaled(given.get("scale"))
        if node.kind == "Imputer":
            absent = given.get("replaced_value_float", 0.0)
            return bool(np.isnan(absent)) and self._filled(given.get("imputed_value_floats"))
        if constant is None:
            return False
        if node.kind in ("Add", "Sub"):
            return self._moved(constant, 1 if node.kind == "Add" else -1)
        if node.kind == "Mul":
            return self._scaled(constant)
        return node.kind == "ArrayFeatureExtractor" and self._chosen(constant)

    def finished(self) -> Prepared:
        """Return what was collected."""

        def function(x: Floats) -> Floats:
            with np.errstate(over="ignore", invalid="ignore"):
                columns = np.asarray(x, np.float32)
                for each in self.functions:
                    columns = each(columns)
            return columns.astype(np.float64)

        names = tuple(_names(self.width) or ())
        return Prepared(names, self.sources, function, self.scaled, self.filled)

    def _row(self, values: object) -> NDArray[np.float32] | None:
        """Return one number a column, or one for all; None if these are others."""
        row = np.asarray(values, np.float32).ravel()
        fits = row.size in (1, len(self.sources)) and np.isfinite(row).all()
        return row if fits else None

    def _moved(self, values: object, sign: int) -> bool:
        if (row := self._row(values)) is None:
            return False
        self.functions.append(lambda x: x + sign * row)
        self.scaled = np.ones_like(self.scaled)
        return True

    def _scaled(self, values: object) -> bool:
        row = self._row(values)
        if row is None or not (row > 0).all():
            return False
        self.functions.append(lambda x: x * row)
        self.scaled = np.ones_like(self.scaled)
        return True

    def _filled(self, values: object) -> bool:
        if (row := self._row(values)) is None:
            return False
        self.functions.append(lambda x: np.where(np.isnan(x), row, x))
        self.filled = np.ones_like(self.filled)
        return True

    def _chosen(self, values: NDArray[np.int64]) -> bool:
        index = np.ravel(values).astype(np.int64)
        if not index.size or index.min() < 0 or index.max() >= len(self.sources):
            return False
        self.functions.append(lambda x: x[:, index])
        self.sources, self.filled = self.sources[index], self.filled[index]
        self.scaled = self.scaled[index]
        return True
