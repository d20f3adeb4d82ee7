"""What a training gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgetrig.errors import DataError


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

    @classmethod
    def from_dict(cls, record: Any) -> TrainResult:
        """Return the result that `to_dict` wrote down; the record may come from anywhere.

        Raises
        ------
        DataError
            If a field is missing or has no meaning; the line names it.
        """
        if not isinstance(record, Mapping):
            raise DataError("no fields are in it")
        field = ""

        def read(name: str) -> Any:
            nonlocal field
            field = name
            return record[name]

        try:
            return cls(
                path=Path(_text(read("path"))),
                classes=tuple(map(_text, read("classes"))),
                layers=tuple(map(_count, read("layers"))),
                seed=_count(read("seed")),
                cost_target=_number(read("cost_target")),
                ebops=_count(read("ebops")),
                accuracy={name: _share(read("accuracy")[name]) for name in ("float", "quantized")},
                history=_history(read("history")),
                best_epoch=_count(read("best_epoch")),
                resumed_at=None if read("resumed_at") is None else _count(record["resumed_at"]),
                events={n: _count(read("events")[n]) for n in ("train", "validation", "test")},
                seconds={n: _number(read("seconds")[n]) for n in ("float", "quantized")},
                versions={_text(n): _text(v) for n, v in read("versions").items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f"field {field!r} is missing or damaged") from error


def _history(record: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """Return the columns of a history, all of one length; its shares and costs have a meaning."""
    columns = {_text(name): tuple(map(_number, column)) for name, column in record.items()}
    if len({len(column) for column in columns.values()}) != 1:
        raise ValueError
    for share in columns["validation_accuracy"]:
        _share(share)
    if "loss" not in columns:
        raise KeyError("loss")
    return columns


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if not (math.isfinite(value) and value >= 0):
        raise ValueError
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if not 0 <= value < 1 << 63:
        raise ValueError
    return value


def _share(value: Any) -> float:
    if _number(value) > 1:
        raise ValueError
    return float(value)
