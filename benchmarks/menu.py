"""A dozen seeds on a million crossings, beside the same menu in awkward-array code; its firmware.

``.venv/bin/python benchmarks/menu.py ZERO_BIAS`` reads a file that ``edgetrig generate l1 --process
zero-bias`` made, as often as a million events need, decides by `menu.yaml`, demands equal decisions
and writes ``benchmarks/results/menu.json`` and ``menu.md``. With ``--trigger FOLDER``, which
``edgetrig anomaly train`` made, it does so again with the seed of that trigger beside the dozen.
With ``--firmware`` it simulates the menu's Verilog on 100,000 crossings (minutes). ``--quick``
reads the file once and only prints.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from peers import HERE, Worker, machine, paragraph, say, table, write_whole

EVENTS = 1_000_000
CROSSINGS = 100_000
MENU = HERE / "menu.yaml"
RESULTS = HERE / "results" / "menu.json"
SIDES = {"edgetrig": "edgetrig, one circuit", "awkward": "awkward arrays"}
WITH_SCORE = {
    "edgetrig": "the dozen and an anomaly trigger: edgetrig, one circuit",
    "awkward": "awkward arrays, and the encoder by Keras",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", type=Path, help="zero-bias events (.parquet)")
    parser.add_argument("--trigger", type=Path, help="folder of an anomaly trigger")
    parser.add_argument("--firmware", action="store_true", help="simulate the Verilog too")
    parser.add_argument("--quick", action="store_true", help="fewer events, only print")
    arguments = parser.parse_args()
    events = arguments.events.resolve()
    result = {"machine": machine(), **measure(events, arguments.quick)}
    if arguments.trigger:
        result["with_score"] = measure(events, arguments.quick, arguments.trigger.resolve())
    if arguments.firmware:
        say("firmware")
        result["firmware"] = simulate(arguments.events)
    elif RESULTS.is_file():
        result["firmware"] = json.loads(RESULTS.read_text()).get("firmware")
    text = report(result)
    if not arguments.quick:
        write_whole(RESULTS, json.dumps(result, indent=1) + "\n")
        write_whole(RESULTS.with_suffix(".md"), text)
    print(text)


def measure(events: Path, quick: bool, trigger: Path | None = None) -> dict[str, Any]:
    """Run both sides, each in a process of its own, one thread."""
    import awkward
    import pyarrow.parquet

    rows = pyarrow.parquet.ParquetFile(events).metadata.num_rows
    files = [str(events)] * (1 if quick else -(-EVENTS // rows))
    result: dict[str, Any] = {"awkward": awkward.__version__, "sides": {}}
    task: dict[str, Any] = {"files": files, "menu": str(MENU)}
    with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as folder:
        if trigger:
            task |= {"menu": str(with_trigger(Path(folder), trigger)), "trigger": str(trigger)}
        for side in SIDES:
            say(side)
            result["sides"][side] = Worker("menu_worker.py")(side=side, **task)
    ours, theirs = result["sides"].values()
    assert ours["digest"] == theirs["digest"], (ours["fired"], theirs["fired"])
    return result


def with_trigger(folder: Path, trigger: Path) -> Path:
    """Write the menu with an anomaly trigger's seed behind the dozen."""
    menu, own = (yaml.safe_load(path.read_text()) for path in (MENU, trigger / "menu.yaml"))
    menu["models"] = own["models"]
    menu["seeds"] |= own["seeds"]
    (folder / "anomaly.edgetrig").symlink_to(trigger / "anomaly.edgetrig")
    (folder / "menu.yaml").write_text(yaml.safe_dump(menu, sort_keys=False))
    return folder / "menu.yaml"


def simulate(events: Path) -> dict[str, Any]:
    """Simulate the firmware on consecutive crossings, with prescales; demand every output bit."""
    import edgetrig
    from edgetrig.menu_files import read_menu
    from edgetrig.menu_hardware import MenuHardware
    from edgetrig.physics.l1 import read_l1

    menu = read_menu(MENU)
    design = edgetrig.compile(menu, part="xcvu13p", clock_ns=5.0)
    hardware = MenuHardware(menu, design)
    names = [kind.column(field) for kind, field in menu.columns()]
    columns = busier(menu, next(read_l1(events, names, CROSSINGS)))
    count = len(columns[names[0]])
    valid = np.random.default_rng(1).random(count) < 0.95
    clear = np.arange(count) % (10 * 3564) == 0
    begin = time.process_time(), time.perf_counter()
    compared = hardware.verify(columns, valid=valid, clear=clear)
    crossings = hardware.emulate(columns, valid=valid, clear=clear)
    return {
        "crossings": compared,
        "orbits": count / 3564,
        "fired": int(crossings.fired.sum()),
        "kept": int(crossings.kept.sum()),
        "accepted": int(crossings.accept.sum()),
        "cycles": hardware.wrapper.latency,
        "clock_ns": 5.0,
        "seconds": time.perf_counter() - begin[1],
    }


def busier(menu: Any, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return crossings of which every other one has four times its energies, so that seeds fire."""
    changed = dict(columns)
    for kind, field in menu.columns():
        if kind.fields[field].unit == "GeV":
            codes = columns[kind.column(field)].astype(np.int64)
            codes[1::2] = np.minimum(4 * codes[1::2], kind.fields[field].highest)
            changed[kind.column(field)] = codes
    return changed


def report(result: dict[str, Any]) -> str:
    computer = result["machine"]
    ours = result["sides"]["edgetrig"]
    runs = [(SIDES, result["sides"])]
    if "with_score" in result:
        runs.append((WITH_SCORE, result["with_score"]["sides"]))
    ratios = [sides["awkward"]["seconds"] / sides["edgetrig"]["seconds"] for _, sides in runs]
    lines = [
        "# A menu of a dozen seeds",
        paragraph(
            f"Written by `benchmarks/menu.py`, {computer['date']}: {ours['events']:,} zero-bias",
            "crossings (one file, several times) through `benchmarks/menu.yaml`. All decisions are",
            f"equal. One thread, blocks of 100,000, {computer['processor']}, awkward",
            f"{result['awkward']}, load {computer['load']}.",
        ),
        table(
            (
                "",
                "events per CPU second",
                "with reading Parquet and checking codes",
                "peak MiB (before events)",
            ),
            [_row(words, sides[side]) for named, sides in runs for side, words in named.items()],
        ),
        paragraph(
            " and ".join(f"{ratio:.1f}" for ratio in ratios),
            f"times as fast, after {ours['compiling']:.1f} CPU seconds for compiling the menu (and",
            "edgetrig's own kernels, where their sources are new: some 30 s).",
        ),
    ]
    if result.get("firmware"):
        lines.append(_firmware(result["firmware"]))
    return "\n\n".join(lines) + "\n"


def _row(words: str, side: dict[str, Any]) -> tuple[str, ...]:
    return (
        words,
        f"{side['events'] / side['seconds']:,.0f}",
        f"{side['events'] / side['seconds_with_reading']:,.0f}",
        f"{side['peak_mib']:,.0f} ({side['loaded_mib']:,.0f})",
    )


def _firmware(figures: dict[str, Any]) -> str:
    return paragraph(
        f"Firmware: {figures['crossings']:,} consecutive crossings ({figures['orbits']:.0f}",
        "orbits, every other crossing with four times its energies so that seeds fire, one in",
        "twenty without data, counters cleared every ten orbits) in Verilator:",
        "every output bit as emulated, prescales' counters included.",
        f"{figures['fired']:,} seeds' bits, {figures['kept']:,} after prescales,",
        f"{figures['accepted']:,} crossings accepted; {figures['cycles']} cycles of",
        f"{figures['clock_ns']:g} ns; {figures['seconds']:.0f} s.",
    )


if __name__ == "__main__":
    main()
