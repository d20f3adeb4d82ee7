"""Events for the commands: a user's own table, or the jets that come with the package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.design import Design
from edgetrig.errors import DataError

SAMPLE = "the sample of simulated jets"


@dataclass(frozen=True)
class Events:
    """Features and true classes.

    Parameters
    ----------
    name
        Where they come from.
    features
        Shape (events, features).
    labels
        Class of every event, shape (events,).
    classes
        Names of the classes.
    columns
        Names of the features.
    """

    name: str
    features: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    columns: tuple[str, ...]

    def take(self, events: NDArray[np.int64]) -> Events:
        """Return some of the events."""
        return Events(
            self.name, self.features[events], self.labels[events], self.classes, self.columns
        )


def load_events(
    path: Path | None, label: str, columns: Sequence[str] = (), design: Design | None = None
) -> Events:
    """Read events with their classes, checked against a design if one is given.

    Parameters
    ----------
    path
        The file; None for the sample that comes with the package.
    label
        Column of the true class.
    columns
        Columns of the features: as for `feature_columns`.
    design
        Its input shape and its class names are what the events must fit.
    """
    from edgetrig.physics import load_sample, read_table

    if path is None:
        jets = load_sample()
        events = Events(SAMPLE, jets.features, jets.labels, jets.classes, jets.names)
    else:
        table = read_table(path, feature_columns(path, columns), label)
        assert table.labels is not None
        count = int(table.labels.max()) + 1
        if table.labels.min() < 0:
            raise DataError(f"{path}: label {label!r} has negative classes; count them from 0")
        known = table.classes or tuple(str(k) for k in range(max(count, 2)))
        events = Events(path.name, table.features, table.labels, known, table.columns)
        if _is_jets(columns, table.columns):
            events = _named_jets(events)
    return events if design is None else _fitting(events, design)


def feature_columns(path: Path, columns: Sequence[str]) -> Sequence[str] | None:
    """Return the columns to read: those given; the jet features where a file has them; else all."""
    from edgetrig.physics import FEATURES, iter_table

    if columns:
        return columns
    try:
        next(iter_table(path, FEATURES, 1))
    except DataError:
        return None
    return FEATURES


def blocks(path: Path, columns: Sequence[str], design: Design) -> Iterator[NDArray[Any]]:
    """Yield the features of a file block by block, checked against the design's input."""
    from edgetrig.physics import iter_table

    for block in iter_table(path, feature_columns(path, columns)):
        check_shape(str(path), block, design)
        yield block


def check_shape(name: str, features: NDArray[Any], design: Design) -> None:
    """Demand that features have the shape of a design's input.

    Raises
    ------
    DataError
        If not.
    """
    ports = design.traced.inputs
    if len(ports) != 1:
        names = ", ".join(port.name for port in ports)
        raise DataError(f"{design.name} has several inputs ({names}): use the Python API")
    if features.shape[1:] != ports[0].shape:
        given, needed = (" x ".join(map(str, s)) for s in (features.shape[1:], ports[0].shape))
        raise DataError(
            f"{name}: {given} numbers an event, {design.name} takes {needed}: "
            "choose columns with --columns"
        )


def held_out(events: Events, seed: int | None) -> Events:
    """Return the events that a training with this seed kept for the test; all if None."""
    from edgetrig.training import split

    return events if seed is None else events.take(split(events.labels, seed).test)


def _is_jets(columns: Sequence[str], found: Sequence[str]) -> bool:
    from edgetrig.physics import FEATURES

    return not columns and tuple(found) == tuple(FEATURES)


def _named_jets(events: Events) -> Events:
    from edgetrig.physics import CLASSES

    if events.classes != tuple(str(k) for k in range(len(CLASSES))):
        return events
    return Events(events.name, events.features, events.labels, tuple(CLASSES), events.columns)


def _fitting(events: Events, design: Design) -> Events:
    check_shape(events.name, events.features, design)
    outputs = len(design.traced.output_rows)
    classes, labels = design.classes or events.classes, events.labels
    if outputs == len(classes) == 1:
        classes = ("background", *classes)
    counted = all(name.isdecimal() for name in events.classes)
    if not counted and set(events.classes) <= set(classes):
        labels = np.array([classes.index(name) for name in events.classes])[labels]
    elif not counted and design.classes:
        strange = next(name for name in events.classes if name not in classes)
        raise DataError(f"{events.name}: class {strange!r} is none of {', '.join(classes)}")
    if labels.max() >= max(outputs, 2):
        raise DataError(
            f"{events.name}: class {labels.max()}, but {design.name} has {outputs} outputs"
        )
    if outputs > len(classes):
        classes = (*classes, *(str(k) for k in range(len(classes), outputs)))
    return Events(events.name, events.features, labels, classes[: max(outputs, 2)], events.columns)
