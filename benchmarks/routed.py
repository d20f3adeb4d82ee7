"""Routed clock and latency of pipelined networks beside the delay model's estimate.

``.venv/bin/python benchmarks/routed.py`` (extra ``route``) cuts each network for a few clock
periods, places and routes it with nextpnr, and writes ``benchmarks/results/routed.json`` and
``routed.md``. ``--quick`` takes the smallest network on one family, and only prints.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

import network
from calibrate_delays import FAMILIES, dense
from edgetrig.circuit import ADDERS, Op
from edgetrig.optimize import delays_of, pipeline, stage_delay
from edgetrig.synthesis import ROUTERS, route
from peers import HERE, machine, paragraph, say, table, write_whole

SMALL, MEDIUM = ("8-8-4", (8, 8, 4)), ("16-32-16-5", network.QUICK_LAYERS)
LARGE = ("network A, 16-64-32-32-5", network.LAYERS)
CASES = [
    (*SMALL, "ECP5", 4.0),
    (*SMALL, "ECP5", 8.0),
    (*SMALL, "Gowin", 4.0),
    (*SMALL, "Gowin", 8.0),
    (*SMALL, "Nexus", 4.0),
    (*SMALL, "Nexus", 8.0),
    (*MEDIUM, "ECP5", 5.0),
    (*MEDIUM, "Gowin", 5.0),
    (*MEDIUM, "Nexus", 5.0),
    (*LARGE, "ECP5", 6.0),
]
"""Network, its layers, family, and the clock period in ns that stages are cut for."""
SEED = 4
LIMIT_S = 3600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smallest network, one family")
    parser.add_argument("--no-large", action="store_true", help="leave network A out")
    arguments = parser.parse_args()
    wanted = CASES[:1] if arguments.quick else CASES[: -1 if arguments.no_large else None]
    result: dict[str, Any] = {"machine": machine(), "rows": []}
    for case in wanted:
        result["rows"].append(measured(*case))
        if not arguments.quick:
            write_whole(HERE / "results" / "routed.json", json.dumps(result, indent=1) + "\n")
            write_whole(HERE / "results" / "routed.md", report(result))
    print(report(result))


def measured(name: str, layers: tuple[int, ...], family: str, clock: float) -> dict[str, Any]:
    """Cut a network for a clock period, place and route it."""
    say(f"{name} on {family}, {clock} ns")
    delays = delays_of(family)
    circuit = pipeline(dense(layers, 0, seed=SEED), delays, clock_ns=clock)
    done = route(circuit, FAMILIES[family], timeout=LIMIT_S)
    return {
        "network": name,
        "clock_ns": clock,
        "estimated_ns": stage_delay(circuit, delays),
        "adders": circuit.count(*ADDERS),
        "register_bits": int(circuit.widths[circuit.rows.op == Op.REG].sum()),
        **{key: value for key, value in done.to_dict().items() if key != "critical_path"},
    }


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    about, rows = result["machine"], result["rows"]
    lines = [
        "# Routed networks",
        paragraph(
            f"Written by `benchmarks/routed.py`, {about['date']}, on {about['processor']}.",
            f"nextpnr {rows[0]['nextpnr']}, Yosys {rows[0]['yosys']}, one placement each. 8-bit",
            "inputs, 6-bit weights, half of them zero, u6 ReLU activations; stages cut for the",
            "clock period asked for. *Estimated* is the delay model's, *routed* nextpnr's.",
            "; ".join(f"{family}: {router.device}" for family, router in ROUTERS.items()) + ".",
        ),
        table(
            (
                *("network", "family", "adders", "asked, ns", "cycles", "register bits"),
                *("estimated, ns", "routed, ns", "estimated / routed"),
                *("routed clock, MHz", "routed latency, ns", "s"),
            ),
            [_row(row) for row in rows],
        ),
        f"Estimated / routed, median: {np.median([_ratio(row) for row in rows]):.2f}.",
    ]
    return "\n\n".join(lines) + "\n"


def _ratio(row: dict[str, Any]) -> float:
    return float(row["estimated_ns"] / row["routed_ns"])


def _row(row: dict[str, Any]) -> list[str]:
    return [
        row["network"],
        row["family"],
        f"{row['adders']:,}",
        f"{row['clock_ns']:g}",
        f"{row['cycles']}",
        f"{row['register_bits']:,}",
        f"{row['estimated_ns']:.2f}",
        f"{row['routed_ns']:.2f}",
        f"{_ratio(row):.2f}",
        f"{row['routed_mhz']:.0f}",
        f"{row['routed_latency_ns']:.1f}",
        f"{row['seconds']:.0f}",
    ]


if __name__ == "__main__":
    main()
