"""How many clock cycles each value is away from the inputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.delays import Delays
from edgetrig.optimize.stages import Flow, soonest


class SlowRow(NamedTuple):
    """The operation that takes longest: its row, and its time in ns, registers included."""

    row: int
    clock_ns: float


def cycles_needed(circuit: Circuit, delays: Delays, clock_ns: float) -> NDArray[np.int64]:
    """Return after how many clock cycles each row can be in a register at the soonest.

    Registers that the circuit has are looked through. An operation longer than a clock period
    counts as one cycle (`slowest_row` finds it).

    Parameters
    ----------
    circuit
        Any circuit.
    delays
        The device family's.
    clock_ns
        Clock period in ns.
    """
    rows = circuit.rows
    reads = (rows.operands >= 0) & ~circuit.constant[rows.operands]
    operands = np.where(reads, rows.operands, -1).astype(np.int32)
    delay = np.where(rows.op == Op.REG, 0.0, delays.of(circuit))
    budget = clock_ns - delays.register
    none = np.zeros(len(rows), np.bool_)
    flow = Flow(operands, np.minimum(delay, budget), circuit.widths, none, none)
    return soonest(flow, budget) + 1


def slowest_row(circuit: Circuit, delays: Delays) -> SlowRow:
    """Return the operation that no clock can be faster than, by the delay model."""
    delay = np.where(circuit.rows.op == Op.REG, 0.0, delays.of(circuit))
    row = int(delay.argmax())
    return SlowRow(row, float(delay[row]) + delays.register)
