"""How many carry cells each row takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgetrig.circuit import Circuit, Op, live_rows
from edgetrig.optimize.bit_nets import chained
from edgetrig.optimize.delays import delays_of
from edgetrig.optimize.fabric import Fabric, compared_bits, fabric_of
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.work import Floats, constant_sum_bits, sum_bits

_CHAINED = ("sum", "constant sum", "negation", "ternary", "ternary to logic")


def carry_cells(circuit: Circuit, family: str, done: Mapping[str, Floats]) -> Ints:
    """Return the carry cells of every row, shape (rows,).

    Parameters
    ----------
    circuit
        The circuit.
    family
        Name of the device family (`edgetrig.optimize.DELAYS`).
    done
        Its `work` on that family.
    """
    fabric = fabric_of(family)
    if delays_of(family).lut_inputs < 6:
        return _own(circuit, fabric)
    # A slice compares two bits in each of its places.
    bits = sum(done[kind] for kind in _CHAINED) + done["less"] / 2
    cells: Ints = np.ceil(np.where(bits < fabric.fewest_bits, 0, bits) / fabric.carry_bits)
    return cells.astype(np.int64)


def _own(circuit: Circuit, fabric: Fabric) -> Ints:
    """Return the cells where the chain's own LUTs add."""
    rows, constant = circuit.rows, circuit.constant
    live = live_rows(rows.operands, circuit.output_rows) & ~constant
    with_constant = constant[rows.a] != constant[rows.b]
    sums = np.where(with_constant, constant_sum_bits(circuit), sum_bits(circuit))
    added = fabric.cells(np.where(np.isin(rows.op, (Op.ADD, Op.SUB)), sums, circuit.widths))
    compared = fabric.comparison_cells(*compared_bits(circuit))
    cells = np.where(np.isin(rows.op, (Op.ADD, Op.SUB, Op.NEG, Op.ADD3)), added, 0)
    cells = np.where(chained(circuit, 4, fabric), compared, cells)
    if not fabric.carry_luts:
        # A sum's last bit has a LUT only; the first carry of a limit is a bit or a constant.
        cells -= (cells > 0) & ((rows.op != Op.LT) | with_constant)
    return np.where(live, cells, 0)
