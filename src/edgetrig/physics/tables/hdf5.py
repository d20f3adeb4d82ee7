"""HDF5 files: every dataset, by path, and every field of a compound one."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgetrig.errors import require
from edgetrig.physics.tables.source import METADATA, Columns, Source, common_length


def open_hdf5(file: Path) -> Source:
    """Open an HDF5 file."""
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
        metadata = json.loads(opened.attrs.get(METADATA, "{}"))

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        rows = common_length(file, {name: lengths[name] for name in wanted})
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

    return Source(tuple(fields), blocks, metadata)


def write_hdf5(temporary: Path, blocks: Iterator[Columns], metadata: Mapping[str, Any]) -> None:
    """Write an HDF5 file."""
    h5py = require("h5py", "data")
    with h5py.File(temporary, "w", track_order=True) as opened:
        if metadata:
            opened.attrs[METADATA] = json.dumps(metadata)
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
