"""Make a failing circuit small: one output, and inputs in place of all that does not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgetrig.circuit import Builder, Circuit, Input, Op, Output, live_rows
from edgetrig.fuzz.judges import Disagreement
from edgetrig.fuzz.trial import Trial
from edgetrig.fuzz.vectors import integers
from edgetrig.verify import evaluate

Judge = Callable[[Trial], object]


def reduced(found: Disagreement, judge: Judge) -> Disagreement:
    """Return a smaller circuit that the same judge still finds wrong, or the same finding.

    The first row that is wrong becomes the only output; then rows are turned into inputs, which
    bring the values the rows had, as long as a judge of the same name goes on disagreeing. What
    only the program shows (an error of tracing), or only registers, stays as it is.
    """
    smaller = _tried(found, _without_registers(found.trial), judge)
    if smaller is None:
        return found
    found = smaller
    if found.output >= 0:
        row = int(found.trial.circuit.output_rows[found.output])
        found = _tried(found, _only_output(found.trial, row), judge) or found
        found = _first_wrong(found, judge)
    row = len(found.trial.circuit) - 1
    while row >= 0:
        circuit = found.trial.circuit
        row = min(row, len(circuit) - 1)
        if circuit.rows.op[row] not in (Op.INPUT, Op.CONST):
            smaller = _tried(found, _as_input(found.trial, row), judge)
            if smaller is not None and len(smaller.trial.circuit) <= len(circuit):
                found = smaller
        row -= 1
    return found


def _tried(found: Disagreement, trial: Trial, judge: Judge) -> Disagreement | None:
    try:
        judge(trial)
    except Disagreement as again:
        return again if again.judge == found.judge else None
    return None


def _first_wrong(found: Disagreement, judge: Judge) -> Disagreement:
    """Return the finding about the earliest row that is wrong as an output of its own."""
    trial = found.trial
    for row in range(len(trial.circuit)):
        if trial.circuit.rows.op[row] not in (Op.INPUT, Op.CONST):
            earlier = _tried(found, _only_output(trial, row), judge)
            if earlier is not None:
                return earlier
    return found


def _without_registers(trial: Trial) -> Trial:
    circuit = trial.circuit
    stands = np.arange(len(circuit))
    for row in np.flatnonzero(circuit.rows.op == Op.REG).tolist():
        stands[row] = stands[circuit.rows.a[row]]
    operands = {name: stands[getattr(circuit.rows, name)].astype(np.int32) for name in "abc"}
    outputs = tuple(replace(port, rows=stands[port.rows]) for port in circuit.outputs)
    plain = circuit.replace(rows=replace(circuit.rows, **operands), outputs=outputs)
    return _rebuilt(trial, plain, -1)


def _only_output(trial: Trial, row: int) -> Trial:
    """Keep one row, as the output, and what it needs."""
    output = Output("y", np.array([row], np.int64), np.zeros(1, np.int64))
    return _rebuilt(trial, trial.circuit.replace(outputs=(output,)), -1)


def _as_input(trial: Trial, row: int) -> Trial:
    return _rebuilt(trial, trial.circuit, row)


def _rebuilt(trial: Trial, circuit: Circuit, cut: int) -> Trial:
    """Return the live part, with the row `cut` made an input; every input is a port of its own."""
    rows = circuit.rows
    operands = rows.operands.copy()
    if cut >= 0:
        operands[cut] = -1
    live = np.flatnonzero(live_rows(operands, circuit.output_rows)).tolist()
    builder = Builder(circuit.origins)
    for table in circuit.tables:
        builder.table(table)
    new = np.zeros(len(rows), np.int64)
    ports: list[Input] = []
    columns: list[int] = []
    for row in live:
        if row == cut or rows.op[row] == Op.INPUT:
            lo, hi = (integers([column[row]]) for column in (rows.lo, rows.hi))
            ports.append(Input(f"x{len(ports)}", lo, hi, rows.fraction[row : row + 1].astype(int)))
            new[row] = builder.input(len(columns), ports[-1])[0]
            columns.append(row)
        elif rows.op[row] == Op.CONST:
            new[row] = builder.constant(integers([rows.lo[row]]))[0]
        else:
            a, b, c = (int(new[k]) if k >= 0 else 0 for k in operands[row].tolist())
            new[row] = builder.append(rows.op[row], a, b, c, rows.p[row], rows.fraction[row])
    outputs = [replace(port, rows=new[port.rows]) for port in circuit.outputs]
    codes = integers(_values(circuit, columns, trial)).reshape(len(trial.codes), len(columns))
    return trial.of(builder.finish(ports, outputs), codes)


def _values(circuit: Circuit, rows: list[int], trial: Trial) -> list[list[int]]:
    """Return what the given rows carry, event by event."""
    probe = Output("probe", np.array(rows, np.int64), np.zeros(len(rows), np.int64))
    return evaluate(str(circuit.replace(outputs=(probe,))), trial.codes.tolist())
