"""Bitwise operations on words that one row of LUTs holds together.

A mapper makes one LUT of a cone of logic that reads no more bits than a LUT has inputs, and what
lies inside is gone. So a full adder is two LUTs a bit and not five. Logic of single bits is looked
at bit by bit elsewhere (`edgetrig.optimize.lut_cover`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.jit import jit
from edgetrig.optimize.rows import Edit, Ints

_MOST_LEAVES: Final = 6


class WordLogic(NamedTuple):
    """Which rows of a circuit join.

    Parameters
    ----------
    inside
        Rows that lie inside of the LUTs of others.
    leaves
        The rows that each bitwise operation on words reads as one row of LUTs, constants
        left out; -1 for none, shape (rows, 6).
    """

    inside: NDArray[np.bool_]
    leaves: NDArray[np.int32]


def word_logic(circuit: Circuit, lut_inputs: int) -> WordLogic:
    """Return what joins where LUTs have so many inputs."""
    rows = circuit.rows
    bitwise = np.isin(rows.op, (Op.AND, Op.OR, Op.XOR)) & ~circuit.constant
    words = bitwise & (circuit.widths > 1)
    read = rows.operands[words, :2]
    words[read[bitwise[read]]] = True  # narrow parts of words
    most = min(lut_inputs, _MOST_LEAVES)
    return WordLogic(*_joined(words, rows.operands, circuit.constant, circuit.output_rows, most))


def with_own_inversions(circuit: Circuit, lut_inputs: int) -> Circuit:
    """Return the circuit with inversions inside of LUTs made for each reader again.

    Then they are where their readers are, whichever stage that is.
    """
    rows, constant = circuit.rows, circuit.constant
    inverted = word_logic(circuit, lut_inputs).inside & (rows.op == Op.XOR)
    inverted &= constant[rows.a] | constant[rows.b]
    if not inverted.any():
        return circuit
    edit = Edit(circuit)
    for k, name in enumerate("abc"):
        reader = np.flatnonzero((rows.operands[:, k] >= 0) & inverted[rows.operands[:, k]])
        read = rows.operands[reader, k]
        copy = {column: edit.columns[column][read] for column in edit.columns}
        edit.columns[name][reader] = edit.add(copy.pop("op"), **copy)
    return edit.circuit()


@jit
def _joined(
    words: NDArray[np.bool_],
    operands: NDArray[np.int32],
    constant: NDArray[np.bool_],
    outputs: Ints,
    most: int,
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return the fields of `WordLogic`."""
    leaves = np.full((len(words), _MOST_LEAVES), -1, np.int32)
    inside = words.copy()
    for row in outputs:
        inside[row] = False
    for row in range(len(words)):
        if not words[row]:
            for operand in operands[row]:
                if operand >= 0:
                    inside[operand] = False
            continue
        taken = -1
        for whole in (0, 1, 2, 3):  # which operands stay as they are: none, if that fits
            if taken < 0:
                count = _read(row, whole, words, operands, constant, leaves)
                taken = whole if count <= most or whole == 3 else -1
        for k in range(2):
            if taken >> k & 1:
                inside[operands[row, k]] = False
    return inside, leaves


@jit
def _read(
    row: int,
    whole: int,
    words: NDArray[np.bool_],
    operands: NDArray[np.int32],
    constant: NDArray[np.bool_],
    leaves: NDArray[np.int32],
) -> int:
    """Enter what an operation reads; return how many rows, or more than can be entered."""
    found = np.zeros(2 * _MOST_LEAVES, np.int32)
    count = 0
    for k in range(2):
        operand = operands[row, k]
        if words[operand] and not whole >> k & 1:
            for leaf in leaves[operand]:
                if leaf >= 0:
                    count = _enter(leaf, found, count)
        elif not constant[operand]:
            count = _enter(operand, found, count)
    if count <= _MOST_LEAVES:
        leaves[row] = -1
        leaves[row, :count] = found[:count]
    return count


@jit
def _enter(leaf: int, found: NDArray[np.int32], count: int) -> int:
    for k in range(count):
        if found[k] == leaf:
            return count
    found[count] = leaf
    return count + 1
