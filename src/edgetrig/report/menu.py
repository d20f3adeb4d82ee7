"""The report of a trigger menu: rates, overlaps, efficiencies and turn-on curves as one page."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgetrig.errors import DataError
from edgetrig.report.bars import bar_chart
from edgetrig.report.charts import Axis, Chart, Mark
from edgetrig.report.facts import Facts
from edgetrig.report.page import template, write_page
from edgetrig.trigger.menu import Fired, Rates, TurnOn, khz_of

MENU_FORMAT: Final = "edgetrig menu report"
MENU_VERSION: Final = 1

MOST_SHOWN: Final = 32
"""Seeds in the picture of overlaps: those of the highest rates."""


def rate_facts(
    rates: Rates,
    signals: Mapping[str, Fired] | None = None,
    cross_sections_pb: Mapping[str, float] | None = None,
    luminosity: float | None = None,
) -> Facts:
    """Return all figures of a menu's rates as plain numbers.

    Parameters
    ----------
    rates
        Of zero-bias events.
    signals
        Which seeds fired in events of signals, by the signal's name.
    cross_sections_pb
        Of signals where it is known, in pb.
    luminosity
        Instantaneous, in 1/(cm^2 s): signals of known cross section get their rates.
    """
    menu = rates.menu
    sigmas = dict(cross_sections_pb or {})
    total, error = rates.total
    pairs = {"rate": rates.seed, "pure": rates.pure, "cumulative": rates.cumulative}
    seeds = [
        {
            "name": seed.name,
            "expression": seed.expression,
            "parameters": dict(seed.parameters),
            "prescale": float(seed.prescale),
            "adds_khz": float(rates.added[k]),
            "limit_khz": float(rates.limit[k]),
            **{f"{name}_khz": float(values[k]) for name, (values, _) in pairs.items()},
            **{f"{name}_error_khz": float(errors[k]) for name, (_, errors) in pairs.items()},
        }
        for k, seed in enumerate(menu.seeds)
    ]
    efficiency = {
        name: _signal(rates, fired, sigmas.get(name), luminosity)
        for name, fired in (signals or {}).items()
    }
    return {
        "menu": menu.name,
        "events": rates.fired.events,
        "bunches": menu.bunches,
        "khz_of_all": rates.all_khz,
        "zero_bias": rates.khz_of_all is None,
        "luminosity": luminosity,
        "budget_khz": menu.budget_khz,
        "total_khz": total,
        "total_error_khz": error,
        "total_limit_khz": rates.total_limit,
        "verdict": rates.verdict,
        "seeds": seeds,
        "overlap_khz": rates.overlap.tolist(),
        "efficiency": efficiency,
    }


def _signal(
    rates: Rates, fired: Fired, cross_section_pb: float | None, luminosity: float | None
) -> Facts:
    """Return what is kept of a signal: fractions with intervals, and rates where they are known."""
    kept = rates.efficiency(fired)
    facts: Facts = {
        "events": fired.events,
        "cross_section_pb": cross_section_pb,
        "rate_khz": None,
        "rate_error_khz": None,
    }
    for name, values in (("", kept.value), ("_low", kept.low), ("_high", kept.high)):
        *seeds, whole = values.tolist()
        facts |= {f"menu{name}": whole, f"seeds{name}": seeds}
    if cross_section_pb is not None and luminosity is not None:
        of_all = khz_of(cross_section_pb, luminosity)
        facts["rate_khz"], facts["rate_error_khz"] = Rates(rates.menu, fired, of_all).total
    return facts


def collect_menu(
    rates: Rates,
    signals: Mapping[str, Fired] | None = None,
    turn_ons: Sequence[TurnOn] = (),
    *,
    cross_sections_pb: Mapping[str, float] | None = None,
    luminosity: float | None = None,
    files: Sequence[str] = (),
    command: str = "",
) -> Facts:
    """Gather what the report of a menu shows.

    Parameters
    ----------
    rates, signals, cross_sections_pb, luminosity
        As for `rate_facts`.
    turn_ons
        Curves to draw.
    files
        Names of the files of the rates' events.
    command
        How to make the report again.

    Returns
    -------
    dict
        Plain JSON values.
    """
    return {
        "format": MENU_FORMAT,
        "version": MENU_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **rate_facts(rates, signals, cross_sections_pb, luminosity),
        "turn_ons": [curve.to_dict() for curve in turn_ons],
        "files": list(files),
        "command": command,
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("edgetrig", "numpy", "numba")},
        },
    }


def write_menu(folder: str | os.PathLike[str], facts: Facts) -> Path:
    """Write ``report.html`` and ``report.json`` of a menu; other files in the folder stay.

    Parameters
    ----------
    folder
        Created if it does not exist.
    facts
        From `collect_menu`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ToolError
        If Jinja is not installed.
    Error
        If the folder cannot be written.
    """
    return write_page(folder, facts, render_menu(facts))


def render_menu(facts: Facts) -> str:
    """Return the page: HTML with its styles and pictures inside, without scripts.

    Raises
    ------
    DataError
        If these are no facts of a menu's report, or of a later version.
    ToolError
        If Jinja is not installed.
    """
    if facts.get("format") != MENU_FORMAT or facts.get("version") != MENU_VERSION:
        raise DataError(f"not the facts of an {MENU_FORMAT} of version {MENU_VERSION}")
    page: str = template("menu.html").render(
        facts=facts,
        bars=bar_chart(facts["seeds"]),
        overlaps=_overlaps(facts),
        curves=[(curve, _curve(curve).drawn()) for curve in facts["turn_ons"]],
    )
    return page


def _overlaps(facts: Facts) -> list[dict[str, Any]]:
    """Return a row a seed: of its own rate, the share that each other seed keeps too."""
    rate = np.diag(np.array(facts["overlap_khz"], np.float64))
    order = np.argsort(-rate, kind="stable")[:MOST_SHOWN]
    shown = sorted(int(k) for k in order if rate[k] > 0)
    overlap = facts["overlap_khz"]
    return [
        {
            "number": row + 1,
            "name": facts["seeds"][row]["name"],
            "columns": [column + 1 for column in shown],
            "shares": [
                None if column == row else overlap[row][column] / rate[row] for column in shown
            ],
        }
        for row in shown
    ]


def _curve(curve: Mapping[str, Any]) -> Chart:
    edges = curve["edges"]
    points = [
        Mark(
            (left + right) / 2,
            efficiency,
            (left, right),
            (low, high),
            f"{left:g} to {right:g}: {passed:,} of {total:,}, {100 * efficiency:.1f} %"
            f" ({100 * low:.1f} to {100 * high:.1f} %)",
        )
        for left, right, efficiency, low, high, passed, total in zip(
            edges,
            edges[1:],
            *(curve[name] for name in ("efficiency", "low", "high", "passed", "total")),
            strict=False,
        )
        if efficiency is not None
    ]
    return Chart(
        title=f"Efficiency of {curve['seed']} against {curve['variable']}",
        x=Axis(axis_label(curve["variable"]), edges[0], edges[-1]),
        y=Axis(f"efficiency of {curve['seed']}", 0.0, 1.0, percent=True),
        lines=(),
        points=points,
    )


def axis_label(variable: str) -> str:
    """Return a column's name in words, with its unit where the name says it."""
    words = variable.replace("_", " ")
    last = words.rsplit(" ", 1)[-1]
    if last in ("pt", "met", "hat", "ht"):
        return f"{words} [GeV]"
    return words
