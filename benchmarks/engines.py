"""The emulation engines beside alkaid and hls4ml on network A, and on circuits of growing size.

``.venv/bin/python benchmarks/engines.py`` measures all in one run and writes
``benchmarks/results/engines.json`` and ``engines.md``. ``--quick`` leaves hls4ml and the largest
circuit out, and only prints.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import network
from network_a import COMPARED, CUTOFF
from peers import HERE, Worker, install, machine, paragraph, say, table, write_whole

EVENTS = 1_000_000
REPEATS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="no hls4ml, no 300,000 operations")
    arguments = parser.parse_args()
    result = measure(arguments.quick)
    text = report(result)
    if not arguments.quick:
        write_whole(HERE / "results" / "engines.json", json.dumps(result, indent=1) + "\n")
        write_whole(HERE / "results" / "engines.md", text)
    print(text)


def measure(quick: bool) -> dict[str, Any]:
    """Run every worker, one after the other."""
    result: dict[str, Any] = {"machine": machine(), "peers": {}}
    ours = Worker("engines_worker.py")
    given = {"layers": network.LAYERS, "compared": COMPARED}
    with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as name:
        folder = Path(name)
        for peer in ("alkaid",) if quick else ("alkaid", "hls4ml"):
            say(peer)
            result["peers"][peer] = Worker(f"{peer}_worker.py", install(peer))(
                **given,
                task="measure",
                cutoff=CUTOFF,
                repeats=3,
                events=EVENTS // (5 if peer == "alkaid" else 50),
                outputs=str(folder / f"{peer}.npy"),
                rtl=str(folder / peer),
            )
        say("edgetrig")
        result["edgetrig"] = ours(
            **given,
            task="network",
            repeats=REPEATS,
            events=EVENTS,
            outputs=str(folder / "edgetrig.npy"),
        )
        own = np.load(folder / "edgetrig.npy")
        result["different_events"] = {
            peer: int((own != np.load(folder / f"{peer}.npy").astype(float)).any(axis=1).sum())
            for peer in result["peers"]
        }
    result["scaling"] = []
    for rows in (3_000, 30_000) if quick else (3_000, 30_000, 300_000):
        say(f"{rows} operations")
        result["scaling"].append(ours(task="scaling", rows=rows, events=20_000))
    return result


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    ours, about = result["edgetrig"], result["machine"]
    versions = dict(ours["versions"])
    peers = {}
    for name, peer in result["peers"].items():
        versions.update(peer["versions"])
        peers[name] = peer["events"] / peer["predict"]["min"]
    rows = [
        [name, *_rates(rate), *(f"{rate['best'] / peer:,.1f}" for peer in peers.values())]
        for name, rate in ours["rates"].items()
    ]
    rows += [
        [f"compiled for {level}, float64", *_rates(rate)]
        + [f"{rate['best'] / peer:,.1f}" for peer in peers.values()]
        for level, rate in ours["levels"].items()
        if rate
    ]
    rows += [[name, f"{rate / 1e6:.3g}"] for name, rate in peers.items()]
    sizes = [
        [f"{size['rows']:,}", f"{size['seconds']:.2f}", f"{size['MiB']:,.0f}"]
        + [f"{size[engine]['best'] / 1e6:.3g}" for engine in ("compiled", "interpreted")]
        for size in result["scaling"]
    ]
    differ = ", ".join(f"{n}: {k:,}" for n, k in result["different_events"].items())
    lines = [
        "# Emulation engines",
        paragraph(
            f"Written by `benchmarks/engines.py`, {about['date']}. Network A, 16-64-32-32-5,",
            f"{ours['rows']:,} operations; {EVENTS:,} events of edgetrig, CPU seconds of one",
            f"thread, the best of {REPEATS} repeats, the median in brackets. Events that differ",
            f"from the peers' of {COMPARED:,}: {differ}. Results of all engines are equal.",
        ),
        paragraph(
            f"{about['processor']}, {about['cores']} cores (load {about['load']} at the start),",
            f"{about['system']}, Python {about['python']};",
            ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".",
            "`gpu` is JAX on its processor back end here: there was no GPU.",
        ),
        table(("", "M events/s", "(median)", *(f"times {name}" for name in peers)), rows),
        paragraph(
            f"Machine code is made in {ours['make']['min']:.2f} s and read from disk in",
            f"{ours['read']['min']:.3f} s.",
        ),
        "## Circuits of growing size",
        "Random additions, shifts and clips, 256 wide; codes in and out.",
        table(
            ("operations", "compile, CPU s", "MiB", "compiled, M events/s", "interpreted"), sizes
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _rates(rate: dict[str, float]) -> list[str]:
    return [f"{rate['best'] / 1e6:.3g}", f"({rate['median'] / 1e6:.3g})"]


if __name__ == "__main__":
    main()
