"""The anomaly trigger as hardware: latency and cost, and equality with Keras, C++ and in a menu.

``.venv/bin/python benchmarks/anomaly_hardware.py TRIGGER EVENTS...`` takes the folder that
``benchmarks/anomaly.py`` wrote and files of zero-bias crossings, and writes
``benchmarks/results/anomaly_hardware.md``.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

import edgetrig
from edgetrig import Design
from edgetrig.anomaly import DESIGN, ENCODER, RECORD
from edgetrig.emulate import Emulator
from edgetrig.frontends import load
from edgetrig.menu_hardware import MenuHardware
from edgetrig.physics.l1 import read_l1
from edgetrig.training import ANOMALY_INPUTS, anomaly_inputs, read_anomaly_inputs
from edgetrig.training.anomaly_inputs import COLUMNS
from edgetrig.trigger.menu import Menu, Model, Seed
from peers import HERE, machine, paragraph, say, table, write_whole

CROSSINGS = 100_000
CLOCKS = (5.0, 2.5)  # ns
BLOCK = 100_000  # events that Keras takes at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trigger", type=Path)
    parser.add_argument("events", type=Path, nargs="+")
    given = parser.parse_args()
    design = Design.load(given.trigger / DESIGN)
    record = json.loads((given.trigger / RECORD).read_text())
    x = read_anomaly_inputs(given.events)
    lines = [
        "# Anomaly trigger: hardware",
        paragraph(
            f"Written by `benchmarks/anomaly_hardware.py`, {machine()['date']},"
            f" {machine()['processor']}, edgetrig {edgetrig.__version__}: encoder 57-32-16-8 of"
            f" {record['ebops']:,} EBOPs, on {design.target.part}. LUT, FF, DSP and BRAM as Yosys"
            " maps them, the clock by the delay model."
        ),
        table(
            ("ends in", "clock, ns", "estimated, ns", "latency", "LUT", "FF", "DSP", "BRAM"),
            costs(design, record["threshold"]),
        ),
        "## Equality",
        table(
            ("compared", "events", "differences"),
            [
                ("latent means: circuit with Keras in floats", *means(given.trigger, x)),
                ("score: C++ shared library with the emulator", *cpp(design, x[:CROSSINGS])),
                (
                    "score: Verilog, simulated, with the reference, vectors of which half real",
                    *verilog(design, x[: CROSSINGS // 2]),
                ),
                (
                    "accept bit: a menu's firmware, simulated on consecutive crossings",
                    *firmware(design, record["threshold"], given.events[0]),
                ),
            ],
        ),
    ]
    text = "\n\n".join(lines) + "\n"
    write_whole(HERE / "results" / "anomaly_hardware.md", text)
    print(text)


def costs(design: Design, threshold: float) -> list[tuple[str, ...]]:
    accept = design.threshold("score", at=threshold)
    rows = []
    for ends, part, clock in (
        *(("score", design, clock) for clock in CLOCKS),
        ("accept bit", accept, CLOCKS[0]),
    ):
        say(f"{ends} at {clock} ns")
        built = part.retarget(clock_ns=clock)
        cost = built.synthesize()
        latency = f"{built.latency} cycles, {built.latency * clock:g} ns"
        counts = (f"{n:,}" for n in (cost.lut, cost.ff, cost.dsp, cost.bram))
        rows.append((ends, f"{clock:g}", f"{built.estimated_clock_ns:.2f}", latency, *counts))
    return rows


def means(folder: Path, x: Any) -> tuple[str, str]:
    import hgq  # noqa: F401  # registers its layers
    import keras

    say("means")
    model = keras.models.load_model(folder / ENCODER)
    circuit = Emulator(load(folder / ENCODER).circuit)
    different = 0
    for start in range(0, len(x), BLOCK):
        part = x[start : start + BLOCK]
        floats = np.asarray(model(part.astype(np.float32)), np.float64)
        different += int((circuit.predict(part) != floats).any(axis=1).sum())
    return f"{len(x):,}", f"{different}"


def cpp(design: Design, x: Any) -> tuple[str, str]:
    say("C++")
    with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as folder:
        design.write_cpp(Path(folder, "cpp"))
        subprocess.run(["make", "-s"], cwd=Path(folder, "cpp"), check=True)
        library = ctypes.CDLL(str(Path(folder, "cpp", "libtrigger_anomaly.so")))
        codes = np.ascontiguousarray(x, np.int64)
        score = np.zeros(len(x), np.int64)
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (codes, score)]
        library.trigger_anomaly_evaluate(*pointers, ctypes.c_size_t(len(x)))
    step = 2.0 ** -int(design.traced.outputs[0].fraction.ravel()[0])
    return f"{len(x):,}", f"{int((score * step != design.predict(x)).sum())}"


def verilog(design: Design, x: Any) -> tuple[str, str]:
    say("Verilog")
    design.verify(CROSSINGS, events=x)  # raises at the first difference
    return f"{CROSSINGS:,}", "0"


def firmware(design: Design, threshold: float, file: Path) -> tuple[str, str]:
    say("firmware")
    seeds = (
        Seed("L1_Anomaly", f"anomaly >= {threshold:g}"),
        Seed("L1_SingleMu22", "muon[pt >= 22 and quality >= 12]"),
        Seed("L1_Prescaled", "anomaly >= 20", Fraction(5, 2)),
    )
    menu = Menu("anomalies", seeds, (Model("anomaly", design.traced, ANOMALY_INPUTS),))
    hardware = MenuHardware(menu, edgetrig.compile(menu))
    names = [kind.column(field) for kind, field in menu.columns()]
    block = next(read_l1(file, sorted({*names, *COLUMNS}), CROSSINGS))
    columns = {name: block[name] for name in names}
    count = hardware.verify(columns)  # raises at the first difference
    passed = design.predict(anomaly_inputs(block)) >= threshold
    fired = hardware.emulate(columns).fired[:, 0]
    return f"{count:,} ({passed.sum()} accepted)", f"{int((fired != passed).sum())}"


if __name__ == "__main__":
    main()
