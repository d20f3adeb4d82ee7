"""CSV files, named by their first line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgetrig.errors import DataError, require
from edgetrig.physics.tables.parquet import from_arrow
from edgetrig.physics.tables.source import Columns, Source


def open_csv(file: Path) -> Source:
    """Open a CSV file."""
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
                    yield {name: from_arrow(file, name, piece.column(name), row) for name in wanted}
                    row += piece.num_rows

    return Source(tuple(schema.names), blocks, {})


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def write_csv(target: Path, temporary: Path, blocks: Iterator[Columns]) -> None:
    """Write a CSV file."""
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
