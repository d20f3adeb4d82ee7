"""From the rows of a circuit to a program of vector instructions: order, lanes, slots.

A value is kept in a lane of 8, 16, 32 or 64 bits, signed. Sums, products, bitwise operations and
the like are exact modulo ``2**bits``, so they are computed in the narrowest lane that holds their
*result*, from operands cut to that lane; the same value may be present in several lanes. Only
comparisons, right shifts and tables need lanes that hold their operands.

Additions, subtractions, shifts to the left and multiplications by constants are gathered into sums
of multiples, ``constant + factor * value + ...``, again modulo ``2**bits``. What hardware shares to
save adders is computed anew where that takes fewer terms: for a processor a product costs no more
than an addition, and a matrix of constants is best multiplied as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.emulate.kernels import INSTRUCTIONS, LANES
from edgetrig.emulate.sums import binary_sums
from edgetrig.errors import CircuitError
from edgetrig.jit import jit

MOST_EVENTS = 4096
"""Largest block: places are counted in 32 bits."""

Ints = NDArray[np.int64]

_INPUT, _CONST, _REG, _TABLE = int(Op.INPUT), int(Op.CONST), int(Op.REG), int(Op.TABLE)
_ADD, _SUB, _NEG, _MUL = int(Op.ADD), int(Op.SUB), int(Op.NEG), int(Op.MUL)
_SHL, _SHR, _LOW, _LOWS = int(Op.SHL), int(Op.SHR), int(Op.LOW), int(Op.LOWS)
_LT, _EQ, _SELECT = int(Op.LT), int(Op.EQ), int(Op.SELECT)
# What rows turn into on the way to instructions: a SELECT by a LT of its own, the same that picks
# the smaller or larger of the two numbers compared, and any sum of multiples.
_PICK, _MIN, _MAX, _SUM, _CONVERT = range(len(Op), len(Op) + 5)
_SUMMED = 32  # added to an operation that is part of a sum

_OVERHEAD = 4
"""What an instruction costs beside its terms, in terms."""

_MOST_TERMS = 1024
"""Longest sum, so that compiling takes linear time."""


def _instructions() -> Ints:
    """Return the number of the instruction for each operation.

    It is an argument of compiled functions, not a constant in them: Numba's cache on disk does not
    notice changes in other files.
    """
    extra = {_PICK: "pick", _MIN: "min", _MAX: "max", _SUM: "sum", _CONVERT: "convert"}
    names = {int(op): op.name.lower() for op in Op} | extra
    numbers = {name: number for number, name in enumerate(INSTRUCTIONS)}
    return np.array([numbers.get(names[k], -1) for k in range(len(names))])


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
    circuit = binary_sums(circuit)
    rows = circuit.rows
    own = np.searchsorted([8, 16, 32, 64], _signed_widths(circuit))
    op, operands, outputs = _merged(circuit)
    order = _order(operands, outputs)
    value = np.where(op == _CONST, rows.lo, 0).astype(np.int64)
    # Shared sums are computed anew in their readers up to a size; take the size that costs least.
    choices = [_sums(op, operands, rows.p, value, order, outputs, size) for size in (0, 32, 256)]
    sums = min(choices, key=lambda choice: choice[-1])[:-1]
    lane = _lanes(op, operands, own, order, outputs, *sums)
    tables, table_base = _lay_tables(circuit, op, lane, order)
    code, terms, value_lane, source, stored = _emit(
        op, operands, rows.p, lane, order, outputs, table_base, _instructions(), *sums
    )
    constant = (source >= 0) & (op[source] == _CONST)
    place, size = _places(code, terms, value_lane, source >= 0, constant, stored)
    most = np.iinfo(np.int32).max // MOST_EVENTS
    if size > most:
        raise CircuitError(
            f"the emulator has room for {most} bytes an event, {size} are in use at one time"
        )
    code[:, 1:6] = np.where(code[:, 1:6] >= 0, place[code[:, 1:6]], 0)
    terms[:, 0] = np.where(terms[:, 0] >= 0, place[terms[:, 0]], 0)
    values = np.flatnonzero(source >= 0)
    row, lanes, offset = source[values], value_lane[values], place[values] >> value_lane[values]
    loaded = op[row] == _INPUT
    return Program(
        code,
        terms,
        tables,
        np.stack([rows.p[row], lanes, offset], axis=1)[loaded].astype(np.int64),
        np.stack([value_lane[stored], place[stored] >> value_lane[stored]], axis=1),
        np.stack([lanes, offset, value[row]], axis=1)[~loaded],
        size,
    )


def _merged(circuit: Circuit) -> tuple[Ints, Ints, Ints]:
    """Return operations, up to four operands, and output rows.

    Registers and equal constants are gone, a SELECT that needs no other row's LT has become one.
    """
    rows = circuit.rows
    op, operands = rows.op.astype(np.int64), rows.operands.astype(np.int64)
    constant = np.flatnonzero(op == _CONST)
    _, first, which = np.unique(rows.lo[constant], return_index=True, return_inverse=True)
    same = np.arange(len(op) + 1)  # the last one stands for "no operand"
    same[-1] = -1
    same[constant] = constant[first[which]]
    registers = np.flatnonzero(op == _REG)
    same[registers] = operands[registers, 0]
    while not np.array_equal(same[same[:-1]], same[:-1]):
        same[:-1] = same[same[:-1]]
    operands = same[np.pad(operands, ((0, 0), (0, 1)), constant_values=-1)]
    outputs = same[circuit.output_rows]
    a, b, c, _ = operands.T
    readers = np.bincount(np.concatenate([operands[operands >= 0], outputs]), minlength=len(op))
    selects = (op == _SELECT) & (op[a] == _LT)
    x, y = operands[a, 0], operands[a, 1]
    smaller, larger = selects & (b == x) & (c == y), selects & (b == y) & (c == x)
    extreme = smaller | larger
    picks = selects & (readers[a] == 1) & ~extreme
    op[smaller], op[larger], op[picks] = _MIN, _MAX, _PICK
    nothing = np.full_like(x, -1)
    operands[extreme] = np.stack([x, y, nothing, nothing], axis=1)[extreme]
    operands[picks] = np.stack([x, y, b, c], axis=1)[picks]
    by_constant = (op == _MUL) & ((op[a] == _CONST) | (op[b] == _CONST))
    op[by_constant | np.isin(op, (_ADD, _SUB, _NEG, _SHL))] += _SUMMED
    return op, operands, outputs


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
            if position == operands.shape[1]:
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
def _sums(  # noqa: PLR0912, PLR0915 - a merge of two lists
    op: Ints,
    operands: Ints,
    p: NDArray[np.int32],
    value: Ints,
    order: Ints,
    outputs: Ints,
    most: int,
) -> tuple[Ints, Ints, Ints, Ints, int]:
    """Gather rows into sums of multiples of other rows.

    Returns, for each row, its first term and the number of terms (-1: computed in its readers; 0:
    no sum), then for each term its row and its factor, and at last what all that costs. A sum's
    first term is row -1 with the constant as factor.
    """
    readers = np.zeros(len(op), np.int64)  # sums that read the row
    kept = np.zeros(len(op), np.bool_)  # whether something else reads it
    for row in outputs:
        kept[row] = True
    for row in order:
        for operand in operands[row]:
            if operand >= 0 and op[row] >= _SUMMED:
                readers[operand] += 1
            elif operand >= 0:
                kept[operand] = True
    first, count = np.zeros(len(op), np.int64), np.zeros(len(op), np.int64)
    term_row, factor = np.empty(len(op) + 8, np.int64), np.empty(len(op) + 8, np.int64)
    terms = 0
    # Sums so far: terms of each row, ordered by row, as long as a reader is to come.
    start, stop, constant = np.zeros_like(first), np.zeros_like(first), np.zeros_like(first)
    room = 4 * len(op) + 4 * _MOST_TERMS
    rows, factors = np.empty(room, np.int64), np.empty(room, np.int64)
    at = 0
    cost = 0
    for turn in range(len(order)):
        row = order[turn]
        if at + 2 * _MOST_TERMS + 2 > len(rows):
            at = 0
            for old in order[:turn]:
                if readers[old] > 0:
                    size = stop[old] - start[old]
                    for k in range(size):
                        rows[at + k], factors[at + k] = (
                            rows[start[old] + k],
                            factors[start[old] + k],
                        )
                    start[old], stop[old] = at, at + size
                    at += size
            if 2 * at + 4 * _MOST_TERMS > len(rows):
                rows = np.concatenate((rows, np.empty(len(rows), np.int64)))
                factors = np.concatenate((factors, np.empty(len(factors), np.int64)))
        start[row] = at
        kind = op[row] - _SUMMED
        if op[row] == _CONST:
            constant[row] = value[row]
            count[row] = 0
        elif kind >= 0:
            x, y = operands[row, 0], operands[row, 1]
            scale_x = scale_y = np.int64(1)
            shift = np.int64(p[row])
            if kind == _MUL:
                if op[x] == _CONST:
                    x, y = y, x
                scale_x = value[y]
                y = np.int64(-1)
            elif kind == _NEG:
                scale_x = np.int64(-1)
            else:
                power = np.int64(1) << abs(shift) if abs(shift) < 64 else np.int64(0)
                if kind == _SHL or shift < 0:
                    scale_x = power
                else:
                    scale_y = power
                if kind == _SUB:
                    scale_y = -scale_y
            constant[row] = constant[x] * scale_x
            i, last_i, j, last_j = start[x], stop[x], 0, 0
            if y >= 0:
                constant[row] += constant[y] * scale_y
                j, last_j = start[y], stop[y]
            while i < last_i or j < last_j:
                if j >= last_j or (i < last_i and rows[i] < rows[j]):
                    rows[at], factors[at] = rows[i], factors[i] * scale_x
                    i += 1
                elif i >= last_i or rows[j] < rows[i]:
                    rows[at], factors[at] = rows[j], factors[j] * scale_y
                    j += 1
                else:
                    rows[at] = rows[i]
                    factors[at] = factors[i] * scale_x + factors[j] * scale_y
                    i += 1
                    j += 1
                at += factors[at] != 0
            for operand in operands[row]:
                if operand >= 0:
                    readers[operand] -= 1
            size = at - start[row]
            repeated = readers[row] * (size - 1)
            if (
                kept[row]
                or size > _MOST_TERMS
                or repeated > max(size + _OVERHEAD, most * readers[row])
            ):
                if terms + size + 1 > len(factor):
                    more = np.empty(len(factor) + size, np.int64)
                    term_row = np.concatenate((term_row, more))
                    factor = np.concatenate((factor, more))
                term_row[terms], factor[terms] = -1, constant[row]
                first[row], count[row] = terms, size + 1
                for k in range(size):
                    term_row[terms + 1 + k] = rows[start[row] + k]
                    factor[terms + 1 + k] = factors[start[row] + k]
                terms += size + 1
                cost += size + _OVERHEAD
                at = start[row]
                kind = -1
            else:
                count[row] = -1
        if kind < 0 and op[row] != _CONST:
            constant[row] = 0
            rows[at], factors[at] = row, 1
            at += 1
        stop[row] = at
    return first, count, term_row[:terms], factor[:terms], cost


@jit
def _lanes(
    op: Ints,
    operands: Ints,
    own: Ints,
    order: Ints,
    outputs: Ints,
    first: Ints,
    count: Ints,
    term_row: Ints,
    factor: Ints,
) -> Ints:
    """Return the lane that each row is computed in, from those of its readers; -1: not needed."""
    # `need`: the narrowest lane that loses nothing any reader wants; `least`: the narrowest lane of
    # a reader. A row that is only read in wider lanes is computed there: it saves a conversion.
    need = np.full(len(op), -1)
    least = np.full(len(op), LANES - 1)
    lane = np.full(len(op), -1)
    for row in outputs:
        need[row], least[row] = own[row], 0
    for row in order[::-1]:
        code = op[row]
        if need[row] < 0 or count[row] < 0:
            continue
        a, b = operands[row, 0], operands[row, 1]
        width = max(min(own[row], need[row]), least[row])
        whole = code in (_SHR, _LT, _EQ, _TABLE, _MIN, _MAX)
        if code == _SHR:
            width = max(own[a], least[row])
        elif code == _TABLE:
            width = max(own[a], min(own[row], need[row]))
        elif code == _PICK:
            width = max(own[a], own[b], width)
        elif whole:
            width = max(own[a], own[b])
        lane[row] = width
        for k in range(count[row] if count[row] > 0 else operands.shape[1]):
            read = term_row[first[row] + k] if count[row] > 0 else operands[row, k]
            if read >= 0:
                compared = whole or (code == _PICK and k < 2)
                need[read] = max(need[read], own[read] if compared else min(own[read], width))
                least[read] = min(least[read], width)
    return lane


def _lay_tables(
    circuit: Circuit, op: Ints, lane: Ints, order: Ints
) -> tuple[NDArray[np.int8], Ints]:
    """Return the entries of all tables in the lanes they are read in, and where index 0 is."""
    rows = order[(op[order] == _TABLE) & (lane[order] >= 0)]
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
def _emit(  # noqa: PLR0912, PLR0915 - reads, then the instruction
    op: Ints,
    operands: Ints,
    p: NDArray[np.int32],
    lane: Ints,
    order: Ints,
    outputs: Ints,
    table_base: Ints,
    instructions: Ints,
    first: Ints,
    count: Ints,
    term_row: Ints,
    factor: Ints,
) -> tuple[NDArray[np.int32], Ints, Ints, Ints, Ints]:
    """Return instructions and terms over numbered values, each value's lane and source, outputs.

    A value's source is its row if that is an INPUT or a CONST, else -1.
    """
    most = LANES * len(order) + 1
    code = np.full((most, 8), -1, np.int32)
    terms = np.full((len(term_row), 2), -1)
    version = np.full((len(op), LANES), -1, np.int32)
    value_lane, source = np.zeros(most, np.int64), np.full(most, -1)
    stored = np.zeros(len(outputs), np.int64)
    at = 0
    values = 0
    # One turn a row, and then one an output: both read rows in a certain lane.
    for turn in range(len(order) + len(outputs)):
        is_row = turn < len(order)
        row = order[turn] if is_row else outputs[turn - len(order)]
        width = lane[row]
        if is_row and (width < 0 or op[row] == _CONST):
            continue
        if is_row and op[row] == _INPUT:
            version[row, width] = values
            value_lane[values], source[values] = width, row
            values += 1
            continue
        is_sum = is_row and count[row] > 0
        reads = count[row] if is_sum else (operands.shape[1] if is_row else 1)
        got = np.full(4, -1, np.int32)
        for k in range(reads):
            read = term_row[first[row] + k] if is_sum else (operands[row, k] if is_row else row)
            if read < 0:
                continue
            if version[read, width] < 0:
                version[read, width] = values
                value_lane[values] = width
                if op[read] == _CONST:
                    source[values] = read
                else:
                    code[at, 0] = 4 * (instructions[_CONVERT] + lane[read]) + width
                    code[at, 1], code[at, 2] = values, version[read, lane[read]]
                    at += 1
                values += 1
            if is_sum:
                terms[first[row] + k, 0] = version[read, width]
            else:
                got[k] = version[read, width]
        if not is_row:
            stored[turn - len(order)] = got[0]
            continue
        bits = 8 << width
        shift = np.int64(p[row])
        kind = _SUM if is_sum else op[row]
        if kind == _SHR:
            shift = min(shift, bits - 1)
        elif kind == _LOW or kind == _LOWS:  # noqa: PLR1714, SIM109
            # From the lane's width on, nothing is dropped: shift by 0 to both sides.
            shift = bits - min(shift, bits)
            kind = _LOWS if shift == 0 else kind
        elif kind == _TABLE:
            shift = table_base[shift, width]
        code[at, 0], code[at, 1] = 4 * instructions[kind] + width, values
        code[at, 2:6] = got
        code[at, 6] = shift
        if is_sum:
            code[at, 6], code[at, 7] = count[row], first[row]
            for k in range(count[row]):
                terms[first[row] + k, 1] = factor[first[row] + k]
        at += 1
        version[row, width] = values
        value_lane[values] = width
        values += 1
    return code[:at].copy(), terms, value_lane[:values], source[:values], stored


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
