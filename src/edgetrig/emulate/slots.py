"""Which values pass from one function of compiled code to another, and through which slots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetrig.emulate.kernels import LANES
from edgetrig.emulate.layout import Layout
from edgetrig.emulate.lowering import Lowered
from edgetrig.emulate.matrices import Matrix
from edgetrig.emulate.vector_code import Place

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """What one function computes: the instructions from `first` to before `last`, or a matrix."""

    first: int
    last: int
    matrix: Matrix | None = None


class Slots:
    """Slots of values that are made in one function and read in another.

    A slot is used again once no function to come reads its value.

    Parameters
    ----------
    lowered
        The program.
    parts
        What each function computes, in order; the last one is no matrix.

    Attributes
    ----------
    made
        The function that makes each value; -1 for inputs and constants.
    number
        The slot of each value among those of its lane; -1: it has none.
    bytes
        Of all slots, for one event; a multiple of 8.
    """

    def __init__(self, lowered: Lowered, parts: list[Part]) -> None:
        code, terms = lowered.code, lowered.terms
        part = np.repeat(np.arange(len(parts)), [part.last - part.first for part in parts])
        self.made = np.full(len(lowered.lane), -1)
        self.made[code[:, 1]] = part
        last = np.full(len(lowered.lane), -1)
        for column in range(2, 6):
            read = code[:, column] >= 0
            np.maximum.at(last, code[read, column], part[read])
        sums = np.flatnonzero(code[:, 7] >= 0)
        lengths = code[sums, 6].astype(np.int64)
        before = np.cumsum(lengths) - lengths
        lines = np.repeat(code[sums, 7] - before, lengths) + np.arange(lengths.sum())
        values, readers = terms[lines, 0], np.repeat(part[sums], lengths)
        np.maximum.at(last, values[values >= 0], readers[values >= 0])
        for number, matrix in ((k, part.matrix) for k, part in enumerate(parts) if part.matrix):
            self.made[matrix.made] = number
            np.maximum.at(last, matrix.reads, number)
        # What a matrix makes of the outputs is stored by the last function.
        by_matrix = np.array([part.matrix is not None for part in parts])
        outputs = lowered.stored[self.made[lowered.stored] >= 0]
        last[outputs[by_matrix[self.made[outputs]]]] = len(parts) - 1
        self.number, self._count = self._allocate(lowered, last)
        self.bytes = sum(count << lane for lane, count in enumerate(self._count))
        self.bytes += -self.bytes % 8

    def _allocate(self, lowered: Lowered, last: Ints) -> tuple[Ints, list[int]]:
        crossing = np.flatnonzero((last > self.made) & ~lowered.given)
        begin = crossing[np.argsort(self.made[crossing], kind="stable")].tolist()
        end = crossing[np.argsort(last[crossing], kind="stable")].tolist()
        number = np.full(len(self.made), -1)
        free: list[list[int]] = [[] for _ in range(LANES)]
        count = [0] * LANES
        lanes, made = lowered.lane.tolist(), self.made.tolist()
        freed = 0
        for value in begin:
            while last[end[freed]] < made[value]:
                free[lanes[end[freed]]].append(int(number[end[freed]]))
                freed += 1
            lane = lanes[value]
            if not free[lane]:
                free[lane].append(count[lane])
                count[lane] += 1
            number[value] = free[lane].pop()
        return number, count

    def places(self, lowered: Lowered, layout: Layout) -> dict[int, Place]:
        """Return where in the frame inputs and values with a slot are found."""
        places = {}
        start = layout.bytes - self.bytes
        lane_start = [0] * LANES
        for lane in range(LANES - 1, -1, -1):
            lane_start[lane] = start
            start += self._count[lane] << lane
        lanes, numbers = lowered.lane.tolist(), self.number.tolist()
        for value in np.flatnonzero(self.number >= 0).tolist():
            lane = lanes[value]
            places[value] = Place(
                (lane_start[lane] + (numbers[value] << lane)) * layout.batch, lane
            )
        first = np.cumsum([0] + [region.size for region in layout.inputs])
        for value in np.flatnonzero(lowered.element >= 0).tolist():
            element = int(lowered.element[value])
            port = int(np.searchsorted(first, element, side="right")) - 1
            region = layout.inputs[port]
            places[value] = Place(layout.place(region, element - int(first[port])), region.lane)
        return places
