"""From a Keras file or a live Keras model to the steps of a model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgetrig.errors import ModelError, require
from edgetrig.frontends.keras.archive import open_archive
from edgetrig.frontends.keras.graph import read_graph
from edgetrig.frontends.keras.layer import read_layer
from edgetrig.frontends.keras.steps import model_of
from edgetrig.frontends.model import Model


def read_model(model: Any) -> Model:
    """Read a live Keras model, by way of the file it saves.

    A subclassed model that has been called once is called again on symbolic inputs, which makes a
    Functional one of it.

    Raises
    ------
    ModelError
        If it cannot be saved, or its ``call`` does more than Keras can follow.
    """
    keras = require("keras", "keras")
    if keras.__version__.startswith("2."):  # which may hold layers of QKeras
        from edgetrig.frontends import qkeras

        return qkeras.read_model(model)
    if not isinstance(model, keras.Sequential | keras.src.models.Functional):
        model = _functional(model, keras)
    return through_file(model, ".keras", read_file)


def through_file(model: Any, suffix: str, read: Callable[[Path, str], Model]) -> Model:
    """Return what a reader makes of the file that a live model saves.

    Raises
    ------
    ModelError
        If it cannot be saved.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        try:
            model.save(path)
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:  # by Keras
            reason = " ".join(str(error).split())
            raise ModelError(f"the {type(model).__name__} cannot be saved: {reason}") from error
        # The user has never heard of the temporary file.
        return read(path, f"model '{model.name}'")


def _functional(model: Any, keras: Any) -> Any:
    """Return the Functional model of a subclassed one."""
    kind = type(model).__name__
    shapes = (model.get_build_config() or {}) if isinstance(model, keras.Model) else {}
    shape = shapes.get("input_shape") or shapes.get("shapes_dict")
    if not shape:
        raise ModelError(
            f"the {kind} does not know its inputs' shapes; call it on data once (Keras finds them "
            "if its call has no Python conditions on values)"
        )
    try:
        inputs = keras.tree.map_shape_structure(lambda s: keras.Input(s[1:]), shape)
        named = isinstance(inputs, dict) and "shapes_dict" in shapes
        results = model.call(**_arguments(inputs)) if named else model.call(inputs)
        return keras.Model(inputs, results, name=model.name)
    except Exception as error:  # anything may happen in a user's own call
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"model '{model.name}': its call cannot be traced ({reason}); write it with "
            "keras.layers and keras.ops, without Python conditions on values"
        ) from error


def _arguments(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs by the names of the arguments of ``call``, as Keras records their shapes."""
    return {name.removesuffix("_shape"): value for name, value in inputs.items()}


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
    with configuration(where):
        if "qkeras>" in registered_packages(config):  # QKeras for Keras 3
            from edgetrig.frontends import qkeras

            return qkeras.read_configuration(config, variables)
        return model_of(read_graph(read_layer(config, variables)))


def registered_packages(tree: Any) -> set[str]:
    """Return the packages, ``"NAME>"``, of all that a configuration has from elsewhere."""
    if isinstance(tree, list):
        return set().union(*map(registered_packages, tree))
    if not isinstance(tree, Mapping):
        return set()
    package, mark, _ = str(tree.get("registered_name")).partition(">")
    return {package + mark}.union(*map(registered_packages, tree.values()))


@contextmanager
def configuration(where: str) -> Iterator[None]:
    """Turn what a damaged configuration raises while it is read into one line."""
    try:
        yield
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ModelError(f"{where}: its configuration is damaged ({error!r})") from error
    except RecursionError as error:
        raise ModelError(f"{where}: its models are nested too deeply") from error
