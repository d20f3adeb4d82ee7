"""A folder for the firmware engineer: sources, test bench, vectors, project scripts, a README."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgetrig.circuit import Circuit
from edgetrig.circuit.intervals import IntArray
from edgetrig.errors import DataError, Error
from edgetrig.files import whole_folder
from edgetrig.rtl.bench import bench, vector_files
from edgetrig.rtl.describe import element_runs
from edgetrig.rtl.names import comment, identifiers
from edgetrig.rtl.ports import Port, ports
from edgetrig.rtl.verilog import verilog

_DEVICE = "AGFB014R24A2E2V"  # Quartus needs some device; the script's first argument replaces it


def write(
    circuit: Circuit,
    folder: str | os.PathLike[str],
    *,
    name: str = "trigger",
    vectors: tuple[IntArray, IntArray] | None = None,
    clock_ns: float = 5.0,
    part: str = "xcvu13p-flga2577-2-e",
) -> Path:
    """Write everything a firmware project needs; the folder appears whole or not at all.

    ``src/*.v``, ``README.md`` (ports, bit ranges, LSBs, latency), ``vivado.tcl`` with an ``.xdc``
    and ``quartus.tcl`` with an ``.sdc``; with `vectors` also ``tb/`` and ``vectors/``.

    Parameters
    ----------
    circuit
        The circuit.
    folder
        Where to; a folder of that name is replaced.
    name
        Name of the top module; turned into an identifier.
    vectors
        Input codes and expected output codes, each of shape (events, elements in port order).
    clock_ns
        Clock period, in ns; of a combinational circuit the longest path allowed.
    part
        Part for Vivado.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    Error
        If the folder cannot be written, or `clock_ns` or `part` make no sense.
    DataError
        If `vectors` do not fit the ports.
    """
    if not (math.isfinite(clock_ns) and clock_ns > 0):
        raise Error(f"clock period {clock_ns!r} ns: a positive number is needed")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", part):
        raise Error(f"part {part!r}: letters, digits, dots and dashes are allowed")
    files = _files(circuit, identifiers([name])[0], vectors, float(clock_ns), part)
    with whole_folder(folder) as temporary:
        for file, text in files.items():
            path = temporary / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return Path(folder)


def _files(
    circuit: Circuit,
    top: str,
    vectors: tuple[IntArray, IntArray] | None,
    clock_ns: float,
    part: str,
) -> dict[str, str]:
    inputs, outputs = ports(circuit, top)
    sources = verilog(circuit, top)
    clock = "input wire clk" in sources[f"{top}.v"]
    latency = circuit.latency
    files = {f"src/{file}": text for file, text in sources.items()}
    if vectors is not None:
        given, expected = (np.asarray(codes) for codes in vectors)
        if len(given) != len(expected) or not len(given):
            raise DataError(
                f"{len(given)} input and {len(expected)} output vectors: as many needed"
            )
        for codes, layout in ((given, inputs), (expected, outputs)):
            for file, text in vector_files(codes, layout).items():
                files[f"vectors/{file}"] = text
        files[f"tb/{top}_tb.sv"] = bench(
            top, inputs, outputs, events=len(given), latency=latency, clock=clock, clock_ns=clock_ns
        )
    files["README.md"] = _readme(circuit, top, inputs, outputs, clock_ns, vectors is not None)
    files["vivado.tcl"] = _VIVADO.format(top=top, part=part)
    files["quartus.tcl"] = _QUARTUS.format(top=top, device=_DEVICE)
    files[f"{top}.xdc"] = files[f"{top}.sdc"] = _constraints(clock, clock_ns)
    return files


def _constraints(clock: bool, clock_ns: float) -> str:
    if clock:
        return f"create_clock -name clk -period {clock_ns:g} [get_ports clk]\n"
    return f"set_max_delay {clock_ns:g} -from [all_inputs] -to [all_outputs]\n"


_VIVADO = """\
# vivado -mode batch -source vivado.tcl
# Out of context: for the cost and timing of the block itself.
set top {top}
set part {part}
cd [file dirname [file normalize [info script]]]
read_verilog [glob src/*.v]
read_xdc $top.xdc
synth_design -top $top -part $part -mode out_of_context -flatten_hierarchy full
opt_design
place_design
phys_opt_design
route_design
file mkdir reports
report_utilization -file reports/utilization.txt
report_timing_summary -max_paths 10 -file reports/timing.txt
write_checkpoint -force reports/$top.dcp
"""

_QUARTUS = """\
# quartus_sh -t quartus.tcl [device]
package require ::quartus::project
package require ::quartus::flow
set top {top}
set device [expr {{[llength $quartus(args)] > 0 ? [lindex $quartus(args) 0] : "{device}"}}]
cd [file dirname [file normalize [info script]]]
project_new $top -overwrite
set_global_assignment -name TOP_LEVEL_ENTITY $top
set_global_assignment -name DEVICE $device
foreach file [glob src/*.v] {{ set_global_assignment -name VERILOG_FILE $file }}
set_global_assignment -name SDC_FILE $top.sdc
# Too many pins for a package: keep the ports inside.
set_instance_assignment -name VIRTUAL_PIN ON -to *
execute_flow -compile
project_close
"""


def _readme(
    circuit: Circuit,
    top: str,
    inputs: list[Port],
    outputs: list[Port],
    clock_ns: float,
    tested: bool,
) -> str:
    return "\n".join(_readme_lines(circuit, top, inputs, outputs, clock_ns, tested)) + "\n"


def _readme_lines(
    circuit: Circuit,
    top: str,
    inputs: list[Port],
    outputs: list[Port],
    clock_ns: float,
    tested: bool,
) -> Iterator[str]:
    yield f"# {top}"
    yield ""
    if circuit.latency:
        yield (
            f"Latency {circuit.latency} cycles ({circuit.latency * clock_ns:g} ns at "
            f"{clock_ns:g} ns a cycle), a new event every cycle. Registers need no reset."
        )
    else:
        yield "Combinational: no clock, no state."
    yield ""
    yield "Each port is one packed vector. Numbers are integers, two's complement where the"
    yield "smallest code is negative; the value is the code times the LSB. Elements of an array are"
    yield "counted in C order (the last index runs fastest)."
    for title, layout in (("Inputs", inputs), ("Outputs", outputs)):
        yield from ("", f"## {title}", "")
        yield "| port | in the model | elements | bits | bits each | codes | LSB |"
        yield "|---|---|---|---|---|---|---|"
        for port in layout:
            for run in element_runs(port):
                cells = [port.identifier, _markdown(port.name), run.elements, run.bits]
                cells += [str(run.width), f"{run.lo} to {run.hi}", run.lsb]
                yield f"| {' | '.join(cells)} |"
    yield from ("", "## Files", "")
    yield f"- `src/`: the Verilog; `src/{top}.v` is the top."
    if tested:
        yield f"- `tb/{top}_tb.sv`, `vectors/`: self-checking test bench, to run in this folder:"
        yield f"  `iverilog -g2012 -o sim src/*.v tb/{top}_tb.sv && vvp sim`, or another simulator."
    yield f"- `vivado.tcl`, `{top}.xdc`: `vivado -mode batch -source vivado.tcl`."
    yield f"- `quartus.tcl`, `{top}.sdc`: `quartus_sh -t quartus.tcl [device]`."


def _markdown(text: str) -> str:
    """Return text with everything escaped that Markdown or HTML could take for its own."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~$&-])", r"\\\1", comment(text))
