"""Thresholds from rates: the loosest values of seeds' parameters that keep within budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np

from edgetrig.errors import MenuError
from edgetrig.trigger.menu.efficiency import Floats
from edgetrig.trigger.menu.menu import Menu, Seed
from edgetrig.trigger.menu.parse import parse
from edgetrig.trigger.menu.rates import Rates
from edgetrig.trigger.menu.scan import parameter_of, scan, with_value
from edgetrig.trigger.menu.words import Names

AT_ONCE: Final = 15
"""Values of each seed that one reading of the data tries between those known."""

_ROUNDING: Final = 1 + 1e-12


@dataclass(frozen=True)
class Budget:
    """The most that a seed may take, in kHz, and the parameter that is to see to it."""

    seed: str
    khz: float
    parameter: str | None = None


@dataclass(frozen=True)
class Tuned:
    """A parameter's value, and the rate of its seed there.

    ``value`` is in the parameter's unit; ``rate_khz`` and ``error_khz`` are the seed's own, with
    its prescale; ``asked_khz`` is its budget, scaled where a total was asked for.
    """

    seed: str
    parameter: str
    value: Fraction
    asked_khz: float
    rate_khz: float
    error_khz: float


def tune(
    menu: Menu,
    budgets: Sequence[Budget],
    measure: Callable[[Menu], Rates],
    *,
    total_khz: float | None = None,
    low: Fraction = Fraction(0),
    high: Fraction = Fraction(4095, 2),
    step: Fraction = Fraction(1, 2),
) -> tuple[Menu, tuple[Tuned, ...]]:
    """Return a menu whose seeds take at most given rates, by the smallest values that do.

    Parameters
    ----------
    menu
        Its seeds' rates must not grow with their parameters.
    budgets
        The seeds to tune, each once.
    measure
        Rates of a menu: counts which of its seeds fire in the data.
    total_khz
        The most that the whole menu may take, other seeds included. The budgets are shares then:
        all are scaled by one factor, up or down, the largest that keeps within the total.
    low, high, step
        Values tried: those of ``low + k * step`` up to `high` that have a meaning in the seed.

    Raises
    ------
    MenuError
        If there is no such seed or parameter, a budget is not above 0, a rate grows with its
        parameter, or even the largest values take too much.
    """
    _check(budgets, total_khz)
    parameters = {b.seed: parameter_of(menu, b.seed, b.parameter) for b in budgets}
    known: dict[str, list[int]] = {}
    for seed, parameter in parameters.items():
        first, last = _meaningful(menu, seed, parameter, low, step, int((high - low) / step))
        known[seed] = _between(first, last)
    while True:
        values = {s: (parameters[s], [low + k * step for k in known[s]]) for s in known}
        tried, places = scan(menu, values, others=total_khz is not None)
        rates = measure(tried)
        curves = {seed: rates.seed[0][places[seed]] for seed in known}
        _demand_falling(curves, values)
        factor, chosen = _choose(budgets, curves, places, rates, total_khz)
        finer = {seed: _finer(known[seed], chosen[seed]) for seed in known}
        if finer == known:
            break
        known = finer
    tuned = []
    for budget in budgets:
        place, seed = chosen[budget.seed], budget.seed
        rate, error = (float(x[places[seed][place]]) for x in rates.seed)
        parameter, numbers = values[seed]
        tuned.append(Tuned(seed, parameter, numbers[place], factor * budget.khz, rate, error))
    return _set(menu, tuned), tuple(tuned)


def _check(budgets: Sequence[Budget], total_khz: float | None) -> None:
    names = [budget.seed for budget in budgets]
    if not names:
        raise MenuError("no seed has a budget")
    for budget in budgets:
        if names.count(budget.seed) > 1:
            raise MenuError(f"seed '{budget.seed}' has two budgets")
        if not 0 < budget.khz < float("inf"):
            raise MenuError(
                f"seed '{budget.seed}': a budget of {budget.khz:g} kHz; give a number above 0"
            )
    if total_khz is not None and not 0 < total_khz < float("inf"):
        raise MenuError(f"a total of {total_khz:g} kHz; give a number above 0")


def _meaningful(
    menu: Menu, name: str, parameter: str, low: Fraction, step: Fraction, last: int
) -> tuple[int, int]:
    """Return the first and last step at which a seed's cuts are neither always nor never true."""
    seed = next(seed for seed in menu.seeds if seed.name == name)
    scores = [model.name for model in menu.models]
    names = [seed.name for seed in menu.seeds]

    def problem(k: int) -> MenuError | None:
        changed = with_value(seed, parameter, low + k * step)
        try:
            parse(changed.expression, Names(menu.types, scores, names, changed.parameters))
        except MenuError as error:
            return MenuError(f"seed '{name}': {error}")
        return None

    here = min(max(round((_number(seed, parameter) - low) / step), 0), last)
    wrong = problem(here)
    if wrong is not None:
        raise wrong
    ends = []
    for end in (0, last):
        inside, outside = here, end
        if problem(end) is None:
            inside = end
        while abs(outside - inside) > 1:
            middle = (inside + outside) // 2
            inside, outside = (middle, outside) if problem(middle) is None else (inside, middle)
        ends.append(inside)
    return ends[0], ends[1]


def _number(seed: Seed, parameter: str) -> Fraction:
    text = seed.parameters[parameter]
    try:
        return Fraction(text)
    except ValueError as error:
        raise MenuError(f"seed '{seed.name}': parameter '{parameter}' is no number: {text}") from (
            error
        )


def _between(first: int, last: int) -> list[int]:
    """Return both ends and steps evenly between them."""
    return sorted({int(k) for k in np.linspace(first, last, AT_ONCE + 2)})


def _demand_falling(
    curves: Mapping[str, Floats], values: Mapping[str, tuple[str, Sequence[Fraction]]]
) -> None:
    for seed, khz in curves.items():
        parameter, numbers = values[seed]
        for place, (before, after) in enumerate(pairwise(khz.tolist())):
            if after > before * _ROUNDING:
                raise MenuError(
                    f"seed '{seed}': the rate grows with '{parameter}', from {before:g} kHz at"
                    f" {float(numbers[place]):g} to {after:g} kHz at {float(numbers[place + 1]):g};"
                    " only parameters with which it falls can be tuned"
                )


def _choose(
    budgets: Sequence[Budget],
    curves: Mapping[str, Floats],
    places: Mapping[str, Sequence[int]],
    rates: Rates,
    total_khz: float | None,
) -> tuple[float, dict[str, int]]:
    """Return the budgets' factor, and which of each seed's values is the first within its own."""

    def first(factor: float) -> dict[str, int]:
        found = {}
        for budget in budgets:
            within = curves[budget.seed] <= factor * budget.khz * _ROUNDING
            if not within.any():
                least = curves[budget.seed][-1]
                raise MenuError(
                    f"seed '{budget.seed}': no value keeps {factor * budget.khz:g} kHz;"
                    f" the largest takes {least:g}"
                )
            found[budget.seed] = int(np.argmax(within))
        return found

    if total_khz is None:
        return 1.0, first(1.0)
    copies = {place for some in places.values() for place in some}
    others = [k for k in range(len(rates.menu.seeds)) if k not in copies]

    def together(factor: float) -> float:
        chosen = first(factor)
        return rates.together([*others, *(places[s][k] for s, k in chosen.items())])[0]

    least = max(float(curves[b.seed][-1]) / b.khz for b in budgets)
    factors = sorted({float(x) / b.khz for b in budgets for x in curves[b.seed]})
    factors = [factor for factor in factors if factor >= least]
    if together(factors[0]) > total_khz:
        raise MenuError(
            f"no values keep {total_khz:g} kHz in total: the largest take"
            f" {together(factors[0]):g} with the other seeds"
        )
    inside, outside = 0, len(factors)
    while outside - inside > 1:  # the total grows with the factor
        middle = (inside + outside) // 2
        inside, outside = (
            (middle, outside) if together(factors[middle]) <= total_khz else (inside, middle)
        )
    return factors[inside], first(factors[inside])


def _finer(known: list[int], chosen: int) -> list[int]:
    """Return the steps known and more between the chosen one and the one before it."""
    if chosen == 0:
        return known
    return sorted({*known, *_between(known[chosen - 1], known[chosen])})


def _set(menu: Menu, tuned: Sequence[Tuned]) -> Menu:
    found = {one.seed: one for one in tuned}
    seeds = (
        with_value(seed, found[seed.name].parameter, found[seed.name].value)
        if seed.name in found
        else seed
        for seed in menu.seeds
    )
    return replace(menu, seeds=tuple(seeds))
