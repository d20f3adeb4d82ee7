"""Pipelining: registers put in so that no stage takes longer than a clock period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.errors import CircuitError
from edgetrig.jit import jit
from edgetrig.optimize.delays import Delays
from edgetrig.optimize.rows import Edit, Ints

_STEPS = 40
"""Halvings when looking for the shortest period of a given latency."""


def pipeline(
    circuit: Circuit, delays: Delays, *, clock_ns: float | None = None, latency: int | None = None
) -> Circuit:
    """Return the circuit with registers; a new event can enter every clock cycle.

    Inputs are taken as registered outside; outputs come from registers. Either the clock period or
    the latency is given; of two placements, every operation as soon or as late as it can be, the
    one with fewer register bits is taken.

    Parameters
    ----------
    circuit
        A combinational circuit.
    delays
        The device family's.
    clock_ns
        Clock period in ns; an operation longer than that gets a stage of its own.
    latency
        Clock cycles from input to output, at least 1: the stages are made as short as possible.

    Raises
    ------
    CircuitError
        If neither or both are given, or are not positive, or the circuit has registers already.
    """
    if (clock_ns is None) == (latency is None):
        raise CircuitError("give either a clock period or a latency to pipeline for")
    if circuit.count(Op.REG):
        raise CircuitError("the circuit has registers already; pipeline the combinational one")
    delay = delays.of(circuit)
    if latency is not None:
        budget = _shortest(circuit, delay, latency)
    else:
        budget = float(clock_ns or 0) - delays.register
        if not budget > 0:
            raise CircuitError(
                f"a clock of {clock_ns} ns leaves no time for logic; registers take"
                f" {delays.register} ns"
            )
    soon = _stages(circuit, delay, budget)
    late = _mirrored(circuit, delay, budget, int(soon.max(initial=0)))
    soon, late = (_after_wiring(circuit, stage) for stage in (soon, late))
    best = min((soon, late), key=lambda stage: _register_bits(circuit, stage))
    return _with_registers(circuit, best, latency)


def stage_delay(circuit: Circuit, delays: Delays) -> float:
    """Return the longest delay between registers in ns, registers included: the clock period."""
    delay = delays.of(circuit)
    arrival = _arrival(circuit.rows.operands, delay, circuit.rows.op == Op.REG)
    return float(arrival.max(initial=0.0)) + delays.register


@jit
def _arrival(
    operands: NDArray[np.int32], delay: NDArray[np.float64], is_register: NDArray[np.bool_]
) -> NDArray[np.float64]:
    arrival = np.zeros(len(operands))
    for row in range(len(operands)):
        if not is_register[row]:
            for k in range(3):
                if operands[row, k] >= 0:
                    arrival[row] = max(arrival[row], arrival[operands[row, k]])
        else:
            arrival[row] = 0.0
        arrival[row] += delay[row]
    return arrival


def _shortest(circuit: Circuit, delay: NDArray[np.float64], latency: int) -> float:
    """Return the least time a stage needs for the whole to fit `latency` stages."""
    if latency < 1:
        raise CircuitError(f"a latency of {latency} clock cycles: use 1 or more")
    low = float(delay.max(initial=0.0))
    high = max(float(_arrival(circuit.rows.operands, delay, circuit.rows.op == Op.REG).max()), low)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _stages(circuit, delay, middle).max(initial=0) < latency:
            high = middle
        else:
            low = middle
    return high


def _stages(circuit: Circuit, delay: NDArray[np.float64], budget: float) -> Ints:
    return _as_soon(circuit.rows.operands, delay, budget)


@jit
def _as_soon(operands: NDArray[np.int32], delay: NDArray[np.float64], budget: float) -> Ints:
    """Return the earliest stage of every row."""
    count = len(operands)
    stage, ready = np.zeros(count, np.int64), np.zeros(count)
    for row in range(count):
        for k in range(3):
            operand = operands[row, k]
            if operand < 0:
                continue
            if stage[operand] > stage[row]:
                stage[row], ready[row] = stage[operand], ready[operand]
            elif stage[operand] == stage[row]:
                ready[row] = max(ready[row], ready[operand])
        # Wiring takes no time: it never starts a stage, not even behind an operation too long.
        if delay[row] > 0 and ready[row] > 0 and ready[row] + delay[row] > budget + 1e-9:
            stage[row] += 1
            ready[row] = 0.0
        ready[row] += delay[row]
    return stage


def _mirrored(circuit: Circuit, delay: NDArray[np.float64], budget: float, last: int) -> Ints:
    """Return the latest stage of every row."""
    stage = _as_late(circuit.rows.operands, delay, budget, last)
    stage[circuit.rows.op == Op.INPUT] = 0
    return stage


@jit
def _as_late(
    operands: NDArray[np.int32], delay: NDArray[np.float64], budget: float, last: int
) -> Ints:
    count = len(operands)
    stage, needed = np.full(count, last, np.int64), np.zeros(count)
    for row in range(count - 1, -1, -1):
        # `needed` is the time that users in the same stage still take after this row.
        if delay[row] > 0 and needed[row] > 0 and needed[row] + delay[row] > budget + 1e-9:
            stage[row] -= 1
            needed[row] = 0.0
        total = needed[row] + delay[row]
        for k in range(3):
            operand = operands[row, k]
            if operand < 0:
                continue
            if stage[row] < stage[operand]:
                stage[operand], needed[operand] = stage[row], total
            elif stage[row] == stage[operand]:
                needed[operand] = max(needed[operand], total)
    return stage


def _after_wiring(circuit: Circuit, stage: Ints) -> Ints:
    """Put shifts to the left where they are used: their zeros need no registers."""
    last = int(stage.max(initial=0)) + 1
    return _shifts_late(circuit.rows.operands, circuit.rows.op == Op.SHL, stage, last)


@jit
def _shifts_late(
    operands: NDArray[np.int32],
    is_shift: NDArray[np.bool_],
    stage: Ints,
    last: int,
) -> Ints:
    stage = stage.copy()
    used = np.full(len(stage), last, np.int64)
    for row in range(len(stage) - 1, -1, -1):
        if is_shift[row]:
            stage[row] = used[row]
        for k in range(3):
            operand = operands[row, k]
            if operand >= 0:
                used[operand] = min(used[operand], stage[row])
    return stage


@jit
def _lifetimes(operands: NDArray[np.int32], stage: Ints, outputs: Ints, last: int) -> Ints:
    """Return how many stages each row's value has to be kept for."""
    until = stage.copy()
    for row in outputs:
        until[row] = last
    for row in range(len(stage)):
        for k in range(3):
            operand = operands[row, k]
            if operand >= 0:
                until[operand] = max(until[operand], stage[row])
    return until - stage


def _register_bits(circuit: Circuit, stage: Ints) -> int:
    last = int(stage.max(initial=0)) + 1
    kept = _lifetimes(circuit.rows.operands, stage, circuit.output_rows, last)
    constant = np.asarray(circuit.rows.lo == circuit.rows.hi, np.bool_)
    return int((np.where(constant, 0, kept) * circuit.widths).sum())


def _with_registers(circuit: Circuit, stage: Ints, latency: int | None) -> Circuit:
    rows = circuit.rows
    last = latency or int(stage[rows.op != Op.SHL].max(initial=0)) + 1
    stage = np.minimum(stage, last)
    kept = _lifetimes(rows.operands, stage, circuit.output_rows, last)
    kept[np.asarray(rows.lo == rows.hi, np.bool_)] = 0
    edit = Edit(circuit)
    # delayed[k][row] is the row's value k cycles later.
    delayed = [np.arange(len(rows))]
    for cycles in range(1, int(kept.max(initial=0)) + 1):
        which = np.flatnonzero(kept >= cycles)
        later = delayed[-1].copy()
        later[which] = edit.add(
            Op.REG, a=later[which], fraction=rows.fraction[which], origin=rows.origin[which]
        )
        delayed.append(later)
    table = np.stack(delayed)
    for k, name in enumerate("abc"):
        used = rows.operands[:, k] >= 0
        operand = rows.operands[used, k]
        wait = np.minimum(stage[used] - stage[operand], kept[operand])
        edit.columns[name][used] = table[wait, operand]
    outputs = circuit.output_rows
    return edit.circuit(outputs=table[kept[outputs], outputs])
