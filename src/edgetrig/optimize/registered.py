"""Pipelines whose matrices know their stages: few register bits where registers weigh.

A matrix solved for the fewest LUTs shares what it can, and many values wait at the ends of stages.
Solved for stages of so many adders (`constant_matrices`), it takes some more LUTs and fewer
registers. Both forms are pipelined, and the one that takes less in all is the circuit.
"""

from __future__ import annotations

from typing import Final

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.delays import Delays, delays_of
from edgetrig.optimize.hardware import for_hardware, luts_and_registers
from edgetrig.optimize.passes import optimize
from edgetrig.optimize.pipeline import stage_delay
from edgetrig.optimize.row_costs import row_luts

_HEAVY: Final = 0.3
"""Register bits a LUT from which on matrices are solved again."""
_ADDERS: Final = Delays(lut=0.0, net=0.0, carry=1.0, carry_bit=0.0, register=0.0)


def registered(
    traced: Circuit,
    circuit: Circuit,
    family: str,
    *,
    clock_ns: float,
    latency: int | None = None,
    effort: int = 1,
) -> Circuit:
    """Return a circuit in the cells of a family, pipelined, of few LUTs and registers.

    Parameters
    ----------
    traced
        The circuit before any pass.
    circuit
        The same, optimised.
    family
        Name of the device family.
    clock_ns, latency
        See `pipeline`; a latency of 0 leaves the circuit combinational.
    effort
        See `constant_matrices`.

    Raises
    ------
    CircuitError
        If the circuit cannot be pipelined so.
    """
    first = for_hardware(circuit, family, clock_ns=clock_ns, latency=latency)
    if not _heavy(first, family):
        return first
    stage = int(stage_delay(first, _ADDERS))
    delays, again = delays_of(family), optimize(traced, effort=effort, stage=stage)
    second = for_hardware(again, family, clock_ns=clock_ns, latency=first.latency)
    if stage_delay(second, delays) > max(clock_ns, stage_delay(first, delays)):
        return first
    return min(first, second, key=lambda form: luts_and_registers(form, family))


def _heavy(circuit: Circuit, family: str) -> bool:
    """Return whether the circuit has many register bits beside its LUTs."""
    bits = circuit.widths[circuit.rows.op == Op.REG].sum()
    return bool(bits > _HEAVY * row_luts(circuit, family).sum())
