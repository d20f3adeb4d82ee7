"""Thresholds from rates: the loosest value of a seed's parameter that keeps within a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from edgetrig.errors import MenuError
from edgetrig.trigger.menu.fired import Fired
from edgetrig.trigger.menu.menu import Menu, Seed
from edgetrig.trigger.menu.rates import Rates


@dataclass(frozen=True)
class Tuned:
    """A parameter's value, and the rate of its seed there.

    ``value`` is in the parameter's unit; ``rate_khz`` and ``error_khz`` are the seed's own, with
    its prescale.
    """

    seed: str
    parameter: str
    value: Fraction
    rate_khz: float
    error_khz: float


def tune(
    menu: Menu,
    seed: str,
    parameter: str,
    rate_khz: float,
    fired: Callable[[Menu], Fired],
    *,
    low: Fraction = Fraction(0),
    high: Fraction = Fraction(1023),
    step: Fraction = Fraction(1, 2),
) -> tuple[Menu, Tuned]:
    """Return a menu whose seed takes at most a given rate, by the smallest value that does.

    Parameters
    ----------
    menu
        Its seed's rate must not grow with the parameter.
    seed, parameter
        Which number to set.
    rate_khz
        The most that the seed may take.
    fired
        Counts which seeds of a menu fire in zero-bias events.
    low, high, step
        Values tried: ``low + k * step`` up to ``high``.

    Raises
    ------
    MenuError
        If there is no such seed or parameter, or even the largest value that has a meaning takes
        more.
    """
    chosen = next((s for s in menu.seeds if s.name == seed), None)
    if chosen is None or parameter not in chosen.parameters:
        raise MenuError(f"menu '{menu.name}' has no seed '{seed}' with a parameter '{parameter}'")

    def measured(value: Fraction) -> tuple[Menu, float, float]:
        changed = _with(menu, chosen, parameter, value)
        alone = changed.only([seed])
        number = [s.name for s in alone.seeds].index(seed)
        rate, error = Rates(alone, fired(alone)).seed
        return changed, float(rate[number]), float(error[number])

    first, last = 0, int((high - low) / step)
    best: tuple[Menu, Tuned] | None = None
    while first <= last:  # a bisection: rates fall with the value
        middle = (first + last) // 2
        value = low + middle * step
        try:
            changed, rate, error = measured(value)
        except MenuError as problem:
            if "never or always true" not in str(problem):
                raise
            last = middle - 1  # beyond the largest code
            continue
        if rate <= rate_khz:
            best = changed, Tuned(seed, parameter, value, rate, error)
            last = middle - 1
        else:
            first = middle + 1
    if best is None:
        raise MenuError(f"seed '{seed}': no value of '{parameter}' keeps {rate_khz:g} kHz")
    return best


def _with(menu: Menu, seed: Seed, parameter: str, value: Fraction) -> Menu:
    text = f"{float(value):.12g}"
    changed = replace(seed, parameters={**seed.parameters, parameter: text})
    return replace(menu, seeds=tuple(changed if s is seed else s for s in menu.seeds))
