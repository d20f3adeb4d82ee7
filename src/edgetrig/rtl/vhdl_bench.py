"""A self-checking test bench in VHDL-2008."""

from __future__ import annotations

from collections.abc import Iterator

from edgetrig.rtl.ports import Port


def vhdl_bench(
    top: str,
    inputs: list[Port],
    outputs: list[Port],
    *,
    events: int,
    latency: int,
    clock: bool,
    clock_ns: float,
) -> str:
    """Return the test bench: what `verilog_bench` does, in VHDL."""
    inputs = [port for port in inputs if port.bits]
    outputs = [port for port in outputs if port.bits]
    bits = sum(port.bits for port in outputs)
    lines = [
        f"-- Self-checking test bench of {top}: a vector every cycle, every output bit compared.",
        "-- Run it where the folder vectors/ lies.",
        "library ieee;",
        "use ieee.std_logic_1164.all;",
        "use std.textio.all;",
        "",
        f"entity {top}_tb is",
        f"end entity {top}_tb;",
        "",
        f"architecture bench of {top}_tb is",
        f"  constant EVENTS : natural := {events};",
        f"  constant LATENCY : natural := {latency};  -- clock cycles",
        f"  constant HALF_PERIOD : time := {round(clock_ns * 500)} ps;",
        "  signal clk : std_logic := '0';",
        *(f"  signal in_{p.identifier} : {_type(p)} := (others => '0');" for p in inputs),
        *(f"  signal out_{p.identifier} : {_type(p)};" for p in outputs),
        "begin",
        *_instance(top, inputs, outputs, clock),
        "",
        "  process",
        *(
            f'    file file_{p.identifier} : text open read_mode is "vectors/{p.identifier}.hex";'
            for p in (*inputs, *outputs)
        ),
        *(
            f"    variable word_{p.identifier} : std_logic_vector({_digits(p) - 1} downto 0);"
            for p in (*inputs, *outputs)
        ),
        "    variable row : line;",
        "  begin",
        "    for cycle in 0 to EVENTS + LATENCY - 1 loop",
        "      if cycle < EVENTS then",
        *(line for port in inputs for line in _drive(port)),
        "      else",
        *(f"        in_{port.identifier} <= (others => '0');" for port in inputs),
        "      end if;",
        "      wait for HALF_PERIOD;",
        "      if cycle >= LATENCY then",
        *(line for port in outputs for line in _compare(port)),
        "      end if;",
        "      clk <= '1';",
        "      wait for HALF_PERIOD;",
        "      clk <= '0';",
        "    end loop;",
        '    write(row, string\'("PASS: ") & to_string(EVENTS)',
        f'      & " vectors, {bits} output bits each, latency " & to_string(LATENCY) & " cycles");',
        "    writeline(output, row);",
        "    wait;",
        "  end process;",
        "end architecture bench;",
        "",
    ]
    return "\n".join(lines)


def _type(port: Port) -> str:
    return f"std_logic_vector({port.bits - 1} downto 0)"


def _digits(port: Port) -> int:
    """Return the bits of the hexadecimal digits that a vector is written with."""
    return (port.bits + 3) // 4 * 4


def _instance(top: str, inputs: list[Port], outputs: list[Port], clock: bool) -> Iterator[str]:
    connections = ["clk => clk"] if clock else []
    for way, layout in (("in", inputs), ("out", outputs)):
        for port in layout:
            bit = "(0)" if port.bits == 1 else ""  # a port of one bit is a std_logic
            connections.append(f"{port.identifier} => {way}_{port.identifier}{bit}")
    yield f"  dut : entity work.{top} port map ("
    yield ",\n".join(f"    {connection}" for connection in connections)
    yield "  );"


def _read(port: Port) -> Iterator[str]:
    yield f"        readline(file_{port.identifier}, row);"
    yield f"        hread(row, word_{port.identifier});"


def _drive(port: Port) -> Iterator[str]:
    yield from _read(port)
    name = port.identifier
    yield f"        in_{name} <= word_{name}({port.bits - 1} downto 0);"


def _compare(port: Port) -> Iterator[str]:
    yield from _read(port)
    name = port.identifier
    expected = f"word_{name}({port.bits - 1} downto 0)"
    yield f"        assert out_{name} = {expected}"
    yield '          report "FAIL: event " & to_string(cycle - LATENCY)'
    yield f'            & ", output {name}: expected " & to_hstring({expected})'
    yield f'            & ", got " & to_hstring(out_{name})'
    yield "          severity failure;"
