"""The 57 quantities of an anomaly trigger: which hardware integers they are, and their scales."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.physics.l1 import CMS, read_l1
from edgetrig.progress import Progress, silent
from edgetrig.training.anomaly_network import InputFormat

_OBJECTS: Final = (("egamma", 4), ("muon", 4), ("jet", 10))
_FIELDS: Final = ("pt", "eta", "phi")
_ANGLE_SHIFT: Final = 2
"""Angles of zero-bias events cannot be foretold: reconstructed at a quarter of their spread, they
count a sixteenth of an energy in the loss. Without this the latent space is spent on them."""

ANOMALY_INPUTS: Final = (
    "etm.et",
    "0",
    "etm.phi",
    *(f"{kind}[:{count}].({', '.join(_FIELDS)})" for kind, count in _OBJECTS),
)
"""What fills the model's input, in the words of a menu (`edgetrig.trigger.menu.Model`)."""

_PLACES: Final = (
    ("etm", "et", 0),
    None,
    ("etm", "phi", 0),
    *((k, field, n) for k, count in _OBJECTS for n in range(count) for field in _FIELDS),
)

COLUMNS: Final = tuple(dict.fromkeys(f"{p[0]}_{p[1]}" for p in _PLACES if p))
"""Columns of trigger objects that are read (`edgetrig.physics.l1.read_l1`)."""


def anomaly_inputs(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int16]:
    """Return the model's inputs: missing energy, 4 e/gamma, 4 muons and 10 jets.

    Parameters
    ----------
    columns
        Codes by column name, of shape (events, objects), as `edgetrig.physics.l1.read_l1` gives.

    Returns
    -------
    array
        Codes of shape (events, 57): (et, 0, phi) and 18 times (pt, eta, phi).

    Raises
    ------
    DataError
        If a column is missing or of the wrong shape, or holds a code outside its field.
    """
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise DataError(f"anomaly inputs: there is no column '{missing[0]}'")
    chosen = {name: np.asarray(columns[name]) for name in COLUMNS}
    for kind in ("etm", *(name for name, _ in _OBJECTS)):
        CMS[kind].check({k: v for k, v in chosen.items() if k.startswith(f"{kind}_")})
    events = len(chosen[COLUMNS[0]])
    for name, codes in chosen.items():
        if len(codes) != events:
            raise DataError(f"{name} has {len(codes)} events, {COLUMNS[0]} has {events}")
    x = np.zeros((events, len(_PLACES)), np.int16)
    for place, source in enumerate(_PLACES):
        if source is not None:
            kind_name, field, number = source
            x[:, place] = chosen[f"{kind_name}_{field}"][:, number]
    return x


def read_anomaly_inputs(
    files: Sequence[str | os.PathLike[str]], progress: Progress = silent
) -> NDArray[np.int16]:
    """Return the model's inputs of all events in files, 114 bytes an event.

    Parameters
    ----------
    files
        Of any kind that `edgetrig.physics.l1.read_l1` reads.
    progress
        Called with events read and 0: their number is not known before.

    Raises
    ------
    DataError
        If there are no files, or one is unusable.
    """
    parts: list[NDArray[np.int16]] = []
    done = 0
    for file in files:
        for block in read_l1(file, COLUMNS):
            parts.append(anomaly_inputs(block))
            done += len(parts[-1])
            progress(done, 0)
    if not parts:
        raise DataError("anomaly inputs: no files are given")
    return np.concatenate(parts)


def check_anomaly_inputs(x: NDArray[Any]) -> NDArray[Any]:
    """Return codes of shape (events, 57), once each fits its wire.

    Raises
    ------
    DataError
        On another shape or type, or a code outside its range.
    """
    if x.ndim != 2 or x.shape[1] != len(_PLACES) or x.dtype.kind not in "iu":
        raise DataError(
            f"anomaly inputs are {x.dtype} of shape {x.shape};"
            f" integers of shape (events, {len(_PLACES)}) are needed"
        )
    lowest, highest = _ranges()
    wrong = (x < lowest) | (x > highest)
    if wrong.any():
        event, place = np.argwhere(wrong)[0]
        raise DataError(
            f"anomaly input {place}, event {event}: code {x[event, place]} is outside"
            f" {lowest[place]} to {highest[place]}"
        )
    return x


def _ranges() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lowest and the highest code of every input."""
    fields = [CMS[s[0]].fields[s[1]] if s else None for s in _PLACES]
    lowest = [0 if field is None else field.lowest for field in fields]
    highest = [0 if field is None else field.highest for field in fields]
    return np.array(lowest, np.int64), np.array(highest, np.int64)


def input_format(x: NDArray[np.int16]) -> InputFormat:
    """Return ranges of the inputs' wires, and scales near the inputs' spread in some events."""
    lowest, highest = _ranges()
    exponent = np.rint(np.log2(np.maximum(x.std(axis=0, dtype=np.float64), 1.0))).astype(np.int64)
    angles = [source is not None and source[1] in ("eta", "phi") for source in _PLACES]
    return InputFormat(lowest, highest, exponent + _ANGLE_SHIFT * np.array(angles))
