"""Trained models in, circuits out: one reader a library, found by file or by the object's class."""

from __future__ import annotations

import os

from edgetrig.frontends.loaded import Loaded
from edgetrig.frontends.model import Model
from edgetrig.frontends.readers import Inputs, read
from edgetrig.frontends.translate import translate
from edgetrig.frontends.trees.forest import Forest


def load(model: str | os.PathLike[str] | object, inputs: Inputs = None) -> Loaded:
    """Turn a trained model into an exact circuit.

    Parameters
    ----------
    model
        A model file, which is read without executing anything in it, a live model of a supported
        library, or what `read` returned. `edgetrig.frontends.readers.READERS` lists the libraries.
    inputs
        For a live PyTorch module: the shape of each input without the event axis, or one event.

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
    if isinstance(model, Loaded):
        return model
    found = model if isinstance(model, Model | Forest) else read(model, inputs)
    if isinstance(found, Forest):
        from edgetrig.frontends import trees

        return trees.translate(found)
    return translate(found)


__all__ = ["Forest", "Loaded", "Model", "load", "read"]
