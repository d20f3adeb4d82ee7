"""Sums of many narrow values through counters of bits: compressor trees out of tables.

A carry chain of two or three bits spends a LUT on its end, and without carry chains a sum of two
takes one and a half LUTs a bit. A counter (`bit_heap`) takes one for each bit that it makes less.
It is a table of six bits like any other, so emulator, reference and Verilog need nothing new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgetrig.circuit import Circuit, Op, use_counts
from edgetrig.optimize.bit_heap import Bit, BitHeap, Counter
from edgetrig.optimize.row_costs import row_luts
from edgetrig.optimize.rows import Edit, Ints, is_narrow_and_combinational

_MOST_BITS = 5
"""Bits of a term that are counted one by one; chains take about as many LUTs for wider ones."""
_LINEAR = (Op.ADD, Op.SUB, Op.NEG, Op.SHL)


def counters(circuit: Circuit, family: str = "UltraScale+") -> Circuit:
    """Replace sums by counters of bits and one last sum, where that takes fewer 6-input LUTs.

    Parameters
    ----------
    circuit
        A combinational circuit; with registers, or with values of more than 62 bits, it stays as it
        is.
    family
        Name of the device family.

    Raises
    ------
    Error
        If the family is unknown.
    """
    if not is_narrow_and_combinational(circuit):
        return circuit
    luts = row_luts(circuit, family)
    counted = _Counted(circuit)
    for total in _sums(circuit):
        before = float(luts[total.inner].sum())
        heap = _heap(circuit, total) if before else None
        if heap is None:
            continue
        luts_after = heap.compress()
        if heap.counters and luts_after < before:
            counted.replace_sum(total.row, heap)
    return counted.edit.circuit() if counted.edit.changed else circuit


@dataclass
class _Sum:
    """``row = sum of coefficients * terms + offset``; `inner` rows serve for nothing else."""

    row: int
    terms: list[tuple[int, int]]
    offset: int
    inner: list[int]


def _sums(circuit: Circuit) -> list[_Sum]:
    """Return the sums that are not parts of a larger one."""
    rows, constant = circuit.rows, circuit.constant.tolist()
    uses = use_counts(rows.operands, circuit.output_rows)
    linear = np.isin(rows.op, _LINEAR) & ~circuit.constant
    seen_through = np.zeros(len(rows), np.bool_)
    for operand in rows.operands[linear].T:
        seen_through[operand[operand >= 0]] = True
    seen_through &= linear & (uses == 1)
    op, a, b, p, lo = (column.tolist() for column in (rows.op, rows.a, rows.b, rows.p, rows.lo))
    found = []
    for row in np.flatnonzero(np.isin(rows.op, (Op.ADD, Op.SUB)) & linear & ~seen_through).tolist():
        total = _Sum(row, [], 0, [])
        stack = [(row, 1)]
        while stack:
            at, scale = stack.pop()
            if constant[at]:
                total.offset += scale * lo[at]
            elif at != row and not seen_through[at]:
                total.terms.append((at, scale))
            else:
                total.inner.append(at)
                if op[at] == Op.NEG:
                    stack.append((a[at], -scale))
                elif op[at] == Op.SHL:
                    stack.append((a[at], scale << p[at]))
                else:
                    sign = 1 if op[at] == Op.ADD else -1
                    stack.append((a[at], scale << max(-p[at], 0)))
                    stack.append((b[at], sign * scale << max(p[at], 0)))
        found.append(total)
    return found


def _heap(circuit: Circuit, total: _Sum) -> BitHeap | None:
    """Return the bits of a sum, modulo the power of two that its width is enough for.

    A bit that counts negatively is ``-b = (1 - b) - 1``.
    """
    lo, width = circuit.rows.lo, circuit.widths
    size, constant = int(width[total.row]), total.offset
    columns: list[list[Bit]] = [[] for _ in range(size)]
    for row, scale in total.terms:
        bits, signed = int(width[row]), bool(lo[row] < 0)
        if bits > _MOST_BITS:
            return None
        for place in range(bits):
            weight = (-scale if signed and place == bits - 1 else scale) << place
            first = (weight & -weight).bit_length() - 1
            # A weight other than a power of two is the sum of several.
            for column in range(first, min(abs(weight).bit_length(), size)):
                if abs(weight) >> column & 1:
                    columns[column].append(_bit_of(circuit, row, place, weight < 0))
            constant += min(weight, 0)
    return BitHeap(columns, constant % (1 << size))


def _bit_of(circuit: Circuit, row: int, place: int, inverted: bool) -> Bit:
    """Return a bit of a row; where a condition chooses between constants, the condition."""
    rows = circuit.rows
    if rows.op[row] == Op.SELECT:
        a, b, c = rows.operands[row].tolist()
        if circuit.constant[b] and circuit.constant[c]:
            yes, no = (bool(rows.lo[k] >> place & 1) for k in (b, c))
            if yes != no:
                return Bit(0, a, 0, inverted != no)
    return Bit(0, row, place, inverted)


class _Counted:
    """A circuit whose sums are being replaced."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self.edit = Edit(circuit)
        self._bits: dict[tuple[int, int], int] = {}

    def replace_sum(self, row: int, heap: BitHeap) -> None:
        """Let counters and one sum stand for a row."""
        rows = self._circuit.rows
        origin, fraction = int(rows.origin[row]), int(rows.fraction[row])
        counts: list[int] = []
        for counter in heap.counters:
            bits = [self._bit(bit, counts, origin) for bit in counter.bits]
            index = self.edit.side_by_side(dict(enumerate(bits)), origin)
            table = self.edit.table(_counts(counter))
            counts.append(self._add(Op.TABLE, origin, a=index, p=table))
        one = self._add(Op.CONST, origin, lo=1, hi=1)
        numbers = []
        for number in heap.rows():
            bits_by_place = {
                place: one if bit is None else self._positive(bit, counts, one, origin)
                for place, bit in number.items()
            }
            numbers.append(self.edit.side_by_side(bits_by_place, origin))
        while len(numbers) > 1:
            numbers.append(self._add(Op.ADD, origin, a=numbers.pop(0), b=numbers.pop(0)))
        wrap = Op.LOWS if rows.lo[row] < 0 else Op.LOW
        width = int(self._circuit.widths[row])
        labels = {"origin": origin, "fraction": fraction}
        self.edit.replace(row, int(self.edit.add(wrap, a=numbers[0], p=width, **labels)))

    def _add(self, op: Op, origin: int, **columns: int) -> int:
        return int(self.edit.add(op, origin=origin, **columns))

    def _bit(self, bit: Bit, counts: Sequence[int], origin: int) -> int:
        """Return the row of a bit, not inverted."""
        row = bit.source if bit.source >= 0 else counts[-1 - bit.source]
        if (row, bit.place) not in self._bits:
            at = row
            if bit.place:
                at = self._add(Op.SHR, origin, a=row, p=bit.place)
            self._bits[row, bit.place] = self._add(Op.LOW, origin, a=at, p=1)
        return self._bits[row, bit.place]

    def _positive(self, bit: Bit, counts: Sequence[int], one: int, origin: int) -> int:
        """Return the row of a bit, inverted if it is."""
        row = self._bit(bit, counts, origin)
        return self._add(Op.XOR, origin, a=row, b=one) if bit.inverted else row


def _counts(counter: Counter) -> Ints:
    """Return what a counter makes of each pattern of its bits' sources."""
    signs = [
        -w if bit.inverted else w for w, bit in zip(counter.weights, counter.bits, strict=True)
    ]
    patterns = np.arange(1 << len(signs))
    start = counter.constant - sum(min(weight, 0) for weight in signs)
    values = start + sum(w * (patterns >> k & 1) for k, w in enumerate(signs))
    return np.asarray(values, np.int64)
