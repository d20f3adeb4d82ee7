"""Project scripts of the vendors' tools."""

from __future__ import annotations

from collections.abc import Sequence

from edgetrig.rtl.ports import Port
from edgetrig.rtl.ternary import AMD_CELLS, amd_defines

_DEVICE = "AGFB014R24A2E2V"  # Quartus needs some device; the script's first argument replaces it


def constraints(
    clock: bool, clock_ns: float, inputs: Sequence[Port], outputs: Sequence[Port]
) -> str:
    """Return the timing constraints: a clock, or the longest path allowed.

    The logic in front of the first register, and behind the last, has a cycle too: registers of
    the same clock are taken to stand right outside.
    """
    if not clock:
        return f"set_max_delay {clock_ns:g} -from [all_inputs] -to [all_outputs]\n"
    lines = [
        f"create_clock -name clk -period {clock_ns:g} [get_ports clk]",
        "# Registers of the same clock stand right outside: the ports' logic has one cycle, too.",
    ]
    for side, ports in (("input", inputs), ("output", outputs)):
        words = [port.identifier + ("[*]" if port.bits > 1 else "") for port in ports if port.bits]
        if words:
            lines.append(f"set_{side}_delay -clock clk 0 [get_ports {{{' '.join(words)}}}]")
    return "\n".join(lines) + "\n"


def vivado(top: str, part: str, sources: list[str], logic: str) -> str:
    """Return a Vivado script.

    Parameters
    ----------
    top, part
        The top module and the part.
    sources
        The files of ``src/``, the top first.
    logic
        The module whose cells have a form of the device's primitives.
    """
    defines = primitives(part, sources, logic)
    read, options = "read_verilog [glob src/*.v]", ""
    if sources[0].endswith(".vhd"):
        files = [f"src/{name}" for name in reversed(sources)]
        if defines:  # the device's primitives in place of plain logic
            cells = {f"src/{logic}_{cell}.vhd" for cell in AMD_CELLS}
            files = [name.replace("src/", "amd/") if name in cells else name for name in files]
        read = f"read_vhdl -vhdl2008 {{{' '.join(files)}}}"
    else:
        options = "".join(f" -verilog_define {define}" for define in defines)
    return _VIVADO.format(top=top, part=part, read=read, options=options)


def primitives(part: str, sources: Sequence[str], logic: str) -> tuple[str, ...]:
    """Return the defines that make cells of a module primitives of a part; none if it has none."""
    stems = {name.rpartition(".")[0] for name in sources}
    has_cells = any(f"{logic}_{cell}" in stems for cell in AMD_CELLS)
    return amd_defines(part) if has_cells else ()


def quartus(top: str, sources: list[str]) -> str:
    """Return a Quartus script; `sources` are the files of ``src/``, the top first."""
    read = "foreach file [glob src/*.v] { set_global_assignment -name VERILOG_FILE $file }"
    if sources[0].endswith(".vhd"):
        files = " ".join(f"src/{name}" for name in reversed(sources))
        read = "set_global_assignment -name VHDL_INPUT_VERSION VHDL_2008\n"
        read += f"foreach file {{{files}}} {{ set_global_assignment -name VHDL_FILE $file }}"
    return _QUARTUS.format(top=top, device=_DEVICE, read=read)


_VIVADO = """\
# vivado -mode batch -source vivado.tcl [-tclargs device]
# Out of context: for the cost and timing of the block itself.
set top {top}
set part {part}
if {{$argc > 0}} {{ set part [lindex $argv 0] }}
# A short name stands for the first device whose name begins with it.
set device [lindex [lsort [get_parts -quiet $part*]] 0]
if {{$device eq ""}} {{ error "no device $part here: name one behind -tclargs" }}
cd [file dirname [file normalize [info script]]]
{read}
read_xdc $top.xdc
synth_design -top $top -part $device -mode out_of_context -flatten_hierarchy full{options}
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
{read}
set_global_assignment -name SDC_FILE $top.sdc
# Too many pins for a package: keep the ports inside, all but the clock.
set_instance_assignment -name VIRTUAL_PIN ON -to *
set_instance_assignment -name VIRTUAL_PIN OFF -to clk
execute_flow -compile
project_close
"""
