"""What a design looks like from inside: inputs, layers and pipeline stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgetrig.circuit import ADDERS, Circuit, Op, widths
from edgetrig.design import Design, layer_names
from edgetrig.optimize import delays_of
from edgetrig.synthesis import family_of


def inputs(circuit: Circuit, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each input element: name, bits, value of the last bit, and range.

    Parameters
    ----------
    circuit
        The circuit.
    columns
        Names of the elements; port name and index are used if their number differs.
    """
    table = []
    for port in circuit.inputs:
        lo, hi, fraction = port.lo.ravel(), port.hi.ravel(), port.fraction.ravel()
        names = [f"{port.name}[{k}]" for k in range(port.size)]
        if len(columns) == port.size and len(circuit.inputs) == 1:
            names = [str(name) for name in columns]
        for k, bits in enumerate(widths(lo, hi).tolist()):
            lsb = 2.0 ** -int(fraction[k])
            table.append(
                {
                    "name": names[k],
                    "bits": bits,
                    "lsb": lsb,
                    "low": float(lo[k]) * lsb,
                    "high": float(hi[k]) * lsb,
                }
            )
    return table


def layers(design: Design) -> list[dict[str, Any]]:
    """Return `Design.layers` with the widths counted: ``{"bits": 5, "values": 12}`` each."""
    table = []
    for row in design.layers():
        bits, values = np.unique(np.array(row["widths"], np.int64), return_counts=True)
        pairs = zip(bits.tolist(), values.tolist(), strict=True)
        counted = [{"bits": width, "values": count} for width, count in pairs]
        table.append({**row, "widths": counted})
    return table


def stages(design: Design) -> list[dict[str, Any]]:
    """Return a row for each pipeline stage.

    ``delay_ns`` is the estimated time to the stage's registers, these included; ``adders`` the
    most additions one after another; ``register_bits`` what is kept at the stage's end;
    ``operations`` those that take logic, by layer.
    """
    circuit = design.pipelined
    rows, count = circuit.rows, max(design.latency, 1)
    delays = delays_of(family_of(design.target.part).name)
    delay, adders = _paths(circuit, delays.of(circuit).tolist())
    register = rows.op == Op.REG
    works = delays.of(circuit) > 0
    layers_named = layer_names(circuit)
    table = []
    for stage in range(count):
        mine = (circuit.cycle == stage) & ~register & ~circuit.constant
        kept = register & (circuit.cycle == stage + 1)
        origin, operations = np.unique(rows.origin[mine & works], return_counts=True)
        names = [layers_named[k] for k in origin.tolist()]
        table.append(
            {
                "stage": stage + 1,
                "delay_ns": float(delay[mine].max(initial=0.0)) + delays.register,
                "adders": int(adders[mine].max(initial=0)),
                "register_bits": int(circuit.widths[kept].sum()),
                "operations": dict(zip(names, operations.tolist(), strict=True)),
            }
        )
    return table


def _paths(circuit: Circuit, delay: list[float]) -> tuple[Any, Any]:
    """Return the longest time and the most adders on a path within the stage, up to each row."""
    ops = circuit.rows.op.tolist()
    adds = np.isin(circuit.rows.op, ADDERS).tolist()
    time, count = [0.0] * len(ops), [0] * len(ops)
    for row, operands in enumerate(circuit.rows.operands.tolist()):
        if ops[row] == Op.REG:
            continue
        read = [k for k in operands if k >= 0]
        time[row] = max((time[k] for k in read), default=0.0) + delay[row]
        count[row] = max((count[k] for k in read), default=0) + adds[row]
    return np.array(time), np.array(count)
