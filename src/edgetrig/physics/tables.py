"""Tables of numbers in the files physicists have: Parquet, HDF5, NumPy and CSV.

========================  ===========================================================  ===========
suffix                    columns                                                      streamed
========================  ===========================================================  ===========
``.parquet``, ``.pq``     its columns; fixed-size lists are columns of more dimensions  row batches
``.h5``, ``.hdf5``        every dataset, by path; every field of a compound dataset     slices
``.npy``                  fields of a structured array; columns "0", "1", ... of a      blocks
                          2-D one; more dimensions are one column "0"
``.npz``                  its arrays                                                   no (loaded)
``.csv``                  named by the first line                                      chunks
========================  ===========================================================  ===========

A column may be asked for by the last part of its name (``j_zlogz`` for ``jets/j_zlogz``) where that
is unique. Nothing in a file is executed: pickled arrays are refused.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, Error, require
from edgetrig.files import existing_file, whole_file

Columns = dict[str, NDArray[Any]]

_PARQUET = (".parquet", ".pq")
_HDF5 = (".h5", ".hdf5")
SUFFIXES = (*_PARQUET, *_HDF5, ".npy", ".npz", ".csv")
"""The suffixes that can be read and written."""

_METADATA = "edgetrig"
# What NumPy, h5py and pyarrow (whose errors derive from these) raise on damaged files.
_BROKEN = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
_ROWS = 65536


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
    with _reading(file):
        source = _open(file)
        target = None if label is None else _resolve(file, source.columns, label)
        names = _choose(file, source.columns, columns, target)
        wanted = names if target is None or target in names else [*names, target]
        features, labels, row = [], [], 0
        for block in source.blocks(wanted, _ROWS):
            features.append(_stack(file, block, names, row))
            if target is not None:
                labels.append(block[target])
            row += len(features[-1])
    if not features:
        raise DataError(f"{file}: has no rows")
    codes, classes = None, None
    if target is not None:
        codes, classes = _codes(file, target, np.concatenate(labels))
    return Table(np.concatenate(features), tuple(names), codes, classes)


def iter_table(
    path: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    block: int = _ROWS,
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
    with _reading(file):
        source = _open(file)
        names = _choose(file, source.columns, columns, None)
        for part in source.blocks(names, block):
            features = _stack(file, part, names, row)
            row += len(features)
            yield features
    if row == 0:
        raise DataError(f"{file}: has no rows")


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
    with _reading(file):
        source = _open(file)
        names = list(source.columns)
        blocks = list(source.blocks(names, _ROWS))
    if not blocks:
        raise DataError(f"{file}: has no rows")
    return {name: np.concatenate([part[name] for part in blocks]) for name in names}, (
        source.metadata
    )


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
    kind = _kind(target)
    if metadata and kind not in (*_PARQUET, *_HDF5):
        raise DataError(f"{target}: metadata needs .parquet or .h5")
    checked = _checked(target, blocks)
    with whole_file(target) as temporary, _writing(target):
        if kind in _PARQUET:
            _write_parquet(temporary, checked, metadata or {})
        elif kind in _HDF5:
            _write_hdf5(temporary, checked, metadata or {})
        elif kind == ".npy":
            _write_npy(target, temporary, checked)
        elif kind == ".npz":
            parts = list(checked)
            whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            np.savez(temporary, **whole)  # type: ignore[arg-type]  # names are free keywords
        else:
            _write_csv(target, temporary, checked)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # a full disk, most likely
        reason = error.strerror or " ".join(str(error).split())
        raise Error(f"{target}: cannot be written ({reason}); choose another folder") from error


# Reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """A file that is open for reading."""

    columns: tuple[str, ...]
    blocks: Any  # (names, most rows) -> iterator of Columns
    metadata: dict[str, Any]


def _kind(file: Path) -> str:
    kind = file.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(f"{file}: unknown format {kind!r}; use one of {', '.join(SUFFIXES)}")
    return kind


def _open(file: Path) -> _Source:
    kind = _kind(file)
    if kind in _PARQUET:
        return _open_parquet(file)
    if kind in _HDF5:
        return _open_hdf5(file)
    if kind == ".npy":
        return _open_npy(file)
    if kind == ".npz":
        # Opened here, because NumPy leaves a damaged archive open.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return _from_arrays(file, arrays)
    return _open_csv(file)


def _open_parquet(file: Path) -> _Source:
    parquet = require("pyarrow.parquet", "data")
    with parquet.ParquetFile(file) as opened:
        names = tuple(opened.schema_arrow.names)
        stored = (opened.schema_arrow.metadata or {}).get(_METADATA.encode(), b"{}")

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        # As pyarrow comes, it keeps in memory what it has read ahead.
        with parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 18) as again:
            row = 0
            for batch in again.iter_batches(batch_size=most, columns=wanted):
                yield {name: _from_arrow(file, name, batch.column(name), row) for name in wanted}
                row += batch.num_rows

    return _Source(names, blocks, json.loads(stored))


def _from_arrow(file: Path, name: str, column: Any, row: int) -> NDArray[Any]:
    arrow = require("pyarrow", "data")
    shape = [len(column)]
    if column.null_count:
        first = row + column.is_null().index(True).as_py()
        raise DataError(f"{file}: column {name!r}, row {first}: no value; fill or drop it")
    while arrow.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    if arrow.types.is_list(column.type) or arrow.types.is_large_list(column.type):
        raise DataError(f"{file}: column {name!r} has lists of varying length; pad them to one")
    result: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    if result.dtype == object and (
        arrow.types.is_string(column.type) or arrow.types.is_large_string(column.type)
    ):
        result = result.astype(str)
    return result.reshape(shape)


def _open_hdf5(file: Path) -> _Source:
    h5py = require("h5py", "data")
    fields: dict[str, tuple[str, str | None]] = {}
    lengths: dict[str, int] = {}

    def visit(group: Any, prefix: str) -> None:
        for key, item in group.items():  # in the order of creation where the file keeps it
            name = prefix + key
            if isinstance(item, h5py.Group):
                visit(item, name + "/")
            elif isinstance(item, h5py.Dataset) and item.ndim:
                for field in item.dtype.names or (None,):
                    full = name if field is None else f"{name}/{field}"
                    fields[full] = (name, field)
                    lengths[full] = item.shape[0]

    with h5py.File(file, "r") as opened:
        visit(opened, "")
        metadata = json.loads(opened.attrs.get(_METADATA, "{}"))

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        rows = _common_length(file, {name: lengths[name] for name in wanted})
        with h5py.File(file, "r") as again:
            for start in range(0, rows, most):
                part = {}
                for name in wanted:
                    dataset, field = fields[name]
                    opened = again[dataset]
                    values = opened[start : start + most]
                    part[name] = values if field is None else values[field]
                    if h5py.check_string_dtype(part[name].dtype):
                        text = [item.decode("utf-8", "replace") for item in part[name].ravel()]
                        part[name] = np.array(text).reshape(part[name].shape)
                yield part

    return _Source(tuple(fields), blocks, metadata)


def _open_npy(file: Path) -> _Source:
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    if array.dtype.names:
        names = array.dtype.names
    elif array.ndim == 2:
        names = tuple(str(i) for i in range(array.shape[1]))
    else:
        names = ("0",)
    if array.ndim == 0:
        raise DataError(f"{file}: holds a single number, not rows")

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        for start in range(0, len(array), most):
            rows = _rows(file, array, start, min(most, len(array) - start))
            if array.dtype.names:
                yield {name: rows[name] for name in wanted}
            elif array.ndim == 2:
                yield {name: rows[:, int(name)] for name in wanted}
            else:
                yield {"0": rows}

    return _Source(names, blocks, {})


def _rows(file: Path, array: Any, start: int, count: int) -> NDArray[Any]:
    """Read rows of a mapped array; not through the map, whose pages would pile up in memory."""
    if not array.flags.c_contiguous:
        return np.array(array[start : start + count])
    size = array[:1].nbytes
    flat = np.fromfile(
        file, array.dtype, count * array[:1].size, offset=array.offset + start * size
    )
    return flat.reshape(count, *array.shape[1:])


def _from_arrays(file: Path, arrays: Columns) -> _Source:
    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        for name in wanted:
            if arrays[name].ndim == 0:
                raise DataError(f"{file}: column {name!r} is a single number, not a column")
        rows = _common_length(file, {name: len(arrays[name]) for name in wanted})
        for start in range(0, rows, most):
            yield {name: np.asarray(arrays[name][start : start + most]) for name in wanted}

    return _Source(tuple(arrays), blocks, {})


def _open_csv(file: Path) -> _Source:
    arrow = require("pyarrow", "data")
    csv = require("pyarrow.csv", "data")
    with csv.open_csv(file) as opened:
        schema = opened.schema
    counted = [str(i) for i in range(len(schema.names))]  # a fair choice of names
    if schema.names != counted and all(_is_number(name) for name in schema.names):
        raise DataError(f"{file}: the first line holds numbers; it must name the columns")
    if len(set(schema.names)) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise DataError(f"{file}: two columns are named {twice!r}; rename one")
    # Types are guessed from the first chunk: whole numbers there may have decimals later.
    types = {field.name: arrow.float64() for field in schema if arrow.types.is_integer(field.type)}

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        options = csv.ConvertOptions(column_types=types, include_columns=wanted)
        row = 0
        with csv.open_csv(file, convert_options=options) as again:
            for batch in again:
                for start in range(0, batch.num_rows, most):
                    piece = batch.slice(start, most)
                    yield {
                        name: _from_arrow(file, name, piece.column(name), row) for name in wanted
                    }
                    row += piece.num_rows

    return _Source(tuple(schema.names), blocks, {})


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Turn what the format libraries raise on a broken file into one line."""
    try:
        yield
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{file}: cannot be read as {file.suffix[1:]} ({reason})") from error


def _common_length(file: Path, lengths: Mapping[str, int]) -> int:
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise DataError(
                f"{file}: column {name!r} has {length} rows but {first!r} has {lengths[first]}; "
                "name columns of equal length"
            )
    return lengths[first]


def _resolve(file: Path, stored: Sequence[str], name: str) -> str:
    if name in stored:
        return name
    found = [full for full in stored if full.rsplit("/", 1)[-1] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{file}: column {name!r} is ambiguous: {', '.join(found)}")
    shown = ", ".join(stored[:20]) + (", ..." if len(stored) > 20 else "")
    raise DataError(f"{file}: no column {name!r}; it has {shown or 'none'}")


def _choose(
    file: Path, stored: Sequence[str], columns: Sequence[str] | None, label: str | None
) -> list[str]:
    if columns is not None:
        names = [_resolve(file, stored, name) for name in columns]
    else:
        names = [name for name in stored if name != label]
    if not names:
        raise DataError(f"{file}: no columns to read")
    return names


def _stack(file: Path, block: Columns, names: Sequence[str], row: int) -> NDArray[Any]:
    arrays = []
    for name in names:
        array = block[name]
        if array.dtype.kind not in "fiub":
            raise DataError(
                f"{file}: column {name!r} is not numeric ({array.dtype}); choose other columns"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = int(np.argwhere(~np.isfinite(array))[0][0])
            value = array[where].ravel()[~np.isfinite(array[where].ravel())][0]
            raise DataError(
                f"{file}: column {name!r}, row {row + where}: {value}; fill or drop such rows"
            )
        if array.shape != block[names[0]].shape:
            raise DataError(
                f"{file}: column {name!r} has {_per_row(array)} a row but {names[0]!r} has "
                f"{_per_row(block[names[0]])}; name columns of one shape"
            )
        arrays.append(array)
    kind = np.result_type(np.float32, *[array.dtype for array in arrays])
    if len(arrays) == 1 and arrays[0].ndim > 1:
        return arrays[0].astype(kind)
    return np.stack(arrays, axis=-1, dtype=kind)


def _per_row(array: NDArray[Any]) -> str:
    count = math.prod(array.shape[1:])
    return f"{count} number" + ("s" if count != 1 else "")


def _codes(
    file: Path, name: str, labels: NDArray[Any]
) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    if labels.ndim != 1:
        raise DataError(
            f"{file}: label {name!r} has {_per_row(labels)} a row; a class number or name is needed"
        )
    if labels.dtype.kind in "US":
        classes, codes = np.unique(labels.astype(str), return_inverse=True)
        return codes.astype(np.int64), tuple(str(item) for item in classes)
    if labels.dtype.kind not in "fiub":
        raise DataError(f"{file}: label {name!r} is neither whole numbers nor text")
    if labels.dtype.kind == "f":
        bad = labels != np.floor(labels)  # also true for nan; inf is caught below
        bad |= ~np.isfinite(labels)
        if bad.any():
            where = int(np.argmax(bad))
            raise DataError(
                f"{file}: label {name!r}, row {where}: {labels[where]} is not a whole number"
            )
    return labels.astype(np.int64), None


# Writing -------------------------------------------------------------------------------------


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
        _common_length(target, {name: len(array) for name, array in columns.items()})
        kinds = {name: (array.dtype, array.shape[1:]) for name, array in columns.items()}
        if first is not None and kinds != first:
            raise DataError(f"{target}: blocks differ in columns, types or shapes")
        first = kinds
        yield columns
    if first is None:
        raise DataError(f"{target}: nothing to write")


def _write_parquet(temporary: Path, blocks: Iterator[Columns], metadata: Mapping[str, Any]) -> None:
    arrow = require("pyarrow", "data")
    parquet = require("pyarrow.parquet", "data")
    writer = None
    try:
        for block in blocks:
            arrays = []
            for array in block.values():
                column = arrow.array(np.ascontiguousarray(array).reshape(-1))
                for size in reversed(array.shape[1:]):
                    column = arrow.FixedSizeListArray.from_arrays(column, size)
                arrays.append(column)
            table = arrow.table(arrays, names=list(block))
            if writer is None:
                schema = table.schema.with_metadata(
                    {_METADATA: json.dumps(metadata)} if metadata else None
                )
                # Splitting floats by byte halves the size of rounded numbers under zstd.
                floats = [n for n, a in block.items() if a.dtype.kind == "f" and a.ndim == 1]
                writer = parquet.ParquetWriter(
                    temporary,
                    schema,
                    compression="zstd",
                    compression_level=3,  # 12 takes six times as long for 2 % less
                    use_dictionary=[n for n in block if n not in floats],
                    use_byte_stream_split=floats,
                )
            writer.write_table(table.replace_schema_metadata(schema.metadata))
    finally:
        if writer is not None:
            writer.close()


def _write_hdf5(temporary: Path, blocks: Iterator[Columns], metadata: Mapping[str, Any]) -> None:
    h5py = require("h5py", "data")
    with h5py.File(temporary, "w", track_order=True) as opened:
        if metadata:
            opened.attrs[_METADATA] = json.dumps(metadata)
        row = 0
        for block in blocks:
            # HDF5 does not survive a full disk: it crashes when it closes the file.
            needed = 2 * sum(array.nbytes for array in block.values()) + 1_000_000
            if shutil.disk_usage(temporary.parent).free < needed:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for name, array in block.items():
                if row == 0:
                    opened.create_dataset(
                        name,
                        data=array,
                        maxshape=(None, *array.shape[1:]),
                        chunks=(min(max(len(array), 1), 4096), *array.shape[1:]),
                        compression="gzip",
                        compression_opts=4,
                        shuffle=True,
                    )
                else:
                    opened[name].resize(row + len(array), axis=0)
                    opened[name][row:] = array
            row += len(array)


def _write_npy(target: Path, temporary: Path, blocks: Iterator[Columns]) -> None:
    with temporary.open("wb") as stream:
        rows, kind, shape = 0, np.dtype(float), ()
        for block in blocks:
            arrays = list(block.values())
            if len(arrays) == 1:
                part = np.ascontiguousarray(arrays[0])
            elif any(array.ndim > 1 for array in arrays):
                raise DataError(f"{target}: .npy holds one column, or columns of one dimension")
            else:
                part = np.empty(
                    len(arrays[0]), [(name, array.dtype) for name, array in block.items()]
                )
                for name, array in block.items():
                    part[name] = array
            kind, shape = part.dtype, part.shape[1:]
            if rows == 0:
                _npy_header(stream, kind, (0, *shape))
            stream.write(part.tobytes())
            rows += len(part)
        # NumPy leaves room in the header for the number of rows to grow.
        stream.seek(0)
        _npy_header(stream, kind, (rows, *shape))


def _npy_header(stream: BinaryIO, kind: Any, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(
        stream,
        {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape},
    )


def _write_csv(target: Path, temporary: Path, blocks: Iterator[Columns]) -> None:
    arrow = require("pyarrow", "data")
    csv = require("pyarrow.csv", "data")
    writer = None
    try:
        for block in blocks:
            for name, array in block.items():
                if array.ndim > 1:
                    raise DataError(f"{target}: column {name!r} is not flat; use .parquet or .h5")
            table = arrow.table({name: arrow.array(array) for name, array in block.items()})
            if writer is None:
                writer = csv.CSVWriter(temporary, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
