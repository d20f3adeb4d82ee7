"""An open file of columns, and what its rows must agree on."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from edgetrig.errors import DataError

Columns = dict[str, NDArray[Any]]
"""Arrays of equal length by name."""

METADATA: Final = "edgetrig"
"""Key under which files keep what is beside the columns."""

# What NumPy, h5py and pyarrow (whose errors derive from these) raise on damaged files.
BROKEN = (
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


@dataclass(frozen=True)
class Source:
    """A file that is open for reading."""

    columns: tuple[str, ...]
    blocks: Any  # (names, most rows) -> iterator of Columns
    metadata: dict[str, Any]


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn what the format libraries raise on a broken file into one line."""
    try:
        yield
    except BROKEN as error:
        raise unreadable(file, file.suffix[1:], error) from error


def unreadable(file: Path, kind: str, error: Exception) -> DataError:
    """Return the error of a file that is broken, or of another format than its name says."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(
        f"{file}: cannot be read as {kind} ({reason}); copy it anew if it was cut off, or name it"
        " after its format"
    )


def no_rows(file: Path, what: str = "rows") -> DataError:
    """Return the error of a file of no rows."""
    return DataError(f"{file}: has no {what}; name a file with at least one")


def common_length(file: Path, lengths: Mapping[str, int]) -> int:
    """Return the number of rows that all columns have."""
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise DataError(
                f"{file}: column {name!r} has {length} rows but {first!r} has {lengths[first]}; "
                "name columns of equal length"
            )
    return lengths[first]
