"""Pipelines whose matrices know their stages: few register bits where registers weigh.

A matrix solved for the fewest LUTs shares what it can, and many values wait at the ends of stages.
Solved for stages of so many adders (`constant_matrices`), it takes some more LUTs and fewer
registers; filled with sums of three, fewer of both, where a stage has the time. All forms are
pipelined, and the one that takes least in all is the circuit.
"""

from __future__ import annotations

from typing import Final

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.delays import Delays, delays_of
from edgetrig.optimize.hardware import for_hardware, luts_and_registers
from edgetrig.optimize.matrices import TERNARY_STAGE
from edgetrig.optimize.passes import optimize
from edgetrig.optimize.pipeline import stage_delay
from edgetrig.optimize.row_costs import row_luts
from edgetrig.optimize.ternary import TERNARY_FAMILIES

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
    forms = [for_hardware(circuit, family, clock_ns=clock_ns, latency=latency)]
    first, delays = forms[0], delays_of(family)
    if not _heavy(first, family):
        return first
    stage = int(stage_delay(first, _ADDERS))
    slowest = max(clock_ns, stage_delay(first, delays))
    for ternary in (False, True) if _has_ternary(family, stage) else (False,):
        again = optimize(traced, effort=effort, stage=stage, ternary=ternary)
        form = for_hardware(again, family, clock_ns=clock_ns, latency=first.latency)
        if stage_delay(form, delays) <= slowest:
            forms.append(form)
    return min(forms, key=lambda form: luts_and_registers(form, family))


def _has_ternary(family: str, stage: int) -> bool:
    """Return whether two sums of three in a row may fit into a stage of so many adders."""
    return family in TERNARY_FAMILIES and stage >= TERNARY_STAGE


def _heavy(circuit: Circuit, family: str) -> bool:
    """Return whether the circuit has many register bits beside its LUTs."""
    bits = circuit.widths[circuit.rows.op == Op.REG].sum()
    return bool(bits > _HEAVY * row_luts(circuit, family).sum())
