"""Boosted and bagged trees: read from their library's files, as one `Forest`, traced to logic."""

from edgetrig.frontends.trees.forest import Forest

__all__ = ["Forest"]
