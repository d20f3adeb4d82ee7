"""LUTs of a circuit's logic: nodes join the only LUT that reads them as long as it has inputs.

A mapper does the same with more care. The nodes of `bit_nets` are taken in order; each takes in
those nodes it reads that nothing else reads, the ones of fewest inputs first. A sum takes in one
of its operands, where the family's carry chains have logic in front of them; where its LUTs stand
beside the chain, these take in what alone reads them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.jit import jit
from edgetrig.optimize.bit_nets import MOST_READS, Columns, Nets, columns, net_at, nets
from edgetrig.optimize.delays import delays_of
from edgetrig.optimize.fabric import fabric_of


class Cover(NamedTuple):
    """The LUTs of the logic.

    Parameters
    ----------
    luts
        LUTs of each row.
    in_sums
        Those that sums take into theirs, of each row.
    depth
        Levels of each row's last bit, after the last register.
    bits_read
        Bits of each row with cells of its own that anything reads.
    """

    luts: NDArray[np.int64]
    in_sums: NDArray[np.int64]
    depth: NDArray[np.float64]
    bits_read: NDArray[np.int64]


def lut_cover(circuit: Circuit, family: str, levels: NDArray[np.float64]) -> Cover:
    """Cover the logic of a circuit with LUTs.

    Parameters
    ----------
    circuit
        The circuit; rows that no output needs take nothing.
    family
        Name of the device family (`edgetrig.optimize.DELAYS`).
    levels
        Levels that each row with cells of its own adds to a path, shape (rows,).
    """
    lut_inputs = delays_of(family).lut_inputs
    fabric = fabric_of(family)
    c = columns(circuit, lut_inputs, fabric)
    beside = lut_inputs < 6 and not fabric.carry_luts
    return _cover(c, nets(c), circuit.output_rows, lut_inputs, beside, levels)


@jit
def _cover(
    c: Columns,
    made: Nets,
    outputs: NDArray[np.int64],
    lut_inputs: int,
    beside: bool,
    levels: NDArray[np.float64],
) -> Cover:
    readers = _readers(c, made, outputs)
    luts = np.zeros(len(c.op), np.int64)
    in_sums = np.zeros(len(c.op), np.int64)
    depth = np.zeros(len(c.op), np.float64)
    inputs = made.reads.copy()
    count = made.fan_in.astype(np.int64)
    level = np.zeros(len(made.row), np.float64)
    own = (made.fan_in > 0) & (readers > 0)
    net = 2
    for row in range(len(c.op)):
        while net < len(made.row) and made.row[net] == row:
            if count[net] and readers[net]:
                _take_in(net, made, readers, own, inputs, count, lut_inputs)
                if beside and _joins_a_sum(net, c, made, readers, inputs, count, lut_inputs):
                    own[net] = False
                for k in range(count[net]):
                    level[net] = max(level[net], level[inputs[net, k]] + own[net])
            net += 1
        if c.kind[row] < 0:
            continue
        if c.kind[row] == 0 and c.op[row] not in (Op.INPUT, Op.REG):
            depth[row] = levels[row] + _before(
                row, c, made, readers, own, in_sums, count, inputs, level, lut_inputs
            )
        for bit in range(c.width[row]):
            at = made.of_bit[c.first[row] + bit]
            if c.kind[row] == 0 and made.row[at] == row:
                level[at] = depth[row]
            depth[row] = max(depth[row], level[at])
    bits_read = np.zeros(len(c.op), np.int64)
    for at in range(2, len(own)):
        luts[made.row[at]] += own[at]
        bits_read[made.row[at]] += made.fan_in[at] == 0 and readers[at] > 0
    return Cover(luts, in_sums, depth, bits_read)


@jit
def _readers(c: Columns, made: Nets, outputs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many nodes and cells read each net; what only unread nodes read counts none."""
    readers = np.zeros(len(made.row), np.int64)
    for row in outputs:
        for bit in range(c.width[row]):
            readers[made.of_bit[c.first[row] + bit]] += 1
    for row in range(len(c.op)):
        if c.kind[row] != 0:
            continue
        for k in range(3):
            last = -1
            if c.reads[row, k] < 0:
                continue
            for bit in range(_seen(c, row, k)):
                at = net_at(c, made, row, k, bit)
                if at != last:
                    readers[at] += 1
                last = at
    for at in range(len(made.row) - 1, 1, -1):
        if readers[at]:
            for k in range(made.fan_in[at]):
                readers[made.reads[at, k]] += 1
    return readers


@jit
def _seen(c: Columns, row: int, operand: int) -> int:
    """Return up to which bit a cell reads an operand: a sum no further than its result."""
    own = c.width[c.reads[row, operand]] + c.shift[row, operand]
    return int(min(own, c.width[row]) if c.op[row] in (Op.ADD, Op.SUB, Op.ADD3) else own)


@jit
def _take_in(
    net: int,
    made: Nets,
    readers: NDArray[np.int64],
    own: NDArray[np.bool_],
    inputs: NDArray[np.int32],
    count: NDArray[np.int64],
    lut_inputs: int,
) -> None:
    """Let a node take in what it reads, as long as its LUT has inputs."""
    joined = np.zeros(2 * MOST_READS, np.int32)
    while True:
        best, fewest = -1, lut_inputs + 1
        for k in range(count[net]):
            at = inputs[net, k]
            if not own[at] or readers[at] != 1:
                continue
            size = _join(joined, net, k, inputs, count)
            if size < fewest:
                best, fewest = k, size
        if best < 0:
            return
        own[inputs[net, best]] = False
        _join(joined, net, best, inputs, count)
        for k in range(fewest):
            inputs[net, k] = joined[k]
        count[net] = fewest


@jit
def _joins_a_sum(
    net: int,
    c: Columns,
    made: Nets,
    readers: NDArray[np.int64],
    inputs: NDArray[np.int32],
    count: NDArray[np.int64],
    lut_inputs: int,
) -> bool:
    """Return whether a LUT that adds, beside the carry chain, takes in the node that reads it."""
    for k in range(count[net]):
        at = inputs[net, k]
        row = made.row[at]
        if readers[at] != 1 or made.fan_in[at] or c.op[row] not in (Op.ADD, Op.SUB, Op.NEG):
            continue
        one = c.op[row] == Op.NEG or c.constant[c.reads[row, 0]] or c.constant[c.reads[row, 1]]
        # The operands' bits and the carry.
        if count[net] - 1 + (2 if one else 3) <= lut_inputs:
            return True
    return False


@jit
def _join(
    joined: NDArray[np.int32],
    net: int,
    k: int,
    inputs: NDArray[np.int32],
    count: NDArray[np.int64],
) -> int:
    """Write the inputs of a node with its input k opened up; return how many they are."""
    size = 0
    for other in range(count[net]):
        if other != k:
            joined[size] = inputs[net, other]
            size += 1
    opened = inputs[net, k]
    for other in range(count[opened]):
        new = True
        for before in range(size):
            new &= joined[before] != inputs[opened, other]
        if new:
            joined[size] = inputs[opened, other]
            size += 1
    return size


@jit
def _before(
    row: int,
    c: Columns,
    made: Nets,
    readers: NDArray[np.int64],
    own: NDArray[np.bool_],
    in_sums: NDArray[np.int64],
    count: NDArray[np.int64],
    inputs: NDArray[np.int32],
    level: NDArray[np.float64],
    lut_inputs: int,
) -> float:
    """Return the highest level a cell reads; a sum takes in nodes of its second operand."""
    highest = 0.0
    for k in range(3):
        if c.reads[row, k] < 0:
            continue
        takes = k == 1 and c.op[row] in (Op.ADD, Op.SUB) and not c.constant[c.reads[row, 0]]
        for bit in range(_seen(c, row, k)):
            at = net_at(c, made, row, k, bit)
            reached = level[at]
            if takes and own[at] and readers[at] == 1 and count[at] < lut_inputs:
                own[at] = False
                in_sums[made.row[at]] += 1
                reached -= 1
            highest = max(highest, reached)
    return highest
