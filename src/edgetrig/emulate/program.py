"""From the rows of a circuit to a program of vector instructions: order, lanes, slots.

A value is kept in a lane of 8, 16, 32 or 64 bits, signed. Sums, products, bitwise operations and
the like are exact modulo ``2**bits``, so they are computed in the narrowest lane that holds their
*result*, from operands cut to that lane; the same value may be present in several lanes. Only
comparisons, right shifts and tables need lanes that hold their operands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.emulate.kernels import INSTRUCTIONS, LANES
from edgetrig.errors import CircuitError
from edgetrig.jit import jit

MOST_EVENTS = 4096
"""Largest block: places are counted in 32 bits."""

Ints = NDArray[np.int64]

_INPUT, _CONST, _REG, _TABLE = int(Op.INPUT), int(Op.CONST), int(Op.REG), int(Op.TABLE)
_ADD, _SUB, _NEG, _MUL = int(Op.ADD), int(Op.SUB), int(Op.NEG), int(Op.MUL)
_SHL, _SHR, _LOW, _LOWS = int(Op.SHL), int(Op.SHR), int(Op.LOW), int(Op.LOWS)
_LT, _EQ, _SELECT = int(Op.LT), int(Op.EQ), int(Op.SELECT)
_AND, _OR, _XOR = int(Op.AND), int(Op.OR), int(Op.XOR)
# What a SELECT becomes when it picks the smaller or larger of the two numbers compared.
_MIN, _MAX = len(Op), len(Op) + 1

_OTHERS = len(Op) + 2  # instructions that no operation is named after
_ADD_SHIFTED, _SUB_SHIFTED, _SHIFTED_SUB, _CONVERT = range(_OTHERS, _OTHERS + 4)


def _instructions() -> Ints:
    """Return the number of the instruction for each operation.

    It is an argument of compiled functions, not a constant in them: Numba's cache on disk does not
    notice changes in other files.
    """
    extremes = {_MIN: "min", _MAX: "max"}
    shifted = {_ADD_SHIFTED: "add_shifted", _SUB_SHIFTED: "sub_shifted"}
    names = {int(op): op.name.lower() for op in Op} | extremes | shifted
    names |= {_SHIFTED_SUB: "shifted_sub", _CONVERT: "convert"}
    numbers = {name: number for number, name in enumerate(INSTRUCTIONS)}
    return np.array([numbers.get(names[k], -1) for k in range(len(names))])


@dataclass(frozen=True)
class Program:
    """What the interpreter runs (`edgetrig.emulate.kernels.run`).

    Parameters
    ----------
    code
        Instructions, int32, shape (n, 6): code, then the places of result and operands a, b, c,
        then the parameter. A place is counted in bytes for a block of one event.
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
    tables: NDArray[np.int8]
    loads: Ints
    stores: Ints
    constants: Ints
    bytes: int


def fits_lanes(circuit: Circuit) -> bool:
    """Return whether every value of the circuit fits a signed number of 64 bits."""
    ports = all(object not in (port.lo.dtype, port.hi.dtype) for port in circuit.inputs)
    tables = all(abs(table.start) < 1 << 30 for table in circuit.tables)
    return ports and tables and bool(_signed_widths(circuit).max(initial=0) <= 64)


def _signed_widths(circuit: Circuit) -> Ints:
    return circuit.widths + np.asarray(circuit.rows.lo >= 0, np.bool_)


def make_program(circuit: Circuit) -> Program:
    """Compile a circuit whose values fit 64 bits.

    Raises
    ------
    CircuitError
        If the values alive at one time need more memory than an arena can have.
    """
    rows, outputs = circuit.rows, circuit.output_rows
    own = np.searchsorted([8, 16, 32, 64], _signed_widths(circuit))
    op, operands = _merged(circuit)
    order = _order(operands, outputs)
    lane = _lanes(op, operands, own, order, outputs)
    tables, table_base = _lay_tables(circuit, op, lane, order)
    code, value_lane, source, stored = _emit(
        op, operands, rows.p, lane, order, outputs, table_base, _instructions()
    )
    constant = (source >= 0) & (op[source] == _CONST)
    place, size = _places(code, value_lane, source >= 0, constant, stored)
    most = np.iinfo(np.int32).max // MOST_EVENTS
    if size > most:
        raise CircuitError(
            f"the emulator has room for {most} bytes an event, {size} are in use at one time"
        )
    code[:, 1:5] = np.where(code[:, 1:5] >= 0, place[code[:, 1:5]], 0)
    values = np.flatnonzero(source >= 0)
    row, lanes, offset = source[values], value_lane[values], place[values] >> value_lane[values]
    loaded = op[row] == _INPUT
    return Program(
        code,
        tables,
        np.stack([rows.p[row], lanes, offset], axis=1)[loaded].astype(np.int64),
        np.stack([value_lane[stored], place[stored] >> value_lane[stored]], axis=1),
        np.stack([lanes, offset, rows.lo[row].astype(np.int64)], axis=1)[~loaded],
        size,
    )


def _merged(circuit: Circuit) -> tuple[Ints, Ints]:
    """Return operations and operands with equal constants merged and extremes recognised."""
    rows = circuit.rows
    op, operands = rows.op.astype(np.int64), rows.operands.astype(np.int64)
    constant = np.flatnonzero(op == _CONST)
    _, first, which = np.unique(rows.lo[constant], return_index=True, return_inverse=True)
    same = np.arange(len(op) + 1)  # the last one stands for "no operand"
    same[-1] = -1
    same[constant] = constant[first[which]]
    operands = same[operands]
    a, b, c = operands.T
    selects = (op == _SELECT) & (op[a] == _LT)
    x, y = operands[a, 0], operands[a, 1]
    smaller, larger = selects & (b == x) & (c == y), selects & (b == y) & (c == x)
    op[smaller], op[larger] = _MIN, _MAX
    extreme = smaller | larger
    operands[extreme] = np.stack([x, y, np.full_like(x, -1)], axis=1)[extreme]
    return op, operands


@jit
def _order(operands: Ints, outputs: Ints) -> Ints:
    """Return the rows that outputs need, each right before it is first read, so few are alive."""
    order = np.empty(len(operands), np.int64)
    seen = np.zeros(len(operands), np.bool_)
    stack = np.empty((len(operands) + 1, 2), np.int64)
    count = 0
    for output in outputs:
        depth = 0
        if not seen[output]:
            seen[output] = True
            stack[0, 0], stack[0, 1] = output, 0
            depth = 1
        while depth > 0:
            row, position = stack[depth - 1]
            if position == 3:
                order[count] = row
                count += 1
                depth -= 1
                continue
            stack[depth - 1, 1] += 1
            operand = operands[row, position]
            if operand >= 0 and not seen[operand]:
                seen[operand] = True
                stack[depth, 0], stack[depth, 1] = operand, 0
                depth += 1
    return order[:count]


@jit
def _lanes(op: Ints, operands: Ints, own: Ints, order: Ints, outputs: Ints) -> Ints:
    """Return the lane that each row is computed in, from the lanes its readers compute in."""
    # `need`: the narrowest lane that loses nothing any reader wants; `least`: the narrowest lane of
    # a reader. A row that is only read in wider lanes is computed there: it saves a conversion.
    need = np.zeros(len(op), np.int64)
    least = np.full(len(op), LANES - 1)
    lane = np.zeros(len(op), np.int64)
    for row in outputs:
        need[row], least[row] = own[row], 0
    for row in order[::-1]:
        code = op[row]
        a, b, c = operands[row]
        width = max(min(own[row], need[row]), least[row])
        if code == _REG:
            need[a], least[a] = max(need[a], need[row]), min(least[a], least[row])
            continue
        whole = code in (_SHR, _LT, _EQ, _TABLE, _MIN, _MAX)
        if code == _SHR:
            width = max(own[a], least[row])
        elif code == _TABLE:
            width = max(own[a], min(own[row], need[row]))
        elif whole:
            width = max(own[a], own[b])
        lane[row] = width
        for operand in (a, b, c):
            if operand >= 0:
                wanted = own[operand] if whole else min(own[operand], width)
                need[operand] = max(need[operand], wanted)
                least[operand] = min(least[operand], width)
    return lane


def _lay_tables(
    circuit: Circuit, op: Ints, lane: Ints, order: Ints
) -> tuple[NDArray[np.int8], Ints]:
    """Return the entries of all tables in the lanes they are read in, and where index 0 is."""
    rows = order[op[order] == _TABLE]
    base = np.zeros((len(circuit.tables) + 1, LANES), np.int64)
    parts: list[NDArray[np.int8]] = []
    size = 0
    for number, width in np.unique(np.stack([circuit.rows.p[rows], lane[rows]], 1), axis=0):
        table = circuit.tables[number]
        base[number, width] = (size >> width) - table.start
        entries = table.values.astype(f"i{1 << width}").view(np.int8)
        parts += [entries, np.zeros(-len(entries) % 8, np.int8)]
        size += len(parts[-2]) + len(parts[-1])
    return np.concatenate(parts or [np.zeros(8, np.int8)]), base


@jit
def _emit(  # noqa: PLR0912, PLR0915 - one branch an operation
    op: Ints,
    operands: Ints,
    p: NDArray[np.int32],
    lane: Ints,
    order: Ints,
    outputs: Ints,
    table_base: Ints,
    instructions: Ints,
) -> tuple[NDArray[np.int32], Ints, Ints, Ints]:
    """Return instructions over numbered values, each value's lane and source, and the outputs'.

    A value's source is its row if that is an INPUT or a CONST, else -1.
    """
    code = np.full((LANES * len(order) + 1, 6), -1, np.int32)
    version = np.full((len(op), LANES), -1, np.int32)
    value_lane = np.zeros(LANES * len(order) + 1, np.int64)
    source = np.full(LANES * len(order) + 1, -1, np.int64)
    root = np.arange(len(op))
    at = 0
    values = 0
    stored = np.zeros(len(outputs), np.int64)
    got = np.zeros(3, np.int64)
    # One turn a row, and then one an output: both read operands in a certain lane.
    for turn in range(len(order) + len(outputs)):
        is_row = turn < len(order)
        row = order[turn] if is_row else root[outputs[turn - len(order)]]
        kind = op[row]
        width = lane[row]
        if is_row and kind == _REG:
            root[row] = root[operands[row, 0]]
            continue
        if is_row and kind == _INPUT:
            version[row, width] = values
            value_lane[values], source[values] = width, row
            values += 1
            continue
        if is_row and kind == _CONST:
            continue
        for k in range(3 if is_row else 1):
            operand = operands[row, k] if is_row else row
            if operand < 0:
                continue
            operand = root[operand]
            if version[operand, width] < 0:
                version[operand, width] = values
                value_lane[values] = width
                if op[operand] == _CONST:
                    source[values] = operand
                else:
                    code[at, 0] = 4 * (instructions[_CONVERT] + lane[operand]) + width
                    code[at, 1], code[at, 2] = values, version[operand, lane[operand]]
                    code[at, 5] = 0
                    at += 1
                values += 1
            got[k] = version[operand, width]
        if not is_row:
            stored[turn - len(order)] = got[0]
            continue
        bits = 8 << width
        shift = np.int64(p[row])
        instruction = instructions[kind]
        a, b, c = got[0], got[1], got[2]
        same = np.int64(-1)  # the value that the row equals, if it needs no instruction
        if kind in (_ADD, _SUB):
            if shift >= bits:
                same = a
            elif shift > 0:
                instruction = instructions[_ADD_SHIFTED if kind == _ADD else _SUB_SHIFTED]
            elif shift <= -bits:
                if kind == _ADD:
                    same = b
                instruction, a, shift = instructions[_NEG], b, np.int64(0)
            elif shift < 0:
                shift = -shift
                instruction = instructions[_SHIFTED_SUB]
                if kind == _ADD:
                    instruction, a, b = instructions[_ADD_SHIFTED], b, a
        elif kind == _SHL and shift >= bits:
            instruction, b, shift = instructions[_SUB], a, np.int64(0)  # a - a: nothing is left
        elif kind == _SHR:
            shift = min(shift, bits - 1)
        elif kind in (_LOW, _LOWS):
            if shift >= bits:
                same = a
            elif kind == _LOWS:
                shift = bits - shift
        elif kind == _TABLE:
            shift = table_base[shift, width]
        if same >= 0:
            version[row, width] = same
            continue
        code[at, 0], code[at, 1] = 4 * instruction + width, values
        count = 3 if operands[row, 2] >= 0 else (2 if operands[row, 1] >= 0 else 1)
        code[at, 2] = a
        if count > 1 or instruction == instructions[_SUB]:
            code[at, 3] = b
        if count > 2:
            code[at, 4] = c
        code[at, 5] = shift
        at += 1
        version[row, width] = values
        value_lane[values] = width
        values += 1
    return code[:at].copy(), value_lane[:values], source[:values], stored


@jit
def _places(  # noqa: PLR0912
    code: NDArray[np.int32],
    value_lane: Ints,
    given: NDArray[np.bool_],
    constant: NDArray[np.bool_],
    stored: Ints,
) -> tuple[Ints, int]:
    """Return each value's place in the arena and its size, in bytes for a block of one event.

    Given values (inputs and constants) are there before the first instruction; constants stay.
    """
    last = np.full(len(value_lane), -1, np.int64)
    for at in range(len(code)):
        for k in range(2, 5):
            if code[at, k] >= 0:
                last[code[at, k]] = at
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
        for k in range(2, 5):
            value = code[at, k]
            if value >= 0 and last[value] == at and not constant[value]:
                last[value] = -1
                width = value_lane[value]
                behind[width, slot[value]] = free[width]
                free[width] = slot[value]
        value = code[at, 1]
        width = value_lane[value]
        if free[width] >= 0:
            slot[value] = free[width]
            free[width] = behind[width, free[width]]
        else:
            slot[value] = slots[width]
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
