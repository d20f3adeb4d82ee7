"""Reading tables, whole or block by block."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.files import existing_file
from edgetrig.physics.tables.arrays import open_arrays, open_npy
from edgetrig.physics.tables.features import codes_of, stack
from edgetrig.physics.tables.hdf5 import open_hdf5
from edgetrig.physics.tables.parquet import open_parquet
from edgetrig.physics.tables.source import Columns, Source, no_rows, reading
from edgetrig.physics.tables.text import open_csv

PARQUET: Final = (".parquet", ".pq")
HDF5: Final = (".h5", ".hdf5")
SUFFIXES: Final = (*PARQUET, *HDF5, ".npy", ".npz", ".csv")
"""The suffixes that can be read and written."""

ROWS: Final = 65536
"""Rows of a block, where nothing else is asked for."""


@dataclass(frozen=True)
class Table:
    """Features, and labels if they were asked for."""

    features: NDArray[Any]
    """(rows, columns) float32 or float64; (rows, k, columns) where each column holds k numbers a
    row; a single column of more dimensions as it is."""

    columns: tuple[str, ...]
    """Names of the columns, as stored in the file."""

    labels: NDArray[np.int64] | None = None
    """(rows,) class of each row."""

    classes: tuple[str, ...] | None = None
    """Names of the classes where the labels were text (sorted), else None."""


def read_table(
    path: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    label: str | None = None,
) -> Table:
    """Read features and labels into memory.

    Parameters
    ----------
    path
        A file with one of `SUFFIXES`.
    columns
        The columns to read, in this order; by default all but `label`.
    label
        The column of class labels: whole numbers, or text.

    Raises
    ------
    DataError
        If the file is missing, truncated or of another format; a column is missing, not numeric or
        not finite (the row is named); columns differ in shape; or there are no rows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(f"{folder}/a.npz", {"x": np.arange(3.0), "y": np.array([0, 1, 1])})
    ...     table = read_table(f"{folder}/a.npz", label="y")
    >>> table.columns, table.features.shape, table.labels.tolist()
    (('x',), (3, 1), [0, 1, 1])
    """
    file = existing_file(path)
    with reading(file):
        source = open_file(file)
        target = None if label is None else resolve(file, source.columns, label)
        names = choose(file, source.columns, columns, target)
        wanted = names if target is None or target in names else [*names, target]
        features, labels, row = [], [], 0
        for block in source.blocks(wanted, ROWS):
            features.append(stack(file, block, names, row))
            if target is not None:
                labels.append(block[target])
            row += len(features[-1])
    if not features:
        raise no_rows(file)
    codes, classes = None, None
    if target is not None:
        codes, classes = codes_of(file, target, np.concatenate(labels))
    return Table(np.concatenate(features), tuple(names), codes, classes)


def iter_table(
    path: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    block: int = ROWS,
) -> Iterator[NDArray[Any]]:
    """Yield the features block by block, so that memory does not grow with the file.

    Parameters
    ----------
    path, columns
        As for `read_table`.
    block
        Most rows of a block, at least 1; blocks may be shorter where the file's own parts end.

    Yields
    ------
    numpy.ndarray
        As `Table.features`, but for the number of rows.

    Raises
    ------
    DataError
        As `read_table`; a bad value is found when its block is reached.
    """
    if block < 1:
        raise DataError(f"iter_table: block is {block}; give at least 1 row")
    file = existing_file(path)
    row = 0
    with reading(file):
        source = open_file(file)
        names = choose(file, source.columns, columns, None)
        for part in source.blocks(names, block):
            features = stack(file, part, names, row)
            row += len(features)
            yield features
    if row == 0:
        raise no_rows(file)


def iter_columns(
    path: str | os.PathLike[str], columns: Sequence[str], block: int = ROWS
) -> Iterator[Columns]:
    """Yield columns as they are stored, block by block.

    Parameters
    ----------
    path
        A file with one of `SUFFIXES`.
    columns
        Names, perhaps only their last parts; the blocks have them as they are given here.
    block
        Most rows of a block, at least 1.

    Raises
    ------
    DataError
        If the file is missing, truncated, of another format, has no such column, or no rows.
    """
    if block < 1:
        raise DataError(f"iter_columns: block is {block}; give at least 1 row")
    file = existing_file(path)
    empty = True
    with reading(file):
        source = open_file(file)
        stored = {name: resolve(file, source.columns, name) for name in columns}
        for part in source.blocks(list(dict.fromkeys(stored.values())), block):
            empty = False
            yield {name: part[full] for name, full in stored.items()}
    if empty:
        raise no_rows(file)


def read_columns(
    path: str | os.PathLike[str],
) -> tuple[Columns, dict[str, Any]]:
    """Read every column as it is stored, and the metadata that `write_table` put beside them.

    Raises
    ------
    DataError
        If the file is missing, truncated, of another format, or has no rows.
    """
    file = existing_file(path)
    with reading(file):
        source = open_file(file)
        names = list(source.columns)
        blocks = list(source.blocks(names, ROWS))
    if not blocks:
        raise no_rows(file)
    return {name: np.concatenate([part[name] for part in blocks]) for name in names}, (
        source.metadata
    )


def kind_of(file: Path) -> str:
    """Return the suffix, if it is known."""
    kind = file.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(f"{file}: unknown format {kind!r}; use one of {', '.join(SUFFIXES)}")
    return kind


def open_file(file: Path) -> Source:
    """Open a file of any known kind."""
    kind = kind_of(file)
    if kind in PARQUET:
        return open_parquet(file)
    if kind in HDF5:
        return open_hdf5(file)
    if kind == ".npy":
        return open_npy(file)
    if kind == ".npz":
        # Opened here, because NumPy leaves a damaged archive open.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return open_arrays(file, arrays)
    return open_csv(file)


def choose(
    file: Path, stored: Sequence[str], columns: Sequence[str] | None, label: str | None
) -> list[str]:
    """Return the stored names of the columns asked for."""
    if columns is not None:
        names = [resolve(file, stored, name) for name in columns]
    else:
        names = [name for name in stored if name != label]
    if not names:
        raise DataError(f"{file}: no columns to read; name at least one")
    return names


def resolve(file: Path, stored: Sequence[str], name: str) -> str:
    """Return the stored name of a column."""
    if name in stored:
        return name
    found = [full for full in stored if full.rsplit("/", 1)[-1] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{file}: column {name!r} is ambiguous: {', '.join(found)}")
    shown = ", ".join(stored[:20]) + (", ..." if len(stored) > 20 else "")
    raise DataError(f"{file}: no column {name!r}; it has {shown or 'none'}")
