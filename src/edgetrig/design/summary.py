"""What a design is made of, layer by layer, in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import ADDERS, Circuit, Op

if TYPE_CHECKING:
    from edgetrig.design.design import Design


def summary_of(design: Design) -> str:
    """Return a few lines on what the design is."""
    inputs = ", ".join(f"{p.name}{list(p.shape)}" for p in design.circuit.inputs)
    outputs = ", ".join(f"{p.name}{list(p.shape)}" for p in design.circuit.outputs)
    lines = [
        f"{design.name}: {inputs} -> {outputs}",
        f"  {len(design.circuit):,} operations, {design.circuit.count(*ADDERS):,} adders",
        *_timing(design),
    ]
    for row in layers_of(design.circuit):
        values = f"{_counted(len(row['widths']), 'value')} of {_range(row['widths'])}"
        counts = f"{_counted(row['operations'], 'operation')}, {_counted(row['adders'], 'adder')}"
        lines.append(f"  {row['layer']}: {counts}, {values}")
    return "\n".join([*lines, *(f"  note: {note}" for note in design.notes)])


def _timing(design: Design) -> list[str]:
    """Return the lines on registers and delays."""
    period, target = design.estimated_clock_ns, design.target
    estimate = f"(estimate for {target.part})"
    if not design.latency:
        return [f"  no registers, {period:.2f} ns from inputs to outputs {estimate}"]
    registers = design.pipelined.rows.op == Op.REG
    bits = int(design.pipelined.widths[registers].sum())
    cycles = f"{_counted(design.latency, 'clock cycle')} of {target.clock_ns:g} ns"
    late = ", longer than the clock asked for" if period > target.clock_ns else ""
    return [
        f"  {cycles}, {_counted(bits, 'register bit')}",
        f"  {period:.2f} ns a cycle {estimate}{late}",
    ]


def layer_names(circuit: Circuit) -> list[str]:
    """Return what to call each of `Circuit.origins`: most name the layer that made a row.

    What no layer made are the inputs; where no layer has a name, that is all there is.
    """
    rest = "inputs" if any(circuit.origins) else "unnamed"
    return [name or rest for name in circuit.origins]


def layers_of(circuit: Circuit) -> list[dict[str, Any]]:
    """Return the rows of `Design.layers`."""
    rows = circuit.rows
    adders, handed_on = np.isin(rows.op, ADDERS), _handed_on(circuit)
    table = []
    for number, name in enumerate(layer_names(circuit)):
        mine = np.flatnonzero(rows.origin == number)
        if mine.size:
            table.append(
                {
                    "layer": name,
                    "origin": circuit.origins[number],
                    "operations": mine.size,
                    "adders": int(adders[mine].sum()),
                    "widths": circuit.widths[mine[handed_on[mine]]].tolist(),
                }
            )
    return table


def _handed_on(circuit: Circuit) -> NDArray[np.bool_]:
    """Return which rows the rows of other layers read, or outputs; constants aside."""
    rows = circuit.rows
    read = np.zeros(len(rows), np.bool_)
    for operand in rows.operands.T:
        by_others = (operand >= 0) & (rows.origin[operand] != rows.origin)
        read[operand[by_others]] = True
    read[circuit.output_rows] = True
    return read & ~circuit.constant


def _range(widths: list[int]) -> str:
    low, high = min(widths, default=0), max(widths, default=0)
    return _counted(low, "bit") if low == high else f"{low} to {high} bits"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
