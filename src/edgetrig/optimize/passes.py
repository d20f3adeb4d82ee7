"""The list of passes every compiled circuit goes through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from edgetrig.circuit import Circuit, check
from edgetrig.optimize.clips import clips_last
from edgetrig.optimize.comparisons import comparisons
from edgetrig.optimize.distances import distances_once
from edgetrig.optimize.matrices import constant_matrices
from edgetrig.optimize.narrow import narrow
from edgetrig.optimize.simplify import simplify

Pass = Callable[[Circuit], Circuit]

PASSES: Final[tuple[Pass, ...]] = (
    # Roundings join the sums in front of them, and clips act on what is left.
    clips_last,
    # Before rows are shared, so that every sum is seen whole.
    constant_matrices,
    simplify,
    distances_once,
    narrow,
    comparisons,
    simplify,
)

FOR_EMULATION: Final[tuple[Pass, ...]] = tuple(
    run for run in PASSES if run not in (constant_matrices, narrow)
)
"""For circuits that are emulated alone: engines gather sums themselves, and to wrap takes time."""


def optimize(
    circuit: Circuit,
    passes: Sequence[Pass] = PASSES,
    *,
    effort: int = 1,
    stage: int = 0,
    ternary: bool = False,
    checked: bool = False,
) -> Circuit:
    """Run passes over a circuit; every output keeps every bit.

    Parameters
    ----------
    circuit
        A combinational circuit.
    passes
        In the order they run.
    effort
        Of `constant_matrices`: how long to look for smaller sums.
    stage
        Of `constant_matrices`: adders between two registers, for few register bits; 0 for few LUTs.
    ternary
        Of `constant_matrices`: fill stages with sums of three.
    checked
        Verify all invariants after each pass, to find the one that broke them.

    Raises
    ------
    CircuitError
        If `checked` and a pass broke an invariant.
    """
    solve = partial(constant_matrices, effort=effort, stage=stage, ternary=ternary)
    for run in passes:
        circuit = solve(circuit) if run is constant_matrices else run(circuit)
        if checked:
            check(circuit)
    return circuit
