"""Trained models in, circuits out: one reader a library, found by file or by the object's class."""

from __future__ import annotations

import os

from edgetrig.errors import ModelError
from edgetrig.frontends.loaded import Loaded
from edgetrig.frontends.model import Model
from edgetrig.frontends.readers import Inputs, read, shapes_in
from edgetrig.frontends.translate import translate
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.typed import InputTypes, typed


def load(
    model: str | os.PathLike[str] | object,
    inputs: Inputs = None,
    input_type: InputTypes | None = None,
) -> Loaded:
    """Turn a trained model into an exact circuit.

    Parameters
    ----------
    model
        A model file, which is read without executing anything in it, a live model of a supported
        library, or what `read` returned. `edgetrig.frontends.readers.READERS` lists the libraries.
    inputs
        For a live PyTorch module: the shape of each input without the event axis, or one event.
    input_type
        Where the model computes on floats first: the type of its inputs, ``"fixed<12,8>"``, or
        types by the inputs' names.

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

        if input_type is not None:
            raise ModelError("a forest takes the types of its inputs from its thresholds")
        return trees.translate(found)
    return translate(found if input_type is None else typed(found, input_type))


__all__ = ["Forest", "Loaded", "Model", "load", "read", "shapes_in", "typed"]
