"""How far `edgetrig.synthesis.estimate` is off: whole circuits against Yosys.

``.venv/bin/python benchmarks/calibrate_estimate.py`` synthesises the circuits for UltraScale+, some
for the other families, and writes ``benchmarks/results/estimate.json`` and ``estimate.md``. What
the record holds as it is now is not measured again. The prices themselves are those of
``mapping_costs.py``: none of these circuits is in their fit.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import edgetrig
from edgetrig.circuit import Circuit, fixed_input, lookup, origin, quantize, trace
from edgetrig.menu_files import read_menu
from edgetrig.optimize import delays_of, fabric_of, for_hardware, optimize, pipeline
from edgetrig.synthesis import estimate, family_of, synthesize
from edgetrig.trigger.menu import Menu
from peers import HERE, machine, paragraph, say, table, write_whole
from traced import traced
from trained import TARGETS, trained

PART, CLOCK_NS = "xcvu13p", 4.0
OTHERS = ("xc7", "ecp5", "nexus", "gowin", "ice40")
SEEDS = (
    "L1_SingleMu22",
    "L1_DoubleIsoTau34er2p1",
    "L1_QuadJet40er2p5_HTT240",
    "L1_DoubleMu4_OS_dR1p2",
    "L1_Mu18er2p1_Tau24er2p1",
)
"""Seeds of `menu.yaml`; all twelve in one circuit stand in docs/benchmarks.md."""
ON_OTHERS = (
    "dense 8-8-5, 6 bit",
    "trained_300",
    "20 trees of depth 4",
    "dense 10-12-4 with tanh tables",
    "jet selection",
    "L1_DoubleIsoTau34er2p1",
    "L1_DoubleMu4_OS_dR1p2",
)
RECORD = HERE / "results" / "estimate.json"


def network(sizes, *, bits=6, density=0.5, activation="relu", seed=0):
    rng = np.random.default_rng(seed)
    weights = [
        rng.integers(1 - 2 ** (bits - 1), 2 ** (bits - 1), pair) * (rng.random(pair) < density)
        for pair in itertools.pairwise(sizes)
    ]

    def function(x):
        for k, w in enumerate(weights):
            with origin(f"dense{k}"):
                x = x @ (w / 2 ** (bits - 2))
            if k == len(weights) - 1:
                return x
            with origin(f"activation{k}"):
                if activation == "relu":
                    x = quantize(np.maximum(x, 0), 0, 3, 3, "RND", "SAT")
                else:
                    x = quantize(x, 1, 3, 4, "TRN", "SAT")
                    x = lookup(x, np.tanh, 1, 0, 5, "RND", "SAT")
        return x

    return trace(function, fixed_input("x", sizes[0], integer=3, fraction=4))


def trees(*, count=20, depth=4, seed=1):
    rng = np.random.default_rng(seed)

    def tree(x, level):
        if level == 0:
            return x[0] * 0 + int(rng.integers(-100, 100))
        at, cut = int(rng.integers(8)), int(rng.integers(-100, 100)) / 16
        return np.where(x[at] > cut, tree(x, level - 1), tree(x, level - 1))

    def function(x):
        return sum(tree(x, depth) for _ in range(count))

    return trace(function, fixed_input("x", 8, integer=3, fraction=4))


def selection():
    def function(pt, eta):
        best = np.sort(pt)[-3:]
        near = np.abs(eta[:, None] - eta[None, :]) < 1.5
        return {"best": best, "ht": np.sum(pt), "pairs": np.sum(near), "arg": np.argmax(pt)}

    jets = fixed_input("pt", 8, signed=0, integer=9, fraction=1)
    return trace(function, jets, fixed_input("eta", 8, integer=3, fraction=5))


def circuits() -> dict[str, Circuit]:
    small, medium = network((8, 8, 5)), network((16, 32, 16, 5), density=0.4, seed=2)
    made = {
        "dense 8-8-5, 6 bit": small,
        "dense 16-16-5, 8 bit": network((16, 16, 5), bits=8, density=0.3, seed=3),
        "dense 16-32-16-5, 6 bit": medium,
        "dense 16-16-5, 3 bit": network((16, 16, 5), bits=3, density=0.8, seed=4),
        "dense 10-12-4 with tanh tables": network((10, 12, 4), activation="tanh", seed=5),
        "20 trees of depth 4": trees(),
        "jet selection": selection(),
    }
    made = {name: optimize(circuit) for name, circuit in made.items()}
    delays = delays_of("UltraScale+")
    for name in ("dense 8-8-5, 6 bit", "dense 16-32-16-5, 6 bit", "jet selection"):
        made[f"{name}, 4 cycles"] = pipeline(made[name], delays, latency=4)
    return made


def main() -> None:
    record: dict[str, Any] = {"runs": {}}
    if RECORD.is_file():
        record = json.loads(RECORD.read_text())
    for name, circuit in everything():
        for part in (PART, *(OTHERS if name in ON_OTHERS else ())):
            run = f"{name} on {family_of(part).name}"
            state = hashlib.sha256(str(circuit).encode()).hexdigest()[:16]
            known = record["runs"].get(run, {})
            if known.get("circuit") != state:
                say(run)
                known = measured(circuit, part) | {"circuit": state}
                record["machine"] = machine()
            known["estimate"] = estimate(circuit, part).to_dict()
            record["runs"][run] = known
            write_whole(RECORD, json.dumps(record, indent=1) + "\n")
    write_whole(Path(RECORD).with_suffix(".md"), report(record))
    print(report(record))


def everything() -> Iterator[tuple[str, Circuit]]:
    """Yield all circuits; the large ones last."""
    yield from circuits().items()
    yield from seeds()
    for name in TARGETS:
        made = optimize(edgetrig.compile(trained(name).file).traced)
        yield name, made
        yield f"{name}, {CLOCK_NS:g} ns", for_hardware(made, "UltraScale+", clock_ns=CLOCK_NS)
    for name in ("small", "deep_set", "convolution", "network_a", "matrix_64"):
        yield name, optimize(traced(name))


def seeds() -> Iterator[tuple[str, Circuit]]:
    """Yield circuits of one seed of `menu.yaml` each."""
    menu = read_menu(HERE / "menu.yaml")
    for seed in menu.seeds:
        if seed.name in SEEDS:
            yield seed.name, optimize(Menu(menu.name, (seed,)).circuit())


def measured(circuit: Circuit, part: str) -> dict[str, Any]:
    """Synthesise; LUTs count inverters, and those within carry cells."""
    cost = synthesize(circuit, part)
    within = fabric_of(cost.family).carry_luts * cost.carry
    return {
        "lut": cost.lut + cost.inverters + within,
        "ff": cost.ff,
        "carry": cost.carry,
        "depth": cost.depth,
        "dsp": cost.dsp,
        "yosys": cost.yosys,
        "note": cost.note,
    }


def report(record: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    about, runs = record["machine"], record["runs"]
    rows, errors = [], {}
    for name, run in runs.items():
        guess = run["estimate"]
        ratio = guess["lut"] / run["lut"]
        errors.setdefault(name.rpartition(" on ")[2], []).append(ratio - 1)
        pairs = (f"{run[kind]:,} / {guess[kind]:,}" for kind in ("lut", "ff", "carry", "depth"))
        rows.append([name, *pairs, f"{ratio:.2f}"])
    families = [
        [
            family,
            str(len(off)),
            f"{np.median(np.abs(off)):.0%}",
            f"{min(off):+.0%} to {max(off):+.0%}",
        ]
        for family, off in errors.items()
    ]
    lines = [
        "# The estimate against Yosys",
        paragraph(
            f"Written by `benchmarks/calibrate_estimate.py`, {about['date']}, Yosys",
            f"{next(iter(runs.values()))['yosys']}. Measured / estimated; LUTs include inverters",
            "and those within carry cells. None of these circuits is in the fit of the prices",
            "([mapping_costs.md](mapping_costs.md)).",
        ),
        table(("family", "circuits", "median error of LUTs", "all"), families),
        table(("circuit", "LUT", "FF", "carry", "depth", "LUT ratio"), rows),
    ]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
