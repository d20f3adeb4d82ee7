"""Axes as a file counts them, with the event axis first, and without it."""

from __future__ import annotations

from typing import Any


def own_axis(axis: Any, rank: int) -> int:
    """Return an axis without the event axis; ``rank`` counts the axes of one event."""
    number = int(axis)
    if not -rank - 1 <= number <= rank or number % (rank + 1) == 0:
        raise ValueError(f"axis {number} is the event axis, or outside {rank + 1} axes")
    return number % (rank + 1) - 1


def own_axes(axes: Any, rank: int) -> tuple[int, ...]:
    """Return axes without the event axis.

    Raises
    ------
    ValueError
        If the event axis is among them: nothing may mix events.
    """
    if axes is None:
        raise ValueError("reduces over events too; name the axes behind the first")
    return tuple(own_axis(a, rank) for a in (axes if isinstance(axes, list) else [axes]))
