"""Files of Keras 2: JSON for the architecture, HDF5 for weights, in one file or in two."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

from edgetrig.errors import DataError, ModelError, require
from edgetrig.frontends.keras.archive import (
    BROKEN_HDF5,
    CONFIG_LIMIT,
    KERAS_2,
    WEIGHTS_LIMIT,
    Variables,
    member,
    open_archive,
)
from edgetrig.frontends.keras.heap import check_heaps
from edgetrig.frontends.keras.probe import survives
from edgetrig.frontends.qkeras.stored import NamedWeights, text, text_list

HDF5: Final = b"\x89HDF\r\n\x1a\n"
"""How an HDF5 file begins."""

_WEIGHTS: Final = (
    "{stem}.weights.h5",
    "{stem}_weights.h5",
    "{stem}.h5",
    "{stem}_weights.hdf5",
    "{stem}.hdf5",
    "model.weights.h5",
    "model_weights.h5",
    "weights.h5",
    "model.h5",
)
"""Where the weights of an architecture ``stem.json`` are looked for, in this order."""


def sniff(head: bytes) -> bool:
    """Whether a file's first bytes are those of a file that `open_model` reads."""
    if head.startswith(b"PK"):
        return KERAS_2 in head
    return head.startswith(HDF5) or (head.lstrip()[:1] == b"{" and b'"class_name"' in head)


def open_model(path: Path, where: str) -> tuple[Any, Variables]:
    """Return the configuration and the weights of a model.

    Parameters
    ----------
    path
        An ``.h5`` file that `model.save` wrote, a ``.json`` file that has the text of
        `model.to_json` and weights beside it, or a ``.keras`` archive of Keras 2.12 to 2.15.
    where
        How errors begin.

    Raises
    ------
    ModelError
        If a file is damaged, too large, or there are no weights.
    """
    if path.suffix.lower() == ".keras":
        return open_archive(path, where)
    if path.suffix.lower() == ".json":
        config = _parsed(_bytes(path, where, CONFIG_LIMIT), where)
        weights = _beside(path, where)
        both = f"{where} with {weights.name}"
        return config, _layout(_hdf5(weights, both), both)
    file = _hdf5(path, where)
    config = text(file, "model_config", where)
    if config is None:
        raise ModelError(
            f"{where}: has weights but no architecture; write  model.to_json()  into a .json file "
            "beside it and give that"
        )
    return _parsed(config, where), _layout(file, where)


def _beside(path: Path, where: str) -> Path:
    names = [pattern.format(stem=path.stem) for pattern in _WEIGHTS]
    for name in names:
        candidate = path.with_name(name)
        if candidate.is_file():
            return candidate
    raise ModelError(f"{where}: no weights beside it; looked for {', '.join(names)}")


def _layout(file: Any, where: str) -> Variables:
    """Return the weights: by layer name, or, since Keras 2.12's ``.weights.h5``, as in Keras 3."""
    if member(file, "layers") is not None and not text_list(file, "layer_names", where):
        return Variables(where, file)
    inner = member(file, "model_weights")
    return NamedWeights(where, file if inner is None else inner)


def _hdf5(path: Path, where: str) -> Any:
    h5py = require("h5py", "qkeras")
    data = _bytes(path, where, WEIGHTS_LIMIT)
    try:
        check_heaps(data)
        if not survives(data):
            raise ValueError("HDF5's library does not come back from reading it")
        return h5py.File(io.BytesIO(data), "r")
    except BROKEN_HDF5 as error:
        line = " ".join(str(error).split())
        raise ModelError(f"{where}: not a whole HDF5 file ({line})") from error


def _bytes(path: Path, where: str, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror})") from error
    if len(data) > limit:
        raise ModelError(f"{where}: larger than {limit >> 20} MiB")
    return data


def _parsed(document: str | bytes, where: str) -> Any:
    try:
        return json.loads(document)
    except (ValueError, RecursionError) as error:
        line = " ".join(str(error).split())
        raise ModelError(f"{where}: its architecture is damaged ({line})") from error
