"""Hardware text: Verilog a person can read, with its test bench and project scripts."""

from edgetrig.rtl.names import identifiers
from edgetrig.rtl.ports import Port, pack, ports, unpack
from edgetrig.rtl.project import write
from edgetrig.rtl.ternary import carry_cell
from edgetrig.rtl.verilog import verilog
from edgetrig.rtl.vhdl import vhdl

__all__ = [
    "Port",
    "carry_cell",
    "identifiers",
    "pack",
    "ports",
    "unpack",
    "verilog",
    "vhdl",
    "write",
]
