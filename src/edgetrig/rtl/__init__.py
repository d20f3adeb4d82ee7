"""Hardware text: Verilog a person can read, with its test bench and project scripts."""

from edgetrig.rtl.block import Block
from edgetrig.rtl.names import identifiers
from edgetrig.rtl.ports import Port, pack, ports, unpack
from edgetrig.rtl.project import write, write_block
from edgetrig.rtl.ternary import amd_defines, carry_cell
from edgetrig.rtl.verilog import verilog
from edgetrig.rtl.vhdl import vhdl
from edgetrig.rtl.wrapper import Words, Wrapper

__all__ = [
    "Block",
    "Port",
    "Words",
    "Wrapper",
    "amd_defines",
    "carry_cell",
    "identifiers",
    "pack",
    "ports",
    "unpack",
    "verilog",
    "vhdl",
    "write",
    "write_block",
]
