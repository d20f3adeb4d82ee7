"""From a legacy Keras or QKeras file, or a live model of these, to the steps of a model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from edgetrig.errors import ModelError
from edgetrig.frontends.keras.graph import read_graph
from edgetrig.frontends.keras.layer import read_layer
from edgetrig.frontends.keras.steps import model_of
from edgetrig.frontends.model import Model
from edgetrig.frontends.qkeras.files import open_model
from edgetrig.frontends.qkeras.layers import handler_of
from edgetrig.frontends.qkeras.modern import modern


def read_model(model: Any) -> Model:
    """Read a live model of Keras 2, with layers of QKeras or without, by way of its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"
        try:
            model.save(path)
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"the {type(model).__name__} cannot be saved: {reason}") from error
        # The user has never heard of the temporary file.
        return read_file(path, f"model '{model.name}'")


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
    try:
        return model_of(read_graph(read_layer(modern(config), variables)), handler_of)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ModelError(f"{where}: its configuration is damaged ({error!r})") from error
    except RecursionError as error:
        raise ModelError(f"{where}: its models are nested too deeply") from error
