"""Turn-on curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgetrig.report.menu import axis_label
from edgetrig.report.plots.style import DEFAULT, PlotStyle
from edgetrig.trigger.menu import TurnOn


def plot_turn_on(
    curves: TurnOn | Sequence[TurnOn],
    *,
    label: str | None = None,
    style: PlotStyle = DEFAULT,
    axes: Any = None,
) -> Any:
    """Draw turn-on curves with their intervals.

    Parameters
    ----------
    curves
        One, or several against the same quantity.
    label
        The quantity's words; by default the column's name with its unit.
    style, axes
        As for `plot_rates`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    every = [curves] if isinstance(curves, TurnOn) else list(curves)
    axes = axes or style.axes()
    markers = "os^vDP*X"
    with style.applied():
        for number, curve in enumerate(every):
            some = curve.total > 0
            low, high = (end[some] for end in curve.interval())
            value = curve.efficiency[some]
            centre, half = (curve.edges[1:] + curve.edges[:-1]) / 2, np.diff(curve.edges) / 2
            axes.errorbar(
                centre[some],
                value,
                xerr=half[some],
                yerr=[value - low, high - value],
                fmt=markers[number % len(markers)],
                ms=6,
                capsize=0,
                label=curve.seed,
            )
        axes.axhline(1, color="grey", lw=1, ls="--", zorder=0)
        axes.set_ylim(0, 1.25)
        axes.set_xlim(every[0].edges[0], every[0].edges[-1])
        axes.set_xlabel(label or _words(every[0].variable))
        axes.set_ylabel("Trigger efficiency")
        axes.legend(loc="upper left")
    return axes


def _words(variable: str) -> str:
    """Return a column's name as an axis says it."""
    signs = {"pt": r"$p_\mathrm{T}$", "eta": r"$\eta$", "phi": r"$\phi$", "met": "missing energy"}
    signs |= {"hat": r"$\hat{p}_\mathrm{T}$", "ht": r"$H_\mathrm{T}$"}
    words = [signs.get(word, word) for word in axis_label(variable).split(" ")]
    text = " ".join(words).replace(signs["pt"] + " " + signs["hat"], signs["hat"])
    return text[0].upper() + text[1:]
