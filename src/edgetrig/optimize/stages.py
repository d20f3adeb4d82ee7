"""Stages of a pipeline: what time allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Operands = NDArray[np.int32]

SLACK: Final = 1e-9
"""Nanoseconds below which a path counts as fitting: sums of floats differ by their order."""
_HALVINGS = 40


@dataclass(frozen=True)
class Flow:
    """What moves through a pipeline: a row for each value that a register may hold.

    With latency n, stages 0 to n - 1 hold logic and end in registers; rows without delay may
    also follow the last registers, in stage n. Inputs are there from stage 0 on.

    Parameters
    ----------
    operands
        Rows read by each row, shape (rows, 3), -1 where there is none; operands come first.
    delay
        Of each row, in ns.
    bits
        Register bits that keep a row's value for a clock cycle.
    is_input, is_output
        Which rows come from outside, and which have to leave the last registers.
    """

    operands: Operands
    delay: Floats
    bits: Ints
    is_input: Flags
    is_output: Flags

    def cycles_kept(self, stage: Ints, latency: int) -> Ints:
        """Return for how many clock cycles a placement keeps each row's value in registers."""
        return needed_until(self.operands, self.is_output, stage, latency) - stage

    def register_bits(self, stage: Ints, latency: int) -> int:
        """Return the bits of all registers of a placement."""
        return int((self.cycles_kept(stage, latency) * self.bits).sum())


def soonest(flow: Flow, budget: float) -> Ints:
    """Return the first stage each row fits, if stages take no longer than `budget` ns."""
    return _soonest(flow.operands, flow.delay, budget)


def latest(flow: Flow, budget: float, latency: int) -> Ints:
    """Return the last stage each row fits."""
    stage = _latest(flow.operands, flow.delay, budget, latency)
    stage[flow.is_input] = 0
    return stage


def shortest(flow: Flow, latency: int) -> float:
    """Return the least time a stage needs, in ns, for everything to fit `latency` stages."""
    low = float(flow.delay.max(initial=0.0))
    high = max(float(arrival(flow.operands, flow.delay).max(initial=0.0)), low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if soonest(flow, middle).max(initial=0) < latency:
            high = middle
        else:
            low = middle
    return high


@jit
def arrival(operands: Operands, delay: Floats) -> Floats:
    """Return when each row's value is there: the longest path to it, itself included."""
    time = np.zeros(len(operands))
    for row in range(len(operands)):
        for k in range(3):
            if operands[row, k] >= 0:
                time[row] = max(time[row], time[operands[row, k]])
        time[row] += delay[row]
    return time


@jit
def needed_until(operands: Operands, is_output: Flags, stage: Ints, latency: int) -> Ints:
    """Return the last stage that reads each row: `latency` for outputs."""
    until = stage.copy()
    for row in range(len(stage)):
        if is_output[row]:
            until[row] = latency
    for row in range(len(stage)):
        for k in range(3):
            if operands[row, k] >= 0:
                until[operands[row, k]] = max(until[operands[row, k]], stage[row])
    return until


@jit
def _soonest(operands: Operands, delay: Floats, budget: float) -> Ints:
    count = len(operands)
    stage, time = np.zeros(count, np.int64), np.zeros(count)
    for row in range(count):
        for k in range(3):
            operand = operands[row, k]
            if operand < 0:
                continue
            if stage[operand] > stage[row]:
                stage[row], time[row] = stage[operand], time[operand]
            elif stage[operand] == stage[row]:
                time[row] = max(time[row], time[operand])
        time[row] += delay[row]
        if time[row] > budget + SLACK and delay[row] > 0:
            stage[row] += 1
            time[row] = delay[row]
    return stage


@jit
def _latest(operands: Operands, delay: Floats, budget: float, latency: int) -> Ints:
    # `time` is what rows of the same stage still take, from the row's start on.
    stage, time = np.full(len(operands), latency), np.zeros(len(operands))
    for row in range(len(operands)):
        if delay[row] > 0:
            stage[row] = latency - 1
    for row in range(len(operands) - 1, -1, -1):
        time[row] += delay[row]
        if time[row] > budget + SLACK and delay[row] > 0:
            stage[row] -= 1
            time[row] = delay[row]
        for k in range(3):
            operand = operands[row, k]
            if operand < 0:
                continue
            if stage[row] < stage[operand]:
                stage[operand], time[operand] = stage[row], time[row]
            elif stage[row] == stage[operand]:
                time[operand] = max(time[operand], time[row])
    return stage
