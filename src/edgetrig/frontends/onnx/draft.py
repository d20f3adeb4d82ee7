"""A graph while it is written anew: nodes take the place of others, under names of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.onnx.graph import Entry, Graph, ordered
from edgetrig.frontends.onnx.node import Node


class Drafts:
    """What a graph becomes.

    Parameters
    ----------
    graph
        The graph; its nodes, or others for them, are `put` in its order.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers: dict[str, Entry] = {}
        self.constants = dict(graph.constants)
        self._entries: list[Entry] = []
        self._notes: list[tuple[str, str]] = []
        self._names = {*graph.outputs, *(v.name for v in graph.inputs), *self.constants}
        for entry in graph.entries:
            self._names |= {entry.node.name, *entry.arguments, *entry.results}

    def put(self, entry: Entry) -> None:
        """Add a node."""
        self._entries.append(entry)
        self.makers.update(dict.fromkeys(entry.results, entry))

    def name(self, base: str) -> str:
        """Return a name that nothing else has."""
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name

    def note(self, line: str, value: str) -> None:
        """Say something to the user, if a value is needed in the end."""
        self._notes.append((line, value))

    def finished(self) -> tuple[Graph, tuple[str, ...]]:
        """Return the new graph, of what its outputs need alone, and the notes on it."""
        known = {*self.constants, *(value.name for value in self.graph.inputs)}
        kept = ordered(self._entries, known, self.graph.outputs)
        made = {name for entry in kept for name in entry.results}
        notes = dict.fromkeys(line for line, value in self._notes if value in made)
        return replace(self.graph, entries=kept, constants=self.constants), tuple(notes)


@dataclass
class Draft:
    """A node whose place others take in a graph."""

    entry: Entry
    drafts: Drafts

    @property
    def node(self) -> Node:
        """The node."""
        return self.entry.node

    def result(self, place: int) -> str:
        """Return the name of a result, or "" if it is left out."""
        results = self.entry.results
        return results[place] if place < len(results) else ""

    def add(self, kind: str, *arguments: str, result: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its one result. The last result's has the old name."""
        last = result and result == self.entry.results[-1]
        name = self.node.name if last else self.drafts.name(f"{self.node.name}.{kind.lower()}")
        result = result or self.drafts.name(f"{self.node.name}.value")
        node = Node(name, kind, attributes, self.drafts.graph.opsets[""])
        self.drafts.put(Entry(node, None, arguments, (result,)))
        return result

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        """Return the name of a new constant."""
        name = self.drafts.name(f"{self.node.name}.constant")
        self.drafts.constants[name] = np.asarray(values, kind)
        return name

    def numbers(self, name: str, default: Sequence[float] | None = None) -> NDArray[np.float32]:
        """Return an attribute that is a list of numbers."""
        given = self.node.attributes.get(name, default)
        if given is None:
            raise ValueError(f"attribute {name} is missing")
        return np.asarray(given, np.float32).ravel()
