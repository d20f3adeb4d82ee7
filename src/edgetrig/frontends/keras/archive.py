"""A ``.keras`` file: a zip archive with a configuration (JSON) and weights (HDF5)."""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError, require
from edgetrig.frontends.keras.heap import check_heaps
from edgetrig.frontends.keras.probe import survives

CONFIG_LIMIT: Final = 64 << 20
"""Largest configuration read, in bytes."""

WEIGHTS_LIMIT: Final = 512 << 20
"""Largest weight file, and largest single array, read, in bytes."""

KERAS_2: Final = b'"keras_version": "2.'
"""Near the beginning of a ``.keras`` file that Keras 2 wrote."""

_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted members
    NotImplementedError,  # unknown compression
)

BROKEN_HDF5: Final = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
)
"""What h5py raises for damaged files."""


@dataclass(frozen=True)
class Variables:
    """The weights below one path of the HDF5 file, read on demand and checked.

    ``where`` is how errors begin.
    """

    where: str
    root: Any
    path: str = ""

    def at(self, *names: str) -> Variables:
        """Return the variables below ``names``; a private twin (``_iq`` for ``iq``) is accepted."""
        here = self
        for name in names:
            inner = f"{here.path}/{name}" if here.path else name
            private = f"{here.path}/_{name}" if here.path else f"_{name}"
            use_private = here._group(inner) is None and here._group(private) is not None
            here = replace(here, path=private if use_private else inner)
        return here

    def of_layer(self, name: str, group: str) -> Variables:
        """Return the variables of a layer, which Keras 3 files under ``group``, not ``name``."""
        return self.at("layers").at(group)

    @property
    def owner(self) -> str | None:
        """Name of the layer that saved these variables, where Keras recorded it."""
        group = self._group(f"{self.path}/vars")
        try:
            name = None if group is None else group.attrs.get("name")
        except BROKEN_HDF5 as error:
            raise self._error(f"name of {self.path} cannot be read ({_line(error)})") from error
        return name if isinstance(name, str) else None

    def __len__(self) -> int:
        group = self._group(f"{self.path}/vars")
        return 0 if group is None else len(group)

    def read(self, index: int) -> NDArray[Any]:
        """Return variable ``index`` of this layer.

        Raises
        ------
        ModelError
            If it is missing, not a plain finite number array, or absurdly large.
        """
        group = self._group(f"{self.path}/vars")
        dataset = None if group is None else member(group, str(index))
        return self.checked(dataset, f"{self.path}/vars/{index}")

    def checked(self, dataset: Any, where: str) -> NDArray[Any]:
        """Return the numbers of a dataset, which may be None; ``where`` names it.

        Raises
        ------
        ModelError
            If it is missing, not a plain finite number array, or absurdly large.
        """
        try:
            if dataset is None or not hasattr(dataset, "dtype"):
                raise self._error(f"weight {where} is missing; save the model again")
            strange = getattr(dataset, "is_virtual", True) or dataset.external
            if strange or dataset.dtype.kind not in "fiub":
                raise self._error(f"weight {where} is not a plain array of numbers")
            if dataset.size is None or dataset.size * dataset.dtype.itemsize > WEIGHTS_LIMIT:
                raise self._error(f"weight {where} of shape {dataset.shape} is too large")
            values: NDArray[Any] = np.asarray(dataset[()])
        except BROKEN_HDF5 as error:
            raise self._error(f"weight {where} cannot be read ({_line(error)})") from error
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise self._error(f"weight {where} contains NaN or infinity; train the model again")
        return values

    def _group(self, path: str) -> Any:
        here = self.root
        for name in path.split("/"):
            here = member(here, name)
            if here is None or not hasattr(here, "keys"):
                return None
        return here

    def _error(self, message: str) -> ModelError:
        return ModelError(f"{self.where}: {message}")


def open_archive(path: Path, where: str) -> tuple[dict[str, Any], Variables]:
    """Return the configuration and the weights of a ``.keras`` file; both live in memory.

    Raises
    ------
    ModelError
        If it is not such a file, is damaged, or unpacks to more than the limits above.
    """
    h5py = require("h5py", "keras")
    config = _parse(where, _member_bytes(path, where, "config.json", CONFIG_LIMIT))
    weights = _member_bytes(path, where, "model.weights.h5", WEIGHTS_LIMIT)
    try:
        check_heaps(weights)
        if not survives(weights):
            raise ValueError("HDF5's library does not come back from reading them")
        root = h5py.File(io.BytesIO(weights), "r")
    except BROKEN_HDF5 as error:
        raise ModelError(f"{where}: its weights are damaged ({_line(error)})") from error
    return config, Variables(where, root)


def _member_bytes(path: Path, where: str, name: str, limit: int) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            if info.file_size > limit:
                raise ModelError(
                    f"{where}: {name} unpacks to {info.file_size >> 20} MiB, over {limit >> 20} MiB"
                )
            with archive.open(info) as member:
                data = member.read(limit + 1)
    except KeyError as error:
        raise ModelError(
            f"{where}: has no {name}; save the model with  model.save('NAME.keras')"
        ) from error
    except _BROKEN_ZIP as error:
        raise ModelError(
            f"{where}: not a whole Keras 3 file ({_line(error)}); "
            "save the model with  model.save('NAME.keras')"
        ) from error
    if len(data) > limit:
        raise ModelError(f"{where}: {name} unpacks to more than {limit >> 20} MiB")
    return data


def _parse(where: str, text: bytes) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where}: config.json is damaged ({_line(error)})") from error
    if not isinstance(config, dict):
        raise ModelError(f"{where}: config.json does not describe a model")
    return config


def member(group: Any, name: str) -> Any:
    """Return a member, but never follow a link that could leave the file."""
    h5py = require("h5py", "keras")
    try:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            return None
        return group[name]
    except BROKEN_HDF5:
        return None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
