"""Rates of a menu's seeds, and what the seeds share."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from edgetrig.errors import DataError, require
from edgetrig.report.plots.style import DEFAULT, PlotStyle, errors_above
from edgetrig.trigger.menu import Rates

MOST_SHOWN: Final = 40
"""Seeds in pictures that name them: those of the highest rates."""


def plot_rates(rates: Rates, *, style: PlotStyle = DEFAULT, axes: Any = None) -> Any:
    """Draw the rate of each seed and the part of it that no other seed keeps.

    A seed that kept no event is drawn at its limit, `Rates.limit`.

    Parameters
    ----------
    rates
        Of a menu; the seeds of the highest rates are drawn, prescales included.
    style, axes
        As `PlotStyle.axes`; given axes are drawn into.

    Returns
    -------
    matplotlib.axes.Axes
        With a logarithmic axis of rates.
    """
    shown = _shown(rates)
    values, errors = (x[shown] for x in rates.seed)
    pure, pure_errors = (x[shown] for x in rates.pure)
    limits = rates.limit[shown]
    unseen = (values == 0) & (limits > 0)
    axes = axes or style.axes((12, 3 + 0.5 * len(shown)))
    with style.applied():
        places = np.arange(len(shown))[::-1]
        drawn = np.concatenate([values[values > 0], limits[unseen]])
        floor = 10 ** np.floor(np.log10(0.5 * min(drawn, default=1.0)))
        axes.barh(places, values - floor, 0.75, left=floor, color="#92c5de", label="rate")
        axes.errorbar(values, places, xerr=errors, fmt="none", ecolor="black", capsize=3)
        there = pure > 0
        axes.errorbar(
            pure[there],
            places[there],
            xerr=errors_above(pure, pure_errors, floor)[:, there],
            fmt="o",
            color="#b2182b",
            capsize=3,
            label="pure rate",
        )
        axes.set_xscale("log")
        if unseen.any():
            axes.plot(
                limits[unseen], places[unseen], "<", color="grey", ms=9, label="no event: limit"
            )
        axes.set_xlim(floor, 4 * max(values.max(), *limits[unseen], floor))
        axes.set_ylim(-0.75, len(shown) + 0.9)  # the legend stands above the bars
        axes.set_yticks(places, [rates.menu.seeds[k].name for k in shown], fontsize="small")
        axes.tick_params(axis="y", which="both", length=0)
        axes.minorticks_on()
        axes.yaxis.set_minor_locator(require("matplotlib.ticker", "plots").NullLocator())
        axes.set_xlabel("Rate [kHz]")
        axes.legend(loc="upper right", ncols=3, fontsize="small")
    return axes


def plot_overlap(rates: Rates, *, style: PlotStyle = DEFAULT, axes: Any = None) -> Any:
    """Draw which share of a row's seed the column's seed keeps too, in percent.

    Parameters
    ----------
    rates
        Of a menu, prescales included; seeds without rate are left out.
    style, axes
        As for `plot_rates`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    shown = [k for k in _shown(rates) if rates.seed[0][k] > 0]
    if not shown:
        raise DataError("no seed has a rate; there are no overlaps to draw")
    overlap = rates.overlap[np.ix_(shown, shown)]
    share = 100 * overlap / np.diag(overlap)[:, None]
    side = 6 + 0.55 * len(shown)
    axes = axes or style.axes((side + 1.5, side))
    with style.applied():
        picture = axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
        names = [rates.menu.seeds[k].name for k in shown]
        axes.set_xticks(range(len(shown)), names, rotation=90, fontsize="x-small")
        axes.set_yticks(range(len(shown)), names, fontsize="x-small")
        axes.tick_params(which="both", length=0)
        for row, column in np.ndindex(share.shape):
            if share[row, column] >= 0.5:
                colour = "white" if share[row, column] > 55 else "black"
                words = f"{share[row, column]:.0f}"
                axes.text(column, row, words, ha="center", va="center", color=colour, size=11)
        bar = axes.figure.colorbar(picture, ax=axes, pad=0.02)
        bar.set_label("Share of the row's rate that the column keeps [%]", fontsize="small")
    return axes


def _shown(rates: Rates) -> list[int]:
    """Return the numbers of the seeds of the highest rates, in the menu's order."""
    order = np.argsort(-rates.seed[0], kind="stable")[:MOST_SHOWN]
    return sorted(order.tolist())
