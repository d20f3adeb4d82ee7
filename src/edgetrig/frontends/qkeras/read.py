"""From a legacy Keras or QKeras file, or a live model of these, to the steps of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetrig.frontends.keras.archive import Variables
from edgetrig.frontends.keras.graph import read_graph
from edgetrig.frontends.keras.layer import read_layer
from edgetrig.frontends.keras.read import configuration, through_file
from edgetrig.frontends.keras.steps import model_of
from edgetrig.frontends.model import Model
from edgetrig.frontends.qkeras.files import open_model
from edgetrig.frontends.qkeras.layers import handler_of
from edgetrig.frontends.qkeras.modern import modern, unregistered


def read_model(model: Any) -> Model:
    """Read a live model of Keras 2, with layers of QKeras or without, by way of its file."""
    return through_file(model, ".h5", read_file)


def read_file(path: Path, where: str | None = None) -> Model:
    """Read an ``.h5`` file, or a ``.json`` architecture with its weights beside it.

    Nothing in a file is executed, and neither TensorFlow nor QKeras is needed.

    Parameters
    ----------
    path
        The file.
    where
        How errors begin; the path if left out.

    Raises
    ------
    ModelError
        If a file is damaged, or a layer is not supported.
    """
    where = where or str(path)
    config, variables = open_model(path, where)
    with configuration(where):
        return model_of(read_graph(read_layer(modern(config), variables)), handler_of)


def read_configuration(config: Any, variables: Variables) -> Model:
    """Read a model that QKeras for Keras 3 saved as ``.keras``, its archive being open."""
    return model_of(read_graph(read_layer(unregistered(config), variables)), handler_of)
