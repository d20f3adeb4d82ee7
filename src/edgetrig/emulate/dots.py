"""Sums of products by small constants, two products at a time.

x86 processors multiply pairs of unsigned bytes by pairs of signed bytes and add each two products
to 16 bits in one instruction (PMADDUBSW). So values of 8 bits that the same sums read are packed in
pairs, once, and such sums take one multiplication and one addition for two terms.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import islice

import numpy as np

from edgetrig.emulate.kernels import INSTRUCTIONS, LANES
from edgetrig.emulate.lowering import Lowered

PACK = len(INSTRUCTIONS) - 1 + LANES
"""The instruction that packs two values: ``a + first + 256 * (b + second)`` in a lane of 16 bits.

Its parameter is ``first + 256 * second``. A sum's term that reads such a value has as factor
``first + 256 * second`` too, with the two signed bytes that the pair is multiplied by.
"""

_SUM = INSTRUCTIONS.index("sum")
_LANE = 1
_SIGNED = 128
_MOST = (1 << 15) - 1
_FEWEST_READERS = 4
_WINDOW = 32
"""Values that are looked at for the best partner."""


def with_dots(lowered: Lowered) -> Lowered:
    """Return the program with sums of products by pairs where that is possible."""
    level, sums = levels(lowered)
    readers = _readers(lowered, sums)
    pairs = _pairs(level, readers)
    if not pairs:
        return lowered
    return _rewritten(lowered, level, pairs)


def levels(lowered: Lowered) -> tuple[list[int], list[int]]:
    """Return for each value the most sums on a way to it, and which instructions are sums."""
    level = [0] * len(lowered.lane)
    terms = lowered.terms[:, 0].tolist()
    sums = []
    for at, row in enumerate(lowered.code.tolist()):
        if row[0] >> 2 == _SUM:
            reads = terms[row[7] + 1 : row[7] + row[6]]
            sums.append(at)
        else:
            reads = [value for value in row[2:6] if value >= 0]
        before = max((level[value] for value in reads), default=0)
        level[row[1]] = before + (row[0] >> 2 == _SUM)
    return level, sums


def _readers(lowered: Lowered, sums: list[int]) -> dict[int, set[int]]:
    """Return for each value that can be packed the sums that can use it."""
    lo, hi = lowered.lo, lowered.hi
    small = ((lo >= 0) & (hi < 2 * _SIGNED)) | ((lo >= -_SIGNED) & (hi < _SIGNED))
    usable = (small & (lowered.lane == _LANE) & ~lowered.constant).tolist()
    terms, code = lowered.terms.tolist(), lowered.code.tolist()
    readers: dict[int, set[int]] = {}
    for at in sums:
        first, count = code[at][7], code[at][6]
        for value, factor in terms[first + 1 : first + count] if code[at][0] & 3 == _LANE else ():
            if usable[value] and -_SIGNED <= factor < _SIGNED:
                readers.setdefault(value, set()).add(at)
    return {value: found for value, found in readers.items() if len(found) >= _FEWEST_READERS}


def _pairs(level: list[int], readers: dict[int, set[int]]) -> list[tuple[int, int]]:
    """Return pairs of values that the same sums read.

    Both are of one level, so that no value of a pair can depend on a sum that reads the other.
    """
    waiting = deque(sorted(readers, key=lambda value: (level[value], min(readers[value]), value)))
    pairs = []
    while waiting:
        value = waiting.popleft()
        shared = [
            len(readers[value] & readers[other]) if level[other] == level[value] else 0
            for other in islice(waiting, _WINDOW)
        ]
        most = max(shared, default=0)
        if most:
            partner = shared.index(most)
            pairs.append((value, waiting[partner]))
            del waiting[partner]
    return pairs


def _rewritten(lowered: Lowered, level: list[int], pairs: list[tuple[int, int]]) -> Lowered:
    """Return the program with packed pairs, ordered by level."""
    values = len(lowered.lane)
    lo, hi = lowered.lo.tolist(), lowered.hi.tolist()
    packed = Packed(pairs, [_SIGNED if low < 0 else 0 for low in lo], hi, values)
    code, terms = lowered.code.tolist(), lowered.terms.tolist()
    new_terms: list[list[int]] = []
    for row in code:
        if row[0] >> 2 == _SUM:
            lines = terms[row[7] : row[7] + row[6]]
            if row[0] & 3 == _LANE:
                lines = packed.joined(lines)
            row[6:8] = len(lines), len(new_terms)
            new_terms += lines
    # Pairs are packed after all values of their level, before the sums of the next.
    keys = [(level[row[1]], 0) for row in code] + [(level[a], 1) for a, _ in pairs]
    code += packed.instructions()
    order = sorted(range(len(keys)), key=lambda k: keys[k])
    number = len(pairs)
    return replace(
        lowered,
        code=np.array(code, np.int32).reshape(-1, 8)[order],
        terms=np.array(new_terms, np.int64).reshape(-1, 2),
        lane=np.append(lowered.lane, np.full(number, _LANE)),
        element=np.append(lowered.element, np.full(number, -1)),
        constant=np.append(lowered.constant, np.zeros(number, np.bool_)),
        number=np.append(lowered.number, np.zeros(number, np.int64)),
        lo=np.append(lowered.lo, np.full(number, -_MOST - 1)),
        hi=np.append(lowered.hi, np.full(number, _MOST)),
    )


class Packed:
    """Pairs of values, each packed into one.

    Parameters
    ----------
    pairs
        The pairs; the packed one has the number `first` + its position.
    offset
        Of each value: what is added to make it an unsigned byte.
    hi
        Of each value: the largest it can be.
    first
        Number of the first packed value.
    """

    def __init__(
        self, pairs: list[tuple[int, int]], offset: list[int], hi: list[int], first: int
    ) -> None:
        self._pairs, self._offset, self._hi, self._first = pairs, offset, hi, first
        self._place = {
            value: (number, place)
            for number, pair in enumerate(pairs)
            for place, value in enumerate(pair)
        }

    def instructions(self) -> list[list[int]]:
        """Return the instructions that pack."""
        rows = []
        for number, (a, b) in enumerate(self._pairs):
            offsets = self._offset[a] + 256 * self._offset[b]
            rows.append([4 * PACK + _LANE, self._first + number, a, b, -1, -1, offsets, -1])
        return rows

    def joined(self, lines: list[list[int]]) -> list[list[int]]:
        """Return a sum's lines with the terms of packed values joined."""
        (_, constant), *terms = lines
        rest = []
        found: dict[int, list[int]] = {}
        for value, factor in terms:
            if value in self._place and -_SIGNED <= factor < _SIGNED:
                number, place = self._place[value]
                found.setdefault(number, [0, 0])[place] = factor
            else:
                rest.append([value, factor])
        for number, factors in found.items():
            pair = self._pairs[number]
            most = [f * (self._hi[v] + self._offset[v]) for v, f in zip(pair, factors, strict=True)]
            # The instruction saturates: only what cannot reach the ends is exact.
            if sum(m for m in most if m > 0) > _MOST or sum(m for m in most if m < 0) < -_MOST - 1:
                rest += [[v, f] for v, f in zip(pair, factors, strict=True) if f]
                continue
            rest.append([self._first + number, (factors[0] & 255) + 256 * (factors[1] & 255)])
            constant -= sum(f * self._offset[v] for v, f in zip(pair, factors, strict=True))
        return [[-1, constant], *rest]
