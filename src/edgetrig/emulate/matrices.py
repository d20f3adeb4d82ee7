"""Matrices of constants as a whole: sums that read the same few values.

The sums of a dense or convolutional layer read the same values. Such sums become one `Matrix`,
which a loop computes (`edgetrig.emulate.matrix_code`): values are packed in lanes of 32 bits, four
bytes or two words each, and one instruction multiplies and adds all products of a lane. No code
grows with the matrix, and only what goes in and comes out takes memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgetrig.emulate.dots import levels
from edgetrig.emulate.kernels import INSTRUCTIONS
from edgetrig.emulate.lowering import Lowered
from edgetrig.emulate.packs import BYTES, WORDS, Packing

_CONVERT = INSTRUCTIONS.index("convert")
_PACKS = (BYTES.instruction, WORDS.instruction)
_WORD, _LONG = 1, 2
_FEWEST_TERMS = 6
"""Products a sum must have to be part of a matrix."""

_PACK_WORK = 5
"""Work of packing a lane, in multiplications of a lane."""

_TRIED = 8
"""Groups begun last that a sum may join."""


@dataclass(frozen=True)
class Matrix:
    """Sums of products of the same values.

    Parameters
    ----------
    at
        The instruction of the program that it stands before.
    lane
        Of the sums: 16 or 32 bits.
    packing
        What the lanes of 32 bits hold that are read.
    reads
        Packed values.
    made
        The sums.
    weights
        What each packed value is multiplied by for each sum, packed as well; int32, shape (reads,
        made).
    constants
        What is added to each sum.
    """

    at: int
    lane: int
    packing: Packing
    reads: list[int]
    made: list[int]
    weights: NDArray[np.int32]
    constants: list[int]

    @property
    def work(self) -> int:
        """Multiplications of lanes that take as long as this matrix."""
        return _work(len(self.reads), len(self.made))


@dataclass
class _Group:
    """Sums that become a matrix: their instructions, the values read, and how many terms."""

    rows: list[int]
    reads: set[int]
    terms: int


def with_matrices(lowered: Lowered, *, bytes_too: bool) -> tuple[Lowered, list[Matrix]]:
    """Return the program without the sums that are matrices, and these in order.

    Parameters
    ----------
    lowered
        The program.
    bytes_too
        Whether the processor multiplies and adds four bytes at a time (VPDPBUSD).
    """
    level, sums = levels(lowered)
    rewriter = _Rewriter(lowered, level)
    kinds: dict[tuple[int, int, Packing], dict[int, set[int]]] = {}
    for at in sums:
        lane, depth = int(lowered.code[at, 0] & 3), level[lowered.code[at, 1]]
        if lane in (_WORD, _LONG):
            reads, packing = rewriter.usable(at, WORDS), WORDS
            small = rewriter.usable(at, BYTES) if bytes_too else set()
            if 2 * len(small) > len(reads):
                reads, packing = small, BYTES
            if len(reads) >= _FEWEST_TERMS:
                kinds.setdefault((depth, lane, packing), {})[at] = reads
    for (depth, lane, packing), found in kinds.items():
        for group in _groups(found, packing.per_lane):
            rewriter.take(group, depth, lane, packing)
    return rewriter.finished()


def _work(lanes: int, sums: int) -> int:
    # Fewer than four sums together wait for one another.
    return lanes * (_PACK_WORK + 4 * -(-sums // 4))


def _groups(found: dict[int, set[int]], per_lane: int) -> list[_Group]:
    """Return groups of sums that are cheaper as matrices; `found` is what each sum reads."""

    def work(reads: int, sums: int) -> int:
        return _work(-(-reads // per_lane), sums)

    groups: list[_Group] = []
    for at, reads in found.items():
        best, least = None, work(len(reads), 1)
        for group in groups[-_TRIED:]:
            joined = work(len(group.reads | reads), len(group.rows) + 1)
            more = joined - work(len(group.reads), len(group.rows))
            if more <= least:
                best, least = group, more
        if best is None:
            best = _Group([], set(), 0)
            groups.append(best)
        best.rows.append(at)
        best.reads |= reads
        best.terms += len(reads)
    # A sum of its own takes a product and an addition for each term.
    return [group for group in groups if work(len(group.reads), len(group.rows)) < 2 * group.terms]


class _Rewriter:
    """Takes sums out of a program, as matrices.

    Parameters
    ----------
    lowered
        The program.
    level
        Of each value (`edgetrig.emulate.dots.levels`).
    """

    def __init__(self, lowered: Lowered, level: list[int]) -> None:
        self._lowered, self._level = lowered, list(level)
        self._code, self._terms = lowered.code.tolist(), lowered.terms.tolist()
        self._lo, self._hi = lowered.lo.tolist(), lowered.hi.tolist()
        self._lane, self._constant = lowered.lane.tolist(), lowered.constant.tolist()
        self._source = _sources(lowered)
        self._packed: dict[tuple[int, ...], int] = {}
        self._packs: list[list[int]] = []
        self._matrices: list[tuple[int, Matrix]] = []
        self._gone: set[int] = set()

    def usable(self, at: int, packing: Packing) -> set[int]:
        """Return the values that a sum can read packed."""
        return {value for _, value, factor in self._lines(at) if self._fits(packing, value, factor)}

    def take(self, group: _Group, depth: int, lane: int, packing: Packing) -> None:
        """Make a group of sums of one level and lane a matrix."""
        reads, count = sorted(group.reads), packing.per_lane
        place = {value: divmod(k, count) for k, value in enumerate(reads)}
        weights, made, constants = [], [], []
        for at in group.rows:
            constant, rest = self._terms[self._code[at][7]][1], []
            factors = [[0] * count for _ in range(0, len(reads), count)]
            for line, value, factor in self._lines(at):
                if not self._fits(packing, value, factor):
                    rest.append(line)
                    continue
                number, position = place[value]
                factors[number][position] = factor
                constant -= factor * (packing.offset(self._lo[value], self._hi[value]) or 0)
            weights.append([packing.packed(numbers) for numbers in factors])
            made.append(self._replaced(at, rest))
            constants.append(constant)
        packs = [
            self._pack(packing, tuple(reads[first : first + count]))
            for first in range(0, len(reads), count)
        ]
        table = np.array(weights, np.int32).T.copy()
        self._matrices.append((depth, Matrix(0, lane, packing, packs, made, table, constants)))

    def finished(self) -> tuple[Lowered, list[Matrix]]:
        """Return the program by levels, and its matrices where they stand in it."""
        # A level's matrices come first; values are packed after all values of their level.
        rows = [row for row in self._code if row[1] not in self._gone] + self._packs
        rows.sort(key=lambda row: (self._level[row[1]], row[0] >> 2 in _PACKS))
        rows = self._read_rows(rows)
        depths = [self._level[row[1]] for row in rows]
        matrices = [
            replace(matrix, at=int(np.searchsorted(depths, depth)))
            for depth, matrix in sorted(self._matrices, key=lambda pair: pair[0])
        ]
        new = len(self._lane) - len(self._lowered.lane)
        lowered = replace(
            self._lowered,
            code=np.array(rows, np.int32).reshape(-1, 8),
            terms=np.array(self._terms, np.int64).reshape(-1, 2),
            lane=np.array(self._lane),
            element=np.append(self._lowered.element, np.full(new, -1)),
            constant=np.append(self._lowered.constant, np.zeros(new, np.bool_)),
            number=np.append(self._lowered.number, np.zeros(new, np.int64)),
            lo=np.array(self._lo),
            hi=np.array(self._hi),
        )
        return lowered, matrices

    def _lines(self, at: int) -> list[tuple[list[int], int, int]]:
        """Return a sum's terms: the line, the value before widening, the factor in its lane."""
        row = self._code[at]
        half = 1 << (8 << (row[0] & 3)) - 1
        return [
            (line, self._source[line[0]], (line[1] + half) % (2 * half) - half)
            for line in self._terms[row[7] + 1 : row[7] + row[6]]
        ]

    def _fits(self, packing: Packing, value: int, factor: int) -> bool:
        offset = packing.offset(self._lo[value], self._hi[value])
        return offset is not None and packing.has_weight(factor) and not self._constant[value]

    def _new(self, depth: int, lane: int) -> int:
        """Return the number of a new value that may be any number of its lane."""
        self._level.append(depth)
        self._lane.append(lane)
        self._lo.append(-1 << (8 << lane) - 1)
        self._hi.append((1 << (8 << lane) - 1) - 1)
        return len(self._lane) - 1

    def _replaced(self, at: int, rest: list[list[int]]) -> int:
        """Return the value that a matrix makes of a sum; what is left of the sum is added to it."""
        row = self._code[at]
        if not rest:
            self._gone.add(row[1])
            return int(row[1])
        value = self._new(self._level[row[1]], row[0] & 3)
        row[6:8] = len(rest) + 2, len(self._terms)
        self._terms += [[-1, 0], *rest, [value, 1]]
        return value

    def _pack(self, packing: Packing, values: tuple[int, ...]) -> int:
        """Return the value that holds others packed."""
        key = (packing.bits, *values)
        if key not in self._packed:
            offsets = [packing.offset(self._lo[value], self._hi[value]) for value in values]
            shifted = sum(bool(offset) << k for k, offset in enumerate(offsets))
            self._packed[key] = self._new(max(self._level[value] for value in values), _LONG)
            reads = [*values, *[-1] * (4 - len(values))]
            code = 4 * packing.instruction + _LONG
            self._packs.append([code, self._packed[key], *reads, shifted, -1])
        return self._packed[key]

    def _read_rows(self, rows: list[list[int]]) -> list[list[int]]:
        """Return the rows that something reads; inputs that are only packed get narrow lanes."""
        read = set(self._lowered.stored.tolist())
        read.update(value for _, matrix in self._matrices for value in matrix.reads)
        packed: set[int] = set()
        kept = []
        for row in reversed(rows):
            if row[1] in read or row[1] in packed:
                kept.append(row)
                reads = packed if row[0] >> 2 in _PACKS else read
                reads.update(value for value in row[2:6] if value >= 0)
                if row[7] >= 0:
                    reads.update(line[0] for line in self._terms[row[7] + 1 : row[7] + row[6]])
        for value in packed - read:
            if self._lowered.element[value] >= 0:
                self._lane[value] = _WORD
        return kept[::-1]


def _sources(lowered: Lowered) -> list[int]:
    """Return for each value the one it was widened from, or itself."""
    source = list(range(len(lowered.lane)))
    lane = lowered.lane.tolist()
    for code, value, read, *_ in lowered.code.tolist():
        if _CONVERT <= code >> 2 < _CONVERT + 4 and lane[read] < lane[value]:
            source[value] = source[read]
    return source
