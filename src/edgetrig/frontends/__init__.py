"""Trained models in, circuits out: one reader a library, found by file suffix or object type."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from edgetrig.errors import ModelError
from edgetrig.files import existing_file
from edgetrig.frontends.loaded import Loaded


def _keras_file(path: Path) -> Loaded:
    from edgetrig.frontends import keras

    return keras.read_file(path)


def _keras_model(model: Any) -> Loaded:
    from edgetrig.frontends import keras

    return keras.read_model(model)


FILES: Final[dict[str, Callable[[Path], Loaded]]] = {".keras": _keras_file}
"""Readers of files, by suffix."""

OBJECTS: Final[dict[str, Callable[[Any], Loaded]]] = {"keras": _keras_model}
"""Readers of live models, by the top-level package that the model's class comes from."""


def load(model: str | os.PathLike[str] | object) -> Loaded:
    """Replay a trained model as an exact circuit.

    Parameters
    ----------
    model
        A model file (``.keras``), which is read without executing anything in it, or a live Keras
        model.

    Returns
    -------
    Loaded
        The circuit, with what the user should know about the translation.

    Raises
    ------
    ModelError
        If the model cannot be read or has no exact hardware meaning; the line names the layer.
    DataError
        If the file does not exist or cannot be read.
    """
    if isinstance(model, str | os.PathLike):
        path = Path(model)
        reader = FILES.get(path.suffix.lower())
        if reader is None:
            known = ", ".join(FILES)
            raise ModelError(f"{path}: unknown kind of model file; known suffixes: {known}")
        return reader(existing_file(path))
    for base in type(model).__mro__:
        read = OBJECTS.get(base.__module__.split(".")[0])
        if read is not None:
            return read(model)
    known = ", ".join(OBJECTS)
    raise ModelError(f"cannot compile a {type(model).__name__}; known: files and models of {known}")


__all__ = ["FILES", "OBJECTS", "Loaded", "load"]
