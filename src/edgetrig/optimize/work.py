"""How much work of each kind a row is: what prices are put on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import ADDERS, Circuit, Op, live_rows, read_by_registers
from edgetrig.optimize.bit_nets import chained, side_by_side, still_bits
from edgetrig.optimize.delays import delays_of
from edgetrig.optimize.fabric import Fabric, compared_bits, fabric_of
from edgetrig.optimize.look_ups import look_up_luts
from edgetrig.optimize.lut_cover import lut_cover
from edgetrig.optimize.narrow import demanded_bits
from edgetrig.optimize.rows import Ints

Floats = NDArray[np.float64]

_MADE_BY_LUTS = (*ADDERS, Op.SELECT, Op.AND, Op.OR, Op.XOR, Op.TABLE)

KINDS = (
    "sum",
    "subtraction",
    "subtracted",
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


def work(circuit: Circuit, family: str) -> dict[str, Floats]:
    """Return, for every kind of work, how much of it each row is; each of shape (rows,).

    - ``sum``: LUTs of a sum of two (`sum_luts`).
    - ``subtraction``: 1 for each difference of two values; ``subtracted``: bits that carry cells
      would have to invert and cannot (`_subtracted`).
    - ``constant sum``: bits of a value that a constant is added to, from its lowest on;
      ``inversion``: those in front of the carry chain that the constant inverts.
    - ``negation``: bits of a value that is negated.
    - ``ternary``: bits of a sum of three that registers alone read; ``ternary to logic``: LUTs of
      any other, a majority and a sum for each bit.
    - ``less``: bits of each of two values that a carry chain compares by their order;
      ``less than constant``: of one that it compares with a constant.
    - ``logic``: LUTs of choices, bitwise operations, equality, comparisons with constants and
      small look-ups; ``logic in sums`` those that sums may take into theirs (`lut_cover`).
    - ``table``: LUTs of a look-up of more bits than a LUT has inputs (`look_up_luts`).
    - ``product``: partial products, bit by bit.

    Where a carry chain's own LUTs add, sums, negations and comparisons count those
    (`Fabric`), and not bits; where they stand beside the chain, only those of bits that are
    read.

    Parameters
    ----------
    circuit
        The circuit; rows that no output needs are no work.
    family
        Name of the device family (`edgetrig.optimize.DELAYS`).
    """
    lut_inputs, fabric = delays_of(family).lut_inputs, fabric_of(family)
    rows, width, constant = circuit.rows, circuit.widths, circuit.constant
    live = live_rows(rows.operands, circuit.output_rows) & ~constant
    a, b = (np.where(constant[k], 0, width[k]) for k in (rows.a, rows.b))
    with_constant = constant[rows.a] | constant[rows.b]
    two = np.isin(rows.op, (Op.ADD, Op.SUB)) & ~with_constant
    ternary = np.where(rows.op == Op.ADD3, _ternary_bits(circuit), 0)
    registered = read_by_registers(rows.op, rows.operands, circuit.output_rows)
    own = lut_inputs < 6  # the chain's LUTs add
    with_bits, inverted = _constant_sums(circuit, fabric if own else None)
    negated = fabric.sum_luts(width) if own else a
    less = np.where(chained(circuit, lut_inputs, fabric), np.maximum(a, b), 0)
    if own:
        less = _comparison_luts(circuit, fabric)
    cover = lut_cover(circuit, family, np.ones(len(rows)))
    amounts = {
        "sum": np.where(two, sum_luts(circuit, lut_inputs, fabric), 0),
        "subtraction": np.where(two & (rows.op == Op.SUB), 1, 0),
        "subtracted": _subtracted(circuit, live) if own else np.zeros(len(rows)),
        "constant sum": with_bits,
        "inversion": inverted,
        "negation": np.where(rows.op == Op.NEG, negated, 0),
        "ternary": np.where(registered, ternary, 0),
        # As two numbers and their sum; the two highest bits share theirs.
        "ternary to logic": np.where(registered, 0, np.maximum(2 * ternary - 2, 0)),
        "less": np.where(with_constant, 0, less),
        "less than constant": np.where(with_constant, less, 0),
        "logic": cover.luts,
        "logic in sums": cover.in_sums,
        "table": look_up_luts(circuit, lut_inputs, fabric),
        "product": np.where(rows.op == Op.MUL, np.where(np.minimum(a, b) < 2, width, a * b), 0),
    }
    if own and not fabric.carry_luts:
        for kind in ("sum", "constant sum", "negation"):
            amounts[kind] = np.minimum(amounts[kind], cover.bits_read)
    return {kind: np.where(live, amounts[kind], 0).astype(np.float64) for kind in KINDS}


def sum_luts(circuit: Circuit, lut_inputs: int, fabric: Fabric) -> Floats:
    """Return the LUTs in front of or within the carry chain of each sum of two.

    Where LUTs have six inputs, the chain adds and the LUT in front of each bit only tells whether
    the operands differ: where one has nothing it is a wire, and ``a - b`` and ``b - a`` have it
    in common. Elsewhere the chain's LUTs add.

    Parameters
    ----------
    circuit
        The circuit.
    lut_inputs
        Inputs of a LUT.
    fabric
        The family's carry chains.
    """
    if lut_inputs < 6:
        return fabric.sum_luts(sum_bits(circuit)).astype(np.float64)
    low = _low_end(circuit)
    luts: Floats = np.maximum(_common_end(circuit) - low, 0) / _both_ways(circuit)
    return luts


def sum_bits(circuit: Circuit) -> Ints:
    """Return the bits of each sum of two that a carry chain adds."""
    own = np.where(side_by_side(circuit), 0, circuit.widths - _low_end(circuit))
    bits: Ints = np.maximum(own, 0)
    return bits


def constant_sum_bits(circuit: Circuit) -> Ints:
    """Return the bits of each sum with a constant that a carry chain adds."""
    rows = circuit.rows
    # Below a value that is subtracted stand the constant's own bits.
    from_constant = (rows.op == Op.SUB) & circuit.constant[rows.a]
    below = np.where(from_constant, np.maximum(rows.p, 0), 0)
    bits: Ints = np.maximum(circuit.widths - np.maximum(still_bits(circuit), below), 0)
    return bits


def _low_end(circuit: Circuit) -> Ints:
    """Return how many low bits of each sum are those of one operand."""
    rows = circuit.rows
    # c * 2**k - b needs its low end too.
    low: Ints = np.where((rows.op == Op.SUB) & (rows.p < 0), 0, np.abs(rows.p)).astype(np.int64)
    return low


def _subtracted(circuit: Circuit, live: NDArray[np.bool_]) -> Ints:
    """Return the bits of each value subtracted, at the first row that subtracts it.

    Nothing for what a LUT makes that rows read which subtract it, and no other: it makes the
    inverse.
    """
    rows, constant = circuit.rows, circuit.constant
    compared = (rows.op == Op.LT) & ~constant[rows.a]
    known = np.where(rows.op == Op.NEG, rows.a, rows.b)
    subtracts = live & ~constant[known] & (np.isin(rows.op, (Op.SUB, Op.NEG)) | compared)
    value, first, times = np.unique(known[subtracts], return_index=True, return_counts=True)
    read = rows.operands[live]
    readers = np.bincount(read[read >= 0], minlength=len(rows))
    readers[circuit.output_rows] += 1
    inverse = np.isin(rows.op[value], _MADE_BY_LUTS) & (readers[value] == times)
    bits = np.zeros(len(rows), np.int64)
    bits[np.flatnonzero(subtracts)[first]] = np.where(inverse, 0, circuit.widths[value])
    return bits


def _constant_sums(circuit: Circuit, fabric: Fabric | None) -> tuple[Ints, Ints]:
    """Return the bits of each sum with a constant, from the lowest that changes on.

    And those that enter its carry chain inverted: where LUTs have six inputs, the chain adds, and
    a bit that is added to 0 is a wire in front of it. With the `fabric` of a family whose
    chains' own LUTs add, these LUTs, and the one that inverts the lowest bit.
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
    if fabric:
        own = np.where(bits, constant_sum_bits(circuit), 0)
        chain = own >= fabric.fewest_bits
        luts = np.where(chain, fabric.sum_luts(own) + bool(fabric.carry_luts), own)
        return luts, np.zeros_like(bits)
    return bits, inverted


def _comparison_luts(circuit: Circuit, fabric: Fabric) -> Ints:
    """Return the LUTs of comparisons by order whose chain's own LUTs add.

    The LUT that has the answer is that of the logic which reads it, where nothing else does.
    """
    rows = circuit.rows
    bits, signed = compared_bits(circuit)
    by_others = np.zeros(len(rows), np.bool_)
    by_others[circuit.output_rows] = True
    readers = rows.operands[~np.isin(rows.op, (Op.SELECT, Op.AND, Op.OR, Op.XOR))]
    by_others[readers[readers >= 0]] = True
    luts = fabric.comparison_cells(bits, signed) * fabric.carry_luts + by_others
    return np.where(chained(circuit, 4, fabric), luts, 0)


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
    bits: Ints = np.maximum(np.minimum(circuit.widths, demanded_bits(circuit)) - low, 0)
    return bits
