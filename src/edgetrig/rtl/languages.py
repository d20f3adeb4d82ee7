"""The languages hardware can be written in, in one visible place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edgetrig.circuit import Circuit
from edgetrig.rtl.verilog import verilog
from edgetrig.rtl.verilog_bench import verilog_bench
from edgetrig.rtl.vhdl import vhdl
from edgetrig.rtl.vhdl_bench import vhdl_bench


@dataclass(frozen=True)
class Language:
    """A language.

    Parameters
    ----------
    name, suffix, bench_suffix
        For people, and of the files.
    text
        Gives the files of a circuit, the top first.
    bench
        Gives the text of a self-checking test bench.
    runs
        Commands that run it, with places for ``top`` and ``bench``.
    """

    name: str
    suffix: str
    bench_suffix: str
    text: Callable[[Circuit, str], dict[str, str]]
    bench: Callable[..., str]
    runs: tuple[str, ...]


_VERILATOR: Final = (
    "verilator --binary --timescale 1ns/1ps --top-module {top}_tb src/*.v {bench}"
    " && obj_dir/V{top}_tb"
)
_GHDL: Final = (
    "ghdl -i --std=08 src/*.vhd {bench} && ghdl -m --std=08 {top}_tb && ghdl -r --std=08 {top}_tb"
)

LANGUAGES: Final[dict[str, Language]] = {
    "verilog": Language(
        "Verilog",
        ".v",
        ".sv",
        verilog,
        verilog_bench,
        ("iverilog -g2012 -o sim src/*.v {bench} && vvp sim", _VERILATOR),
    ),
    "vhdl": Language(
        "VHDL-2008",
        ".vhd",
        ".vhd",
        vhdl,
        vhdl_bench,
        (_GHDL,),
    ),
}
