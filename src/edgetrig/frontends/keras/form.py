"""How a call in a model file is written: its tensors, and everything else as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Tensor = tuple[str, int, int]
"""Output ``tensor`` of call ``node`` of a layer, as Keras numbers them: (layer, node, tensor)."""

_IGNORED: Final = ("training",)


@dataclass(frozen=True)
class Slot:
    """The place of tensor ``number`` in a call."""

    number: int


@dataclass(frozen=True)
class Given:
    """An array that the file holds as an argument, in float32's numbers, events' axis included."""

    array: NDArray[np.float64]

    def for_rank(self, rank: int) -> NDArray[np.float64]:
        """Return it without an event axis, to meet values of ``rank`` axes.

        Raises
        ------
        ValueError
            If it has numbers for several events.
        """
        if self.array.ndim <= rank:
            return self.array
        if self.array.ndim > rank + 1 or len(self.array) != 1:
            raise ValueError(f"a constant of shape {self.array.shape} differs between events")
        return np.asarray(self.array[0])


@dataclass(frozen=True)
class Form:
    """Arguments and keywords of a call, with slots for the tensors."""

    arguments: Any
    keywords: Any

    def filled(self, values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return arguments and keywords with the values in their slots."""
        return _filled(self.arguments, values), _filled(self.keywords, values)

    def flat(self, values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the same with lists of arguments written out, as most layers take them."""
        arguments, keywords = self.filled(values)
        return [*_leaves(arguments)], keywords


ONE_ARGUMENT: Final = Form([Slot(0)], {})
"""The call of a layer in a Sequential model."""


def read_form(node: Any) -> tuple[Form, tuple[Tensor, ...]]:
    """Return the form of a call, and the tensors for its slots, from a node of the file."""
    tensors: list[Tensor] = []
    if not (isinstance(node, dict) and "args" in node):
        node = {"args": [node], "kwargs": {}}
    arguments = _read(node["args"], tensors)
    keywords = {
        str(name): _read(value, tensors)
        for name, value in node["kwargs"].items()
        if name not in _IGNORED and value is not None
    }
    return Form(arguments, keywords), tuple(tensors)


def tensors_in(tree: Any) -> Iterator[Tensor]:
    """Yield the tensors in ``[layer, node, tensor]``, or in a list or dictionary of these."""
    if isinstance(tree, dict):
        for branch in tree.values():
            yield from tensors_in(branch)
    elif len(tree) == 3 and isinstance(tree[0], str):
        yield str(tree[0]), int(tree[1]), int(tree[2])
    else:
        for branch in tree:
            yield from tensors_in(branch)


def _read(node: Any, tensors: list[Tensor]) -> Any:
    if isinstance(node, list):
        return [_read(item, tensors) for item in node]
    if not isinstance(node, dict):
        return node
    kind, config = node.get("class_name"), node.get("config")
    if kind == "__keras_tensor__":
        (tensor,) = tensors_in(config["keras_history"])  # type: ignore[index]
        tensors.append(tensor)
        return Slot(len(tensors) - 1)
    if kind == "__slice__":
        return slice(*(_read(config[k], tensors) for k in ("start", "stop", "step")))  # type: ignore[index]
    if kind == "__ellipsis__":
        return ...
    if kind in ("__tensor__", "__numpy__"):
        values = np.asarray(config["value"], np.float32)  # type: ignore[index]
        return Given(values.astype(np.float64))
    if kind is not None:
        raise ValueError(f"a call holds a {kind}")
    return {str(name): _read(value, tensors) for name, value in node.items()}


def _filled(tree: Any, values: Sequence[Any]) -> Any:
    if isinstance(tree, Slot):
        return values[tree.number]
    if isinstance(tree, list):
        return [_filled(item, values) for item in tree]
    if isinstance(tree, dict):
        return {name: _filled(item, values) for name, item in tree.items()}
    if isinstance(tree, slice):
        return slice(*(_filled(v, values) for v in (tree.start, tree.stop, tree.step)))
    return tree


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, list):
        for item in tree:
            yield from _leaves(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from _leaves(item)
    else:
        yield tree
