"""Registers of pipelines: edgetrig beside alkaid at equal stages and equal stage delay.

``.venv/bin/python benchmarks/registers.py`` installs alkaid into ``benchmarks/.venvs``, measures,
and writes ``benchmarks/results/registers.json`` and ``registers.md``. ``--quick`` takes the small
network alone, and only prints.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from cases import CASES
from edgetrig.optimize import delays_of
from peers import HERE, Worker, install, machine, paragraph, say, table, write_whole

CUTOFF = 5
"""Delay of a stage in alkaid's model: an adder is a little more than 1, constants are free."""
ADDERS_DEEP = 5
FAMILY = "UltraScale+"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small network alone")
    arguments = parser.parse_args()
    result = measure(["small"] if arguments.quick else list(CASES))
    text = report(result)
    if not arguments.quick:
        write_whole(HERE / "results" / "registers.json", json.dumps(result, indent=1) + "\n")
        write_whole(HERE / "results" / "registers.md", text)
    print(text)


def measure(names: list[str]) -> dict[str, Any]:
    """Cut every case with both tools."""
    ours = Worker("edgetrig_worker.py")
    alkaid = Worker("alkaid_worker.py", install("alkaid"))
    result: dict[str, Any] = {"machine": machine(), "versions": {}, "cases": {}}
    for name in names:
        say(name)
        theirs = alkaid(task="stages", case=name, cutoff=CUTOFF)
        peer = summary(theirs["stages"])
        own = ours(
            task="registers",
            case=name,
            wanted=[
                ("ns", peer["ns"], peer["stages"]),
                ("ns", peer["ns"], None),
                ("ns", None, peer["stages"]),
                ("adders", ADDERS_DEEP, None),
            ],
        )
        result["versions"] |= theirs["versions"] | own["versions"]
        result["cases"][name] = {"alkaid": peer, "rows": own["rows"], "edgetrig": own["placements"]}
    return result


def summary(stages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return stages, register bits, and the longest stage in adders and in edgetrig's model."""
    delays = delays_of(FAMILY)
    step = delays.lut + delays.net
    adders = time = 0.0
    for stage in stages:
        depth: list[tuple[float, float]] = []
        for operands, width, selects in zip(
            stage["operands"], stage["adders"], stage["selects"], strict=True
        ):
            before = [max((depth[k][way] for k in operands), default=0.0) for way in (0, 1)]
            delay = step + delays.carry + delays.carry_bit * width if width else step * selects
            depth.append((before[0] + (width > 0), before[1] + delay))
        adders = max(adders, *(d[0] for d in depth))
        time = max(time, *(d[1] for d in depth))
    return {
        "stages": len(stages),
        "register_bits": sum(stage["register_bits"] for stage in stages),
        "adders": adders,
        "ns": time + delays.register,
    }


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    about = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    rows = []
    for name, case in result["cases"].items():
        peer, (equal, fewest, shortest, cut) = case["alkaid"], case["edgetrig"]
        rows.append(
            [
                CASES[name].title,
                f"{peer['stages']}",
                f"{peer['adders']:.0f}, {peer['ns']:.2f}",
                f"{peer['register_bits']:,}",
                f"{equal['register_bits']:,}",
                f"{equal['register_bits'] / peer['register_bits']:.2f}",
                f"{fewest['stages']}: {fewest['register_bits']:,}",
                f"{shortest['ns']:.2f}: {shortest['register_bits']:,}",
                f"{shortest['register_bits'] / peer['register_bits']:.2f}",
                f"{cut['stages']}: {cut['register_bits']:,}",
                f"{max(p['seconds'] for p in case['edgetrig']):.2f}",
            ]
        )
    header = (
        "circuit",
        "alkaid: stages",
        "longest: adders, ns",
        "register bits",
        "edgetrig at the same stages and ns",
        "ratio",
        "fewest stages at the same ns: bits",
        "shortest ns at the same stages: bits",
        "ratio",
        f"{ADDERS_DEEP} adders a stage, stages: bits",
        "CPU s",
    )
    lines = [
        "# Registers of pipelines",
        paragraph(
            f"Written by `benchmarks/registers.py`, {about['date']}. {versions}. alkaid cuts with",
            f"latency_cutoff={CUTOFF}. Bits are those of all registers behind stages, before",
            "synthesis, without alkaid's input registers. One model times the stages of both, that",
            f"of edgetrig for {FAMILY}: an adder is a LUT, a net and its carries (adders of",
            "constants too, which alkaid takes as free); alkaid's other operations count nothing,",
            "a selection a LUT and a net. CPU s: the slowest of edgetrig's four placements.",
        ),
        table(header, rows),
    ]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
