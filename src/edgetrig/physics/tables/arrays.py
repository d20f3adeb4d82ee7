"""NumPy's own files, and arrays in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.physics.tables.source import Columns, Source, common_length


def open_npy(file: Path) -> Source:
    """Open a NumPy array file."""
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    if array.dtype.names:
        names = array.dtype.names
    elif array.ndim == 2:
        names = tuple(str(i) for i in range(array.shape[1]))
    else:
        names = ("0",)
    if array.ndim == 0:
        raise DataError(f"{file}: holds a single number, not rows; save one row an event")

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        for start in range(0, len(array), most):
            rows = _rows(file, array, start, min(most, len(array) - start))
            if array.dtype.names:
                yield {name: rows[name] for name in wanted}
            elif array.ndim == 2:
                yield {name: rows[:, int(name)] for name in wanted}
            else:
                yield {"0": rows}

    return Source(names, blocks, {})


def _rows(file: Path, array: Any, start: int, count: int) -> NDArray[Any]:
    """Read rows of a mapped array; not through the map, whose pages would pile up in memory."""
    if not array.flags.c_contiguous:
        return np.array(array[start : start + count])
    size = array[:1].nbytes
    flat = np.fromfile(
        file, array.dtype, count * array[:1].size, offset=array.offset + start * size
    )
    return flat.reshape(count, *array.shape[1:])


def open_arrays(file: Path, arrays: Columns) -> Source:
    """Make a source of arrays that are in memory."""

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        for name in wanted:
            # Of a member that is no array NumPy gives the bytes.
            if not isinstance(arrays[name], np.ndarray):
                raise DataError(f"{file}: {name!r} is no array; write the file anew")
            if arrays[name].ndim == 0:
                raise DataError(
                    f"{file}: column {name!r} is a single number, not a column; leave it out"
                )
        rows = common_length(file, {name: len(arrays[name]) for name in wanted})
        for start in range(0, rows, most):
            yield {name: np.asarray(arrays[name][start : start + most]) for name in wanted}

    return Source(tuple(arrays), blocks, {})


def write_npy(target: Path, temporary: Path, blocks: Iterator[Columns]) -> None:
    """Write a NumPy array file."""
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
