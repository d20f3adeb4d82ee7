"""Synthesise Verilog with Yosys and count what comes out; runs beside edgetrig, which counts."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import common
from pyosys import libyosys

from edgetrig.synthesis.netlist import Netlist

COMMAND = "synth_xilinx -family xcup -flatten -noiopad -noclkbuf"


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Run the same commands for everyone."""
    start, options = common.cpu_seconds(), task.get("options", "")
    design = libyosys.Design()
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    for file in sorted(Path(task["folder"]).rglob("*.v")):
        # The defines choose the device's primitives in edgetrig's cells; no other text knows them.
        define = "-DEDGETRIG_LUT6" + (" -DEDGETRIG_CARRY8" if "-nocarry" not in options else "")
        libyosys.run_pass(f"read_verilog {define} {file}", design)
    for command in (
        "scratchpad -set abc9.verify false",
        f"{COMMAND} {options} -top {task['top']}",
        "write_json net.json",
    ):
        libyosys.run_pass(command, design)
    seconds = common.cpu_seconds() - start
    text = Path("net.json").read_text()
    cells = json.loads(text)["modules"][task["top"]]["cells"].values()
    types = Counter(cell["type"] for cell in cells if cell["type"] != "$scopeinfo")
    luts = sum(types[f"LUT{k}"] for k in range(1, 7)) + types["LUT6_2"]
    return {
        "versions": common.versions("pyosys"),
        "LUT": luts,
        "INV": types["INV"],
        "LUT+INV": luts + types["INV"],
        "CARRY4": types["CARRY4"] + 2 * types["CARRY8"],
        "MUXF": types["MUXF7"] + types["MUXF8"],
        "FF": sum(count for name, count in types.items() if name.startswith("FD")),
        "SRL": sum(count for name, count in types.items() if name.startswith("SRL")),
        "depth": Netlist(text, task["top"]).depth,
        "seconds": seconds,
    }


if __name__ == "__main__":
    common.main(measure)
