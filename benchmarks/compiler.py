"""Many circuits, edgetrig beside alkaid: conversion, LUTs, registers, depth, emulation.

``.venv/bin/python benchmarks/compiler.py`` installs the peer into ``benchmarks/.venvs``, trains the
sparse networks if they are not there yet, measures, and writes ``benchmarks/results/compiler.json``
and ``compiler.md``. ``--only NAME`` (again and again) measures some rows and keeps the others of
the last run; ``--own`` keeps alkaid's costs in Yosys, which take hours; ``--quick`` takes one small
row and only prints.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cases import CASES
from peers import HERE, Worker, install, machine, paragraph, say, table, write_whole
from registers import summary
from trained import TARGETS, trained

CUTOFF = 5
"""Delay of a stage in alkaid's model; edgetrig gets as many stages."""
SHORTER = 0.8
"""Stage delay asked of edgetrig, by that of alkaid in the same model: spare registers buy depth."""
COMPARED = 5_000
EVENTS = 200_000
MATRICES = ("matrix_64", "matrix_128")
"""Cut at alkaid's own stage delay: three stages of three adders leave no time to spare."""
LARGE = ("matrix_128",)
"""Synthesised with registers and as binary sums only: ABC9 takes hours for the other forms."""
ROWS = ("network_a", "wrapping", *TARGETS, "matrix_64", "matrix_128", "convolution", "deep_set")
COSTS = ("LUT", "LUT+INV", "CARRY4", "FF", "depth")
RESULT = HERE / "results" / "compiler.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small row, only printed")
    parser.add_argument("--only", action="append", metavar="NAME", choices=ROWS)
    parser.add_argument("--own", action="store_true", help="keep alkaid's costs of the last run")
    arguments = parser.parse_args()
    chosen = ["small"] if arguments.quick else arguments.only or list(ROWS)
    result: dict[str, Any] = {"rows": {}}
    if (arguments.only or arguments.own) and RESULT.is_file():
        result = json.loads(RESULT.read_text())
    result |= {"machine": machine()}
    for name in chosen:
        kept = result["rows"][name]["cost"] if arguments.own else {}
        result["rows"][name] = measure(name, kept)
        if not arguments.quick:
            # Row by row, so that a run that is stopped keeps what it has.
            write_whole(RESULT, json.dumps(result, indent=1) + "\n")
            write_whole(RESULT.with_suffix(".md"), report(result))
    print(report(result))


def measure(name: str, kept: dict[str, Any]) -> dict[str, Any]:
    """Measure one row with both compilers; the peer's costs that are `kept` are not again."""
    say(name)
    ours, yosys = Worker("edgetrig_worker.py"), Worker("yosys_worker.py")
    alkaid = Worker("alkaid_worker.py", install("alkaid"))
    about = {key: machine()[key] for key in ("date", "processor")}
    result: dict[str, Any] = {"title": _title(name), **about}
    with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as scratch:
        folder = Path(scratch)
        task = _task(name, folder)
        peer = alkaid(**task, rtl=str(folder / "alkaid"), outputs=str(folder / "alkaid.npy"))
        cut = summary(alkaid(**(task | {"task": "stages"}))["stages"])
        peer |= {key: cut[key] for key in ("ns", "register_bits")}
        own = ours(**_own(name, task, folder, peer))
        result |= {"edgetrig": own, "alkaid": peer, "stages": peer["stages"], "cost": {}}
        given = [np.load(folder / f"{tool}.npy") for tool in ("edgetrig", "alkaid")]
        result["different_events"] = int((given[0] != given[1]).any(axis=1).sum())
        for form in _forms(name):
            for tool, place in (
                ("edgetrig", f"edgetrig/{form}"),
                ("alkaid binary", f"alkaid/binary_{form}"),
                ("alkaid ternary", f"alkaid/ternary_{form}"),
            ):
                if tool == "alkaid ternary" and name in LARGE:
                    continue
                key = f"{form} {tool}"
                known = kept.get(key) if tool != "edgetrig" else None
                counts = known or yosys(folder=str(folder / place), top="trigger")
                result["cost"][key] = counts
                say(f"  {form} {tool}: {[counts[key] for key in COSTS]}")
    return result


def _task(name: str, folder: Path) -> dict[str, Any]:
    """Return what both compilers are asked for, its events in a file."""
    model = trained(name) if name in TARGETS else None
    events = model.events(EVENTS) if model else CASES[name].events(EVENTS)
    np.save(folder / "inputs.npy", events)
    return {
        "task": "case",
        "case": name,
        "file": str(model.without_scaling) if model else "",
        "inputs": str(folder / "inputs.npy"),
        "compared": COMPARED,
        "repeats": 3,
        "cutoff": CUTOFF,
    }


def _own(name: str, task: dict[str, Any], folder: Path, peer: dict[str, Any]) -> dict[str, Any]:
    """Return edgetrig's task: as many stages as the peer has, and shorter ones."""
    share = 1.0 if name in MATRICES else SHORTER
    return task | {
        "clock_ns": share * peer["ns"],
        "latency": peer["stages"]["binary_pipelined"],
        "rtl": str(folder / "edgetrig"),
        "outputs": str(folder / "edgetrig.npy"),
    }


def _forms(name: str) -> tuple[str, ...]:
    return ("pipelined",) if name in LARGE else ("combinational", "pipelined")


def _title(name: str) -> str:
    return CASES[name].title if name in CASES else "jets, " + name.replace("_", " ")


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    about, rows = result["machine"], result["rows"]
    versions: dict[str, str] = {}
    for row in rows.values():
        parts = (row["edgetrig"], row["alkaid"], *row["cost"].values())
        versions.update({k: v for part in parts for k, v in part["versions"].items()})
    lines = [
        "# Circuits, edgetrig beside alkaid",
        paragraph(
            f"Written by `benchmarks/compiler.py`, {about['date']}. Goal: at most 0.85 of the",
            "LUT + INV of alkaid's better form at no more depth, and at most 0.6 of its registers",
            "at as many stages, each as long as alkaid's by one delay model, or shorter: edgetrig",
            f"is asked for {SHORTER} of alkaid's stage delay, but for the matrices. Sums that",
            "Yosys would merge are kept apart in edgetrig's Verilog; alkaid's is taken as it is.",
            "Inputs of 8 bits, weights of 6 bits, half of them zero, u6 ReLU",
            "(RND, SAT, or WRAP where it says so), seeds in `benchmarks/cases.py`; the trained",
            "networks are our own recipe's on the carried jets.",
        ),
        paragraph(
            f"{about['cores']} cores, Python {about['python']};",
            ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".",
        ),
        "## Cost",
        paragraph(
            "Yosys `synth_xilinx -family xcup`, the same commands for all. Ratios: edgetrig by the",
            "better of alkaid's two forms (the fewer LUT + INV); stage delay, by the model, by",
            "that of alkaid's binary form, which gives edgetrig the number of stages.",
        ),
        table(
            (
                *("circuit", "form", "stages", "tool", *COSTS, "Yosys CPU s"),
                *("LUT+INV", "FF", "depth", "stage delay"),
            ),
            [line for row in rows.values() for line in _cost(row)],
        ),
        paragraph(
            "Boosted trees stand in [trees.md](trees.md), beside alkaid with qxgb, conifer and",
            "TreeLUT's method.",
        ),
        "## Speed",
        paragraph(
            "CPU seconds of one thread, the least of three; conversion from model to pipelined",
            f"Verilog text; events per CPU second with floats in and out, {EVENTS:,} events.",
        ),
        table(
            (
                "circuit",
                "processor",
                "adders (alkaid)",
                "convert, s (alkaid)",
                "interpreted, M events/s",
                "compiled, M events/s",
                "alkaid, M events/s",
                "interpreted / alkaid",
                "compiled / alkaid",
                "different events",
            ),
            [_speed(row) for row in rows.values()],
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _cost(row: dict[str, Any]) -> list[list[str]]:
    lines = []
    for form in ("combinational", "pipelined"):
        found = {k: v for k, v in row["cost"].items() if k.startswith(form)}
        if not found:
            continue
        peers = [v for k, v in found.items() if "alkaid" in k]
        best = min(peers, key=lambda counts: counts["LUT+INV"])
        for name, counts in found.items():
            tool = name.removeprefix(f"{form} ")
            kind = tool.removeprefix("alkaid ") if "alkaid" in tool else "binary"
            stages = row["stages"][f"{kind}_{form}"] if form == "pipelined" else 0
            ratios = [""] * 4
            if tool == "edgetrig":
                ratios = [_ratio(counts[k], best[k]) for k in ("LUT+INV", "FF", "depth")]
                delay = _ratio(row["edgetrig"]["stage_ns"], row["alkaid"]["ns"]) if stages else ""
                ratios.append(delay)
            lines.append(
                [
                    row["title"],
                    form,
                    str(stages),
                    tool,
                    *(f"{counts[key]:,}" for key in COSTS),
                    f"{counts['seconds']:.0f}",
                    *ratios,
                ]
            )
    return lines


def _ratio(own: float, other: float) -> str:
    return f"{own / other:.2f}" if other else ""


def _speed(row: dict[str, Any]) -> list[str]:
    own, peer = row["edgetrig"], row["alkaid"]
    theirs = peer["events"] / peer["predict"]["min"] / 1e6
    rates = [own["events"] / own[engine]["min"] / 1e6 for engine in ("interpreted", "compiled")]
    return [
        row["title"],
        row["processor"],
        f"{own['adders']:,} ({peer['adders']:,})",
        f"{own['convert']['min']:.2f} ({peer['convert']['min']:.2f})",
        *(f"{rate:.3g}" for rate in (*rates, theirs)),
        *(f"{rate / theirs:.1f}" for rate in rates),
        str(row["different_events"]),
    ]


if __name__ == "__main__":
    main()
