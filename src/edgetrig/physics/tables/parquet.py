"""Parquet files; fixed-size lists are columns of more dimensions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, require
from edgetrig.physics.tables.source import METADATA, Columns, Source


def open_parquet(file: Path) -> Source:
    """Open a Parquet file."""
    parquet = require("pyarrow.parquet", "data")
    with parquet.ParquetFile(file) as opened:
        names = tuple(opened.schema_arrow.names)
        stored = (opened.schema_arrow.metadata or {}).get(METADATA.encode(), b"{}")

    def blocks(wanted: list[str], most: int) -> Iterator[Columns]:
        # As pyarrow comes, it keeps in memory what it has read ahead.
        with parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 18) as again:
            row = 0
            for batch in again.iter_batches(batch_size=most, columns=wanted):
                yield {name: from_arrow(file, name, batch.column(name), row) for name in wanted}
                row += batch.num_rows

    return Source(names, blocks, json.loads(stored))


def from_arrow(file: Path, name: str, column: Any, row: int) -> NDArray[Any]:
    """Return an Arrow column, from row `row` of the file on, as NumPy."""
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


def write_parquet(temporary: Path, blocks: Iterator[Columns], metadata: Mapping[str, Any]) -> None:
    """Write a Parquet file."""
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
                    {METADATA: json.dumps(metadata)} if metadata else None
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
