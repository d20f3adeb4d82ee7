"""From the optimised circuit to what a device holds: tables, registers, ternary adders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.cones import CONE_BITS, small_cones
from edgetrig.optimize.counters import counters
from edgetrig.optimize.delays import delays_of
from edgetrig.optimize.pipeline import pipeline
from edgetrig.optimize.row_costs import row_luts
from edgetrig.optimize.ternary import ternary_sums
from edgetrig.optimize.thresholds import threshold_tables
from edgetrig.optimize.upper_bits import upper_bits_once

_CLEARLY = 0.0025
"""Part of the cost that a form must save: less than that is within the estimate's error."""


def for_hardware(
    circuit: Circuit, family: str, *, clock_ns: float, latency: int | None = None
) -> Circuit:
    """Return the circuit in the cells of a family, pipelined.

    With comparisons, sums and small cones as tables or without, whichever takes fewer LUTs and
    registers: what a table saves, registers around it may cost again.

    Parameters
    ----------
    circuit
        A combinational circuit.
    family
        Name of the device family.
    clock_ns, latency
        See `pipeline`; a latency of 0 leaves the circuit combinational.

    Raises
    ------
    CircuitError
        If the circuit cannot be pipelined so.
    """
    made = []
    for form in _worth_pipelining(table_forms(circuit, family), family):
        staged = form
        if latency != 0:
            staged = pipeline(form, delays_of(family), clock_ns=clock_ns, latency=latency)
        made.append(ternary_sums(staged, family, clock_ns))
    return cheapest(made, family)


def table_forms(circuit: Circuit, family: str) -> list[Circuit]:
    """Return the circuit as it is, then in tables of six bits, as far as there are any.

    Comparisons with many constants and sums of narrow values become tables, then small cones do,
    in either circuit.
    """
    forms = forms_without_cones(circuit, family)
    if delays_of(family).lut_inputs != CONE_BITS:
        return forms
    for start in [circuit, upper_bits_once(circuit), *forms[1:]]:
        tabled = small_cones(start)
        if tabled is not start:
            forms.append(tabled)
    return forms


def forms_without_cones(circuit: Circuit, family: str) -> list[Circuit]:
    """Return the circuit as it is, and with comparisons and sums in tables of six bits, if any."""
    if delays_of(family).lut_inputs != CONE_BITS:
        return [circuit]
    counted = counters(threshold_tables(circuit, family), family)
    return [circuit] if counted is circuit else [circuit, counted]


def _worth_pipelining(forms: Sequence[Circuit], family: str) -> list[Circuit]:
    """Return the plain form, and those that take clearly fewer LUTs: registers rarely decide."""
    plain, *others = forms
    most = (1 - _CLEARLY) * row_luts(plain, family).sum() if others else 0.0
    return [plain, *(form for form in others if row_luts(form, family).sum() < most)]


def cheapest(forms: Sequence[Circuit], family: str) -> Circuit:
    """Return the form that takes least, or the first where no other takes clearly less.

    Parameters
    ----------
    forms
        The same function in different cells, the plainest first.
    family
        Name of the device family.
    """
    costs = [luts_and_registers(form, family) for form in forms]
    best = int(np.argmin(costs))
    return forms[best] if costs[best] < (1 - _CLEARLY) * costs[0] else forms[0]


def luts_and_registers(circuit: Circuit, family: str) -> float:
    """Estimate what a circuit takes: LUTs and register bits, each counted as one."""
    registers = circuit.widths[circuit.rows.op == Op.REG].sum()
    return float(row_luts(circuit, family).sum() + registers)
