"""Training state on disk: plain arrays and JSON, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.files import whole_file

_FORMAT: Final = 2  # of what trainings save; states of another one are refused
Numbers = dict[str, NDArray[Any]]


class Checkpoint:
    """Saves and finds the state of one training in a folder.

    Parameters
    ----------
    folder
        Where the files go; None saves nothing.
    key
        Everything the training depends on. A folder with another training's state is refused.
    """

    def __init__(self, folder: Path | None, key: Mapping[str, Any]) -> None:
        self.folder = folder
        whole = {**key, "format": _FORMAT}
        self._key = json.dumps(whole, sort_keys=True, default=int)  # whole numbers of NumPy

    def save(self, name: str, numbers: Numbers, facts: Mapping[str, Any]) -> None:
        """Save arrays and plain facts under a name, replacing what was there."""
        if self.folder is None:
            return
        text = json.dumps({"key": self._key, "facts": facts})
        with whole_file(self.folder / f"{name}.npz") as path, path.open("wb") as file:
            everything: Any = {**numbers, "json": np.frombuffer(text.encode(), np.uint8)}
            np.savez(file, **everything)

    def load(self, name: str) -> tuple[Numbers, dict[str, Any]] | None:
        """Return what was saved under a name, or None.

        Raises
        ------
        DataError
            If the file is damaged or belongs to another training.
        """
        path = None if self.folder is None else self.folder / f"{name}.npz"
        if path is None or not path.exists():
            return None
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                numbers = {key: file[key] for key in file.files}
            facts = json.loads(numbers.pop("json").tobytes())
            key, rest = facts["key"], dict(facts["facts"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: is damaged; delete it to start again") from error
        if key != self._key:
            raise DataError(
                f"{path}: belongs to a training with other data or settings; "
                "choose another checkpoint folder"
            )
        return numbers, rest


def fingerprint(*arrays: NDArray[Any]) -> str:
    """Return a short text that differs between different arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
