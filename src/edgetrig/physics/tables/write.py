"""Writing tables, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, Error
from edgetrig.files import whole_file
from edgetrig.physics.tables.arrays import write_npy
from edgetrig.physics.tables.hdf5 import write_hdf5
from edgetrig.physics.tables.parquet import write_parquet
from edgetrig.physics.tables.read import HDF5, PARQUET, kind_of
from edgetrig.physics.tables.source import Columns, common_length
from edgetrig.physics.tables.text import write_csv


def write_table(
    path: str | os.PathLike[str],
    columns: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write columns of equal length to a file, whole or not at all.

    Parameters
    ----------
    path
        A file with one of `SUFFIXES`. CSV takes columns of one dimension; ``.npy`` takes one column
        of any shape, or several of one dimension as a structured array.
    columns
        (rows, ...) arrays of numbers or booleans, by name.
    metadata
        JSON values stored in the file; Parquet and HDF5 only.

    Raises
    ------
    DataError
        If the suffix is unknown, the columns differ in length, or the format cannot hold them.
    Error
        If the file cannot be written.
    """
    write_blocks(path, [columns], metadata)


def write_blocks(
    path: str | os.PathLike[str],
    blocks: Iterable[Mapping[str, NDArray[Any]]],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a table that comes block by block; memory holds one block (``.npz``: all of them).

    Parameters
    ----------
    path, metadata
        As for `write_table`.
    blocks
        At least one; all with the same columns, types and shapes but for the rows.

    Raises
    ------
    DataError, Error
        As `write_table`.
    """
    target = Path(path)
    kind = kind_of(target)
    if metadata and kind not in (*PARQUET, *HDF5):
        raise DataError(f"{target}: metadata needs .parquet or .h5")
    checked = _checked(target, blocks)
    with whole_file(target) as temporary, _writing(target):
        if kind in PARQUET:
            write_parquet(temporary, checked, metadata or {})
        elif kind in HDF5:
            write_hdf5(temporary, checked, metadata or {})
        elif kind == ".npy":
            write_npy(target, temporary, checked)
        elif kind == ".npz":
            parts = list(checked)
            whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            np.savez(temporary, **whole)  # type: ignore[arg-type]  # names are free keywords
        else:
            write_csv(target, temporary, checked)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # a full disk, most likely
        reason = error.strerror or " ".join(str(error).split())
        raise Error(f"{target}: cannot be written ({reason}); choose another folder") from error


def _checked(target: Path, blocks: Iterable[Mapping[str, NDArray[Any]]]) -> Iterator[Columns]:
    """Pass the blocks on once they agree with one another."""
    first: dict[str, tuple[Any, tuple[int, ...]]] | None = None
    for block in blocks:
        columns = {name: np.asarray(array) for name, array in block.items()}
        for name, array in columns.items():
            if array.dtype.kind not in "fiub" or array.ndim == 0:
                raise DataError(f"{target}: column {name!r} is not an array of numbers")
        if not columns:
            raise DataError(f"{target}: no columns to write")
        common_length(target, {name: len(array) for name, array in columns.items()})
        kinds = {name: (array.dtype, array.shape[1:]) for name, array in columns.items()}
        if first is not None and kinds != first:
            raise DataError(f"{target}: blocks differ in columns, types or shapes")
        first = kinds
        yield columns
    if first is None:
        raise DataError(f"{target}: nothing to write")
