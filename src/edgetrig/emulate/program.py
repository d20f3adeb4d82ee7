"""The interpreter's program: instructions over slots of an arena that are used again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.emulate.kernels import INSTRUCTIONS, LANES
from edgetrig.emulate.lowering import lower
from edgetrig.errors import CircuitError
from edgetrig.jit import jit

MOST_EVENTS = 4096
"""Largest block: places are counted in 32 bits."""

Ints = NDArray[np.int64]

_SIZES = (0, 32, 256)
"""Sizes of shared sums to try (`edgetrig.emulate.lowering.lower`)."""


@dataclass(frozen=True)
class Program:
    """What the interpreter runs (`edgetrig.emulate.kernels.run`).

    A place is a position in the arena, counted in bytes for a block of one event.

    Parameters
    ----------
    code
        Instructions, int32, shape (n, 8): code; places of the result and of operands a, b, c, d;
        parameter; a sum's first line in `terms`.
    terms
        Lines (place, factor) of sums; the first line of each sum is (0, constant).
    tables
        The lookup tables' entries, each table in the lanes it is read in.
    loads, stores
        See `edgetrig.emulate.kernels.run`; offsets for a block of one event.
    constants
        Lines (lane, offset, value) of the slots that never change.
    bytes
        Size of the arena for a block of one event.
    """

    code: NDArray[np.int32]
    terms: Ints
    tables: NDArray[np.int8]
    loads: Ints
    stores: Ints
    constants: Ints
    bytes: int


def make_program(circuit: Circuit) -> Program:
    """Compile a circuit whose values fit 64 bits.

    Raises
    ------
    CircuitError
        If the values alive at one time need more memory than an arena can have.
    """
    lowered = lower(circuit, sizes=_SIZES)
    code, terms, lane, stored = (
        lowered.code.copy(), lowered.terms.copy(), lowered.lane, lowered.stored
    )  # fmt: skip
    tables = _place_tables(circuit, code)
    place, size = _places(code, terms, lane, lowered.given, lowered.constant, stored)
    most = np.iinfo(np.int32).max // MOST_EVENTS
    if size > most:
        raise CircuitError(
            f"the emulator has room for {most} bytes an event, {size} are in use at one time"
        )
    code[:, 1:6] = np.where(code[:, 1:6] >= 0, place[code[:, 1:6]], 0)
    terms[:, 0] = np.where(terms[:, 0] >= 0, place[terms[:, 0]], 0)
    offset = place >> lane
    loaded = lowered.element >= 0
    return Program(
        code,
        terms,
        tables,
        np.stack([lowered.element, lane, offset], axis=1)[loaded],
        np.stack([lane[stored], offset[stored]], axis=1),
        np.stack([lane, offset, lowered.number], axis=1)[lowered.constant],
        size,
    )


def _place_tables(circuit: Circuit, code: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the entries of all tables in the lanes they are read in.

    The parameter of instructions, a table's number, becomes the place of its index 0.
    """
    reads = np.flatnonzero(code[:, 0] >> 2 == INSTRUCTIONS.index("table"))
    base = np.zeros((len(circuit.tables) + 1, LANES), np.int64)
    parts: list[NDArray[np.int8]] = []
    size = 0
    for number, width in np.unique(np.stack([code[reads, 6], code[reads, 0] & 3], 1), axis=0):
        table = circuit.tables[number]
        base[number, width] = (size >> width) - table.start
        entries = table.values.astype(f"i{1 << width}").view(np.int8)
        parts += [entries, np.zeros(-len(entries) % 8, np.int8)]
        size += len(parts[-2]) + len(parts[-1])
    code[reads, 6] = base[code[reads, 6], code[reads, 0] & 3]
    return np.concatenate(parts or [np.zeros(8, np.int8)])


@jit
def _reads(instruction: NDArray[np.int32], terms: Ints) -> Any:
    """Return the values that an instruction reads."""
    first = instruction[7]
    if first < 0:
        return instruction[2:6].astype(np.int64)
    return terms[first : first + instruction[6], 0].copy()


@jit
def _places(  # noqa: PLR0912
    code: NDArray[np.int32],
    terms: Ints,
    value_lane: Ints,
    given: NDArray[np.bool_],
    constant: NDArray[np.bool_],
    stored: Ints,
) -> tuple[Ints, int]:
    """Return each value's place in the arena and its size, in bytes for a block of one event.

    Given values (inputs and constants) are there before the first instruction; constants stay.
    """
    last = np.full(len(value_lane), -1)
    for at in range(len(code)):
        for value in _reads(code[at], terms):
            if value >= 0:
                last[value] = at
    for value in stored:
        last[value] = len(code)
    slot = np.zeros(len(value_lane), np.int64)
    slots = np.zeros(LANES, np.int64)
    free = np.full(LANES, -1)  # the slot freed last, and behind each the one freed before
    behind = np.zeros((LANES, len(value_lane)), np.int64)
    for value in range(len(value_lane)):
        if given[value]:
            slot[value] = slots[value_lane[value]]
            slots[value_lane[value]] += 1
    for at in range(len(code)):
        # An instruction reads before it writes: its result may take an operand's slot.
        for value in _reads(code[at], terms):
            if value >= 0 and last[value] == at and not constant[value]:
                last[value] = -1
                width = value_lane[value]
                behind[width, slot[value]] = free[width]
                free[width] = slot[value]
        result = code[at, 1]
        width = value_lane[result]
        if free[width] >= 0:
            slot[result] = free[width]
            free[width] = behind[width, free[width]]
        else:
            slot[result] = slots[width]
            slots[width] += 1
    # Widest lanes first: every place is a multiple of its lane's bytes.
    place = np.zeros(len(value_lane), np.int64)
    size = 0
    for width in range(LANES - 1, -1, -1):
        for value in range(len(value_lane)):
            if value_lane[value] == width:
                place[value] = size + (slot[value] << width)
        size += slots[width] << width
    return place, size
