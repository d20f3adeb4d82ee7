"""The anomaly trigger: trained on zero bias, judged alone, on top of a menu, against pile-up.

``.venv/bin/python benchmarks/anomaly.py FOLDER --train 1,7`` reads what ``edgetrig generate l1``
made at pile-up 60: ``zero-bias-1.parquet``, ... of different seeds, of which those named train and
all others judge, ``a4l.parquet``, ``lq``, ``h0``, ``hch``; and at other pile-up
``zero-bias-pu40.parquet``, ... It writes the trigger to ``--out``, or takes the one that is there,
and ``benchmarks/results/anomaly.md``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import itertools

import numpy as np

from edgetrig import Design, train_anomaly
from edgetrig.anomaly import DESIGN, RECORD
from edgetrig.emulate import Emulator
from edgetrig.menu_files import read_menu
from edgetrig.optimize import optimize
from edgetrig.physics.l1 import read_l1
from edgetrig.physics.tables.read import open_file
from edgetrig.training import anomaly_inputs, read_anomaly_inputs
from edgetrig.training.anomaly_inputs import COLUMNS
from edgetrig.trigger import wilson
from edgetrig.trigger.menu import Menu
from peers import HERE, machine, paragraph, say, table, write_whole

RATES = (1.0, 5.0, 10.0)
SIGNALS = {"a4l": "A → 4 leptons", "lq": "LQ → bτ", "h0": "h⁰ → ττ", "hch": "h± → τν"}
LOOSE = ("L1_ETMHF90", "L1_ETMHF100")
"""Seeds whose threshold is raised until the menu with the anomaly seed has the old total rate."""

ETMHF90 = 180
COLLISIONS = (0, 50, 55, 60, 65, 70, 200)
"""Edges of bins of a crossing's own number of collisions."""


class Sample:
    """Scores, the menu's decisions without `LOOSE`, missing energy and collisions of events."""

    def __init__(self, paths: list[Path], design: Design, menu: Menu) -> None:
        rest = menu.only([seed.name for seed in menu.seeds if seed.name not in LOOSE])
        decide = Emulator(optimize(rest.circuit())).predict
        names = {kind.column(field) for kind, field in rest.columns()}
        parts: list[tuple[Any, ...]] = []
        for path in paths:
            for block in read_l1(path, sorted({*names, *COLUMNS, "etmhf_et", "pileup"})):
                fired = decide({name: block[name] for name in names}).any(axis=1)
                score = design.predict(anomaly_inputs(block))
                parts.append((score, fired, block["etmhf_et"][:, 0].astype(int), block["pileup"]))
        columns = map(np.concatenate, zip(*parts, strict=True))
        self.score, self.others, self.etmhf, self.collisions = columns

    def menu(self, etmhf: int = ETMHF90) -> Any:
        """Return which events the menu keeps with a threshold on missing energy, in codes."""
        return self.others | (self.etmhf >= etmhf)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the events are")
    parser.add_argument("--train", default="1", help="numbers of the files that train: 1,7")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("anomaly"))
    given = parser.parse_args()
    files = sorted(given.folder.glob("zero-bias-[0-9]*.parquet"))
    train = [file for file in files if file.stem.split("-")[2] in given.train.split(",")]
    judge = [file for file in files if file not in train]
    if not (given.out / RECORD).exists():
        train_anomaly(
            read_anomaly_inputs(train),
            out=given.out,
            rate_khz=5.0,
            epochs=given.epochs,
            seed=1,
            fractions=(0.8, 0.1, 0.1),
            progress=lambda done, total: say(f"step {done} of {total}"),
        )
    design = Design.load(given.out / DESIGN)
    record = json.loads((given.out / RECORD).read_text())
    menu = read_menu(HERE / "run3.yaml")
    say("zero bias")
    zero_bias = Sample(judge, design, menu)
    say("signals")
    signals = {n: Sample([given.folder / f"{n}.parquet"], design, menu) for n in SIGNALS}
    half = len(zero_bias.score) // 2
    thresholds = [threshold(zero_bias.score[:half], rate / menu.khz_of_all) for rate in RATES]
    recipe = open_file(judge[0]).metadata["recipe"]
    lines = [
        "# Anomaly trigger",
        paragraph(
            f"Written by `benchmarks/anomaly.py FOLDER --train {given.train}`,"
            f" {machine()['date']}, {machine()['processor']}, {versions(record)}. Trained on"
            f" {record['events']['train']:,} zero-bias crossings:"
            f" encoder 57-32-16-8, {record['ebops']:,} EBOPs, loss"
            f" {record['history']['loss'][-1]:.4f} and"
            f" {record['history']['held_out_loss'][-1]:.4f} on held-out crossings. Judged on"
            f" {len(zero_bias.score):,} others, of other seeds (mean pile-up"
            f" {recipe['pileup']:g}; all from one pool, `{recipe['pool']}`): thresholds are set on"
            f" the first {half:,}, rates measured on the rest. {menu.bunches} bunches. Errors are"
            " statistical, 68 %; a threshold's own error is that of the crossings it rests on."
        ),
        "## Rates",
        rates(zero_bias, half, thresholds, menu),
        "## Signals kept by the anomaly seed alone, %",
        alone(signals, thresholds),
        *on_top(zero_bias, half, signals, thresholds, menu),
        "## Rate against pile-up, kHz",
        pile_up(given.folder, design, menu, thresholds),
        "By a crossing's own number of collisions, on the crossings at mean pile-up 60 that judge:",
        collisions(zero_bias, half, thresholds, menu),
    ]
    text = "\n\n".join(lines) + "\n"
    write_whole(HERE / "results" / "anomaly.md", text)
    print(text)


def threshold(scores: Any, fraction: float) -> float:
    """Return the lowest score that at most a fraction of the events reach."""
    return float(np.sort(scores)[::-1][int(fraction * len(scores))]) + 0.25


def rate(passed: Any, menu: Menu) -> str:
    scale = menu.khz_of_all / len(passed)
    return f"{passed.sum() * scale:.1f} ± {max(np.sqrt(passed.sum()), 1) * scale:.1f}"


def share(passed: Any) -> str:
    low, high = wilson(int(passed.sum()), len(passed))
    return f"{100 * passed.mean():.2f} ± {50 * (high - low):.2f}"


def gain(after: Any, before: Any) -> str:
    """Return the share of events won, less those lost; both counted on the same events."""
    won, lost = (after & ~before).sum(), (before & ~after).sum()
    scale = 100 / len(after)
    return f"{(won - lost) * scale:+.2f} ± {max(np.sqrt(won + lost), 1) * scale:.2f}"


def rates(zero_bias: Sample, half: int, thresholds: list[float], menu: Menu) -> str:
    rows = []
    for wanted, cut in zip(RATES, thresholds, strict=True):
        passed = zero_bias.score >= cut
        pure = passed[half:] & ~zero_bias.menu()[half:]
        rows.append(
            (
                f"{wanted:g}",
                f"{cut:g}",
                f"{passed[:half].sum()}",
                rate(passed[half:], menu),
                f"{passed[half:].sum()}",
                rate(pure, menu),
            )
        )
    head = (
        "asked for, kHz",
        "score at least",
        "set by crossings",
        "measured, kHz",
        "by crossings",
        "not in the menu, kHz",
    )
    return table(head, rows)


def alone(signals: dict[str, Sample], thresholds: list[float]) -> str:
    rows = [
        (
            SIGNALS[name],
            f"{len(sample.score):,}",
            *(share(sample.score >= cut) for cut in thresholds),
            share(sample.menu()),
        )
        for name, sample in signals.items()
    ]
    return table(("signal", "events", *(f"{r:g} kHz" for r in RATES), "menu alone"), rows)


def on_top(
    zero_bias: Sample, half: int, signals: dict[str, Sample], thresholds: list[float], menu: Menu
) -> list[str]:
    reference = zero_bias.menu()[:half].sum()
    total = rate(zero_bias.menu()[half:], menu)
    columns = []
    for cut in thresholds:
        anomalous = zero_bias.score >= cut
        code = next(
            c
            for c in range(ETMHF90, 4096)
            if (zero_bias.menu(c) | anomalous)[:half].sum() <= reference
        )
        kept = {n: gain(s.menu(code) | (s.score >= cut), s.menu()) for n, s in signals.items()}
        columns.append((code, rate((zero_bias.menu(code) | anomalous)[half:], menu), kept))
    rows = [
        (SIGNALS[name], share(sample.menu()), *(kept[name] for _, _, kept in columns))
        for name, sample in signals.items()
    ]
    rows += [
        ("total, kHz", total, *(found for _, found, _ in columns)),
        ("ETMHF threshold, GeV", "90", *(f"{code / 2:g}" for code, _, _ in columns)),
    ]
    words = paragraph(
        "The menu of `benchmarks/run3.yaml` with the anomaly seed, its threshold on missing energy"
        " raised until the total rate on the first half is that of the menu alone: signals kept by"
        " the menu, %, and points won by the change, net of those lost, counted on the same events."
    )
    head = ("signal", "menu", *(f"with anomalies at {r:g} kHz" for r in RATES))
    return ["## On top of a menu at equal total rate", words, table(head, rows)]


def pile_up(folder: Path, design: Design, menu: Menu, thresholds: list[float]) -> str:
    rows = []
    for path in sorted(folder.glob("zero-bias-pu*.parquet")):
        sample = Sample([path], design, menu)
        found = (rate(sample.score >= cut, menu) for cut in thresholds)
        number = path.stem.removeprefix("zero-bias-pu")
        rows.append((number, f"{len(sample.score):,}", *found, rate(sample.menu(), menu)))
    head = ("mean pile-up", "crossings", *(f"{r:g} kHz at 60" for r in RATES), "menu")
    return table(head, rows)


def collisions(zero_bias: Sample, half: int, thresholds: list[float], menu: Menu) -> str:
    rows = []
    for low, high in itertools.pairwise(COLLISIONS):
        within = (zero_bias.collisions >= low) & (zero_bias.collisions < high)
        within[:half] = False
        found = (rate(zero_bias.score[within] >= cut, menu) for cut in thresholds)
        total = rate(zero_bias.menu()[within], menu)
        rows.append((f"{low} to {high - 1}", f"{within.sum():,}", *found, total))
    head = ("collisions", "crossings", *(f"{r:g} kHz" for r in RATES), "menu")
    return table(head, rows)


def versions(record: dict[str, Any]) -> str:
    return ", ".join(f"{name} {number}" for name, number in record["versions"].items())


if __name__ == "__main__":
    main()
