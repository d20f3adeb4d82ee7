"""The languages hardware can be written in, in one visible place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    instance
        Gives the lines of an instance from the top's name and its ports.
    runs
        Commands that run the bench, with places for ``top`` and ``bench``.
    """

    name: str
    suffix: str
    bench_suffix: str
    text: Callable[[Circuit, str], dict[str, str]]
    bench: Callable[..., str]
    instance: Callable[[str, Sequence[str]], Iterator[str]]
    runs: tuple[str, ...]


def _verilog_instance(top: str, ports: Sequence[str]) -> Iterator[str]:
    yield f"{top} {top}_instance ("
    yield from (f"  .{port}({port})," for port in ports[:-1])
    yield f"  .{ports[-1]}({ports[-1]})"
    yield ");"


def _vhdl_instance(top: str, ports: Sequence[str]) -> Iterator[str]:
    yield f"{top}_instance : entity work.{top} port map ("
    yield from (f"  {port} => {port}," for port in ports[:-1])
    yield f"  {ports[-1]} => {ports[-1]}"
    yield ");"


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
        _verilog_instance,
        ("iverilog -g2012 -o sim src/*.v {bench} && vvp sim", _VERILATOR),
    ),
    "vhdl": Language(
        "VHDL-2008",
        ".vhd",
        ".vhd",
        vhdl,
        vhdl_bench,
        _vhdl_instance,
        (_GHDL,),
    ),
}
