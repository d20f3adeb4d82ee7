"""About how many LUTs each row takes, for choices between ways to compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.delays import delays_of


def row_luts(circuit: Circuit, family: str = "UltraScale+") -> NDArray[np.float64]:
    """Return an estimate of the LUTs and inverters of every row, shape (rows,).

    Sums take a LUT a bit. What is not a sum merges with its neighbours: the parts of a LUT a bit
    are those that `edgetrig.synthesis.estimate` was calibrated to.

    Parameters
    ----------
    circuit
        The circuit.
    family
        Name of the device family (`edgetrig.optimize.DELAYS`).

    Raises
    ------
    Error
        If the family is unknown.
    """
    rows, width = circuit.rows, circuit.widths
    constant = circuit.constant
    a, b = (np.where(constant[k], 0, width[k]) for k in (rows.a, rows.b))
    with_constant = np.where((a == 0) | (b == 0), 0.5, 1.0)
    luts = np.zeros(len(rows))
    kinds: tuple[tuple[tuple[Op, ...], Any], ...] = (
        ((Op.ADD, Op.SUB), sum_bits(circuit)),
        ((Op.ADD3, Op.NEG), width),
        ((Op.MUL,), a * b),
        ((Op.LT,), np.maximum(a, b) * np.where(with_constant < 1, 0.18, 0.55)),
        ((Op.EQ,), np.maximum(a, b) * 0.35),
        ((Op.SELECT,), np.where(constant[rows.b] | constant[rows.c], 0.1, 0.2) * width),
        ((Op.AND, Op.OR, Op.XOR), np.minimum(a, b) * 0.5),
        ((Op.TABLE,), width * np.maximum(2.0 ** (a - 6), np.minimum(a, 1))),
    )
    for ops, cost in kinds:
        mask = np.isin(rows.op, ops)
        luts[mask] = np.asarray(cost, np.float64)[mask]
    sums = np.isin(rows.op, (Op.ADD, Op.SUB))
    luts[sums] *= with_constant[sums]
    luts[constant] = 0.0
    if delays_of(family).lut_inputs < 6:
        luts *= 1.4
    return luts


def sum_bits(circuit: Circuit) -> NDArray[Any]:
    """Return the bits at which both operands of a sum of two have something."""
    rows, width = circuit.rows, circuit.widths
    end_a, end_b = (
        np.where(np.asarray(rows.lo[k] >= 0, np.bool_), width[k] + shift, width)
        for k, shift in ((rows.a, np.maximum(-rows.p, 0)), (rows.b, np.maximum(rows.p, 0)))
    )
    top = np.minimum(np.minimum(end_a, end_b), width)
    # c * 2**k - b needs its low end too.
    low = np.where((rows.op == Op.SUB) & (rows.p < 0), 0, np.abs(rows.p))
    bits: NDArray[Any] = np.maximum(top - low, 0)
    return bits
