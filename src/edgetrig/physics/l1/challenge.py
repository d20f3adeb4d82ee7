"""The public anomaly-detection data challenge's files (E. Govorkova et al., arXiv:2107.02157).

One dataset of shape (events, 19, 4): missing energy, 4 electrons or photons, 4 muons, 10 jets, each
with pT [GeV], eta, phi [rad] and a class number (1 to 4; 0 where there is no object).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.physics.l1.formats import CMS
from edgetrig.physics.tables.source import Columns, Source

ROWS: Final = {"etm": (0, 1), "egamma": (1, 5), "muon": (5, 9), "jet": (9, 19)}
"""Which of the 19 rows are of which kind."""

_SHAPE: Final = (19, 4)


def challenge_dataset(file: Path, source: Source) -> str | None:
    """Return the dataset that has the challenge's shape, if there is one."""
    if file.suffix.lower() not in (".h5", ".hdf5"):
        return None
    for name in source.columns:
        block = next(source.blocks([name], 1), {name: np.zeros(0)})[name]
        if block.shape[1:] == _SHAPE and block.dtype.kind == "f":
            return name
    return None


def challenge_source(file: Path, source: Source, dataset: str) -> Source:
    """Return a source of columns of codes."""
    names = {
        kind.column(field): (kind, field)
        for kind in (CMS[name] for name in ROWS)
        for field in (kind.energy.name, "eta", "phi")
        if field in kind.fields
    }

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        row = 0
        for part in source.blocks([dataset], most):
            values = part[dataset].astype(np.float64)
            _refuse_nan(file, dataset, values, row)
            columns = {}
            for column in wanted:
                kind, field = names[column]
                first, last = ROWS[kind.name]
                there = values[:, first:last, 0] > 0
                place = {"eta": 1, "phi": 2}.get(field, 0)
                columns[column] = _codes(file, column, kind, field, values[:, first:last, place])
                columns[column][:, : last - first] *= there | kind.single
            row += len(values)
            yield columns

    return Source(tuple(names), blocks, {})


def _codes(
    file: Path, column: str, kind: Any, field: str, values: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return codes, with zeros for the objects that the hardware has and the file has not."""
    try:
        codes = kind.fields[field].encode(values)
    except DataError as error:
        raise DataError(f"{file}: column {column!r}: {error}") from error
    return np.pad(codes, ((0, 0), (0, kind.count - values.shape[1])))


def _refuse_nan(file: Path, dataset: str, values: NDArray[np.float64], row: int) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        event = int(np.argwhere(bad)[0][0])
        raise DataError(f"{file}: dataset {dataset!r}, event {row + event}: NaN or infinity")
