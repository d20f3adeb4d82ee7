"""Trigger objects from files, as columns of codes, block by block."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.files import existing_file
from edgetrig.physics.l1.challenge import challenge_dataset, challenge_source
from edgetrig.physics.l1.columns import code_columns, kinds_of, smallest
from edgetrig.physics.l1.root import open_root
from edgetrig.physics.tables.read import ROWS, open_file
from edgetrig.physics.tables.source import Columns, Source, no_rows, reading

CODES = code_columns()


def read_l1(
    path: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    block: int = ROWS,
    tree: str | None = None,
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the trigger objects in a file block by block; memory does not grow with the file.

    Parameters
    ----------
    path
        ``.root``: CMS NanoAOD (branches ``L1Mu_pt``, ...) or an L1 ntuple (``L1UpgradeTree``), of
        which only bunch crossing 0 is taken. ``.h5``: the public data challenge's (events, 19, 4),
        or columns with names of ours. ``.parquet`` and ``.npz``: columns with names of ours.
    columns
        Names such as ``muon_pt``; by default all that the file has. Codes have the shape
        (events, objects), the hardest first, zeros behind them. Of ROOT files also branches with
        one number an event, such as ``genWeight``.
    block
        Most events of a block, at least 1.
    tree
        Which tree of a ROOT file, where there are several.

    Raises
    ------
    DataError
        If the file is missing, truncated or of another format, has no such column, no events, NaN
        or infinity, more objects than the hardware, or a code that does not fit its field. The
        line names the column, and the event where it can.
    ToolError
        If uproot, h5py or pyarrow is needed and not installed.
    """
    if block < 1:
        raise DataError(f"read_l1: block is {block}; give at least 1 event")
    file = existing_file(path)
    with reading(file):
        source = _open(file, tree, columns or ())
        wanted = list(source.columns if columns is None else columns)
        for name in wanted:
            if name not in source.columns:
                raise DataError(f"{file}: no column {name!r}; it has {_listed(source.columns)}")
        if not kinds_of(wanted):
            raise DataError(f"{file}: no column of trigger objects such as 'muon_pt'")
        row = 0
        for part in source.blocks(wanted, block):
            yield _checked(file, part, row)
            row += len(part[wanted[0]])
    if row == 0:
        raise no_rows(file, "events")


def contents_l1(
    path: str | os.PathLike[str], columns: Sequence[str] = ()
) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Return the names of a file's columns, and what `generate_l1` noted beside them.

    Parameters
    ----------
    path
        As for `read_l1`.
    columns
        Branches of ROOT files that are named too, if they are there and have one number an event.

    Raises
    ------
    DataError
        As `read_l1`, but the events are not looked at.
    ToolError
        As `read_l1`.
    """
    file = existing_file(path)
    with reading(file):
        source = _open(file, None, columns)
        return source.columns, source.metadata


def _open(file: Path, tree: str | None, columns: Sequence[str]) -> Source:
    if file.suffix.lower() == ".root":
        return open_root(file, tree, columns)
    source = open_file(file)
    dataset = challenge_dataset(file, source)
    return source if dataset is None else challenge_source(file, source, dataset)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _checked(file: Path, part: Columns, row: int) -> dict[str, NDArray[Any]]:
    """Return columns of codes in their smallest types, once every code fits its field."""
    block: dict[str, NDArray[Any]] = {}
    for name, column in part.items():
        if name not in CODES:
            block[name] = column
            continue
        kind, quantity = CODES[name]
        codes = column.reshape(-1, 1) if kind.single and column.ndim == 1 else column
        if codes.ndim != 2 or codes.shape[1] != kind.count or codes.dtype.kind not in "iu":
            shape = ", ".join(map(str, ("events", *codes.shape[1:])))
            raise DataError(
                f"{file}: column {name!r} is {codes.dtype} of shape ({shape});"
                f" integer codes of shape (events, {kind.count}) are needed"
            )
        wrong = (codes < quantity.lowest) | (codes > quantity.highest)
        if wrong.any():
            event, place = np.argwhere(wrong)[0]
            raise DataError(
                f"{file}: column {name!r}, event {row + event}: code {codes[event, place]} is"
                f" outside {quantity.lowest} to {quantity.highest}"
            )
        block[name] = codes.astype(smallest(quantity))
    return block
