"""Pictures of a menu in the style of the field's papers, by Matplotlib and mplhep.

Every function draws into the axes it is given, or into new ones in a `PlotStyle`, and returns them,
so that a user goes on from there. Rates are in kHz.
"""

from edgetrig.report.plots.files import FORMATS, write_plots
from edgetrig.report.plots.rates import MOST_SHOWN, plot_overlap, plot_rates
from edgetrig.report.plots.scans import plot_efficiency_against_rate, plot_threshold_scan
from edgetrig.report.plots.style import DEFAULT, STYLES, PlotStyle
from edgetrig.report.plots.turn_on import plot_turn_on

__all__ = [
    "DEFAULT",
    "FORMATS",
    "MOST_SHOWN",
    "STYLES",
    "PlotStyle",
    "plot_efficiency_against_rate",
    "plot_overlap",
    "plot_rates",
    "plot_threshold_scan",
    "plot_turn_on",
    "write_plots",
]
