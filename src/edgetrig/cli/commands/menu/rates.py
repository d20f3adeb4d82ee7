"""``edgetrig menu rates``: how often seeds fire, and what they keep of signals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from edgetrig.cli.commands.menu import options
from edgetrig.cli.commands.menu.events import cross_sections_of
from edgetrig.cli.commands.menu.study import Study
from edgetrig.cli.console import say
from edgetrig.cli.options import check_file
from edgetrig.files import whole_file


def menu_rates(
    menu: options.MenuFile,
    data: options.Files,
    signal: options.Signals = None,
    weight: options.Weight = None,
    luminosity: options.Luminosity = None,
    cross_section: options.CrossSections = None,
    out: Annotated[Path | None, typer.Option(help="Write all figures as JSON.")] = None,
    dask: options.Where = None,
) -> None:
    """Rates of every seed: its own, pure, cumulative, what it adds; efficiencies of signals."""
    from edgetrig.report import rate_facts

    study = Study.of(
        menu,
        data,
        signal=signal,
        weight=weight,
        luminosity=luminosity,
        cross_section=cross_section,
        dask=dask,
    )
    if out is not None:
        check_file(out, [menu, *data, *(file for some in study.signals.values() for file in some)])
    rates = study.rates()
    say(str(rates))
    counted = study.counted_signals()
    fired = {name: one.fired for name, one in counted.items()}
    facts = rate_facts(rates, fired, cross_sections_of(counted), luminosity)
    for name, figures in facts["efficiency"].items():
        say(_kept(name, figures, [seed.name for seed in study.menu.seeds]))
    if out is not None:
        with whole_file(out) as temporary:
            temporary.write_text(json.dumps(facts, indent=1))
        say(f"wrote {out}")


def _kept(name: str, figures: Mapping[str, Any], seeds: Sequence[str]) -> str:
    """Return a line on what is kept of a signal."""
    best = sorted(zip(figures["seeds"], seeds, strict=True), key=lambda pair: -pair[0])[:3]
    most = ", ".join(f"{seed} {share:.1%}" for share, seed in best)
    line = f"{name}: {figures['menu']:.2%} ({figures['menu_low']:.2%} to"
    line += f" {figures['menu_high']:.2%}) kept; most by {most}"
    if figures["rate_khz"] is not None:
        line += f"; {figures['rate_khz'] * 1000:.3g} +- {figures['rate_error_khz'] * 1000:.2g} Hz"
    return line
