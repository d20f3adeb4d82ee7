"""What a training gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainResult:
    """A trained model on disk, and how it came about.

    Parameters
    ----------
    path
        The ``.keras`` file.
    classes
        Names of the classes, in the order of the outputs.
    layers
        Hidden layer sizes.
    seed, cost_target
        As given.
    ebops
        Effective bit operations of the trained model, calibrated: a proxy of its LUTs.
    accuracy
        Share of right answers on the test set: ``"float"`` for the float reference of the same
        shape, ``"quantized"`` for the saved model.
    history
        Per epoch of the quantised training: ``loss``, ``validation_loss``,
        ``validation_accuracy``, ``ebops``, ``beta`` (weight of the cost in the loss).
    best_epoch
        The epoch (from 0) whose weights were kept.
    resumed_at
        The epoch at which a checkpoint was taken up, or None.
    events
        Events in the training, validation and test sets.
    seconds
        Wall time of the ``float`` and ``quantized`` trainings (since resuming).
    versions
        Versions of Python and of the packages that took part.
    """

    path: Path
    classes: tuple[str, ...]
    layers: tuple[int, ...]
    seed: int
    cost_target: float
    ebops: int
    accuracy: Mapping[str, float]
    history: Mapping[str, tuple[float, ...]]
    best_epoch: int
    resumed_at: int | None
    events: Mapping[str, int]
    seconds: Mapping[str, float]
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain Python values, ready for JSON."""
        return {**asdict(self), "path": str(self.path)}
