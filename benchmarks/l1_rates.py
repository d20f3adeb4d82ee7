"""Rates of simulated trigger objects: alone over thresholds, and in a menu beside public figures.

``.venv/bin/python benchmarks/l1_rates.py ZERO_BIAS...`` reads files that ``edgetrig generate l1
--process zero-bias`` made and writes ``benchmarks/results/l1_rates.md``. ``--quick`` only prints.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from edgetrig.menu_files import read_menu
from edgetrig.physics.l1 import contents_l1
from edgetrig.trigger.menu import CountFired, Decider, Menu, Rates, Seed, total
from peers import HERE, machine, paragraph, say, table, write_whole

SCANS = {
    "muon, quality 12": ("muon[pt >= {} and quality >= 12]", (3, 5, 7, 10, 15, 22, 25)),
    "e/gamma, 2.5": ("egamma[pt >= {} and abs(eta) < 2.5]", (10, 15, 20, 25, 30, 36, 45)),
    "jet": ("jet[pt >= {}]", (35, 60, 90, 120, 150, 180, 200)),
    "tau, 2.1": ("tau[pt >= {} and abs(eta) < 2.1]", (20, 30, 40, 60, 80, 100, 120)),
    "HT": ("htt >= {}", (120, 160, 200, 240, 280, 320, 360)),
    "missing energy": ("etmhf >= {}", (50, 60, 70, 80, 90, 100, 120)),
}

PUBLIC_KHZ = {
    "L1_SingleMu22": 6.7,
    "L1_DoubleMu_15_7": 1.6,
    "L1_SingleEG36er2p5": 13.9,
    "L1_SingleIsoEG30er2p5": 12.9,
    "L1_DoubleEG_25_12_er2p5": 5.3,
    "L1_DoubleIsoTau34er2p1": 13.7,
    "L1_SingleJet180": 4.3,
    "L1_HTT360er": 10.6,
    "L1_ETMHF100": 194.0,
}
"""From a public simulation of Run 3."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", type=Path, nargs="+", help="zero-bias events")
    parser.add_argument("--quick", action="store_true", help="only print")
    arguments = parser.parse_args()
    run3 = read_menu(HERE / "run3.yaml")
    scans = tuple(
        Seed(f"scan_{number}_{threshold}", text.format(threshold))
        for number, (text, thresholds) in enumerate(SCANS.values())
        for threshold in thresholds
    )
    say("seeds alone")
    alone = rates_of(Menu("scans", scans, bunches=run3.bunches), arguments.events)
    say("menu")
    menu = rates_of(run3, arguments.events)
    text = report(alone, menu, [contents_l1(file)[1]["recipe"] for file in arguments.events])
    if not arguments.quick:
        write_whole(HERE / "results" / "l1_rates.md", text)
    print(text)


def rates_of(menu: Menu, events: list[Path]) -> Rates:
    """Count which seeds fire."""
    return Rates(menu, total(CountFired(Decider.of(menu)), events))


def report(alone: Rates, menu: Rates, recipes: list[dict]) -> str:
    commands = ", ".join(f"`{recipe['command']}`" for recipe in recipes)
    pools = ", ".join(sorted({recipe["pool"] for recipe in recipes}))
    lines = [
        "# Rates of simulated trigger objects",
        paragraph(
            f"Written by `benchmarks/l1_rates.py`, {machine()['date']}, from {menu.fired.events:,}",
            f"crossings of {commands}. Errors are those of the crossings counted (for fewer than",
            "30 of them the central 68 % interval of Clopper and Pearson), not of the pools",
            f"{pools}. {menu.menu.bunches} bunches.",
        ),
        table(("object, up to abs(eta)", *("GeV: kHz",) * 7), scan_rows(alone)),
        table(("seed", "kHz", "public simulation, kHz", "ratio"), menu_rows(menu)),
        paragraph(f"All together {menu.total[0]:.1f} +- {menu.total[1]:.1f} kHz."),
    ]
    return "\n\n".join(lines) + "\n"


def scan_rows(alone: Rates) -> list[tuple[str, ...]]:
    rates, errors = (values.reshape(len(SCANS), -1) for values in alone.seed)
    assert np.all(np.diff(rates, axis=1) <= 0), "a rate rises with the threshold"
    return [
        (name, *(f"{t}: {r:.1f} ± {e:.1f}" for t, r, e in zip(scan[1], *pair, strict=True)))
        for (name, scan), *pair in zip(SCANS.items(), rates, errors, strict=True)
    ]


def menu_rows(menu: Rates) -> list[tuple[str, ...]]:
    rows = []
    share = menu.efficiency(menu.fired)
    intervals = zip(share.low * menu.all_khz, share.high * menu.all_khz, strict=True)
    # The last interval is that of the whole menu.
    for seed, rate, error, ends in zip(menu.menu.seeds, *menu.seed, intervals, strict=False):
        few = rate < 30 * menu.all_khz / menu.fired.events
        words = f"{ends[0]:.2f} to {ends[1]:.2f}" if few else f"± {error:.2f}"
        public = PUBLIC_KHZ.get(seed.name)
        beside = ("", "") if public is None else (f"{public:g}", f"{rate / public:.2f}")
        rows.append(
            (seed.name, f"{rate:.2f} {words}" if not few else f"{rate:.2f} ({words})", *beside)
        )
    return rows


if __name__ == "__main__":
    main()
