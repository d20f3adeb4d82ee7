"""A seed at many values of a parameter at once, in one menu: the data is read once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from edgetrig.errors import MenuError
from edgetrig.trigger.menu.menu import SEED_LIMIT, Menu, Seed, references

USUAL: Final = "threshold"
"""The parameter that is meant where a seed has several."""


def parameter_of(menu: Menu, seed: str, asked: str | None = None) -> str:
    """Return which parameter of a seed is meant.

    Parameters
    ----------
    menu, seed
        The seed, by name.
    asked
        The parameter; by default the only one, or ``threshold``.

    Raises
    ------
    MenuError
        If there is no such seed or parameter.
    """
    found = next((s for s in menu.seeds if s.name == seed), None)
    if found is None:
        raise MenuError(f"menu '{menu.name}' has no seed '{seed}'")
    names = list(found.parameters)
    if asked is None and len(names) == 1:
        return names[0]
    if (asked or USUAL) not in names:
        known = ", ".join(names) or "none; write the number that is to change as one"
        raise MenuError(f"seed '{seed}' has no parameter '{asked or USUAL}'; it has {known}")
    return asked or USUAL


def with_value(seed: Seed, parameter: str, value: Fraction, name: str | None = None) -> Seed:
    """Return a seed with another value of a parameter, and perhaps another name."""
    parameters = {**seed.parameters, parameter: f"{float(value):.12g}"}
    return replace(seed, name=name or seed.name, parameters=parameters)


def scan(
    menu: Menu, values: Mapping[str, tuple[str, Sequence[Fraction]]], others: bool = False
) -> tuple[Menu, dict[str, list[int]]]:
    """Return a menu in which seeds stand once for each value of a parameter.

    Parameters
    ----------
    menu
        The seeds.
    values
        By seed, its parameter and the values.
    others
        Whether the menu's other seeds stay too; else only those that the seeds refer to do.

    Returns
    -------
    menu, places
        By seed, the numbers of its copies among the menu's seeds.

    Raises
    ------
    MenuError
        If there is no such seed or parameter, another seed that stays refers to one of them, or
        the copies are more than a menu can have.
    """
    kept = menu if others else menu.only(list(values))
    stay = [seed for seed in kept.seeds if seed.name not in values]
    for seed in kept.seeds:
        for name in references(menu.trees[seed.name]):
            if name in values:
                raise MenuError(f"seed '{seed.name}' refers to '{name}', whose parameter changes")
    taken = {seed.name for seed in menu.seeds} | {model.name for model in menu.models}
    seeds, places = list(stay), {}
    for name, (asked, numbers) in values.items():
        parameter = parameter_of(menu, name, asked)
        original = next(seed for seed in menu.seeds if seed.name == name)
        stem = f"{name}_at"
        while any(other.startswith(stem) for other in taken):
            stem += "_"
        places[name] = list(range(len(seeds), len(seeds) + len(numbers)))
        seeds += [
            with_value(original, parameter, value, f"{stem}{k}") for k, value in enumerate(numbers)
        ]
    if len(seeds) > SEED_LIMIT:
        raise MenuError(f"{len(seeds)} seeds and values; at most {SEED_LIMIT} can be counted")
    return replace(menu, seeds=tuple(seeds)), places
