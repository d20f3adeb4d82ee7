"""The measured cost of a circuit: what Yosys maps its Verilog to."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgetrig.circuit import Circuit
from edgetrig.errors import Error
from edgetrig.printed import Printed
from edgetrig.rtl import amd_defines, ports, verilog
from edgetrig.synthesis import _yosys
from edgetrig.synthesis.estimate import estimate
from edgetrig.synthesis.families import Family, family_of
from edgetrig.synthesis.netlist import KINDS, Netlist

_TOP = "trigger"
_PLACE = re.compile(r"(\w+\.v):(\d+)")
_MADE = re.compile(r"\b[vrt](\d+)\b")
_SIGNAL = re.compile(r"(?:.*\.)?[vr](\d+)$")
# Beyond this, in one combinational block, ABC9 takes ten minutes and more; classic ABC half a
# minute, for some 5 % more LUTs.
_ABC9_LUTS = 20_000
_ABC9_DEPTH = 40


@dataclass(frozen=True)
class Cost(Printed):
    """What Yosys made of a circuit.

    Parameters
    ----------
    part, family
        The part asked for, and its family.
    lut
        Look-up tables. ``inverters`` are counted apart, as Yosys does: vendors absorb most.
    mux
        Wide multiplexers beside the LUTs (MUXF7, PFUMX, ...).
    carry
        Carry cells: CARRY4 (four bits, whose LUTs are counted; a CARRY8 counts as two), CCU2 (two
        bits and their two LUTs), ALU and SB_CARRY (one bit).
    ff, srl, dsp, bram
        Flip-flops, shift-register LUTs, multiplier blocks, memory blocks.
    depth
        Most levels between registers or ports; a LUT, an inverter or a carry chain is one level.
    by_layer
        The same counts for each origin of the circuit's rows, from the same run; they sum to the
        totals. Carry cells and registers know their row. A LUT that the mapper made of several
        operations counts for the layer that reads it: an activation in front of an adder mostly
        counts for the layer of that adder.
    other
        Cells of other types.
    seconds
        Wall time of the run.
    yosys
        Version.
    command
        The synthesis command.
    note
        Anything that was done in another way than usual; empty if nothing.
    """

    part: str
    family: str
    lut: int
    inverters: int
    mux: int
    carry: int
    ff: int
    srl: int
    dsp: int
    bram: int
    depth: int
    by_layer: dict[str, dict[str, int]]
    other: dict[str, int]
    seconds: float
    yosys: str
    command: str
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and text."""
        return asdict(self)

    def __str__(self) -> str:
        kinds = [kind for kind in KINDS if getattr(self, kind)] or ["lut"]
        total = {kind: getattr(self, kind) for kind in kinds}
        rows = [("measured", kinds), ("total", [f"{total[kind]:,}" for kind in kinds])]
        if len(self.by_layer) > 1:
            for layer, counts in self.by_layer.items():
                rows.append((layer or "inputs", [f"{counts.get(k, 0):,}" for k in kinds]))
        wide = max(len(name) for name, _ in rows)
        lines = [
            f"{name:<{wide}}  " + " ".join(f"{cell:>9}" for cell in cells) for name, cells in rows
        ]
        lines.append(f"depth {self.depth} levels (a LUT or a carry chain is one)")
        lines.append(f"{self.part} ({self.family}), Yosys {self.yosys}, {self.seconds:.1f} s")
        lines.append(f"  {self.command}")
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join(lines)


def synthesize(
    circuit: Circuit,
    part: str = "xcvu13p",
    *,
    retime: bool = False,
    timeout: float | None = None,
) -> Cost:
    """Measure a circuit's cost with Yosys, in a process of its own.

    Parameters
    ----------
    circuit
        The circuit.
    part
        A part or family (`edgetrig.synthesis.PARTS`), prefixes of longer names included.
    retime
        Let ABC9 optimise across flip-flops, where the family's command can.
    timeout
        Seconds after which to give up.

    Raises
    ------
    Error
        If the part is unknown, or its family cannot retime.
    ToolError
        If Yosys is missing, fails or takes too long.
    """
    family = family_of(part)
    if retime and not family.retime:
        raise Error(f"{family.name}: Yosys cannot retime there; leave retime out")
    command = f"{family.command} {family.retime}".rstrip() if retime else family.command
    files = verilog(circuit, _TOP)
    steps, note = _synthesis(command, family, _needs_classic_abc(circuit, part))
    # AMD parts take their own cells for ternary adders in front of registers, and for tables.
    read = _yosys.reading(files, _TOP, amd_defines(part))
    script = ["scratchpad -set abc9.verify false", *read]
    start = time.perf_counter()
    [text] = _yosys.run(
        files, [*script, *steps, "write_json net.json"], ["net.json"], timeout=timeout
    )
    seconds = time.perf_counter() - start
    netlist = Netlist(text, _TOP)
    return Cost(
        part=part,
        family=family.name,
        **{kind: netlist.counts[kind] for kind in KINDS},
        depth=netlist.depth,
        by_layer=_by_layer(circuit, files, netlist),
        other=dict(netlist.other),
        seconds=seconds,
        yosys=_yosys.version(),
        command=f"{command} -top {_TOP}",
        note=note,
    )


def _needs_classic_abc(circuit: Circuit, part: str) -> bool:
    guess = estimate(circuit, part)
    return guess.lut > _ABC9_LUTS and guess.depth > _ABC9_DEPTH


def _synthesis(command: str, family: Family, classic: bool) -> tuple[list[str], str]:
    """Return the synthesis commands and a note on them."""
    if not classic or not command.startswith("synth_xilinx"):
        return [f"{command} -top {_TOP}"], ""
    steps = [
        f"{command} -top {_TOP} -run begin:map_luts",
        "opt_expr -mux_undef -noclkinv",
        "abc -luts 2:2,3,6:5,10,20",
        "clean",
        "xilinx_srl -fixed -minlen 3",
        "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
        "xilinx_dffopt",
        "opt_lut_ins -tech xilinx",
        f"{command} -top {_TOP} -run finalize:",
    ]
    return steps, "classic ABC in place of ABC9, which is too slow here: about 5 % more LUTs"


def _by_layer(
    circuit: Circuit, files: Mapping[str, str], netlist: Netlist
) -> dict[str, dict[str, int]]:
    origins: list[str] = [circuit.origins[k] for k in circuit.rows.origin.tolist()]
    of_bit = _layers_of_output_bits(circuit, origins)
    lines = {name: text.splitlines() for name, text in files.items()}

    def of_signal(name: str, bit: int) -> str | None:
        match = _SIGNAL.match(name)
        if match:
            return origins[int(match[1])]
        return of_bit[name][bit] if name in of_bit else None

    def of_source(source: str) -> str:
        for name, line in _PLACE.findall(source):
            made = _MADE.search(lines[name][int(line) - 1]) if name in lines else None
            if made:
                return origins[int(made[1])]
        return ""

    counts = netlist.by_layer(of_signal, of_source)
    order = {name: k for k, name in enumerate(circuit.origins)}
    return {layer: dict(counts[layer]) for layer in sorted(counts, key=lambda name: order[name])}


def _layers_of_output_bits(circuit: Circuit, origins: list[str]) -> dict[str, list[str]]:
    _, outputs = ports(circuit, _TOP)
    layers = {}
    for port, output in zip(outputs, circuit.outputs, strict=True):
        pairs = zip(output.rows.ravel().tolist(), port.width.tolist(), strict=True)
        layers[port.identifier] = [origins[row] for row, width in pairs for _ in range(width)]
    return layers
