"""Constant matrices n x n, 6 bits, half zero: edgetrig's solver beside alkaid's.

Writes ``benchmarks/results/matrices.json`` and ``matrices.md``; ``--only N`` (again and again)
measures some sizes and keeps the others of the last run; ``--quick`` stops at n = 64 and only
prints.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from peers import HERE, Worker, install, machine, paragraph, say, table, write_whole

SIZES = (16, 32, 64, 128, 256, 512)
LARGEST_OF_ALKAID = 128
"""At 192 it takes a minute and more."""
LARGEST_SEARCHED = 128
EFFORT = 10
"""What one and two cores are compared with."""
SEED = 1
RESULT = HERE / "results" / "matrices.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="stop at n = 64")
    parser.add_argument("--only", action="append", metavar="N", type=int, choices=SIZES)
    arguments = parser.parse_args()
    quick, chosen = arguments.quick, arguments.only or SIZES
    result: dict[str, Any] = {"sizes": {}}
    if arguments.only and RESULT.is_file():
        result = json.loads(RESULT.read_text())
    result |= {"seed": SEED, "machine": machine()}
    ours = Worker("edgetrig_worker.py")
    alkaid = Worker("alkaid_worker.py", install("alkaid"))
    for size in chosen:
        if quick and size > 64:
            continue
        say(f"n = {size}")
        task = {"task": "matrices", "size": size, "seed": SEED, "repeats": 3 if size < 128 else 1}
        search = {"effort": EFFORT, "largest_searched": LARGEST_SEARCHED}
        solved = {"date": machine()["date"], "edgetrig": ours(**task, **search)}
        if size <= LARGEST_OF_ALKAID:
            solved["alkaid"] = alkaid(**task)
        result["sizes"][str(size)] = solved
        if not quick:
            # Size by size, so that a run that is stopped keeps what it has.
            write_whole(RESULT, json.dumps(result, indent=1) + "\n")
            write_whole(RESULT.with_suffix(".md"), report(result))
    print(report(result))


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    about = result["machine"]
    versions: dict[str, str] = {}
    rows = []
    for size, solved in result["sizes"].items():
        for name in ("edgetrig", "alkaid"):
            part = solved.get(name)
            if part is None:
                continue
            versions.update(part["versions"])
            rows.append(
                [
                    str(size),
                    name,
                    solved.get("date", ""),
                    f"{part['seconds']['min']:.3f}",
                    f"{part['adders']:,}",
                    f"{part['adder_bits']:,}",
                    f"{part['carried_bits']:,}",
                ]
            )
    searched = {n: part for n, part in result["sizes"].items() if part["edgetrig"].get("cores")}
    lines = [
        "# Constant matrices",
        paragraph(
            f"Written by `benchmarks/matrices.py`, {about['date']}. n x n codes in [-31, 31],",
            f"half of them zero (seed {result['seed']}), 8-bit inputs, exact outputs.",
            "CPU seconds of one thread, the least. Adder bits: result bits of all adders;",
            "carried bits: those that are not just wires.",
        ),
        paragraph(
            f"{about['processor']}, {about['cores']} cores (load {about['load']} at the start),",
            f"Python {about['python']};",
            ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".",
        ),
        table(("n", "", "measured", "CPU s", "adders", "adder bits", "carried bits"), rows),
        "## One core and two",
        paragraph(
            f"edgetrig with `effort={EFFORT}`, the same result from either: seconds, the least of",
            "those measured in turn. Where other work takes most of the machine, CPU s tell more.",
        ),
        table(
            ("n", "one core: s", "CPU s", "two cores: s", "CPU s", "s by one core's", "CPU s"),
            [_cores(size, solved["edgetrig"]["cores"]) for size, solved in searched.items()],
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _cores(size: str, times: dict[str, dict[str, float]]) -> list[str]:
    one, two = times["1"], times["2"]
    seconds = [f"{part[key]:.2f}" for part in (one, two) for key in ("wall", "cpu")]
    return [size, *seconds, *(f"{two[key] / one[key]:.2f}" for key in ("wall", "cpu"))]


if __name__ == "__main__":
    main()
