"""The frame of compiled code: where inputs, outputs and values between functions lie.

Events are handled in groups, a vector's worth of the most common lane, and groups in batches. Each
value has a slot with one vector for each group of the batch. The frame is made to stay in cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_CACHE = 1 << 19
"""Bytes of a frame that stays in cache."""

_MOST_BYTES = 1 << 23
"""Bytes that no frame of several groups exceeds."""

_ENOUGH_GROUPS = 10
"""From so many groups on, reading a large circuit's code again for each batch takes little time."""

_MOST_GROUPS = 32


@dataclass(frozen=True)
class Region:
    """The slots of a port: its elements one after the other, all in one lane.

    `offset` is counted in bytes for a batch of one event.
    """

    offset: int
    size: int
    lane: int


@dataclass(frozen=True)
class Layout:
    """Sizes of groups and batches, and of the frame.

    Parameters
    ----------
    group
        Events a vector instruction handles.
    groups
        Groups in a batch.
    inputs, outputs
        A region for each port.
    bytes
        Size of the frame for a batch of one event.
    """

    group: int
    groups: int
    inputs: tuple[Region, ...]
    outputs: tuple[Region, ...]
    bytes: int

    @property
    def batch(self) -> int:
        """Events in a batch."""
        return self.group * self.groups

    @property
    def frame(self) -> int:
        """Bytes of the frame."""
        return self.bytes * self.batch

    def place(self, region: Region, element: int) -> int:
        """Return where an element's slot begins, in bytes of the frame."""
        return (region.offset + (element << region.lane)) * self.batch


def groups_for(group: int, size: int) -> int:
    """Return how many groups make a batch if a slot of every value takes `size` bytes an event."""
    bytes_ = max(1, size * group)
    groups = max(_CACHE // bytes_, min(_ENOUGH_GROUPS, _MOST_BYTES // bytes_))
    return int(np.clip(groups, 1, _MOST_GROUPS))


def regions(sizes: list[int], lanes: Ints, start: int) -> tuple[tuple[Region, ...], int]:
    """Return a region for each port and where the last one ends; `lanes` has one an element."""
    made = []
    first = 0
    for size in sizes:
        lane = int(lanes[first : first + size].max(initial=0))
        start += -start % 8
        made.append(Region(start, size, lane))
        start += size << lane
        first += size
    return tuple(made), start + -start % 8
