"""A mapped netlist: what its cells are, how deep it is, and which layer each cell serves."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_KINDS = (
    ("lut", r"LUT\d$|LUT6_2$|SB_LUT4$|LUT4$|WIDEFN9$"),
    ("inverters", r"INV$"),
    ("mux", r"MUXF\d$|PFUMX$|L6MUX21$|MUX2_"),
    ("carry", r"CARRY\d$|CCU2|ALU$|SB_CARRY$"),
    ("srl", r"SRL"),
    ("ff", r"FD|TRELLIS_FF$|DFF|SB_DFF"),
    ("dsp", r"DSP|MULT|SB_MAC|MAC|PREADD"),
    ("bram", r"RAMB|DP16K|PDP|SB_RAM|SP$|SPX|DPB|URAM"),
)
KINDS = tuple(kind for kind, _ in _KINDS)
"""Kinds of cells that are counted, in the order of the cost table."""

_CLOCKED = ("ff", "srl", "bram")
_CHAIN_INPUTS = frozenset({"CI", "CIN"})
# Constants, and the port buffers that synth_nexus cannot leave out.
_NO_COST = frozenset({"GND", "VCC", "VHI", "VLO", "$scopeinfo", "IB", "OB"})


def kind_of(cell_type: str) -> str:
    """Return the kind of a cell, or ``other``."""
    return next((kind for kind, pattern in _KINDS if re.match(pattern, cell_type)), "other")


_Net = int | str
"""A net's number, or ``"0"``, ``"1"``, ``"x"``."""


@dataclass(frozen=True)
class _Cell:
    kind: str
    type: str
    inputs: dict[str, list[_Net]]
    outputs: dict[str, list[_Net]]
    source: str
    init: int = 0

    @property
    def size(self) -> int:
        """How many cells it counts for.

        The carry chain of a slice is counted by four bits; a WIDEFN9 of Nexus is two LUTs of four
        inputs and their multiplexer.
        """
        return 2 if self.type in ("CARRY8", "WIDEFN9") else 1


class Netlist:
    """A flat netlist as Yosys writes it (`write_json`)."""

    def __init__(self, text: str, top: str) -> None:
        module: dict[str, Any] = json.loads(text)["modules"][top]
        self._names: dict[str, Any] = module["netnames"]
        cells = module["cells"].values()
        self.cells = [_cell(cell) for cell in cells if cell["type"] not in _NO_COST]
        self._output_buffers = [cell["connections"] for cell in cells if cell["type"] == "OB"]

    @cached_property
    def counts(self) -> Counter[str]:
        """Cells of each kind."""
        counts: Counter[str] = Counter()
        for cell in self.cells:
            counts[cell.kind] += cell.size
        return counts

    @cached_property
    def other(self) -> Counter[str]:
        """Cells of no counted kind, by type."""
        return Counter(cell.type for cell in self.cells if cell.kind == "other")

    @cached_property
    def order(self) -> list[_Cell]:
        """Combinational cells, drivers before readers."""
        drivers: dict[_Net, _Cell] = {}
        for cell in self._combinational:
            drivers.update((net, cell) for nets in cell.outputs.values() for net in nets)
        order: list[_Cell] = []
        state: dict[int, bool] = {}  # False while on the stack, True when placed
        for root in self._combinational:
            stack = [root]
            while stack:
                cell = stack[-1]
                if id(cell) not in state:
                    state[id(cell)] = False
                    stack += [d for d in _drivers_of(cell, drivers) if id(d) not in state]
                    continue
                stack.pop()
                if not state[id(cell)]:
                    state[id(cell)] = True
                    order.append(cell)
        return order

    @property
    def _combinational(self) -> list[_Cell]:
        return [cell for cell in self.cells if cell.kind not in _CLOCKED]

    @cached_property
    def depth(self) -> int:
        """Most levels between registers or ports: a LUT, inverter or carry chain is one level.

        Wide multiplexers of LUTs (MUXF7, PFUMX, ...) belong to the LUT before them.
        """
        level: dict[_Net, int] = {}
        for cell in self.order:
            for nets, value in _levels(cell, level):
                level.update(dict.fromkeys(nets, value))
        return max(level.values(), default=0)

    def by_layer(
        self,
        layer_of_signal: Callable[[str, int], str | None],
        layer_of_source: Callable[[str], str],
    ) -> dict[str, Counter[str]]:
        """Count cells by the layer they serve.

        Carry cells and registers keep the place in the Verilog that they were made from. A LUT has
        none: it counts for the signal it drives where that still has a name, else for the layer of
        the first cell that reads it.

        Parameters
        ----------
        layer_of_signal
            Gives the layer of a bit of a named net, None for names that do not count.
        layer_of_source
            Gives the layer of a cell's ``src``, empty where it names none.
        """
        layers: dict[_Net, str] = {}
        for name, net in self._names.items():
            for position, bit in enumerate(net["bits"]):
                layer = layer_of_signal(name, position)
                if layer is not None:
                    layers.setdefault(bit, layer)
        for pins in self._output_buffers:  # what drives a port's buffer drives the port
            if pins["O"][0] in layers:
                layers.setdefault(pins["I"][0], layers[pins["O"][0]])
        counts: dict[str, Counter[str]] = {}
        sequential = [cell for cell in self.cells if cell.kind in _CLOCKED]
        for cell in (*sequential, *reversed(self.order)):
            outputs = (net for nets in cell.outputs.values() for net in nets)
            known = (layers[net] for net in outputs if net in layers)
            found = layer_of_source(cell.source) or next(known, "")
            counts.setdefault(found, Counter())[cell.kind] += cell.size
            for nets in cell.inputs.values():
                for net in nets:
                    layers.setdefault(net, found)
        return counts


def _cell(cell: dict[str, Any]) -> _Cell:
    sides: dict[str, dict[str, list[_Net]]] = {"input": {}, "output": {}}
    for port, nets in cell["connections"].items():
        direction = cell["port_directions"].get(port, "input")
        sides.get(direction, sides["output"])[port] = nets
    kind, source = kind_of(cell["type"]), cell["attributes"].get("src", "")
    # The truth table of a LUT, as Yosys writes it: binary digits.
    init = int(cell["parameters"]["INIT"], 2) if cell["type"] == "LUT6_2" else 0
    return _Cell(kind, cell["type"], sides["input"], sides["output"], source, init)


def _drivers_of(cell: _Cell, drivers: dict[_Net, _Cell]) -> Iterator[_Cell]:
    for nets in cell.inputs.values():
        for net in nets:
            if net in drivers:
                yield drivers[net]


def _levels(cell: _Cell, level: dict[_Net, int]) -> Iterator[tuple[list[_Net], int]]:
    """Yield output nets with their level."""
    if cell.type in ("CARRY4", "CARRY8"):
        yield from _chain_levels(cell, level)
        return
    if cell.type == "LUT6_2":
        yield from _pair_levels(cell, level)
        return
    own = 0 if cell.kind == "mux" else 1
    highest = 0
    for port, nets in cell.inputs.items():
        step = 0 if cell.kind == "carry" and port in _CHAIN_INPUTS else own
        highest = max([highest, *(step + level.get(net, 0) for net in nets if _moves(net))])
    for nets in cell.outputs.values():
        yield nets, highest


def _chain_levels(cell: _Cell, level: dict[_Net, int]) -> Iterator[tuple[list[_Net], int]]:
    """Bit k of a carry chain waits for bits 0 to k only."""
    carry = max((level.get(net, 0) for net in cell.inputs.get("CI", []) if _moves(net)), default=0)
    starts = [net for net in cell.inputs.get("CYINIT", []) if _moves(net)]
    for k in range(len(cell.inputs["S"])):
        reads = starts + [cell.inputs[port][k] for port in ("S", "DI")]
        carry = max([carry, *(level.get(net, 0) + 1 for net in reads if _moves(net))])
        yield [cell.outputs[port][k] for port in ("O", "CO") if port in cell.outputs], carry


def _pair_levels(cell: _Cell, level: dict[_Net, int]) -> Iterator[tuple[list[_Net], int]]:
    """Each output of a LUT6_2 waits for the inputs that its half of the truth table looks at."""
    for port, table, inputs in (("O5", cell.init & 0xFFFFFFFF, 5), ("O6", cell.init, 6)):
        reads = [cell.inputs[f"I{k}"][0] for k in range(inputs) if _looks_at(table, k, 1 << inputs)]
        highest = max((1 + level.get(net, 0) for net in reads if _moves(net)), default=0)
        yield cell.outputs.get(port, []), highest


def _looks_at(table: int, k: int, entries: int) -> bool:
    """Return whether a truth table depends on its input number k."""
    return any((table >> i ^ table >> (i | 1 << k)) & 1 for i in range(entries))


def _moves(net: _Net) -> bool:
    """Return whether a net is no constant."""
    return isinstance(net, int)
