"""From the rows of a circuit to vector instructions on numbered values, for every engine.

A value is kept in a lane of 8, 16, 32 or 64 bits, signed. Sums, products, bitwise operations and
the like are exact modulo ``2**bits``, so they are computed in the narrowest lane that holds their
*result*, from operands cut to that lane; the same value may be present in several lanes. Only
comparisons, right shifts and tables need lanes that hold their operands.

Additions, subtractions, shifts to the left and multiplications by constants are sums of multiples,
``constant + factor * value + ...``, again modulo ``2**bits``. What hardware shares to save adders
can be gathered into longer sums: for a processor a product costs no more than an addition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.emulate.gather import SUMMED, gather
from edgetrig.emulate.kernels import INSTRUCTIONS, LANES
from edgetrig.emulate.sums import binary_sums
from edgetrig.jit import jit

Ints = NDArray[np.int64]

_INPUT, _CONST, _REG, _TABLE = int(Op.INPUT), int(Op.CONST), int(Op.REG), int(Op.TABLE)
_ADD, _SUB, _NEG, _MUL = int(Op.ADD), int(Op.SUB), int(Op.NEG), int(Op.MUL)
_SHL, _SHR, _LOW, _LOWS = int(Op.SHL), int(Op.SHR), int(Op.LOW), int(Op.LOWS)
_LT, _EQ, _SELECT = int(Op.LT), int(Op.EQ), int(Op.SELECT)
# What rows turn into on the way to instructions: a SELECT by a LT of its own, the same that picks
# the smaller or larger of the two numbers compared, and any sum of multiples.
_PICK, _MIN, _MAX, _SUM, _CONVERT = range(len(Op), len(Op) + 5)


@dataclass(frozen=True)
class Lowered:
    """A circuit as vector instructions that each make one numbered value.

    Parameters
    ----------
    code
        Instructions in order, int32, shape (n, 8): ``4 * instruction + lane``, instructions as
        numbered by `edgetrig.emulate.kernels.INSTRUCTIONS`; the value made; up to four values
        read (-1: none); the parameter (a shift, the number of a table, the terms of a sum); a sum's
        first line in `terms`, else -1.
    terms
        Lines (value, factor) of sums; the first line of each sum is (-1, constant).
    lane
        Lane of each value.
    element
        Of each value: which element of the inputs it is, or -1.
    constant
        Of each value: whether it is a constant.
    number
        Of each value: the constant.
    stored
        The values that are outputs, in order.
    lo, hi
        Of each value: the interval of the numbers that it takes in its lane.
    """

    code: NDArray[np.int32]
    terms: Ints
    lane: Ints
    element: Ints
    constant: NDArray[np.bool_]
    number: Ints
    stored: Ints
    lo: Ints
    hi: Ints

    @property
    def given(self) -> NDArray[np.bool_]:
        """Whether each value is there before the first instruction: an input or a constant."""
        return np.asarray(self.constant | (self.element >= 0))


def fits_lanes(circuit: Circuit) -> bool:
    """Return whether every value of the circuit fits a signed number of 64 bits."""
    ports = all(object not in (port.lo.dtype, port.hi.dtype) for port in circuit.inputs)
    tables = all(abs(table.start) < 1 << 30 for table in circuit.tables)
    return ports and tables and bool(_signed_widths(circuit).max(initial=0) <= 64)


def lower(circuit: Circuit, *, sizes: tuple[int, ...], narrowest: int = 0) -> Lowered:
    """Lower a circuit whose values fit 64 bits (`fits_lanes`).

    Parameters
    ----------
    sizes
        Shared sums are computed anew in their readers up to such a size, in terms (``-1``: no sums
        are gathered at all); the size that costs least is taken.
    narrowest
        Narrowest lane to use.
    """
    ternary = circuit.rows.op == Op.ADD3
    inner = np.repeat(ternary, 1 + ternary)
    circuit = binary_sums(circuit)
    rows = circuit.rows
    own = np.searchsorted([8, 16, 32, 64], _signed_widths(circuit)).clip(narrowest)
    op, operands, outputs = _merged(circuit)
    order = _order(operands, outputs)
    value = np.where(op == _CONST, rows.lo, 0).astype(np.int64)
    choices = [gather(op, operands, rows.p, value, order, outputs, size) for size in sizes]
    sums = min(choices, key=lambda choice: choice[-1])[:-1]
    lane = _lanes(op, operands, own, order, outputs, *sums)
    code, terms, value_lane, source, stored = _emit(
        op, operands, rows.p, lane, order, outputs, _instructions(), *sums
    )
    given = np.ones(len(source), np.bool_)
    given[code[:, 1]] = False
    is_input, is_constant = given & (op[source] == _INPUT), given & (op[source] == _CONST)
    # A lane too narrow for a row, or for a part of a ternary sum, holds any number of its own.
    whole = (value_lane >= own[source]) & ~inner[source]
    half = np.int64(1) << (8 << value_lane) - 1
    return Lowered(
        code,
        terms,
        value_lane,
        np.where(is_input, rows.p[source], -1).astype(np.int64),
        is_constant,
        np.where(is_constant, value[source], 0),
        stored,
        np.where(whole, rows.lo[source], -half).astype(np.int64),
        np.where(whole, rows.hi[source], half - 1).astype(np.int64),
    )


def _instructions() -> Ints:
    """Return the number of the instruction for each operation."""
    extra = {_PICK: "pick", _MIN: "min", _MAX: "max", _SUM: "sum", _CONVERT: "convert"}
    names = {int(op): op.name.lower() for op in Op} | extra
    numbers = {name: number for number, name in enumerate(INSTRUCTIONS)}
    return np.array([numbers.get(names[k], -1) for k in range(len(names))])


def _signed_widths(circuit: Circuit) -> Ints:
    return circuit.widths + np.asarray(circuit.rows.lo >= 0, np.bool_)


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
    _name_clips(op, operands, rows.p, rows.lo)
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
    op[by_constant | np.isin(op, (_ADD, _SUB, _NEG, _SHL))] += SUMMED
    return op, operands, outputs


def _name_clips(op: Ints, operands: Ints, p: NDArray[np.int32], lo: Ints) -> None:
    """Turn clips into MIN and MAX where the comparison reads another row than the choice, in place.

    What is shifted in between has the same sign: ``x < 0 ? 0 : x >> p`` is ``max(x >> p, 0)``. And
    where ``x >= 0``, ``(x >> p) < 1 ? x : 2**p - 1`` is ``min(x, 2**p - 1)``.
    """
    a, b, c, _ = operands.T.copy()
    x, y = operands[a, 0], operands[a, 1]
    selects = (op == _SELECT) & (op[a] == _LT) & (op[y] == _CONST)
    lower = selects & (lo[y] == 0) & (b == y) & (op[c] == _SHR) & (operands[c, 0] == x)
    upper = selects & (lo[y] == 1) & (op[x] == _SHR) & (operands[x, 0] == b) & (lo[b] >= 0)
    upper &= (op[c] == _CONST) & (p[x] < 62) & (lo[c] + 1 == np.int64(1) << p[x].clip(0, 62))
    nothing = np.full_like(x, -1)
    op[lower], op[upper] = _MAX, _MIN
    operands[lower] = np.stack([c, y, nothing, nothing], axis=1)[lower]
    operands[upper] = np.stack([b, c, nothing, nothing], axis=1)[upper]


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


@jit
def _emit(  # noqa: PLR0912, PLR0915 - reads, then the instruction
    op: Ints,
    operands: Ints,
    p: NDArray[np.int32],
    lane: Ints,
    order: Ints,
    outputs: Ints,
    instructions: Ints,
    first: Ints,
    count: Ints,
    term_row: Ints,
    factor: Ints,
) -> tuple[NDArray[np.int32], Ints, Ints, Ints, Ints]:
    """Return instructions and terms over numbered values, each value's lane and row, outputs."""
    most = LANES * len(order) + 1
    code = np.full((most, 8), -1, np.int32)
    terms = np.full((len(term_row), 2), -1)
    version = np.full((len(op), LANES), -1, np.int32)
    value_lane, source = np.zeros(most, np.int64), np.zeros(most, np.int64)
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
                value_lane[values], source[values] = width, read
                if op[read] != _CONST:
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
        code[at, 0], code[at, 1] = 4 * instructions[kind] + width, values
        for k in range(4):
            code[at, 2 + k] = got[k]
        code[at, 6] = shift
        if is_sum:
            code[at, 6], code[at, 7] = count[row], first[row]
            for k in range(count[row]):
                terms[first[row] + k, 1] = factor[first[row] + k]
        at += 1
        version[row, width] = values
        value_lane[values], source[values] = width, row
        values += 1
    return code[:at].copy(), terms, value_lane[:values], source[:values], stored
