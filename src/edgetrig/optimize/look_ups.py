"""LUTs of look-ups that do not fit one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, live_rows
from edgetrig.optimize.fabric import Fabric
from edgetrig.optimize.rows import Ints


def look_up_luts(circuit: Circuit, lut_inputs: int, fabric: Fabric) -> NDArray[np.float64]:
    """Return the LUTs of each look-up of more bits than a LUT has inputs, shape (rows,).

    Parameters
    ----------
    circuit
        The circuit.
    lut_inputs
        Inputs of a LUT.
    fabric
        That of the family.
    """
    luts = np.zeros(len(circuit), np.float64)
    known: dict[tuple[int, int, bool], float] = {}
    large = circuit.widths[circuit.rows.a] > lut_inputs
    in_sums = _read_by_one_sum(circuit)
    for row in np.flatnonzero((circuit.rows.op == Op.TABLE) & large).tolist():
        key = int(circuit.rows.p[row]), int(circuit.widths[row]), bool(in_sums[row])
        if key not in known:
            values = circuit.tables[key[0]].values
            if lut_inputs == 6:
                known[key] = table_luts(values, key[1], in_sum=key[2])
            else:
                known[key] = joined_luts(values, key[1], fabric.joined_inputs)
        luts[row] = known[key]
    return luts


def _read_by_one_sum(circuit: Circuit) -> NDArray[np.bool_]:
    """Return which rows a sum of two reads, and nothing else does."""
    rows = circuit.rows
    live = live_rows(rows.operands, circuit.output_rows)
    read, sums = rows.operands[live], np.isin(rows.op, (Op.ADD, Op.SUB))[live]
    readers = np.bincount(read[read >= 0], minlength=len(rows))
    readers[circuit.output_rows] += 2
    alone: NDArray[np.bool_] = readers == 1
    alone &= np.bincount(read[sums][read[sums] >= 0], minlength=len(rows)) == 1
    return alone


def table_luts(values: Ints, width: int, *, in_sum: bool = False) -> float:
    """Return the LUTs of six inputs of a look-up: its different truth tables and their choices.

    Parameters
    ----------
    values
        The entries.
    width
        Bits of an entry.
    in_sum
        Whether a sum alone reads it: its LUTs take choices in.
    """
    total = 0.0
    for leaves, index in _truth_tables(values, width, 6):
        inputs = [_inputs(leaf) for leaf in leaves]
        moving = sum(count > 0 for count in inputs)
        # A LUT chooses among four; a sum's has an input for its other operand.
        choices = np.ceil((len(leaves) - 1) / 3) if moving + index > 1 else 0.0
        choices -= bool(choices) and in_sum and moving + index < 6
        total += sum(count > 1 for count in inputs) + choices
    return total


def joined_luts(values: Ints, width: int, joined_inputs: int) -> float:
    """Return the LUTs of four inputs of a look-up: its different truth tables and their choices.

    ABC looks for few levels first: where LUTs join, a truth table of up to `joined_inputs` bits is
    one level, however many LUTs of it are alike.

    Parameters
    ----------
    values
        The entries.
    width
        Bits of an entry.
    joined_inputs
        `Fabric.joined_inputs`.
    """
    total = 0.0
    for leaves, _ in _truth_tables(values, width, joined_inputs):
        inputs = [_inputs(leaf) for leaf in leaves]
        total += sum(2 ** max(count - 4, 0) for count in inputs if count > 1)
        # Four LUTs that join choose among four; one, or two, among two.
        total += (len(leaves) - 1) / (3 if joined_inputs > 5 else 1)
    return total


def _truth_tables(values: Ints, width: int, inputs: int) -> Iterator[tuple[Ints, int]]:
    """Yield the different truth tables of so many inputs of each bit, and the index bits above."""
    size = 1 << inputs
    blocks = np.pad(values, (0, -len(values) % size), mode="edge").reshape(-1, size)
    for bit in range(width):
        yield np.unique((blocks >> bit) & 1, axis=0), (len(blocks) - 1).bit_length()


def _inputs(leaf: Ints) -> int:
    """Return how many bits of its index a truth table depends on."""
    ones = leaf.reshape((2,) * (len(leaf).bit_length() - 1))
    return sum((ones.take(0, k) != ones.take(1, k)).any() for k in range(ones.ndim))
