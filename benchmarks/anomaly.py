"""The anomaly trigger: trained on zero bias, judged alone and on top of a menu, and built.

``.venv/bin/python benchmarks/anomaly.py FOLDER`` reads what ``edgetrig generate l1`` made at
pile-up 60 (``zero-bias.parquet`` to train on, ``zero-bias-2.parquet`` of another seed to judge,
``a4l.parquet``, ``lq``, ``h0``, ``hch``) and at others (``zero-bias-pu40.parquet``, ...), and
writes ``benchmarks/results/anomaly.md``.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

from edgetrig import Target, train_anomaly
from edgetrig.anomaly import AnomalyTrigger
from edgetrig.emulate import Emulator
from edgetrig.optimize import optimize
from edgetrig.physics.l1 import read_l1
from edgetrig.physics.tables.read import open_file
from edgetrig.training import anomaly_inputs
from edgetrig.training.anomaly_inputs import COLUMNS
from edgetrig.trigger import wilson
from edgetrig.trigger.menu import Menu, read_menu
from peers import HERE, machine, paragraph, say, table, write_whole

RATES = (1.0, 5.0, 10.0)
SIGNALS = {"a4l": "A → 4 leptons", "lq": "LQ → bτ", "h0": "h⁰ → ττ", "hch": "h± → τν"}
LOOSE = ("L1_ETMHF90", "L1_ETMHF100")
"""Seeds whose threshold is raised until the menu with the anomaly seed has the old total rate."""


class Sample:
    """Scores, the menu's decisions without `LOOSE`, and missing energy of a file's events."""

    def __init__(self, path: Path, trigger: AnomalyTrigger, menu: Menu) -> None:
        rest = menu.only([seed.name for seed in menu.seeds if seed.name not in LOOSE])
        decide = Emulator(optimize(rest.circuit())).predict
        names = {kind.column(field) for kind, field in rest.columns()}
        parts: list[tuple[Any, ...]] = []
        for block in read_l1(path, sorted({*names, *COLUMNS, "etmhf_et"})):
            fired = decide({name: block[name] for name in names}).any(axis=1)
            parts.append((trigger.score(block), fired, block["etmhf_et"][:, 0].astype(int)))
        self.score, self.others, self.etmhf = map(np.concatenate, zip(*parts, strict=True))

    def menu(self, etmhf: int) -> Any:
        """Return which events the menu keeps with a threshold on missing energy, in codes."""
        return self.others | (self.etmhf >= etmhf)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the events are")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("anomaly"))
    given = parser.parse_args()
    blocks = list(read_l1(given.folder / "zero-bias.parquet", COLUMNS))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in COLUMNS}
    started = time.process_time()
    trigger = train_anomaly(
        columns,
        out=given.out,
        rate_khz=5.0,
        epochs=given.epochs,
        seed=1,
        fractions=(0.8, 0.1, 0.1),
        progress=lambda done, total: say(f"step {done} of {total}"),
    )
    seconds = time.process_time() - started
    menu = read_menu(HERE / "run3.yaml")
    say("zero bias")
    judge = given.folder / "zero-bias-2.parquet"
    zero_bias = Sample(judge, trigger, menu)
    signals = {n: Sample(given.folder / f"{n}.parquet", trigger, menu) for n in SIGNALS}
    half = len(zero_bias.score) // 2
    thresholds = [threshold(zero_bias.score[:half], rate / menu.khz_of_all) for rate in RATES]
    lines = [
        "# Anomaly trigger",
        paragraph(
            f"Written by `benchmarks/anomaly.py FOLDER`, {machine()['date']},"
            f" {machine()['processor']}, {versions(trigger)}. Trained on"
            f" {trigger.events['train']:,} zero-bias crossings in {seconds:.0f} CPU s:"
            f" encoder 57-32-16-8, {trigger.encoder.ebops:,} EBOPs. Judged on those of"
            f" `{open_file(judge).metadata['recipe']['command']}`: thresholds are set on the first"
            f" {half:,}, rates measured on the other {half:,}; both from one pool of pile-up."
            f" {menu.bunches} bunches; errors are statistical, 68 %."
        ),
        "## Rates",
        rates(zero_bias, half, thresholds, menu),
        "## Signals kept by the anomaly seed alone, %",
        alone(signals, thresholds),
        *on_top(zero_bias, half, signals, thresholds, menu),
        "## Rate against pile-up, kHz",
        pile_up(given.folder, trigger, menu, thresholds),
        *hardware(trigger, columns),
    ]
    text = "\n\n".join(lines) + "\n"
    write_whole(HERE / "results" / "anomaly.md", text)
    print(text)


def threshold(scores: Any, fraction: float) -> float:
    """Return the lowest score that at most a fraction of the events reach."""
    return float(np.sort(scores)[::-1][int(fraction * len(scores))]) + 0.25


def rate(passed: Any, menu: Menu) -> str:
    scale = menu.khz_of_all / len(passed)
    return f"{passed.sum() * scale:.1f} ± {np.sqrt(passed.sum()) * scale:.1f}"


def share(passed: Any) -> str:
    low, high = wilson(int(passed.sum()), len(passed))
    return f"{100 * passed.mean():.1f} ± {50 * (high - low):.1f}"


def rates(zero_bias: Sample, half: int, thresholds: list[float], menu: Menu) -> str:
    rows = []
    for wanted, cut in zip(RATES, thresholds, strict=True):
        passed = zero_bias.score >= cut
        counted = int(passed[half:].sum())
        pure = passed[half:] & ~zero_bias.menu(180)[half:]
        rows.append(
            (f"{wanted:g}", f"{cut:g}", rate(passed[half:], menu), f"{counted}", rate(pure, menu))
        )
    head = (
        "asked for, kHz",
        "score at least",
        "measured, kHz",
        "crossings",
        "not in the menu, kHz",
    )
    return table(head, rows)


def alone(signals: dict[str, Sample], thresholds: list[float]) -> str:
    rows = [
        (
            SIGNALS[name],
            f"{len(sample.score):,}",
            *(share(sample.score >= cut) for cut in thresholds),
            share(sample.menu(180)),
        )
        for name, sample in signals.items()
    ]
    return table(("signal", "events", *(f"{r:g} kHz" for r in RATES), "menu alone"), rows)


def on_top(
    zero_bias: Sample, half: int, signals: dict[str, Sample], thresholds: list[float], menu: Menu
) -> list[str]:
    reference = zero_bias.menu(180)[:half].sum()
    total = rate(zero_bias.menu(180)[half:], menu)
    columns = []
    for cut in thresholds:
        anomalous = zero_bias.score >= cut
        code = next(
            c for c in range(180, 4096) if (zero_bias.menu(c) | anomalous)[:half].sum() <= reference
        )
        kept = {n: share(s.menu(code) | (s.score >= cut)) for n, s in signals.items()}
        columns.append((code, rate((zero_bias.menu(code) | anomalous)[half:], menu), kept))
    rows = [
        (SIGNALS[name], share(sample.menu(180)), *(kept[name] for _, _, kept in columns))
        for name, sample in signals.items()
    ]
    rows += [
        ("total, kHz", total, *(found for _, found, _ in columns)),
        ("ETMHF threshold, GeV", "90", *(f"{code / 2:g}" for code, _, _ in columns)),
    ]
    words = paragraph(
        "The menu of `benchmarks/run3.yaml` with the anomaly seed, its threshold on missing energy"
        " raised until the total rate on the first half is that of the menu alone: signals kept, %."
    )
    head = ("signal", "menu", *(f"with anomalies at {r:g} kHz" for r in RATES))
    return ["## On top of a menu at equal total rate", words, table(head, rows)]


def pile_up(folder: Path, trigger: AnomalyTrigger, menu: Menu, thresholds: list[float]) -> str:
    rows = []
    for path in sorted(folder.glob("zero-bias-pu*.parquet")):
        sample = Sample(path, trigger, menu)
        found = (rate(sample.score >= cut, menu) for cut in thresholds)
        number = path.stem.removeprefix("zero-bias-pu")
        rows.append((number, *found, rate(sample.menu(180), menu)))
    return table(("mean pile-up", *(f"{r:g} kHz at 60" for r in RATES), "menu"), rows)


def hardware(trigger: AnomalyTrigger, columns: dict[str, Any]) -> list[str]:
    accept = trigger.accept()
    rows = []
    for ends, design, clock in (
        ("score", trigger.design, 5.0),
        ("score", trigger.design, 2.5),
        ("accept bit at 5 kHz", accept, 5.0),
    ):
        say(f"{ends} at {clock} ns")
        built = design.retarget(clock_ns=clock)
        cost = built.synthesize()
        latency = f"{built.latency} cycles, {built.latency * clock:g} ns"
        counts = (f"{n:,}" for n in (cost.lut, cost.ff, cost.dsp, cost.bram))
        rows.append((ends, f"{clock:g}", f"{built.estimated_clock_ns:.2f}", latency, *counts))
    say("simulating")
    events = anomaly_inputs({name: codes[:50_000] for name, codes in columns.items()})
    trigger.design.verify(100_000, events=events)
    head = ("ends in", "clock, ns", "estimated clock, ns", "latency", "LUT", "FF", "DSP", "BRAM")
    words = paragraph(
        f"{Target().part}; LUT, FF, DSP and BRAM as Yosys maps them, the clock by the delay model."
        " The score at 5 ns, simulated with Verilator on 100,000 vectors, 50,000 of them zero-bias"
        " events, equals the reference in every output bit."
    )
    return ["## Hardware", words, table(head, rows)]


def versions(trigger: AnomalyTrigger) -> str:
    return ", ".join(f"{name} {number}" for name, number in trigger.encoder.versions.items())


if __name__ == "__main__":
    main()
