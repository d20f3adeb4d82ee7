"""The written text, read back by Yosys: a netlist of plain word-level cells.

Yosys is a third party here: it reads the text by the rules of the language and knows nothing of the
circuit. No optimisation runs; processes become flip-flops and the hierarchy is dissolved, that is
all. What is written in VHDL is read by GHDL first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgetrig.errors import VerificationError
from edgetrig.verify.proof import ghdl

Bit = int | str
"""A signal by its number, or the constant "0", "1" or "x"."""


@dataclass(frozen=True)
class Cell:
    """A cell: its type, whether operands `A` and `B` are signed, the bits of each port."""

    name: str
    kind: str
    signs: tuple[bool, bool]
    ports: dict[str, list[Bit]]
    rising: bool = True

    @property
    def signed(self) -> bool:
        """Whether the operation is on signed numbers: all its operands are."""
        return all(self.signs)


@dataclass(frozen=True)
class Netlist:
    """A module without hierarchy.

    ``nets`` holds the bits of every named signal, lowest first; a name inside an instance starts
    with the instance's. ``language`` is what the text was in, ``readers`` who read it, with
    versions.
    """

    ports: dict[str, list[Bit]]
    nets: dict[str, list[Bit]]
    cells: list[Cell]
    language: str
    readers: dict[str, str]

    @cached_property
    def driver(self) -> dict[Bit, tuple[Cell, int]]:
        """Return the cell, and the place in its output, that drives each bit."""
        found: dict[Bit, tuple[Cell, int]] = {}
        for cell in self.cells:
            for place, bit in enumerate(cell.ports.get("Y", cell.ports.get("Q", []))):
                if bit in found:
                    raise VerificationError(f"netlist: {cell.name} drives what another cell drives")
                found[bit] = cell, place
        return found

    @cached_property
    def _by_last_name(self) -> dict[str, list[list[Bit]]]:
        found: dict[str, list[list[Bit]]] = {}
        for name, bits in self.nets.items():
            found.setdefault(name.rpartition(".")[2], []).append(bits)
        return found

    def signal(self, name: str) -> list[Bit] | None:
        """Return the bits of a signal, wherever in the hierarchy its name stands; None if nowhere.

        Raises
        ------
        VerificationError
            If there are two of the name that are not the same bits.
        """
        found = self._by_last_name.get(name)
        if found is None:
            return None
        if any(bits != found[0] for bits in found):
            raise VerificationError(f"netlist: {len(found)} different signals {name}")
        return found[0]


def read_netlist(files: Mapping[str, str], top: str) -> Netlist:
    """Let Yosys read Verilog files, or GHDL and Yosys VHDL files, the top's first.

    Raises
    ------
    ToolError
        If a reader is missing or refuses the text.
    VerificationError
        If a signal has two drivers or none, or logic runs in a loop: no netlist would show the
        first, since a reader may take either.
    """
    from edgetrig.synthesis import _yosys

    language, readers = "Verilog", {"yosys": _yosys.version()}
    if next(iter(files)).endswith(".vhd"):
        files = {f"{top}.v": ghdl.as_verilog(files, top)}
        language, readers = "VHDL", {"ghdl": ghdl.version(), **readers}
    script = [f"read_verilog {file}" for file in files if file.endswith(".v")]
    script += [f"hierarchy -check -top {top}", "proc -noopt", "flatten"]
    script += ["tee -q -o check.txt check", "write_json netlist.json"]
    said, text = _yosys.run(files, script, ["check.txt", "netlist.json"])
    for line in said.splitlines():
        if line.startswith("Warning: "):
            raise VerificationError(f"netlist: {line.removeprefix('Warning: ').rstrip(':')}")
    module = json.loads(text)["modules"][top]
    return Netlist(
        {name: port["bits"] for name, port in module["ports"].items()},
        {name: net["bits"] for name, net in module["netnames"].items()},
        [_cell(name, cell) for name, cell in module["cells"].items() if _is_logic(cell)],
        language,
        readers,
    )


def _is_logic(cell: dict[str, Any]) -> bool:
    return bool(cell["type"] != "$scopeinfo")


def _cell(name: str, cell: dict[str, Any]) -> Cell:
    def is_set(parameter: str, default: str) -> bool:
        return int(cell["parameters"].get(parameter, default), 2) == 1

    signs = is_set("A_SIGNED", "0"), is_set("B_SIGNED", "1")
    return Cell(name, cell["type"], signs, cell["connections"], is_set("CLK_POLARITY", "1"))
