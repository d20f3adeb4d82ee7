"""From a Keras file or a live Keras model to the steps of a model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from edgetrig.errors import ModelError
from edgetrig.frontends.keras.archive import open_archive
from edgetrig.frontends.keras.graph import read_graph
from edgetrig.frontends.keras.layer import read_layer
from edgetrig.frontends.keras.steps import model_of
from edgetrig.frontends.model import Model


def read_model(model: Any) -> Model:
    """Read a live Keras model, by way of the file it saves."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"the {type(model).__name__} cannot be saved: {reason}") from error
        # The user has never heard of the temporary file.
        return read_file(path, f"model '{model.name}'")


def read_file(path: Path, where: str | None = None) -> Model:
    """Read a ``.keras`` file; nothing in it is executed.

    Parameters
    ----------
    path
        The file.
    where
        How errors begin; the path if left out.

    Raises
    ------
    ModelError
        If the file is damaged, or a layer is not supported.
    """
    where = where or str(path)
    config, variables = open_archive(path, where)
    try:
        return model_of(read_graph(read_layer(config, variables)))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ModelError(f"{where}: its configuration is damaged ({error!r})") from error
    except RecursionError as error:
        raise ModelError(f"{where}: its models are nested too deeply") from error
