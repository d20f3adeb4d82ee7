"""A circuit's bits as nets: what is logic of a few bits, and what has cells of its own.

Choices, bitwise operations, small look-ups and comparisons become nodes of one bit that read a few
nets; wires and constants vanish. Sums, products, registers, inputs, large look-ups and orders of
two values are cells: each of their bits is a net, and they read nets whole.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, live_rows
from edgetrig.jit import jit
from edgetrig.optimize.fabric import Fabric, compared_bits
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.word_logic import word_logic

MOST_READS: Final = 6
"""Nets that a node reads at most."""

_CELL, _WIRE, _CHOICE, _BITWISE, _ORDER, _EQUAL, _TABLE, _BESIDE, _JOINED = range(9)


class Columns(NamedTuple):
    """What the kernels need of a circuit, a row each (`reads`, `shift`: an operand each).

    ``kind`` is -1 for constants, rows that no output needs, and rows inside of others' LUTs;
    ``bits`` holds the bits of constants, ``first`` tells where a row's bits lie there, ``entries``
    which index bits each result bit of a look-up depends on, ``still`` below which bit a sum with
    a constant has the bits of what the constant is added to, ``leaves`` which rows logic on words
    reads at once.
    """

    op: NDArray[np.uint8]
    kind: NDArray[np.int8]
    reads: NDArray[np.int32]
    shift: NDArray[np.int32]
    width: Ints
    signed: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    first: Ints
    bits: NDArray[np.uint8]
    entries: NDArray[np.int64]
    still: Ints
    leaves: NDArray[np.int32]


class Nets(NamedTuple):
    """Nets 0 and 1 are the constants; each other one is a bit of a cell, or a node.

    Parameters
    ----------
    of_bit
        The net of every bit of every row, from ``Columns.first``.
    fan_in
        How many nets each net's node reads; 0 for bits of cells.
    reads
        Those nets, shape (nets, MOST_READS).
    row
        The row each net belongs to.
    """

    of_bit: NDArray[np.int32]
    fan_in: NDArray[np.int8]
    reads: NDArray[np.int32]
    row: NDArray[np.int32]


def columns(circuit: Circuit, lut_inputs: int, fabric: Fabric) -> Columns:
    """Return a circuit's columns for the kernels, which say what is logic on a family."""
    rows, width, constant = circuit.rows, circuit.widths, circuit.constant
    live = live_rows(rows.operands, circuit.output_rows)
    kind = np.full(len(rows), _CELL, np.int8)
    kind[np.isin(rows.op, (Op.SHL, Op.SHR, Op.LOW, Op.LOWS))] = _WIRE
    kind[rows.op == Op.SELECT] = _CHOICE
    kind[np.isin(rows.op, (Op.AND, Op.OR, Op.XOR))] = _BITWISE
    kind[rows.op == Op.EQ] = _EQUAL
    kind[side_by_side(circuit)] = _BESIDE
    kind[(rows.op == Op.LT) & ~chained(circuit, lut_inputs, fabric)] = _ORDER
    kind[(rows.op == Op.TABLE) & (width[rows.a] <= lut_inputs)] = _TABLE
    words = word_logic(circuit, lut_inputs)
    kind[(words.leaves >= 0).any(axis=1)] = _JOINED
    kind[~live | constant | words.inside] = -1
    shift = np.zeros((len(rows), 3), np.int32)
    up = np.where(np.isin(rows.op, (Op.ADD, Op.SUB)), rows.p, 0)
    shift[:, 0], shift[:, 1] = np.maximum(-up, 0), np.maximum(up, 0)
    shift[rows.op == Op.SHL, 0] = rows.p[rows.op == Op.SHL]
    shift[rows.op == Op.SHR, 0] = -rows.p[rows.op == Op.SHR]
    first = np.concatenate([[0], np.cumsum(width)])
    return Columns(
        op=rows.op,
        kind=kind,
        reads=rows.operands,
        shift=shift,
        width=width.astype(np.int64),
        signed=np.asarray(rows.lo < 0, np.bool_),
        constant=constant,
        first=first.astype(np.int64),
        bits=_constant_bits(circuit, first),
        entries=_entries(circuit, kind == _TABLE, first),
        still=still_bits(circuit),
        leaves=words.leaves,
    )


def still_bits(circuit: Circuit) -> Ints:
    """Return below which bit each sum with a constant leaves the other operand's bits alone.

    All of them where the constant stands below the other operand's lowest bit, as in ``2 * a + 1``.
    """
    rows, constant = circuit.rows, circuit.constant
    still = np.zeros(len(rows), np.int64)
    sums = np.isin(rows.op, (Op.ADD, Op.SUB)) & (constant[rows.a] != constant[rows.b])
    for row in np.flatnonzero(sums & ~(constant[rows.a] & (rows.op == Op.SUB))).tolist():
        first, shift = bool(constant[rows.a[row]]), int(rows.p[row])
        added = int(rows.lo[rows.a[row] if first else rows.b[row]])
        places = shift if first else -shift  # of the other operand, above the constant's
        added = -added if rows.op[row] == Op.SUB else added
        carried = added >> places if places > 0 else added << -places
        above = (carried & -carried).bit_length() - 1 + max(places, 0)
        still[row] = above if carried else circuit.widths[row]
    return still


def side_by_side(circuit: Circuit) -> NDArray[np.bool_]:
    """Return which sums are of numbers that do not overlap: wires only."""
    rows, width = circuit.rows, circuit.widths
    low, shift = np.where(rows.p >= 0, rows.a, rows.b), np.abs(rows.p)
    below = np.asarray(rows.lo[low] >= 0, np.bool_) & (width[low] <= shift)
    beside: NDArray[np.bool_] = (rows.op == Op.ADD) & below
    return beside


def chained(circuit: Circuit, lut_inputs: int, fabric: Fabric) -> NDArray[np.bool_]:
    """Return which comparisons by order take a carry chain, and no tree of LUTs.

    Where LUTs have six inputs, those of two values of more bits than that together.
    """
    rows, constant = circuit.rows, circuit.constant
    a, b = (np.where(constant[k], 0, circuit.widths[k]) for k in (rows.a, rows.b))
    if lut_inputs < 6:
        bits, _ = compared_bits(circuit)
        with_constant = (a == 0) | (b == 0)
        fewest = np.where(with_constant, fabric.fewest_bits_with_constant, fabric.fewest_bits)
        return np.asarray((rows.op == Op.LT) & (bits >= fewest), np.bool_)
    result: NDArray[np.bool_] = (rows.op == Op.LT) & (a + b > lut_inputs) & (a > 0) & (b > 0)
    return result


def _constant_bits(circuit: Circuit, first: Ints) -> NDArray[np.uint8]:
    bits = np.zeros(first[-1], np.uint8)
    constants = np.flatnonzero(circuit.constant)
    width = circuit.widths[constants]
    row = np.repeat(constants, width)
    place = np.arange(len(row)) - np.repeat(np.cumsum(width) - width, width)
    bits[first[row] + place] = (circuit.rows.lo[row] >> place) & 1
    return bits


def _entries(circuit: Circuit, tables: NDArray[np.bool_], first: Ints) -> NDArray[np.int64]:
    """Return, for every result bit of small look-ups, the index bits it depends on, as a mask."""
    masks = np.zeros(first[-1], np.int64)
    known: dict[tuple[int, int, int], list[int]] = {}
    for row in np.flatnonzero(tables).tolist():
        inputs = int(circuit.widths[circuit.rows.a[row]])
        key = int(circuit.rows.p[row]), inputs, int(circuit.widths[row])
        if key not in known:
            known[key] = _supports(circuit.tables[key[0]].values, inputs, key[2])
        masks[first[row] : first[row + 1]] = known[key]
    return masks


def _supports(values: Ints, inputs: int, width: int) -> list[int]:
    entries = np.pad(values[: 1 << inputs], (0, max((1 << inputs) - len(values), 0)), mode="edge")
    supports = []
    for bit in range(width):
        ones = ((entries >> bit) & 1).reshape((2,) * inputs)
        depends = (
            not np.array_equal(ones.take(0, inputs - 1 - k), ones.take(1, inputs - 1 - k))
            for k in range(inputs)
        )
        supports.append(sum(1 << k for k, moves in enumerate(depends) if moves))
    return supports


@jit
def nets(c: Columns) -> Nets:
    """Return the nets of a circuit's bits."""
    count = 2
    for row in range(len(c.op)):
        widest = c.width[row]
        if c.kind[row] in (_ORDER, _EQUAL):
            widest = 2 * (1 + max(c.width[c.reads[row, 0]], c.width[c.reads[row, 1]]))
        count += widest
    made = Nets(
        np.zeros(len(c.bits), np.int32),
        np.zeros(count, np.int8),
        np.zeros((count, MOST_READS), np.int32),
        np.full(count, -1, np.int32),
    )
    used = 2
    for row in range(len(c.op)):
        first, kind = c.first[row], c.kind[row]
        if c.constant[row]:
            for place in range(first, first + c.width[row]):
                made.of_bit[place] = c.bits[place]
        elif kind in (_ORDER, _EQUAL):
            used = _compare(c, made, used, row)
        elif kind >= 0:
            for bit in range(c.width[row]):
                used = _bit(c, made, used, row, bit)
    return Nets(made.of_bit, made.fan_in[:used], made.reads[:used], made.row[:used])


@jit
def net_at(c: Columns, made: Nets, row: int, operand: int, bit: int) -> int:
    """Return the net of an operand's bit as a row sees it: shifted, its sign repeated."""
    read = c.reads[row, operand]
    return _bit_of(c, made, read, bit - c.shift[row, operand])


@jit
def _bit_of(c: Columns, made: Nets, row: int, bit: int) -> int:
    """Return the net of a bit of a row, its sign repeated."""
    if bit < 0:
        return 0
    if bit >= c.width[row]:
        if not c.signed[row] or c.width[row] == 0:
            return 0
        bit = c.width[row] - 1
    return int(made.of_bit[c.first[row] + bit])


@jit
def _bit(c: Columns, made: Nets, used: int, row: int, bit: int) -> int:
    """Make the net of one bit of a row; return how many nets there are then."""
    kind, place = c.kind[row], c.first[row] + bit
    if kind == _WIRE:
        made.of_bit[place] = net_at(c, made, row, 0, bit)
        return used
    if kind == _BESIDE:
        high = 1 if c.shift[row, 1] else 0
        operand = high if bit >= c.shift[row, high] else 1 - high
        made.of_bit[place] = net_at(c, made, row, operand, bit)
        return used
    if kind == _CELL:
        passed = _passed(c, made, row, bit)
        if passed >= 0:
            made.of_bit[place] = passed
            return used
        made.row[used] = row
        made.of_bit[place] = used
        return used + 1
    if kind == _JOINED:
        made.of_bit[place], used = _joined(c, made, used, row, bit)
        return used
    if kind == _TABLE:
        made.of_bit[place], used = _looked_up(c, made, used, row, c.entries[place])
        return used
    b = net_at(c, made, row, 1, bit)
    if kind == _CHOICE:
        condition, other = net_at(c, made, row, 0, 0), net_at(c, made, row, 2, bit)
        made.of_bit[place], used = _choice(made, used, row, condition, b, other)
    else:
        a = net_at(c, made, row, 0, bit)
        made.of_bit[place], used = _bitwise(made, used, row, c.op[row], a, b)
    return used


@jit
def _joined(c: Columns, made: Nets, used: int, row: int, bit: int) -> tuple[int, int]:
    """Return the net of one bit of logic on words, and how many nets there are then."""
    read = np.zeros(MOST_READS, np.int32)
    count = 0
    for leaf in c.leaves[row]:
        if leaf >= 0:
            read[count] = _bit_of(c, made, leaf, bit)
            count += 1
    return _node(made, used, row, read, count)


@jit
def _looked_up(c: Columns, made: Nets, used: int, row: int, mask: int) -> tuple[int, int]:
    """Return the net of a look-up's result bit that depends on the index bits of a mask."""
    read = np.zeros(MOST_READS, np.int32)
    count = 0
    for k in range(c.width[c.reads[row, 0]]):
        if mask >> k & 1:
            read[count] = net_at(c, made, row, 0, k)
            count += 1
    return _node(made, used, row, read, count)


@jit
def _choice(
    made: Nets, used: int, row: int, condition: int, then: int, other: int
) -> tuple[int, int]:
    """Return the net of one bit of a choice, and how many nets there are then."""
    if then == other or condition == 1:
        return then, used
    if condition == 0:
        return other, used
    read = np.zeros(MOST_READS, np.int32)
    read[0], read[1], read[2] = condition, then, other
    return _node(made, used, row, read, 3)


@jit
def _bitwise(made: Nets, used: int, row: int, op: int, a: int, b: int) -> tuple[int, int]:
    """Return the net of a bitwise operation on two nets, and how many nets there are then."""
    if (a == b and op == Op.XOR) or (min(a, b) == 0 and op == Op.AND):
        return 0, used
    if (a == 1 or b == 1) and op == Op.OR:
        return 1, used
    read = np.zeros(MOST_READS, np.int32)
    read[0], read[1] = a, b
    return _node(made, used, row, read, 2)


@jit
def _passed(c: Columns, made: Nets, row: int, bit: int) -> int:
    """Return the net that passes through a sum below its carry chain; -1 if none does."""
    if c.op[row] == Op.ADD and bit < c.shift[row, 0]:
        return net_at(c, made, row, 1, bit)
    if c.op[row] in (Op.ADD, Op.SUB) and bit < c.shift[row, 1]:
        return net_at(c, made, row, 0, bit)
    if bit < c.still[row]:
        return net_at(c, made, row, 0 if c.constant[c.reads[row, 1]] else 1, bit)
    return -1


@jit
def _node(made: Nets, used: int, row: int, read: NDArray[np.int32], count: int) -> tuple[int, int]:
    """Make a node of what it reads, without constants and repetitions; one net alone is a wire."""
    kept = 0
    for k in range(count):
        repeated = read[k] < 2
        for before in range(kept):
            repeated |= made.reads[used, before] == read[k]
        if not repeated:
            made.reads[used, kept] = read[k]
            kept += 1
    if kept < 2:
        return (int(made.reads[used, 0]) if kept else 0), used
    made.fan_in[used], made.row[used] = kept, row
    return used, used + 1


@jit
def _compare(c: Columns, made: Nets, used: int, row: int) -> int:
    """Make the nodes of a comparison, bit by bit from the lowest."""
    read = np.zeros(MOST_READS, np.int32)
    less = c.kind[row] == _ORDER
    first, second = c.reads[row, 0], c.reads[row, 1]
    signed = c.signed[first] or c.signed[second]
    width = max(
        c.width[first] + (signed and not c.signed[first]),
        c.width[second] + (signed and not c.signed[second]),
    )
    result = 0 if less else 1
    for bit in range(width):
        a, b = net_at(c, made, row, 0, bit), net_at(c, made, row, 1, bit)
        if signed and bit == width - 1:  # a sign counts down
            a, b = b, a
        if a == b:
            continue
        if less and ((a == 1 and b < 2) or (b == 0 and a < 2)):
            result = 0
        elif a < 2 and b < 2:
            result = 1 if less else 0
            if not less:
                break
        elif less and result < 2 and _decides(a, b, result):
            continue
        elif less:
            read[0], read[1], read[2] = result, a, b
            result, used = _node(made, used, row, read, 3)
        else:
            read[0], read[1] = a, b
            same, used = _node(made, used, row, read, 2)
            read[0], read[1] = result, same
            result, used = _node(made, used, row, read, 2)
    made.of_bit[c.first[row]] = result
    return used


@jit
def _decides(a: int, b: int, result: int) -> bool:
    """Return whether a bit compared with a constant leaves a known result of the lower bits."""
    # a < 1 is lost to no lower bit where these say yes; a < 0 where they say no; and so for b.
    return (
        (b == 1 and result == 1)
        or (b == 0 and result == 0)
        or (a == 0 and result == 1)
        or (a == 1 and result == 0)
    )
