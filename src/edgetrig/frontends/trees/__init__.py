"""Boosted and bagged trees: read from their library's files, as one `Forest`, traced to logic."""

from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.gates import translate
from edgetrig.frontends.trees.onnx import forest_of_node
from edgetrig.frontends.trees.read import read_file, read_model, sniff
from edgetrig.frontends.trees.simplify import simplified

__all__ = [
    "Forest",
    "forest_of_node",
    "read_file",
    "read_model",
    "simplified",
    "sniff",
    "translate",
]
