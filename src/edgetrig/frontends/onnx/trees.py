"""Graphs around one ensemble of trees, as converters of scikit-learn and its kin write them."""

from __future__ import annotations

from typing import Final

from edgetrig.frontends.onnx.build import NodeError
from edgetrig.frontends.onnx.graph import Entry, Graph
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.onnx import forest_of_node

_BEFORE: Final = frozenset({"Cast", "Identity"})
_AFTER: Final = frozenset(
    {"ArgMax", "ArrayFeatureExtractor", "Cast", "Identity", "Reshape", "ZipMap"}
)


def forest_in(graph: Graph) -> Forest | None:
    """Return the forest of a graph that has one; its scores are what the hardware gives.

    Raises
    ------
    NodeError
        If something is computed before or after the trees, or there are several ensembles.
    """
    ensembles = [entry for entry in graph.entries if entry.node.kind.startswith("TreeEnsemble")]
    if not ensembles:
        return None
    trees, *others = ensembles
    if others:
        raise NodeError(others[0].node, "a second ensemble of trees; compile them one by one")
    reaching = _reaching(graph, trees)
    for entry in graph.entries:
        allowed = _BEFORE if entry in reaching else _AFTER
        if entry is not trees and entry.node.kind not in allowed:
            raise NodeError(entry.node, "it stands beside trees; compile the trees alone")
    if len(graph.inputs) != 1:
        raise NodeError(trees.node, f"it has {len(graph.inputs)} inputs; give all features in one")
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
