"""Weights in legacy HDF5 files: a group for each layer, with an attribute of weights' names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.keras.archive import BROKEN_HDF5, Variables, member

ATTRIBUTE_LIMIT: Final = 1 << 20
"""Most elements of an attribute, and most pieces that an attribute is cut into."""

_PARTS: Final = {
    "cell": "",
    "layer": "",
    "forward_layer": "forward_",
    "backward_layer": "backward_",
    "query_dense": "query",
    "key_dense": "key",
    "value_dense": "value",
    "output_dense": "attention_output",
    "batchnorm": "batch_normalization",
}
"""How parts of a layer that Keras 3 files apart begin their weights' names here."""


@dataclass(frozen=True)
class NamedWeights(Variables):
    """The weights of one layer (or of a whole file, before `of_layer` has picked one).

    ``names`` are the paths of this layer's weights below ``root``, in Keras' order; None in a file.
    """

    names: tuple[str, ...] | None = None

    def of_layer(self, name: str, group: str) -> NamedWeights:
        """Return the weights of a layer; those of a layer in a nested model carry its name."""
        if self.names is not None:
            mine = tuple(n for n in self.names if name in n.split("/")[:-1])
            return replace(self, path=f"{self.path}/{name}", names=mine)
        store = member(self.root, name)
        names = () if store is None else text_list(store, "weight_names", self.where)
        return replace(self, root=store, path=name, names=tuple(names))

    def at(self, *names: str) -> NamedWeights:
        """Return the weights of parts of a layer."""
        kept = self.names or ()
        for name in names:
            start = _PARTS.get(name)
            kept = tuple(
                n
                for n in kept
                if start is not None and any(p.startswith(start) for p in n.split("/")[:-1])
            )
        return replace(self, names=kept)

    @property
    def owner(self) -> str | None:
        """None: the group's name is the owner's."""
        return None

    def __len__(self) -> int:
        return len(self.names or ())

    def read(self, index: int) -> NDArray[Any]:
        """Return weight ``index`` of this layer.

        Raises
        ------
        ModelError
            If it is missing, not a plain finite number array, or absurdly large.
        """
        names = self.names or ()
        if index >= len(names):
            return self.checked(None, f"{index} of '{self.path}'")
        here = self.root
        for part in names[index].split("/"):
            here = member(here, part) if hasattr(here, "keys") else None
        return self.checked(here, f"'{names[index]}'")

    def named(self, name: str) -> int | None:
        """Return the index of the weight whose name ends in ``name``, None if there is none."""
        ends = [n.split("/")[-1].partition(":")[0] for n in self.names or ()]
        return ends.index(name) if name in ends else None


def text_list(group: Any, name: str, where: str) -> list[str]:
    """Return an attribute of names, which Keras cuts into numbered pieces where it is long.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    found = _texts(group, name, where)
    if found is not None:
        return found
    pieces: list[str] = []
    for number in range(ATTRIBUTE_LIMIT):
        piece = _texts(group, f"{name}{number}", where)
        if piece is None:
            break
        pieces += piece
    return pieces


def text(group: Any, name: str, where: str) -> str | None:
    """Return an attribute of text, None if there is none.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    found = _texts(group, name, where)
    return found[0] if found else None


def _texts(group: Any, name: str, where: str) -> list[str] | None:
    try:
        if name not in group.attrs:
            return None
        shape = group.attrs.get_id(name).shape
        if shape is None or prod(shape) > ATTRIBUTE_LIMIT:
            raise ValueError(f"shape {shape}")
        values = np.atleast_1d(np.asarray(group.attrs[name])).ravel().tolist()
        return [v.decode() if isinstance(v, bytes) else str(v) for v in values]
    except BROKEN_HDF5 as error:
        line = " ".join(str(error).split())
        raise ModelError(f"{where}: its attribute {name} is damaged ({line})") from error
