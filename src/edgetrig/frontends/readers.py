"""Which library's reader takes a file or a live model."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.files import existing_file
from edgetrig.frontends.model import Model
from edgetrig.frontends.trees.forest import Forest

HEAD: Final = 4096
"""Bytes at the start of a file by which readers that share a suffix know their own."""


Inputs = Sequence[Sequence[int | None] | NDArray[Any]] | None
"""The inputs of a live model that does not know their shapes."""


@dataclass(frozen=True)
class Reader:
    """A library's front end.

    Parameters
    ----------
    room
        The package below ``edgetrig.frontends`` with ``read_file(path)`` and ``read_model(object)``
        and, where suffixes are shared with other libraries, ``sniff(first_bytes) -> bool``. It is
        imported when it is needed.
    suffixes
        Of the files it reads.
    packages
        Top-level packages that its live models' classes come from.
    shapeless
        Whether its live models do not know their inputs' shapes, so that ``read_model`` takes them.
    """

    room: str
    suffixes: tuple[str, ...]
    packages: tuple[str, ...] = ()
    shapeless: bool = False

    def package(self) -> Any:
        """Import and return the front end."""
        return importlib.import_module(f"edgetrig.frontends.{self.room}")


READERS: Final = (
    Reader("keras", (".keras",), ("keras",)),
    Reader("qkeras", (".h5", ".hdf5", ".json", ".keras"), ("qkeras", "tf_keras")),
    Reader("trees", (".json", ".ubj", ".txt", ".model"), ("xgboost", "lightgbm", "catboost")),
    Reader("sklearn", (), ("sklearn",)),
    Reader("onnx", (".onnx",), ("onnx", "qonnx")),
    Reader("torch", (".pt2", ".pt", ".pth"), ("torch",), shapeless=True),
)
"""Every front end; of those that share a suffix the first that knows a file takes it."""

_PICKLE: Final = (
    "a pickle runs code when it is loaded; compile the live model, or save it in its library's own "
    "format or as ONNX"
)

REFUSED: Final = {
    ".cbm": "save the CatBoost model with  save_model('NAME.json', format='json')",
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".joblib": _PICKLE,
}
"""What works in place of files that no front end reads."""


def read(model: str | os.PathLike[str] | object, inputs: Inputs = None) -> Model | Forest:
    """Return a model as its library's front end reads it, before it becomes a circuit.

    Parameters
    ----------
    model
        A model file, which is read without executing anything in it, or a live model.
    inputs
        For a live PyTorch module: one entry for each input, its shape without the event axis, or an
        array that holds one event. Other models bring their shapes.

    Raises
    ------
    ModelError
        If no front end knows it, or the one that does cannot read it.
    DataError
        If the file does not exist or cannot be read.
    """
    if isinstance(model, str | os.PathLike):
        _no_shapes(inputs, str(model))
        return _read_file(Path(model))
    for reader in _of(model):
        if reader.shapeless:
            return reader.package().read_model(model, inputs)  # type: ignore[no-any-return]
        _no_shapes(inputs, f"the {type(model).__name__}")
        return reader.package().read_model(model)  # type: ignore[no-any-return]
    known = ", ".join(package for reader in READERS for package in reader.packages)
    raise ModelError(f"cannot compile a {type(model).__name__}; known: files and models of {known}")


def shapes_in(model: object, x: Any) -> Inputs:
    """Return the inputs' shapes that data have, for a live model that does not know them.

    Parameters
    ----------
    model
        Any model.
    x
        Events of its one input, or arrays of all inputs in a list or by name in their order.
    """
    if not any(reader.shapeless for reader in _of(model)):
        return None
    several = isinstance(x, list | tuple) and all(isinstance(column, np.ndarray) for column in x)
    columns = x.values() if isinstance(x, Mapping) else x if several else [x]
    return [np.asarray(column)[0] for column in columns if np.shape(column)[:1] not in ((), (0,))]


def _of(model: object) -> Iterator[Reader]:
    """Yield the front ends of a live model, that of its most special class first."""
    for base in type(model).__mro__:
        for reader in READERS:
            if base.__module__.split(".")[0] in reader.packages:
                yield reader


def _no_shapes(inputs: Inputs, model: str) -> None:
    if inputs is not None:
        raise ModelError(f"{model}: it brings the shapes of its inputs; leave inputs= out")


def _read_file(path: Path) -> Model | Forest:
    suffix = path.suffix.lower()
    readers = [reader for reader in READERS if suffix in reader.suffixes]
    if suffix in REFUSED:
        raise ModelError(f"{path}: {REFUSED[suffix]}")
    if not readers and not path.is_dir():
        known = ", ".join(dict.fromkeys(s for reader in READERS for s in reader.suffixes))
        raise ModelError(f"{path}: unknown kind of model file; known suffixes: {known}")
    existing_file(path)
    if len(readers) == 1:
        return readers[0].package().read_file(path)  # type: ignore[no-any-return]
    with path.open("rb") as file:
        head = file.read(HEAD)
    for reader in readers:
        package = reader.package()
        if package.sniff(head):
            return package.read_file(path)  # type: ignore[no-any-return]
    rooms = ", ".join(reader.room for reader in readers)
    raise ModelError(f"{path}: not a model of any library that uses {suffix} files ({rooms})")
