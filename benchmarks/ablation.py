"""What each pass is worth: every circuit without one pass after the other, measured by Yosys.

``.venv/bin/python benchmarks/ablation.py`` writes ``benchmarks/results/ablation.json`` and
``ablation.md``; ``--only NAME`` (again and again) measures some circuits and keeps the others of
the last run. The trained networks are those of ``benchmarks/trained.py``.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np

import edgetrig
from calibrate_estimate import selection
from edgetrig.circuit import Circuit, fixed_input, quantize, trace
from edgetrig.optimize import (
    PASSES,
    cheapest,
    delays_of,
    optimize,
    pipeline,
    table_forms,
    ternary_sums,
)
from edgetrig.synthesis import family_of, synthesize
from peers import HERE, machine, paragraph, say, table, write_whole
from traced import traced
from trained import TARGETS, trained

PART = "xcvu13p"
CLOCK_NS = 4.0
RESULT = HERE / "results" / "ablation.json"
ROWS = ("two bits", "wrapping", "jet selection", "small", "trained_300", "trained_1000", "deep_set")
NEEDED = "constant_matrices"
"""Left in always: without it products are DSPs and no LUTs to compare."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", choices=ROWS)
    chosen = parser.parse_args().only
    result: dict[str, Any] = {"rows": {}}
    if chosen and RESULT.is_file():
        result = json.loads(RESULT.read_text())
    result["machine"] = machine()
    for name in chosen or ROWS:
        result["rows"][name] = measure(name)
        write_whole(RESULT, json.dumps(result, indent=1) + "\n")
        write_whole(RESULT.with_suffix(".md"), report(result))
    print(report(result))


def measure(name: str) -> dict[str, Any]:
    """Synthesise one circuit with all passes, and without each."""
    circuit = before(name)
    names = sorted({run.__name__ for run in PASSES} - {NEEDED})
    costs: dict[str, dict[str, int]] = {}
    known: dict[str, dict[str, int]] = {}  # passes without effect leave the same circuit
    for left_out in ("", *names, "small_cones", "ternary_sums"):
        made = compiled(circuit, left_out)
        if str(made) not in known:
            cost = synthesize(made, PART)
            luts = cost.lut + cost.inverters
            known[str(made)] = {"LUT+INV": luts, "FF": cost.ff, "depth": cost.depth}
        costs[left_out] = known[str(made)]
        say(f"{name} without {left_out or 'nothing'}: {costs[left_out]}")
    return costs


def before(name: str) -> Circuit:
    """Return a circuit before any pass."""
    if name in TARGETS:
        return edgetrig.compile(trained(name).file).traced
    if name == "jet selection":
        return selection()
    if name == "two bits":
        return trace(_two_bits, fixed_input("x", 16, integer=1, fraction=1))
    return traced(name)


def _two_bits(x: Any) -> Any:
    """16-64-32-32-5 with three weights an output and activations of two bits."""
    rng = np.random.default_rng(1)
    layers = (16, 64, 32, 32, 5)
    for inputs, outputs in itertools.pairwise(layers):
        weights = np.zeros((inputs, outputs))
        for column in range(outputs):
            rows = rng.choice(inputs, 3, replace=False)
            weights[rows, column] = rng.choice([-1.5, -1, -0.75, -0.5, 0.5, 0.75, 1, 1.25], 3)
        x = x @ weights + rng.integers(-4, 5, outputs) / 4
        if outputs != layers[-1]:
            x = quantize(np.maximum(x, 0), 0, 2, 0, "RND", "SAT")
    return x


def compiled(circuit: Circuit, left_out: str) -> Circuit:
    """Return the pipelined circuit, made without one pass."""
    passes: list[Callable[[Circuit], Circuit]] = [p for p in PASSES if p.__name__ != left_out]
    made = optimize(circuit, passes)
    family = family_of(PART).name
    forms = [made] if left_out == "small_cones" else table_forms(made, family)
    staged = [pipeline(form, delays_of(family), clock_ns=CLOCK_NS) for form in forms]
    if left_out != "ternary_sums":
        staged = [ternary_sums(circuit, family, CLOCK_NS) for circuit in staged]
    return cheapest(staged, family)


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    about = result["machine"]
    lines = [
        "# What each pass is worth",
        paragraph(
            f"Written by `benchmarks/ablation.py`, {about['date']}: pipelines for {CLOCK_NS} ns on",
            f"{PART}, synthesised by Yosys without one pass at a time. LUT + INV, by that with all",
            "passes in brackets; FF; area, LUT + INV + FF / 2 (a slice has eight LUTs and sixteen",
            "flip-flops: AMD, UG574), by that with all passes; depth. A pass that moves registers",
            f"changes both kinds of cell. `{NEEDED}` is never left out.",
        ),
    ]
    rows = []
    for name, costs in result["rows"].items():
        whole = costs[""]
        for left_out, cost in costs.items():
            luts = f"{cost['LUT+INV']:,} ({cost['LUT+INV'] / whole['LUT+INV']:.3f})"
            what = f"without `{left_out}`" if left_out else "all passes"
            area = f"{_area(cost) / _area(whole):.3f}"
            rows.append([name, what, luts, f"{cost['FF']:,}", area, str(cost["depth"])])
    lines.append(table(("circuit", "passes", "LUT + INV", "FF", "area", "depth"), rows))
    return "\n\n".join(lines) + "\n"


def _area(cost: dict[str, int]) -> float:
    return cost["LUT+INV"] + cost["FF"] / 2


if __name__ == "__main__":
    main()
