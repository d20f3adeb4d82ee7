"""Axes as a file counts them, with the event axis first, and without it."""

from __future__ import annotations

from typing import Any


def own_axis(axis: Any, rank: int) -> int:
    """Return an axis without the event axis; ``rank`` counts the axes of one event.

    Raises
    ------
    ValueError
        If it is the event axis, outside, or left out: nothing may mix events.
    """
    if axis is None:
        raise ValueError("takes events together where no axis is named; name one behind the first")
    number = int(axis)
    if not -rank - 1 <= number <= rank or number % (rank + 1) == 0:
        raise ValueError(f"axis {number} is the event axis, or outside {rank + 1} axes")
    return number % (rank + 1) - 1


def own_axes(axes: Any, rank: int) -> tuple[int, ...]:
    """Return axes without the event axis; see `own_axis`."""
    return tuple(own_axis(a, rank) for a in (axes if isinstance(axes, list) else [axes]))
