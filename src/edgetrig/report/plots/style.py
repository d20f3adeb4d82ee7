"""How pictures look: a style of mplhep, and what is written above the axes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgetrig.errors import DataError, require

STYLES: Final = ("CMS", "ATLAS", "LHCb2", "ALICE", "ROOT")
"""Styles of mplhep that can be chosen."""


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


def errors_above(values: Any, errors: Any, floor: float) -> Any:
    """Return errors down and up, where a logarithmic axis begins at `floor`."""
    return np.array([np.minimum(errors, np.maximum(values - floor, 0)), errors])
