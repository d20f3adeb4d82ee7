"""Icarus Verilog, GHDL and nvc: a test bench streams one event a clock cycle from file to file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgetrig.errors import ToolError
from edgetrig.programs import call
from edgetrig.rtl import Port
from edgetrig.verify._run import Run, Words, on_path, places

_BENCH = "edgetrig_bench"
_GIVEN, _MADE = "given.hex", "made.hex"


def icarus(run: Run) -> Words:
    """Simulate Verilog with Icarus Verilog; registers start undefined."""
    compiler = on_path("iverilog", "Icarus Verilog (Debian: apt-get install iverilog)")
    names = run.write_texts()

    def commands() -> Iterator[list[str]]:
        sources = [*names, f"{_BENCH}.v"]
        yield [compiler, "-g2005", "-Wall", "-s", _BENCH, "-o", "simulation", *sources]
        yield [on_path("vvp", "Icarus Verilog"), "-n", "simulation"]

    return _stream(run, f"{_BENCH}.v", _verilog_bench(run), commands)


def ghdl(run: Run) -> Words:
    """Simulate VHDL with GHDL."""
    program = on_path("ghdl", "GHDL (Debian: apt-get install ghdl)")
    names = run.write_texts()

    def commands() -> Iterator[list[str]]:
        yield [program, "-a", "--std=08", *reversed(names), f"{_BENCH}.vhd"]
        yield [program, "--elab-run", "--std=08", _BENCH]

    return _stream(run, f"{_BENCH}.vhd", _vhdl_bench(run), commands)


def nvc(run: Run) -> Words:
    """Simulate VHDL with nvc."""
    program = on_path("nvc", "nvc (https://www.nickg.me.uk/nvc)")
    names = run.write_texts()

    def commands() -> Iterator[list[str]]:
        sources = [*reversed(names), f"{_BENCH}.vhd"]
        yield [program, "--std=2008", "-a", *sources, "-e", _BENCH, "-r", _BENCH]

    return _stream(run, f"{_BENCH}.vhd", _vhdl_bench(run), commands)


def _stream(run: Run, name: str, text: str, commands: Callable[[], Iterator[list[str]]]) -> Words:
    (run.folder / name).write_text(text)
    (run.folder / _GIVEN).write_text(_hexadecimal(run.stimulus))
    for command in commands():
        what = command[0].rsplit("/", 1)[-1]
        said = call(command, what, run.folder)
    made = run.folder / _MADE
    if not made.is_file():
        raise ToolError(f"{what} made no outputs: {said.strip()[:300] or 'no message'}")
    return _words(made.read_text(), run)


# --- vectors as text: the words of an event side by side, the first in the lowest bits ------------


def _hexadecimal(words: Words) -> str:
    """Return a line an event; a design without inputs has one word that is 0."""
    columns = words if words.shape[1] else np.zeros((len(words), 1), np.uint64)
    digits = 16 * columns.shape[1]
    text = np.ascontiguousarray(columns[:, ::-1], ">u8").tobytes().hex()
    return "\n".join(text[k : k + digits] for k in range(0, len(text), digits)) + "\n"


def _words(text: str, run: Run) -> Words:
    lines = text.split()
    for event, line in enumerate(lines):
        if not set(line.lower()) <= set("0123456789abcdef"):
            raise ToolError(
                f"the simulation leaves outputs of event {event} undefined: {line[:60]}"
            )
    words = np.frombuffer(bytes.fromhex("".join(lines)), ">u8").astype(np.uint64)
    if words.size != len(run.stimulus) * run.words:
        raise ToolError(f"the simulation ended after {len(lines)} of {len(run.stimulus)} events")
    return words.reshape(len(run.stimulus), run.words)[:, ::-1]


# --- test benches ---------------------------------------------------------------------------------
# Inputs before the rising edge; outputs are read before it too, so that what is read in cycle t has
# seen as many edges as there are cycles since its inputs went in.


def _slices(layout: list[Port]) -> Iterator[tuple[Port, int, int]]:
    """Yield ports with their highest and lowest bit in the vector of all."""
    for port, first in places(layout):
        yield port, 64 * first + port.bits - 1, 64 * first


def _verilog_bench(run: Run) -> str:
    given = 64 * max(run.stimulus.shape[1], 1)
    connections = [".clk(clk)"] if run.clock else []
    connections += [f".{p.identifier}(given[{high}:{low}])" for p, high, low in _slices(run.inputs)]
    connections += [f".{p.identifier}(made[{high}:{low}])" for p, high, low in _slices(run.outputs)]
    gaps = "".join(f"  assign made[{high}:{low}] = 0;\n" for high, low in _gaps(run))
    return f"""\
module {_BENCH};
  localparam EVENTS = {len(run.stimulus)};
  localparam LATENCY = {run.latency};
  reg clk;
  reg [{given - 1}:0] vectors [0:EVENTS-1];
  reg [{given - 1}:0] given;
  wire [{64 * run.words - 1}:0] made;
  integer cycle, file;
{gaps}  {run.top} dut ({", ".join(connections)});
  initial begin
    clk = 1'b0;
    $readmemh("{_GIVEN}", vectors);
    file = $fopen("{_MADE}", "w");
    for (cycle = 0; cycle < EVENTS + LATENCY; cycle = cycle + 1) begin
      if (cycle < EVENTS) given = vectors[cycle];
      else given = 0;
      #1;
      if (cycle >= LATENCY) $fdisplay(file, "%h", made);
      clk = 1'b1;
      #1;
      clk = 1'b0;
    end
    $fclose(file);
    $finish;
  end
endmodule
"""


def _gaps(run: Run) -> Iterator[tuple[int, int]]:
    """Yield the bits between ports and the ends of their words."""
    for port, high, _ in _slices(run.outputs):
        end = high + 64 * port.words - port.bits
        if end > high:
            yield end, high + 1


def _vhdl_bench(run: Run) -> str:
    given = 64 * max(run.stimulus.shape[1], 1)
    connections = ["clk => clk"] if run.clock else []
    for layout, whole in ((run.inputs, "given"), (run.outputs, "made")):
        for port, high, low in _slices(layout):
            # A port of one bit is a std_logic.
            part = f"{high} downto {low}" if port.bits > 1 else str(low)
            connections.append(f"{port.identifier} => {whole}({part})")
    gaps = "".join(f"  made({high} downto {low}) <= (others => '0');\n" for high, low in _gaps(run))
    return f"""\
library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;

entity {_BENCH} is
end entity {_BENCH};

architecture bench of {_BENCH} is
  constant EVENTS : natural := {len(run.stimulus)};
  constant LATENCY : natural := {run.latency};
  signal clk : std_logic := '0';
  signal given : std_logic_vector({given - 1} downto 0) := (others => '0');
  signal made : std_logic_vector({64 * run.words - 1} downto 0);
begin
{gaps}  dut : entity work.{run.top} port map ({", ".join(connections)});

  process
    file source : text open read_mode is "{_GIVEN}";
    file target : text open write_mode is "{_MADE}";
    variable row : line;
    variable vector : std_logic_vector({given - 1} downto 0);
  begin
    for cycle in 0 to EVENTS + LATENCY - 1 loop
      vector := (others => '0');
      if cycle < EVENTS then
        readline(source, row);
        hread(row, vector);
      end if;
      given <= vector;
      wait for 1 ns;
      if cycle >= LATENCY then
        hwrite(row, made);
        writeline(target, row);
      end if;
      clk <= '1';
      wait for 1 ns;
      clk <= '0';
    end loop;
    wait;
  end process;
end architecture bench;
"""
