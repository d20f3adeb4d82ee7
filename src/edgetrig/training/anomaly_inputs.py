"""The 57 quantities of an anomaly trigger: which hardware integers they are, and their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.physics.l1 import CMS
from edgetrig.training.anomaly_network import InputFormat

_OBJECTS: Final = (("egamma", 4), ("muon", 4), ("jet", 10))
_FIELDS: Final = ("pt", "eta", "phi")
_ANGLE_SHIFT: Final = 2
"""Angles of zero-bias events cannot be foretold: reconstructed at a quarter of their spread, they
count a sixteenth of an energy in the loss. Without this the latent space is spent on them."""

INPUTS: Final = (
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


def anomaly_inputs(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int32]:
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
    x = np.zeros((events, len(_PLACES)), np.int32)
    for place, source in enumerate(_PLACES):
        if source is not None:
            kind_name, field, number = source
            x[:, place] = chosen[f"{kind_name}_{field}"][:, number]
    return x


def input_format(x: NDArray[np.int32]) -> InputFormat:
    """Return ranges of the inputs' wires, and scales near the inputs' spread in some events."""
    lowest = np.zeros(len(_PLACES), np.int64)
    highest = lowest.copy()
    exponent = np.rint(np.log2(np.maximum(x.std(axis=0), 1.0))).astype(np.int64)
    for place, source in enumerate(_PLACES):
        if source is None:
            continue
        quantity = CMS[source[0]].fields[source[1]]
        lowest[place], highest[place] = quantity.lowest, quantity.highest
        if source[1] in ("eta", "phi"):
            exponent[place] += _ANGLE_SHIFT
    return InputFormat(lowest, highest, exponent)
