"""Pictures of a menu in the style of the field's papers, by Matplotlib and mplhep.

Every function draws into the axes it is given, or into new ones in a `PlotStyle`, and returns them,
so that a user goes on from there. Rates are in kHz.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgetrig.errors import DataError, require
from edgetrig.files import whole_file
from edgetrig.report.menu import axis_label
from edgetrig.trigger.menu import Fired, Rates, TurnOn

STYLES: Final = ("CMS", "ATLAS", "LHCb2", "ALICE", "ROOT")
"""Styles of mplhep that can be chosen."""

NOTHING: Final = "no event passes at any of the thresholds; there is no rate to draw"
FORMATS: Final = ("pdf", "png")
MOST_SHOWN: Final = 40
"""Seeds in pictures that name them: those of the highest rates."""


@dataclass(frozen=True)
class PlotStyle:
    """How a picture looks, and what is written above it.

    Parameters
    ----------
    name
        One of `STYLES`: fonts, ticks and size.
    experiment
        What stands in bold at the upper left; nothing unless the user asks for it, since only an
        experiment may sign with its name.
    label
        What stands behind it.
    conditions
        What stands at the upper right, such as ``pile-up 60 (13.6 TeV)``.
    """

    name: str = "CMS"
    experiment: str = ""
    label: str = "Simulation"
    conditions: str = ""

    def __post_init__(self) -> None:
        if self.name not in STYLES:
            raise DataError(f"no style {self.name!r} of plots; there are {', '.join(STYLES)}")

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Draw in this style within a ``with`` block."""
        pyplot = require("matplotlib.pyplot", "plots")
        mplhep = require("mplhep", "plots")
        with pyplot.style.context(getattr(mplhep.style, self.name)):
            # What is found by its name, since text may be drawn where the style is gone.
            kind = pyplot.rcParams["font.family"][0]
            families = pyplot.rcParams.get(f"font.{kind}", [kind])
            known = set(require("matplotlib.font_manager", "plots").get_font_names())
            there = [name for name in families if name in known]
            math = "stix" if kind == "serif" else "stixsans"
            with pyplot.rc_context({"font.family": there or [kind], "mathtext.fontset": math}):
                yield

    def axes(self, size: tuple[float, float] | None = None) -> Any:
        """Return new axes of a figure of its own, with what is written above them."""
        figure = require("matplotlib.figure", "plots")
        mplhep = require("mplhep", "plots")
        with self.applied():
            axes = figure.Figure(figsize=size, layout="constrained").subplots()
            mplhep.label.exp_label(
                exp=self.experiment,
                text=self.label,
                rlabel=self.conditions,
                data=True,  # else it writes "Simulation" too
                loc=0,
                ax=axes,
            )
        return axes


DEFAULT: Final = PlotStyle()


def plot_rates(rates: Rates, *, style: PlotStyle = DEFAULT, axes: Any = None) -> Any:
    """Draw the rate of each seed and the part of it that no other seed keeps.

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
    axes = axes or style.axes((12, 3 + 0.5 * len(shown)))
    with style.applied():
        places = np.arange(len(shown))[::-1]
        floor = 10 ** np.floor(np.log10(0.5 * min(values[values > 0], default=1.0)))
        axes.barh(places, values - floor, 0.75, left=floor, color="#92c5de", label="rate")
        axes.errorbar(values, places, xerr=errors, fmt="none", ecolor="black", capsize=3)
        there = pure > 0
        axes.errorbar(
            pure[there],
            places[there],
            xerr=_above(pure, pure_errors, floor)[:, there],
            fmt="o",
            color="#b2182b",
            capsize=3,
            label="pure rate",
        )
        axes.set_xscale("log")
        axes.set_xlim(floor, 4 * max(values.max(), floor))
        axes.set_ylim(-0.75, len(shown) + 0.9)  # the legend stands above the bars
        axes.set_yticks(places, [rates.menu.seeds[k].name for k in shown], fontsize="small")
        axes.tick_params(axis="y", which="both", length=0)
        axes.minorticks_on()
        axes.yaxis.set_minor_locator(require("matplotlib.ticker", "plots").NullLocator())
        axes.set_xlabel("Rate [kHz]")
        axes.legend(loc="upper right", ncols=2, fontsize="small")
    return axes


def plot_threshold_scan(
    thresholds: Sequence[float],
    rates: Rates,
    *,
    name: str = "",
    label: str = "Threshold [GeV]",
    seeds: Sequence[int] | None = None,
    style: PlotStyle = DEFAULT,
    axes: Any = None,
) -> Any:
    """Draw a seed's rate against its threshold, with errors.

    Parameters
    ----------
    thresholds
        Rising.
    rates
        Of a menu with a copy of the seed at each (`edgetrig.trigger.menu.scan`).
    name
        What the legend calls the seed.
    label
        The axis' words.
    seeds
        Numbers of the copies among the menu's seeds; its last ones if left out.
    style, axes
        As for `plot_rates`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    khz, errors = (x[_copies(thresholds, rates, seeds)] for x in rates.seed)
    axes = axes or style.axes()
    with style.applied():
        some = khz > 0
        if not some.any():
            raise DataError(NOTHING)
        x = np.asarray(thresholds, np.float64)[some]
        spread = _above(khz, errors, khz[some].min() / 10)[:, some]
        axes.errorbar(x, khz[some], yerr=spread, fmt="o-", lw=1, ms=5, capsize=2, color="#2166ac")
        axes.set_yscale("log")
        if name:
            axes.legend([name])
        axes.set_xlabel(label)
        axes.set_ylabel("Rate [kHz]")
    return axes


def plot_efficiency_against_rate(
    rates: Rates,
    signals: Mapping[str, Fired],
    *,
    seeds: Sequence[int],
    name: str = "",
    style: PlotStyle = DEFAULT,
    axes: Any = None,
) -> Any:
    """Draw what a seed keeps of signals against its rate, threshold by threshold.

    Parameters
    ----------
    rates
        Of a menu with a copy of the seed at each threshold.
    signals
        Which seeds of the same menu fired in events of signals, by name.
    seeds
        Numbers of the copies among the menu's seeds, thresholds rising.
    name
        What the legend calls the seed.
    style, axes
        As for `plot_rates`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    khz, errors = (x[list(seeds)] for x in rates.seed)
    axes = axes or style.axes()
    with style.applied():
        some = khz > 0
        if not some.any():
            raise DataError(NOTHING)
        for signal, fired in signals.items():
            kept = rates.efficiency(fired)
            value, low, high = (x[list(seeds)][some] for x in kept)
            spread = np.array([value - low, high - value])
            sideways = _above(khz, errors, khz[some].min() / 10)[:, some]
            axes.errorbar(
                khz[some], value, yerr=spread, xerr=sideways, fmt="o-", lw=1, ms=5, label=signal
            )
        axes.set_xscale("log")
        axes.set_ylim(0, 1.1)
        axes.set_xlabel("Rate [kHz]")
        axes.set_ylabel("Signal efficiency")
        axes.legend(loc="upper left", title=name or None)
    return axes


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


def write_plots(
    folder: str | os.PathLike[str],
    plots: Mapping[str, Callable[[], Any]],
    formats: Sequence[str] = FORMATS,
) -> list[Path]:
    """Write pictures, each as a whole file or not at all.

    Parameters
    ----------
    folder
        Created if it does not exist; other files in it stay.
    plots
        Functions that return axes, by the file's name without its suffix.
    formats
        Suffixes that Matplotlib knows.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    Error
        If the folder cannot be written.
    """
    written = []
    for name, draw in plots.items():
        figure = draw().figure
        for suffix in formats:
            target = Path(folder) / f"{name}.{suffix}"
            with whole_file(target) as temporary:
                figure.savefig(temporary, format=suffix, dpi=100)
            written.append(target)
    return written


def _shown(rates: Rates) -> list[int]:
    """Return the numbers of the seeds of the highest rates, in the menu's order."""
    order = np.argsort(-rates.seed[0], kind="stable")[:MOST_SHOWN]
    return sorted(order.tolist())


def _copies(thresholds: Sequence[float], rates: Rates, seeds: Sequence[int] | None) -> list[int]:
    last = len(rates.menu.seeds)
    numbers = list(range(last - len(thresholds), last)) if seeds is None else list(seeds)
    if len(numbers) != len(thresholds) or min(numbers, default=0) < 0:
        raise DataError(f"{len(thresholds)} thresholds, but {len(numbers)} rates")
    return numbers


def _above(values: Any, errors: Any, floor: float) -> Any:
    """Return errors down and up, where a logarithmic axis begins at `floor`."""
    return np.array([np.minimum(errors, np.maximum(values - floor, 0)), errors])


def _words(variable: str) -> str:
    """Return a column's name as an axis says it."""
    signs = {"pt": r"$p_\mathrm{T}$", "eta": r"$\eta$", "phi": r"$\phi$", "met": "missing energy"}
    signs |= {"hat": r"$\hat{p}_\mathrm{T}$", "ht": r"$H_\mathrm{T}$"}
    words = [signs.get(word, word) for word in axis_label(variable).split(" ")]
    text = " ".join(words).replace(signs["pt"] + " " + signs["hat"], signs["hat"])
    return text[0].upper() + text[1:]
