"""Jets from a file that `generate_jets` wrote, and those that come with the package."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.physics.events import CLASSES
from edgetrig.physics.features import FEATURES
from edgetrig.physics.shards import CONSTITUENTS, KINEMATICS
from edgetrig.physics.tables import read_columns

SAMPLES = {"jets": "jets.parquet"}
"""The samples that come with the package, by name."""


@dataclass(frozen=True)
class JetData:
    """Simulated jets."""

    features: NDArray[np.float32]
    """(jets, 16), columns in the order of `FEATURES`."""

    labels: NDArray[np.int64]
    """(jets,) true class, 0 to 4 in the order of `classes`."""

    kinematics: NDArray[np.float32]
    """(jets, 4) pT [GeV], eta, phi [rad], mass [GeV] of the whole jet."""

    constituents: NDArray[np.float32] | None
    """(jets, k, 3) pT [GeV], eta and phi [rad] from the jet axis; by falling pT, padded with 0."""

    metadata: dict[str, Any]
    """``recipe``: everything the jets depend on, the command first."""

    classes: tuple[str, ...] = CLASSES
    """Names of the classes."""

    names: tuple[str, ...] = FEATURES
    """Names of the features."""


def read_jets(path: str | os.PathLike[str]) -> JetData:
    """Read a file of `edgetrig.physics.generate_jets` into memory.

    Raises
    ------
    DataError
        If the file cannot be read, or is not such a file.
    """
    columns, metadata = read_columns(path)
    missing = [name for name in (*FEATURES, *KINEMATICS, "label") if name not in columns]
    if missing:
        raise DataError(
            f"{path}: no column {missing[0]!r}; is it a file of 'edgetrig generate jets'?"
        )
    constituents = None
    if CONSTITUENTS[0] in columns:
        constituents = np.stack([columns[name] for name in CONSTITUENTS], axis=-1)
    return JetData(
        features=np.stack([columns[name] for name in FEATURES], axis=-1),
        labels=columns["label"].astype(np.int64),
        kinematics=np.stack([columns[name] for name in KINEMATICS], axis=-1),
        constituents=constituents,
        metadata=metadata,
        classes=tuple(metadata.get("recipe", {}).get("classes", CLASSES)),
    )


def load_sample(name: str = "jets") -> JetData:
    """Load a sample that comes with the package.

    ``"jets"``: 100,000 jets, features only, made by ``edgetrig generate jets --events 100000
    --seed 1``.

    Raises
    ------
    DataError
        If there is no sample of that name.

    Examples
    --------
    >>> jets = load_sample("jets")
    >>> jets.features.shape, jets.classes
    ((100000, 16), ('g', 'q', 'W', 'Z', 't'))
    """
    if name not in SAMPLES:
        raise DataError(f"no sample {name!r}; there is {', '.join(SAMPLES)}")
    with as_file(files("edgetrig.physics") / "data" / SAMPLES[name]) as path:
        return read_jets(Path(path))
