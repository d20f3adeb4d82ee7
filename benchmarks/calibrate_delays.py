"""Fit the delay model to routed circuits, family by family, and say how far it is off.

``.venv/bin/python benchmarks/calibrate_delays.py`` (extra ``route``) places and routes every
circuit with nextpnr, fits `edgetrig.optimize.Delays` to one half of them, judges the fit by the
other, and writes ``benchmarks/results/delays.json`` and ``delays.md``. Circuits that the JSON file
holds as they are now are not routed again; ``--again`` routes all, ``--quick`` a few on one family
and only prints.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import network
from edgetrig.circuit import Circuit, fixed_input, lookup, quantize, trace
from edgetrig.errors import ToolError
from edgetrig.optimize import DELAYS, Delays, optimize, pipeline, stage_delay
from edgetrig.synthesis import ROUTERS, route
from peers import HERE, machine, paragraph, say, table, write_whole

FAMILIES = {"ECP5": "ecp5", "Nexus": "nexus", "Gowin": "gowin", "iCE40": "ice40"}
CUT = Delays(lut=0.2, net=0.9, carry=0.4, carry_bit=0.03, register=0.5)
"""What pipelines of the circuits are cut by: the same for all families, whatever is fitted."""
NAMES = ("step", "carry", "carry_bit", "register")
RECORD = HERE / "results" / "delays.json"


def sums(bits: int, terms: int, lanes: int = 8) -> Circuit:
    port = fixed_input("x", (lanes, terms), integer=bits - 1, fraction=0)
    return optimize(trace(lambda x: x.sum(axis=1), port))


def maxima(bits: int, lanes: int = 8) -> Circuit:
    port = fixed_input("x", (lanes, 2), integer=bits - 1, fraction=0)
    return optimize(trace(lambda x: np.maximum(x[:, 0], x[:, 1]), port))


def tables(bits: int, lanes: int = 4) -> Circuit:
    port = fixed_input("x", lanes, signed=0, integer=bits, fraction=0)
    values = np.random.default_rng(bits).integers(0, 256, 1 << bits)
    return optimize(trace(lambda x: lookup(x, lambda v: values[v.astype(int)], 0, 8, 0), port))


def dense(layers: tuple[int, ...], latency: int, seed: int = 1) -> Circuit:
    """Return a network of 6-bit weights with u6 ReLU activations; latency 0: no registers."""
    matrices = network.weights(layers, seed)

    def function(x: Any) -> Any:
        for k, weights in enumerate(matrices):
            x = x @ weights
            if k < len(matrices) - 1:
                x = quantize(np.maximum(x, 0), 0, 3, 3, "RND", "SAT")
        return x

    circuit = optimize(trace(function, fixed_input("x", layers[0], integer=3, fraction=4)))
    return pipeline(circuit, CUT, latency=latency) if latency else circuit


FITTED: dict[str, Callable[[], Circuit]] = {
    "sum of 2, 6 bit": lambda: sums(6, 2),
    "sum of 2, 16 bit": lambda: sums(16, 2),
    "sum of 2, 32 bit": lambda: sums(32, 2),
    "sum of 4, 8 bit": lambda: sums(8, 4),
    "sum of 8, 12 bit": lambda: sums(12, 8),
    "maximum, 8 bit": lambda: maxima(8),
    "maximum, 20 bit": lambda: maxima(20),
    "dense 8-8": lambda: dense((8, 8), 0),
    "dense 8-8, 3 cycles": lambda: dense((8, 8), 3),
    "dense 8-8-5, 2 cycles": lambda: dense((8, 8, 5), 2),
    "dense 16-8-5, 6 cycles": lambda: dense((16, 8, 5), 6),
}
HELD_OUT: dict[str, Callable[[], Circuit]] = {
    "sum of 2, 11 bit": lambda: sums(11, 2),
    "sum of 2, 24 bit": lambda: sums(24, 2),
    "sum of 6, 9 bit": lambda: sums(9, 6),
    "maximum, 13 bit": lambda: maxima(13),
    "table, 7 bit": lambda: tables(7),
    "dense 10-6, 2 cycles": lambda: dense((10, 6), 2, seed=2),
    "dense 12-8-4, 3 cycles": lambda: dense((12, 8, 4), 3, seed=2),
    "dense 12-8-4, 5 cycles": lambda: dense((12, 8, 4), 5, seed=2),
    "dense 16-12-5, 4 cycles": lambda: dense((16, 12, 5), 4, seed=3),
    "dense 16-12-5, 10 cycles": lambda: dense((16, 12, 5), 10, seed=3),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few circuits on one family")
    parser.add_argument("--again", action="store_true", help="route what is on record, too")
    parser.add_argument(
        "--family", choices=FAMILIES, action="append", help="one family alone; may be repeated"
    )
    arguments = parser.parse_args()
    record: dict[str, Any] = {"routed": {}}
    if RECORD.is_file() and not arguments.again:
        record = json.loads(RECORD.read_text())
    families = ["ECP5"] if arguments.quick else arguments.family or list(FAMILIES)
    fitted, held_out = (
        dict(itertools.islice(circuits.items(), 4)) if arguments.quick else circuits
        for circuits in (FITTED, HELD_OUT)
    )
    record["machine"] = machine()
    circuits = {name: make() for name, make in (fitted | held_out).items()}
    for family, (name, circuit) in itertools.product(families, circuits.items()):
        known = record["routed"].setdefault(family, {})
        state = hashlib.sha256(str(circuit).encode()).hexdigest()[:16]
        if known.get(name, {}).get("circuit") != state:
            say(f"{family}: {name}")
            try:
                known[name] = measured(circuit, family) | {"circuit": state}
            except ToolError as error:
                known[name] = {"ns": None, "error": str(error), "circuit": state}
            if not arguments.quick:
                write_whole(RECORD, json.dumps(record, indent=1) + "\n")
    record["delays"] = {
        family: fit(_pairs(record, circuits, family, list(fitted)), family) for family in families
    }
    text = report(record, circuits, list(fitted), list(held_out))
    if not arguments.quick:
        write_whole(RECORD, json.dumps(record, indent=1) + "\n")
        write_whole(Path(RECORD).with_suffix(".md"), text)
    print(text)


def measured(circuit: Circuit, family: str) -> dict[str, Any]:
    """Route a circuit; return its clock period in ns."""
    done = route(circuit, FAMILIES[family])
    return {
        "ns": done.routed_ns,
        "cells": sum(done.used.values()),
        "nextpnr": done.nextpnr,
        "yosys": done.yosys,
    }


def _pairs(
    record: dict[str, Any], circuits: dict[str, Circuit], family: str, names: list[str]
) -> list[tuple[Circuit, float]]:
    """Return circuits with their routed clock periods, without those that could not be routed."""
    routed = ((circuits[name], record["routed"][family][name]["ns"]) for name in names)
    return [(circuit, ns) for circuit, ns in routed if ns is not None]


def fit(routed: list[tuple[Circuit, float]], family: str) -> dict[str, float]:
    """Return the delays of least mean relative error, by shrinking steps in each of them."""
    start = DELAYS[family]
    values = np.array([start.lut + start.net, start.carry, start.carry_bit, start.register])

    def error(trial: np.ndarray) -> float:
        names = ("net", "carry", "carry_bit", "register")
        delays = replace(start, lut=0.0, **dict(zip(names, trial.tolist(), strict=True)))
        off = [abs(np.log(stage_delay(circuit, delays) / ns)) for circuit, ns in routed]
        return float(np.mean(off))

    best, size = error(values), 0.3
    while size > 0.003:
        better = False
        for steps in itertools.product((-1, 0, 1), repeat=len(values)):
            trial = values * (1 + size * np.array(steps))
            found = error(trial)
            if found < best - 1e-9:
                best, values, better = found, trial, True
        if not better:
            size /= 2
    result = dict(zip(NAMES, values.tolist(), strict=True))
    # The model knows LUT and net together only; the LUT alone is the device database's.
    return {"lut": start.lut, "net": result.pop("step") - start.lut} | result


def report(
    record: dict[str, Any], circuits: dict[str, Circuit], fitted: list[str], held_out: list[str]
) -> str:
    """Return the result as a page of Markdown."""
    about = record["machine"]
    first = next(iter(next(iter(record["routed"].values())).values()))
    rows, errors = [], []
    families = list(record["delays"])
    models = {family: replace(DELAYS[family], **record["delays"][family]) for family in families}
    for name in (*fitted, *held_out):
        cells = [name + (" (held out)" if name in held_out else "")]
        for family in families:
            ns = record["routed"][family][name]["ns"]
            model = f"{stage_delay(circuits[name], models[family]):.2f}"
            cells.append(f"not timed / {model}" if ns is None else f"{ns:.2f} / {model}")
        rows.append(cells)
    for family in families:
        found = [
            stage_delay(circuit, models[family]) / ns - 1
            for circuit, ns in _pairs(record, circuits, family, held_out)
        ]
        values = record["delays"][family].values()
        errors.append(
            [
                family,
                ROUTERS[family].device,
                *(f"{value:.3f}" for value in values),
                f"{np.median(np.abs(found)):.0%}",
                f"{np.quantile(np.abs(found), 0.9):.0%}",
                f"{min(found):+.0%} to {max(found):+.0%}",
            ]
        )
    header = ("family", "device", "lut", "net", "carry", "carry bit", "register")
    lines = [
        "# Delays fitted to routed circuits",
        paragraph(
            f"Written by `benchmarks/calibrate_delays.py`, {about['date']}. nextpnr",
            f"{first['nextpnr']}, Yosys {first['yosys']}, one placement (seed 1) each, between the",
            "registers of a harness. ns; the error is that of the model's clock period against the",
            "routed one, over the circuits that were held out of the fit.",
        ),
        table((*header, "median error", "90 % within", "all"), errors),
        "## Clock period in ns, routed / model",
        table(("circuit", *families), rows),
    ]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
