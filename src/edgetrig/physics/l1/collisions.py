"""Single proton-proton collisions as the trigger's front end sees them, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TRUTH: Final = (
    *(
        f"{kind}_{name}"
        for kind in ("muon", "electron", "tau", "jet")
        for name in ("pt", "eta", "phi")
    ),
    "met_x",
    "met_y",
    "pt_hat",
)
"""What is known of each collision: its leading objects [GeV, rad], neutrinos' sum [GeV], pT-hat."""

TRACK: Final = ("pt", "eta", "phi", "charge", "decay", "softest", "punch")
"""Of each particle that may reach the muon system: momentum [GeV], charge; probabilities that it
decays to a muon before the calorimeter and that it punches through; least share of its momentum
that the muon gets. A muon has probability 1 and share 1."""


class Collisions(NamedTuple):
    """Collisions one after another; those of ``i`` are between ``ends[i]`` and ``ends[i + 1]``."""

    tower: NDArray[np.int16]
    """(deposits,) number in eta times 72 plus number in phi."""

    em: NDArray[np.float32]
    """(deposits,) transverse energy in the ECAL [GeV]."""

    had: NDArray[np.float32]
    """(deposits,) transverse energy in the HCAL [GeV]."""

    deposit_ends: NDArray[np.int64]
    """(collisions + 1,)"""

    track: NDArray[np.float32]
    """(tracks, 7) as `TRACK` says."""

    track_ends: NDArray[np.int64]
    """(collisions + 1,)"""

    truth: NDArray[np.float32]
    """(collisions, 15) as `TRUTH` says."""


def joined(parts: Sequence[Collisions]) -> Collisions:
    """Return collisions of several batches as one."""
    return Collisions(
        np.concatenate([part.tower for part in parts]),
        np.concatenate([part.em for part in parts]),
        np.concatenate([part.had for part in parts]),
        _joined_ends([part.deposit_ends for part in parts]),
        np.concatenate([part.track for part in parts]),
        _joined_ends([part.track_ends for part in parts]),
        np.concatenate([part.truth for part in parts]),
    )


def first(collisions: Collisions, count: int) -> Collisions:
    """Return the first collisions."""
    deposits, tracks = collisions.deposit_ends[count], collisions.track_ends[count]
    return Collisions(
        collisions.tower[:deposits],
        collisions.em[:deposits],
        collisions.had[:deposits],
        collisions.deposit_ends[: count + 1],
        collisions.track[:tracks],
        collisions.track_ends[: count + 1],
        collisions.truth[:count],
    )


def no_collisions() -> Collisions:
    """Return collisions of which there are none."""
    ends = np.zeros(1, np.int64)
    return Collisions(
        np.zeros(0, np.int16),
        np.zeros(0, np.float32),
        np.zeros(0, np.float32),
        ends,
        np.zeros((0, len(TRACK)), np.float32),
        ends,
        np.zeros((0, len(TRUTH)), np.float32),
    )


def save_folder(folder: Path, collisions: Collisions) -> None:
    """Write one file a column, so that processes can share them in memory."""
    for name, column in collisions._asdict().items():
        np.save(folder / f"{name}.npy", column, allow_pickle=False)


def load_folder(folder: Path) -> Collisions:
    """Map the columns of a folder into memory, which processes share while none writes."""
    columns: dict[str, NDArray[Any]] = {
        name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False))
        for name in Collisions._fields
    }
    return Collisions(**columns)


def _joined_ends(ends: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    sizes = np.concatenate([np.diff(part) for part in ends])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
