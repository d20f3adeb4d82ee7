"""Boosted trees to gates: edgetrig beside conifer, alkaid with qxgb, and TreeLUT's method.

``.venv/bin/python benchmarks/trees.py`` installs the peers into ``benchmarks/.venvs``, trains the
models, converts them, maps everybody's text with one Yosys command without carry chains, argmax
counted, and writes ``benchmarks/results/trees.json`` and ``trees.md``. ``--only ROW`` (again and
again) measures some rows and keeps the others of the last run; ``--quick`` prints one small row.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from peers import HERE, Worker, install, machine, paragraph, say, table, write_whole

ROWS = {"4x24": (4, 24), "3x10": (3, 10), "3x50": (3, 50), "4x100": (4, 100)}
"""Depth and rounds of five-class models; more rows of Yosys than the first two take hours."""
RESULT = HERE / "results" / "trees.json"

BOOST = {"learning_rate": 0.7, "leaf_bits": 2, "drop_bits": 2, "min_child_weight": 20}
QXGB = ((0.3, 3), (0.6, 2))
"""Learning rate and leaf bits that qxgb is tried with."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small row, only printed")
    parser.add_argument("--only", action="append", metavar="ROW", choices=list(ROWS))
    parser.add_argument("--design", action="append", help="measure only these designs of the rows")
    arguments = parser.parse_args()
    chosen = ["3x10"] if arguments.quick else arguments.only or list(ROWS)
    result: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {"rows": {}}
    result |= {"machine": machine()}
    for name in chosen:
        row = result["rows"].setdefault(name, {"designs": {}})
        for design, cost in measure(name, row, arguments.design):
            row["designs"][design] = cost
            if not arguments.quick:
                # Design by design, so that a run that is stopped keeps what it has.
                write_whole(RESULT, json.dumps(result, indent=1) + "\n")
                write_whole(RESULT.with_suffix(".md"), report(result))
    print(report(result))


def measure(name: str, row: dict[str, Any], only: list[str] | None) -> Any:
    """Yield each design's name and what it costs."""
    depth, rounds = ROWS[name]
    ours = Worker("trees_worker.py")
    with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as scratch:
        folder = Path(scratch)
        files = {"model": str(folder / "model.json"), "events": str(folder / "events.npz")}
        common = {**files, "depth": depth, "rounds": rounds}
        row["float"] = ours(task="train", **common)
        if only is None or "emulation" in only:
            say(f"{name} emulation")
            row["emulation"] = ours(task="emulate", events=200_000, model=files["model"])
            conifer = Worker("conifer_worker.py", install("conifer"))
            row["emulation"] |= conifer(
                task="emulate", count=2000, folder=str(folder / "conifer"), depth=depth, **files
            )
        for number, (design, worker, task) in enumerate(designs()):
            if only is not None and design not in only:
                continue
            say(f"{name} {design}")
            place = str(folder / f"design{number}")
            made = worker(**{**common, **task, "folder": place})
            options = "" if task.get("carry") else "-nocarry"
            top = "BDTTop" if task["task"] == "vhdl" else "trigger"
            made["cost"] = Worker("yosys_worker.py")(folder=place, top=top, options=options)
            yield design, made


def designs() -> Any:
    """Yield all designs of a row: name, worker, task."""
    ours = Worker("trees_worker.py")
    for bits in (3, 6):
        yield f"TreeLUT's method, {bits}-bit leaves", ours, {"task": "baseline", "leaf_bits": bits}
    own = {"task": "compile", "latency": 0}
    for bits in (2, 3, 4, 5):
        task = own | {"how": "calibrated", "leaf_bits": bits}
        yield f"edgetrig, leaves 2^-{bits} by events", ours, task
    boosted = own | {"how": "boost", "settings": BOOST}
    yield "edgetrig, boost", ours, boosted
    yield "edgetrig, boost, pipelined", ours, boosted | {"latency": None}
    yield "edgetrig, boost, carry", ours, boosted | {"carry": True}
    conifer = Worker("conifer_worker.py", install("conifer"))
    yield "conifer, VHDL, without argmax", conifer, {"task": "vhdl", "seconds": 600}
    qxgb = Worker("qxgb_worker.py", install("qxgb"))
    yield "alkaid, leaves 2^-3", qxgb, {"task": "convert", "leaf_bits": 3}
    for rate, bits in QXGB:
        task = {"task": "train", "leaf_bits": bits, "learning_rate": rate}
        yield f"qxgb, leaves 2^-{bits}, rate {rate}", qxgb, task


def report(result: dict[str, Any]) -> str:
    """Return the page."""
    parts = ["# Trees to gates\n"]
    host = result["machine"]
    parts.append(
        paragraph(
            "Five classes, 16 features of 8 bits (`tree_events.py`), 80,000 events to train on,",
            "20,000 to test. LUT: one Yosys command, `synth_xilinx -family xcup -flatten -noiopad",
            "-noclkbuf -nocarry`, argmax counted, combinational unless said; 'carry': with carry",
            f"chains. Seconds are CPU seconds. {host['processor']}, {host['date']}.\n",
        )
    )
    for name, row in result["rows"].items():
        versions = ", ".join(f"{k} {v}" for k, v in row["float"]["versions"].items())
        reached = f"float accuracy {row['float']['accuracy']:.4f}"
        parts.append(f"## Depth and rounds {name}, {reached} ({versions})\n")
        lines = []
        for design, made in row["designs"].items():
            cost = made["cost"]
            lines.append(
                [
                    design,
                    f"{cost['LUT+INV']:,}",
                    f"{cost['FF']:,}",
                    str(cost["depth"]),
                    f"{made['accuracy']:.4f}" if "accuracy" in made else "",
                    f"{made['convert']:.1f}",
                    f"{cost['seconds']:.0f}",
                ]
            )
        header = ["design", "LUT + INV", "FF", "depth", "accuracy", "convert s", "Yosys s"]
        if lines:
            parts.append(table(header, lines) + "\n")
        if "emulation" in row:
            speeds = ", ".join(f"{k} {v:,.0f}" for k, v in row["emulation"].items())
            parts.append(f"Events per CPU second of one thread: {speeds}.\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
