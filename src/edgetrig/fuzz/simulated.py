"""The judge that takes a build: many circuits side by side in one simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from edgetrig.circuit import (
    OPERANDS,
    Circuit,
    Input,
    Op,
    Output,
    Rows,
    Table,
    compact,
    compact_pair,
)
from edgetrig.fuzz.interrupt import pass_on_interrupt
from edgetrig.fuzz.judges import Disagreement, compare, pipelined
from edgetrig.fuzz.reduce import reduced
from edgetrig.fuzz.trial import Trial
from edgetrig.optimize import optimize, table_forms
from edgetrig.verify import simulate


def judge_simulation(trials: Sequence[Trial], latency: int = 0) -> list[Disagreement]:
    """Simulate the hardware of combinational trials, in its family's tables, all in one build.

    Parameters
    ----------
    trials
        With as many events each.
    latency
        Clock cycles of all their pipelines; 0 for none.

    Returns
    -------
    list of Disagreement
        Of each trial whose outputs differ, reduced.
    """
    found = []
    for trial in _differing(trials, latency):
        try:
            _judge_one(trial, latency)
        except Disagreement as alone:
            found.append(reduced(alone, lambda smaller: _judge_one(smaller, latency)))
    return found


def _differing(trials: Sequence[Trial], latency: int) -> list[Trial]:
    """Return the trials that differ, or all where the build as a whole fails."""
    try:
        results = _simulated(trials, latency)
    except Exception as error:  # the one at fault is found on its own
        pass_on_interrupt(error)
        return list(trials)
    pairs = zip(trials, results, strict=True)
    return [trial for trial, got in pairs if got != trial.expected]


def _judge_one(trial: Trial, latency: int) -> None:
    name = f"simulation at latency {latency}"
    try:
        (got,) = _simulated([trial], latency)
    except Exception as error:
        pass_on_interrupt(error)
        raise Disagreement(name, " ".join(str(error).split())[:300], trial) from error
    compare(trial, name, got)


def _simulated(trials: Sequence[Trial], latency: int) -> list[list[list[int]]]:
    # The last form has the most tables.
    circuits = [
        pipelined(trial, table_forms(optimize(trial.circuit), trial.family)[-1], latency)
        for trial in trials
    ]
    codes = np.concatenate([trial.codes.astype(object) for trial in trials], axis=1)
    rows = simulate(side_by_side(circuits), compact(codes)).tolist()
    ends = np.cumsum([0, *(len(circuit.output_rows) for circuit in circuits)]).tolist()
    return [[[int(v) for v in row[first:last]] for row in rows] for first, last in pairwise(ends)]


def side_by_side(circuits: Sequence[Circuit]) -> Circuit:
    """Return one circuit that holds several, so that one build serves them all."""
    columns: dict[str, list[Any]] = {name: [] for name in Rows.__dataclass_fields__}
    inputs: list[Input] = []
    outputs: list[Output] = []
    tables: list[Table] = []
    origins: list[str] = []
    rows = elements = 0
    for number, circuit in enumerate(circuits):
        part = circuit.rows
        reads = np.array(OPERANDS)[part.op]
        for k, name in enumerate("abc"):
            columns[name].append(np.where(reads > k, getattr(part, name) + rows, 0))
        shift = (part.op == Op.INPUT) * elements + (part.op == Op.TABLE) * len(tables)
        columns["p"].append(part.p + shift)
        columns["origin"].append(part.origin + len(origins))
        for name in ("op", "lo", "hi", "fraction"):
            columns[name].append(getattr(part, name))
        inputs += [replace(port, name=f"{port.name}_{number}") for port in circuit.inputs]
        outputs += [
            replace(port, name=f"{port.name}_{number}", rows=port.rows + rows)
            for port in circuit.outputs
        ]
        tables += circuit.tables
        origins += [f"{name} {number}" for name in circuit.origins]
        rows += len(circuit)
        elements += sum(port.size for port in circuit.inputs)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    joined["lo"], joined["hi"] = compact_pair(joined["lo"], joined["hi"])
    for name in ("op", "a", "b", "c", "p", "fraction", "origin"):
        joined[name] = joined[name].astype(np.uint8 if name == "op" else np.int32)
    return Circuit(Rows(**joined), tuple(inputs), tuple(outputs), tuple(tables), tuple(origins))
