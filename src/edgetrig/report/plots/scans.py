"""A seed's rate, and what it keeps of signals, threshold by threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from edgetrig.errors import DataError
from edgetrig.report.plots.style import DEFAULT, PlotStyle, errors_above
from edgetrig.trigger.menu import Fired, Rates

NOTHING: Final = "no event passes at any of the thresholds; there is no rate to draw"


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
        spread = errors_above(khz, errors, khz[some].min() / 10)[:, some]
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
        highest = 0.0
        for signal, fired in signals.items():
            kept = rates.efficiency(fired)
            value, low, high = (x[list(seeds)][some] for x in kept)
            highest = max(highest, float(high.max()))
            spread = np.array([value - low, high - value])
            sideways = errors_above(khz, errors, khz[some].min() / 10)[:, some]
            axes.errorbar(
                khz[some], value, yerr=spread, xerr=sideways, fmt="o-", lw=1, ms=5, label=signal
            )
        axes.set_xscale("log")
        axes.set_ylim(0, min(1.1, 1.3 * highest) or 1.1)
        axes.set_xlabel("Rate [kHz]")
        axes.set_ylabel("Signal efficiency")
        axes.legend(loc="upper left", title=name or None)
    return axes


def _copies(thresholds: Sequence[float], rates: Rates, seeds: Sequence[int] | None) -> list[int]:
    last = len(rates.menu.seeds)
    numbers = list(range(last - len(thresholds), last)) if seeds is None else list(seeds)
    if len(numbers) != len(thresholds) or min(numbers, default=0) < 0:
        raise DataError(f"{len(thresholds)} thresholds, but {len(numbers)} rates")
    return numbers
