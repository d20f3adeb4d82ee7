"""Pipelining: registers put in so that no stage takes longer than a clock period."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from edgetrig.circuit import Circuit, Op, live_rows
from edgetrig.errors import CircuitError
from edgetrig.optimize.delays import Delays
from edgetrig.optimize.registers import least_registers
from edgetrig.optimize.rows import Edit, Ints
from edgetrig.optimize.stages import Flow, arrival, shortest, soonest
from edgetrig.optimize.word_logic import with_own_inversions, word_logic

_INSIDE: Final = 1 << 20
"""Register bits that keep a placement from cutting a LUT in two."""


def pipeline(
    circuit: Circuit, delays: Delays, *, clock_ns: float | None = None, latency: int | None = None
) -> Circuit:
    """Return the circuit with registers, of the fewest bits; an event can enter every clock cycle.

    Inputs are taken as registered outside; outputs come from registers. Of all placements that
    keep the time and the number of stages, the one of least register bits is taken (of very large
    circuits with long stages a good one, see `edgetrig.optimize.registers`).

    Parameters
    ----------
    circuit
        A combinational circuit.
    delays
        The device family's.
    clock_ns
        Clock period in ns; an operation longer than that gets a stage of its own.
    latency
        Clock cycles from input to output, at least 1; without it as few as `clock_ns` needs. Where
        they are too few for the clock, or there is none, stages are made as short as possible.
        Stages more than needed can save registers: values then wait where they are narrow.

    Raises
    ------
    CircuitError
        If neither is given, one is not positive, or the circuit has registers already.
    """
    if circuit.count(Op.REG):
        raise CircuitError("the circuit has registers already; pipeline the combinational one")
    if latency is not None and latency < 1:
        raise CircuitError(f"a latency of {latency} clock cycles: use 1 or more")
    moving = _Moving(with_own_inversions(circuit, delays.lut_inputs))
    flow, budget, latency = _fitted(moving.flow(delays), delays, clock_ns, latency)
    return moving.registered(flow, least_registers(flow, latency, budget), latency)


def _fitted(
    flow: Flow, delays: Delays, clock_ns: float | None, latency: int | None
) -> tuple[Flow, float, int]:
    """Return the flow with no row longer than a stage, the time for logic in one, the latency."""
    if clock_ns is None:
        if latency is None:
            raise CircuitError("give a clock period or a latency to pipeline for")
        return flow, shortest(flow, latency), latency
    budget = clock_ns - delays.register
    if not budget > 0:
        raise CircuitError(
            f"a clock of {clock_ns} ns leaves no time for logic; registers take"
            f" {delays.register} ns"
        )
    capped = replace(flow, delay=np.minimum(flow.delay, budget))
    fewest = int(soonest(capped, budget).max(initial=0)) + 1
    if latency is not None and latency < fewest:
        return flow, shortest(flow, latency), latency
    return capped, budget, latency or fewest


def stage_delay(circuit: Circuit, delays: Delays) -> float:
    """Return the longest delay between registers in ns, registers included: the clock period."""
    rows = circuit.rows
    operands = np.where((rows.op == Op.REG)[:, None], -1, rows.operands)
    return float(arrival(operands, delays.of(circuit)).max(initial=0.0)) + delays.register


class _Moving:
    """What moves from stage to stage in a circuit.

    Constants do not move. Nor do shifts to the left, whose zeros would take registers: their
    operand moves in their place and is shifted where it is read.
    """

    def __init__(self, circuit: Circuit) -> None:
        rows = circuit.rows
        self._circuit = circuit
        self._carrier, self._shift = np.arange(len(rows)), np.zeros(len(rows), np.int64)
        while (shifted := rows.op[self._carrier] == Op.SHL).any():
            self._shift += np.where(shifted, rows.p[self._carrier], 0)
            self._carrier = np.where(shifted, rows.a[self._carrier], self._carrier)
        reads = (rows.operands >= 0) & ~circuit.constant[rows.operands]
        operands = np.where(reads, self._carrier[rows.operands], -1).astype(np.int32)
        self._outputs = circuit.output_rows[~circuit.constant[circuit.output_rows]]
        self._rows = np.flatnonzero(live_rows(operands, self._carrier[self._outputs]))
        self._number = np.full(len(rows) + 1, -1)  # the last is that of "no row"
        self._number[self._rows] = np.arange(len(self._rows))
        self._operands = self._number[operands[self._rows]].astype(np.int32)

    def flow(self, delays: Delays) -> Flow:
        """Return the rows that move, in their order."""
        is_output = np.zeros(len(self._rows), np.bool_)
        is_output[self._number[self._carrier[self._outputs]]] = True
        bits = self._circuit.widths.astype(np.int64)
        bits[word_logic(self._circuit, delays.lut_inputs).inside] = _INSIDE
        return Flow(
            self._operands,
            delays.of(self._circuit)[self._rows],
            bits[self._rows],
            self._circuit.rows.op[self._rows] == Op.INPUT,
            is_output,
        )

    def registered(self, flow: Flow, stage: Ints, latency: int) -> Circuit:
        """Return the circuit with the registers of a placement."""
        circuit, edit = self._circuit, Edit(self._circuit)
        rows = circuit.rows
        edit.columns["op"][circuit.constant & (rows.op != Op.INPUT)] = Op.CONST
        edit.columns["p"][edit.columns["op"] == Op.CONST] = 0
        kept = flow.cycles_kept(stage, latency)
        # Row k's registers have the numbers first[k], first[k] + 1, ...
        first = edit.next_row + np.cumsum(kept) - kept
        row = np.repeat(self._rows, kept)
        number = edit.next_row + np.arange(len(row))
        begins = number == np.repeat(first, kept)
        edit.add(
            Op.REG,
            a=np.where(begins, row, number - 1),
            fraction=rows.fraction[row],
            origin=rows.origin[row],
        )

        def delayed(read: Ints, read_in: Ints) -> Ints:
            """Return the rows that hold what `read` did, in the stages where it is read."""
            carrier = self._number[self._carrier[read]]
            wait = read_in - stage[carrier]
            late = wait > 0
            value = np.where(late, first[carrier] + wait - 1, read)
            shifted = np.flatnonzero(late & (self._shift[read] > 0))
            _, chosen, place = np.unique(
                np.stack([read[shifted], wait[shifted]]),
                axis=1,
                return_index=True,
                return_inverse=True,
            )
            again = shifted[chosen]
            made = edit.add(
                Op.SHL,
                a=value[again],
                p=self._shift[read[again]],
                fraction=rows.fraction[read[again]],
                origin=rows.origin[read[again]],
            )
            value[shifted] = made[place.ravel()]
            return value

        for k, name in enumerate("abc"):
            reader = np.flatnonzero(self._operands[:, k] >= 0)
            where = self._rows[reader]
            edit.columns[name][where] = delayed(rows.operands[where, k], stage[reader])
        outputs = circuit.output_rows.copy()
        moving = ~circuit.constant[outputs]
        outputs[moving] = delayed(self._outputs, np.full(len(self._outputs), latency))
        return edit.circuit(outputs=outputs)
