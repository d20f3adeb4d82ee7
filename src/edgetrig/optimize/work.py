"""How much work of each kind a row is: what prices are put on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, live_rows
from edgetrig.optimize.bit_nets import chained, side_by_side, still_bits
from edgetrig.optimize.lut_cover import lut_cover
from edgetrig.optimize.rows import Ints

Floats = NDArray[np.float64]

KINDS = (
    "sum",
    "subtraction",
    "constant sum",
    "inversion",
    "negation",
    "ternary",
    "ternary to logic",
    "less",
    "less than constant",
    "logic",
    "logic in sums",
    "table",
    "product",
)
"""Kinds of work; `work` says what is counted of each."""


def work(circuit: Circuit, lut_inputs: int) -> dict[str, Floats]:
    """Return, for every kind of work, how much of it each row is; each of shape (rows,).

    - ``sum``: bits of a sum of two that take a LUT (`sum_luts`).
    - ``subtraction``: 1 for each difference of two values.
    - ``constant sum``: bits of a value that a constant is added to, from its lowest on;
      ``inversion``: those in front of the carry chain that the constant inverts.
    - ``negation``: bits of a value that is negated.
    - ``ternary``, ``ternary to logic``: bits of a sum of three that registers alone read, or not.
    - ``less``: bits of each of two values that a carry chain compares by their order;
      ``less than constant``: of one that it compares with a constant.
    - ``logic``: LUTs of choices, bitwise operations, equality, comparisons with constants and
      small look-ups; ``logic in sums`` those that sums may take into theirs (`lut_cover`).
    - ``table``: LUTs of a look-up of more than `lut_inputs` bits (`table_parts`).
    - ``product``: partial products, bit by bit.

    Parameters
    ----------
    circuit
        The circuit; rows that no output needs are no work.
    lut_inputs
        Inputs of a LUT.
    """
    rows, width, constant = circuit.rows, circuit.widths, circuit.constant
    live = live_rows(rows.operands, circuit.output_rows) & ~constant
    a, b = (np.where(constant[k], 0, width[k]) for k in (rows.a, rows.b))
    with_constant = constant[rows.a] | constant[rows.b]
    sums = np.isin(rows.op, (Op.ADD, Op.SUB))
    two = sums & ~with_constant
    three = rows.op == Op.ADD3
    by_logic = _read_by_logic(circuit)
    with_bits, inverted = _constant_sums(circuit)
    cover = lut_cover(circuit, lut_inputs, np.ones(len(rows)))
    amounts = {
        "sum": np.where(two, sum_luts(circuit, lut_inputs), 0),
        "subtraction": np.where(two & (rows.op == Op.SUB), 1, 0),
        "constant sum": with_bits,
        "inversion": inverted,
        "negation": np.where(rows.op == Op.NEG, a, 0),
        "ternary": np.where(three & ~by_logic, _ternary_bits(circuit), 0),
        "ternary to logic": np.where(three & by_logic, _ternary_bits(circuit), 0),
        "less": np.where(chained(circuit, lut_inputs) & ~with_constant, np.maximum(a, b), 0),
        "less than constant": _with_constants(circuit, lut_inputs),
        "logic": cover.luts,
        "logic in sums": cover.in_sums,
        "table": _table_parts(circuit, lut_inputs),
        "product": np.where(rows.op == Op.MUL, np.where(np.minimum(a, b) < 2, width, a * b), 0),
    }
    return {kind: np.where(live, amounts[kind], 0).astype(np.float64) for kind in KINDS}


def sum_luts(circuit: Circuit, lut_inputs: int) -> Floats:
    """Return the LUTs in front of or within the carry chain of each sum of two.

    Where LUTs have six inputs, the chain adds and the LUT in front of each bit only tells whether
    the operands differ: where one has nothing it is a wire, and ``a - b`` and ``b - a`` have it
    in common. Elsewhere the chain's LUTs add, a bit each.

    Parameters
    ----------
    circuit
        The circuit.
    lut_inputs
        Inputs of a LUT.
    """
    rows = circuit.rows
    # c * 2**k - b needs its low end too.
    low = np.where((rows.op == Op.SUB) & (rows.p < 0), 0, np.abs(rows.p))
    if lut_inputs < 6:
        own = np.where(side_by_side(circuit), 0, circuit.widths - low)
        return np.maximum(own, 0).astype(np.float64)
    luts: Floats = np.maximum(_common_end(circuit) - low, 0) / _both_ways(circuit)
    return luts


def _constant_sums(circuit: Circuit) -> tuple[Ints, Ints]:
    """Return the bits of each sum with a constant, from the lowest that changes on.

    And those that enter its carry chain inverted: where LUTs have six inputs, the chain adds, and
    a bit that is added to 0 is a wire in front of it.
    """
    rows, width, constant = circuit.rows, circuit.widths, circuit.constant
    bits, inverted = np.zeros((2, len(rows)), np.int64)
    still = still_bits(circuit)
    sums = np.isin(rows.op, (Op.ADD, Op.SUB)) & (constant[rows.a] != constant[rows.b])
    for row in np.flatnonzero(sums & (width > 1)).tolist():
        first, shift = bool(constant[rows.a[row]]), int(rows.p[row])
        other, known = (rows.b, rows.a) if first else (rows.a, rows.b)
        places = shift if first else -shift
        low, end = max(places, 0), int(width[other[row]]) + max(places, 0)
        value = int(rows.lo[known[row]]) << max(-places, 0)
        value = ~value if rows.op[row] == Op.SUB else value
        if end > still[row]:
            bits[row] = end - still[row]
            inverted[row] = (value >> low & (1 << (end - low)) - 1).bit_count()
    return bits, inverted


def _with_constants(circuit: Circuit, lut_inputs: int) -> Ints:
    """Return the bits of comparisons by order with a constant that take a carry chain.

    Without the highest, and without the one whose LUT the logic that reads the answer takes in.
    """
    rows, width, constant = circuit.rows, circuit.widths, circuit.constant
    read = np.where(constant[rows.a], width[rows.b], width[rows.a])
    chains = chained(circuit, lut_inputs) & (constant[rows.a] | constant[rows.b])
    logic = np.isin(rows.op, (Op.SELECT, Op.AND, Op.OR, Op.XOR))
    by_others = np.zeros(len(rows), np.bool_)
    by_others[circuit.output_rows] = True
    readers = rows.operands[~logic]
    by_others[readers[readers >= 0]] = True
    bits: Ints = np.where(chains, read - np.where(by_others, 1, 2), 0)
    return bits


def _common_end(circuit: Circuit) -> Ints:
    """Return the end of the bits at which both operands of a sum of two have something.

    Where both are signs repeated, one LUT serves all places.
    """
    rows, width = circuit.rows, circuit.widths
    own_a = width[rows.a] + np.maximum(-rows.p, 0)
    own_b = width[rows.b] + np.maximum(rows.p, 0)
    signed_a, signed_b = (np.asarray(rows.lo[k] < 0, np.bool_) for k in (rows.a, rows.b))
    end_a, end_b = np.where(signed_a, width, own_a), np.where(signed_b, width, own_b)
    end: Ints = np.minimum(np.minimum(end_a, end_b), np.minimum(width, np.maximum(own_a, own_b)))
    return end


def _both_ways(circuit: Circuit) -> Ints:
    """Return 2 for ``a - b`` where there is ``b - a`` too, else 1: their bits differ alike."""
    rows = circuit.rows
    ways = np.ones(len(rows), np.int64)
    plain = np.flatnonzero((rows.op == Op.SUB) & (rows.p == 0))
    pairs = np.stack([rows.a[plain], rows.b[plain]], axis=1)
    _, group, count = np.unique(
        np.sort(pairs, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    ways[plain] = count[group.ravel()]
    return ways


def _ternary_bits(circuit: Circuit) -> Ints:
    """Bits at which two operands of a sum of three have something."""
    rows = circuit.rows
    operands = np.stack([rows.a, rows.b, rows.c])
    low = np.sort(np.where(rows.op[operands] == Op.SHL, rows.p[operands], 0), axis=0)[1]
    bits: Ints = np.maximum(circuit.widths - low, 0)
    return bits


def _read_by_logic(circuit: Circuit) -> NDArray[np.bool_]:
    """Return which rows anything but a register reads."""
    rows = circuit.rows
    by_logic = np.zeros(len(rows), np.bool_)
    by_logic[circuit.output_rows] = True
    read = rows.operands[rows.op != Op.REG]
    by_logic[read[read >= 0]] = True
    return by_logic


def _table_parts(circuit: Circuit, lut_inputs: int) -> Floats:
    parts = np.zeros(len(circuit), np.float64)
    known: dict[tuple[int, int, bool], float] = {}
    large = circuit.widths[circuit.rows.a] > lut_inputs
    in_sums = _read_by_one_sum(circuit)
    for row in np.flatnonzero((circuit.rows.op == Op.TABLE) & large).tolist():
        key = int(circuit.rows.p[row]), int(circuit.widths[row]), bool(in_sums[row])
        if key not in known:
            values = circuit.tables[key[0]].values
            known[key] = table_parts(values, key[1], lut_inputs, in_sum=key[2])
        parts[row] = known[key]
    return parts


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


def table_parts(values: Ints, width: int, lut_inputs: int, *, in_sum: bool = False) -> float:
    """Return the LUTs of a look-up: its different truth tables and the choices among them.

    Parameters
    ----------
    values
        The entries.
    width
        Bits of an entry.
    lut_inputs
        Inputs of a LUT.
    in_sum
        Whether a sum alone reads it: where LUTs have six inputs, its LUTs take choices in.
    """
    size = 1 << lut_inputs
    blocks = np.pad(values, (0, -len(values) % size), mode="edge").reshape(-1, size)
    index = (len(blocks) - 1).bit_length()
    total = 0.0
    for bit in range(width):
        leaves = np.unique((blocks >> bit) & 1, axis=0)
        inputs = [_inputs(leaf) for leaf in leaves]
        moving = sum(count > 0 for count in inputs)
        choices = max(0.0, (len(leaves) - 4) / 3)
        if lut_inputs == 6:
            # A LUT chooses among four; a sum's has an input for its other operand.
            choices = np.ceil((len(leaves) - 1) / 3) if moving + index > 1 else 0.0
            choices -= bool(choices) and in_sum and moving + index < lut_inputs
        total += sum(count > 1 for count in inputs) + choices
    return total


def _inputs(leaf: Ints) -> int:
    """Return how many bits of its index a truth table depends on."""
    ones = leaf.reshape((2,) * (len(leaf).bit_length() - 1))
    return sum((ones.take(0, k) != ones.take(1, k)).any() for k in range(ones.ndim))
