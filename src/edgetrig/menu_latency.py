"""How long a menu's firmware takes, and menus that fit a budget of bunch crossings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgetrig.circuit import live_rows
from edgetrig.design import Design
from edgetrig.design import compile as compile_design
from edgetrig.errors import MenuError
from edgetrig.optimize import cycles_needed, delays_of, luts_and_registers, slowest_row
from edgetrig.synthesis import family_of
from edgetrig.trigger.menu import BUNCH_CROSSING_NS, Menu

DECISION_CYCLES: Final = 1
"""Clock cycles that prescales and the final decision take after the logic."""

_NOMINAL: Final = 0.005
"""Part of a clock's period by which its stated value may be off."""

_FURTHER_CYCLES: Final = 2
"""Clock cycles more than the fewest that are tried, since registers may then stand better."""


@dataclass(frozen=True)
class CrossingClock:
    """A clock that counts bunch crossings.

    Parameters
    ----------
    clock_ns
        Its period, in ns.
    cycles
        Whole clock cycles in a bunch crossing. What is left of a crossing after them is lost.
    """

    clock_ns: float
    cycles: int

    @classmethod
    def of(cls, clock_ns: float) -> CrossingClock:
        """Return the clock of about a period.

        Trigger clocks are multiples of the LHC's (40.08 MHz, nominally 40): a period within half a
        percent of a multiple's is taken as that multiple's, where it is longer. So 4.167 ns, 240
        MHz, are 6 cycles of 4.158 ns a crossing, and 3 ns are 8 cycles, of 24 ns.

        Raises
        ------
        MenuError
            If the clock is slower than bunch crossings.
        """
        cycles = int(BUNCH_CROSSING_NS / clock_ns * (1 + _NOMINAL)) if clock_ns > 0 else 0
        if not cycles:
            raise MenuError(
                f"a clock period of {clock_ns:g} ns; bunch crossings come every"
                f" {BUNCH_CROSSING_NS:.2f} ns: take that or less"
            )
        return cls(min(clock_ns, BUNCH_CROSSING_NS / cycles), cycles)

    def words(self, cycles: int) -> str:
        """Return a latency as text."""
        crossings = cycles / self.cycles
        return f"{cycles} clock cycles, {cycles * self.clock_ns:.1f} ns, {crossings:.2f} BX"


def design_within(menu: Menu, part: str, clock_ns: float, latency_bx: int) -> Design:
    """Compile a menu so that its firmware decides within a budget.

    Of the latencies from the fewest cycles that the clock allows to a few more, within the budget,
    the one of least logic and registers is taken.

    Parameters
    ----------
    menu
        The menu.
    part, clock_ns
        See `edgetrig.design.Target`.
    latency_bx
        Bunch crossings from object words to the decision.

    Raises
    ------
    MenuError
        If it does not fit; names the seed, and its model if that is what takes long.
    """
    clock = CrossingClock.of(clock_ns)
    most = latency_bx * clock.cycles - DECISION_CYCLES
    design = compile_design(menu, part=part, clock_ns=clock.clock_ns)
    if design.latency > most:
        raise MenuError(_too_long(menu, design, clock, latency_bx))
    family = family_of(part).name
    delays = delays_of(family)
    slow = slowest_row(design.pipelined, delays)
    if slow.clock_ns > clock.clock_ns:
        origin = design.pipelined.origins[design.pipelined.rows.origin[slow.row]]
        raise MenuError(
            f"'{origin}' has an operation of {slow.clock_ns:.2f} ns (estimate for {part}), longer"
            f" than a clock period of {clock.clock_ns:.2f} ns: take a slower clock"
        )
    longest = min(most, design.latency + _FURTHER_CYCLES)
    designs = [design]
    designs += [design.retarget(latency=n) for n in range(design.latency + 1, longest + 1)]
    return min(designs, key=lambda one: luts_and_registers(one.pipelined, family))


def check_latency(latency: int, clock_ns: float, latency_bx: int) -> None:
    """Demand that a latency of the logic leaves time for the decision within a budget.

    Raises
    ------
    MenuError
        If it does not.
    """
    clock = CrossingClock.of(clock_ns)
    whole, budget = latency + DECISION_CYCLES, latency_bx * clock.cycles
    if whole > budget:
        raise MenuError(
            f"a latency of {latency} and {DECISION_CYCLES} for the decision are"
            f" {clock.words(whole)}; the budget of {latency_bx} BX is {budget} cycles:"
            f" take {budget - DECISION_CYCLES}"
        )


def seed_cycles(design: Design) -> dict[str, int]:
    """Return the fewest clock cycles to each seed's decision, by the delay model."""
    needed = _cycles_needed(design)[design.pipelined.output_rows]
    cycles = (needed + DECISION_CYCLES).tolist()
    return dict(zip(design.classes, cycles, strict=True))


def model_cycles(menu: Menu, design: Design) -> dict[str, int]:
    """Return the fewest clock cycles to each model's score, by the delay model."""
    circuit, needed = design.pipelined, _cycles_needed(design)
    live = live_rows(circuit.rows.operands, circuit.output_rows)
    cycles = {}
    for model in menu.models:
        mine = np.zeros(len(circuit), np.bool_)
        if model.name in circuit.origins:
            mine = live & (circuit.rows.origin == circuit.origins.index(model.name))
        cycles[model.name] = int(needed[mine].max(initial=0))
    return cycles


def latency_lines(menu: Menu, design: Design, latency: int) -> Iterator[str]:
    """Yield a line on the whole, then one for each seed and each model, the longest first."""
    clock = CrossingClock.of(design.target.clock_ns)
    budget = "" if menu.latency_bx is None else f"; the budget is {menu.latency_bx} BX"
    yield f"{menu.name}: {len(menu.seeds)} seeds for {design.target.part}"
    yield (
        f"  {clock.words(latency)} from object words to decision{budget}"
        f" ({clock.cycles} cycles of {clock.clock_ns:.3f} ns a crossing)"
    )
    if design.estimated_clock_ns > design.target.clock_ns * (1 + 1e-9):
        yield (
            f"  TOO FAST: one stage takes {design.estimated_clock_ns:.2f} ns"
            f" (estimate for {design.target.part})"
        )
    models = {f"model {name}": n for name, n in model_cycles(menu, design).items()}
    paths = {**seed_cycles(design), **models}
    for name, cycles in sorted(paths.items(), key=lambda path: -path[1]):
        yield f"  {name}: {clock.words(cycles)} at the soonest"


def _cycles_needed(design: Design) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    delays = delays_of(family_of(design.target.part).name)
    return cycles_needed(design.pipelined, delays, design.target.clock_ns)


def _too_long(menu: Menu, design: Design, clock: CrossingClock, latency_bx: int) -> str:
    cycles = seed_cycles(design)
    seed = max(cycles, key=lambda name: cycles[name])
    text = (
        f"seed '{seed}' takes {clock.words(cycles[seed])} (estimate for {design.target.part});"
        f" the budget of {latency_bx} BX is {latency_bx * clock.cycles} cycles"
    )
    models = {name: n for name, n in model_cycles(menu, design).items() if n > 0}
    if models:
        slowest = max(models, key=lambda name: models[name])
        text += f"; of the models '{slowest}' takes most, {models[slowest]} cycles to its score"
    return text
