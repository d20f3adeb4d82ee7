"""What each kind of row takes on each family, measured by Yosys: the prices the package ships.

``.venv/bin/python benchmarks/mapping_costs.py`` maps the rigs of ``mapping_rigs.py`` for every
family, fits the price of each kind of work (`edgetrig.optimize.work`), and writes
``benchmarks/results/mapping_costs.json`` and ``mapping_costs.md`` and the package's
``optimize/prices.json``. What the record holds for the rigs as they are now is not mapped again;
``--again`` maps all, ``--family`` some.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

import edgetrig
from edgetrig.circuit import Circuit
from edgetrig.optimize import KINDS, fabric_of, work
from edgetrig.synthesis import synthesize
from mapping_rigs import circuit, tables, without_tables
from peers import HERE, machine, paragraph, say, table, write_whole

FAMILIES = {
    "UltraScale+": "xcvu13p",
    "UltraScale": "xcku115",
    "7 series": "xc7",
    "ECP5": "ecp5",
    "Nexus": "nexus",
    "Gowin": "gowin",
    "iCE40": "ice40",
}
RECORD = HERE / "results" / "mapping_costs.json"
PRICES = Path(edgetrig.__file__).with_name("optimize") / "prices.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="map what is on record, too")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="only these")
    arguments = parser.parse_args()
    record: dict[str, Any] = {"families": {}}
    if RECORD.is_file():
        record = json.loads(RECORD.read_text())
    # Look-ups apart: beside deeper rigs ABC would make them of many levels and few LUTs, which it
    # does not in circuits where they are on the longest path.
    parts = {"rows": circuit(without_tables()), "look-ups": circuit(tables())}
    for family in arguments.family or FAMILIES:
        known = record["families"].setdefault(family, {"rigs": {}, "luts": {}})
        for name, part in parts.items():
            state = hashlib.sha256(str(part).encode()).hexdigest()[:16]
            if arguments.again or known["rigs"].get(name) != state:
                say(f"{family}: {name}")
                measure(known, part, family)
                known["rigs"][name] = state
                record["machine"] = machine()
                write_whole(RECORD, json.dumps(record, indent=1) + "\n")
    for family, found in record["families"].items():
        found["prices"] = fit([*parts.values()], found, family)
    write_whole(RECORD, json.dumps(record, indent=1) + "\n")
    write_whole(PRICES, json.dumps(shipped(record), indent=1) + "\n")
    text = report(record, [*parts.values()])
    write_whole(RECORD.with_suffix(".md"), text)
    print(text)


def measure(known: dict[str, Any], part: Circuit, family: str) -> None:
    """Map rigs; enter the cells of each, and the levels of one sum, into what is known."""
    cost = synthesize(part, FAMILIES[family])
    chain_luts = fabric_of(family).carry_luts
    known["luts"] |= {
        name: cells.get("lut", 0) + cells.get("inverters", 0) + chain_luts * cells.get("carry", 0)
        for name, cells in cost.by_layer.items()
    }
    blocks = {name for name, cells in cost.by_layer.items() if cells.get("dsp")}
    known["in multiplier blocks"] = sorted(blocks | set(known.get("in multiplier blocks", ())))
    one_sum = circuit([rig for rig in without_tables() if rig.name == "ADD 9 << 0"])
    known["levels of a sum"] = synthesize(one_sum, FAMILIES[family]).depth
    known["yosys"], known["command"] = cost.yosys, cost.command


def fit(parts: list[Circuit], found: dict[str, Any], family: str) -> dict[str, float]:
    """Return the price of each kind: least squares over the rigs, none below 0."""
    amounts, luts = _system(parts, found, family)
    weight = 1 / np.sqrt(luts + 4)
    prices = np.zeros(len(KINDS))
    free = np.ones(len(KINDS), np.bool_)
    while True:
        prices[:] = 0
        solved = np.linalg.lstsq(amounts[:, free] * weight[:, None], luts * weight, rcond=None)[0]
        prices[free] = solved
        if (prices >= 0).all():
            return dict(zip(KINDS, np.round(prices, 2).tolist(), strict=True))
        free &= prices > 0


def _system(parts: list[Circuit], found: dict[str, Any], family: str) -> tuple[Any, Any]:
    """Return the work of each rig, shape (rigs, kinds), and its LUTs."""
    names = [name for part in parts for name in part.origins]
    amounts = np.concatenate([_work(part, family) for part in parts])
    luts = np.array([found["luts"].get(name, 0) for name in names], np.float64)
    blocks = np.isin(names, found["in multiplier blocks"])
    kept = (amounts.sum(axis=1) > 0) & ~blocks
    return amounts[kept], luts[kept]


def _work(part: Circuit, family: str) -> Any:
    done = work(part, family)
    columns = [np.bincount(part.rows.origin, done[kind], len(part.origins)) for kind in KINDS]
    return np.stack(columns, axis=1)


def shipped(record: dict[str, Any]) -> dict[str, Any]:
    """Return the table of the package."""
    return {
        family: {
            "luts": found["prices"],
            "sum_levels": found["levels of a sum"],
        }
        for family, found in record["families"].items()
    }


def report(record: dict[str, Any], parts: list[Circuit]) -> str:
    """Return the result as a page of Markdown."""
    about = record["machine"]
    families = record["families"]
    first = next(iter(families.values()))
    rows = [
        [kind, *(f"{found['prices'][kind]:.2f}" for found in families.values())] for kind in KINDS
    ]
    rows.append(
        ["levels of a sum", *(str(found["levels of a sum"]) for found in families.values())]
    )
    errors = []
    for family, found in families.items():
        amounts, luts = _system(parts, found, family)
        off = np.abs(amounts @ np.array(list(found["prices"].values())) - luts)
        errors.append(f"{off.sum() / luts.sum():.0%}")
    rows.append(["mean error over the rigs", *errors])
    names = [name for part in parts for name in part.origins if name in first["luts"]]
    each = [[name, *(str(f["luts"].get(name, 0)) for f in families.values())] for name in names]
    commands = [f"{family}: `{found['command']}`" for family, found in families.items()]
    lines = [
        "# What a row takes",
        paragraph(
            f"Written by `benchmarks/mapping_costs.py`, {about['date']}, Yosys {first['yosys']}.",
            "LUTs and inverters, and the LUTs within carry cells (ECP5, Nexus: two in a CCU2;",
            "Gowin: an ALU), for one unit of each kind of work as `edgetrig.optimize.work` counts.",
        ),
        table(("kind", *families), rows),
        "; ".join(commands) + ".",
        "## LUTs of each rig",
        "Two copies each. A rig in front of an XOR or an ADD is measured with it.",
        table(("rig", *families), each),
    ]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
