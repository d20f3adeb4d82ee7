"""Graphs around one ensemble of trees, as converters of scikit-learn and its kin write them."""

from __future__ import annotations

from typing import Final

from edgetrig.frontends.onnx.graph import Entry, Graph
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.onnx import forest_of_node

_BEFORE: Final = frozenset({"Cast", "Identity"})
_AFTER: Final = frozenset(
    {"ArgMax", "ArrayFeatureExtractor", "Cast", "Identity", "Reshape", "ZipMap"}
)


def forest_in(graph: Graph) -> Forest | None:
    """Return the forest of a graph that is one and no more; its scores are what hardware gives."""
    ensembles = [entry for entry in graph.entries if entry.node.kind.startswith("TreeEnsemble")]
    if len(ensembles) != 1 or len(graph.inputs) != 1:
        return None
    (trees,) = ensembles
    reaching = _reaching(graph, trees)
    for entry in graph.entries:
        allowed = _BEFORE if entry in reaching else _AFTER
        if entry is not trees and entry.node.kind not in allowed:
            return None
    width = graph.inputs[0].sizes[-1] if graph.inputs[0].sizes else None
    features = None if width is None else [f"x{k}" for k in range(width)]
    return forest_of_node(trees.node.attributes, features)


def _reaching(graph: Graph, trees: Entry) -> list[Entry]:
    """Return the nodes between the input and the trees."""
    wanted = {*trees.arguments}
    found = []
    for entry in reversed(graph.entries):
        if wanted & {*entry.results} and entry is not trees:
            found.append(entry)
            wanted |= {*entry.arguments}
    return found
