"""A self-checking test bench in Verilog."""

from __future__ import annotations

from collections.abc import Iterator

from edgetrig.rtl.ports import Port
from edgetrig.rtl.verilog_text import vector


def verilog_bench(
    top: str,
    inputs: list[Port],
    outputs: list[Port],
    *,
    events: int,
    latency: int,
    clock: bool,
    clock_ns: float,
) -> str:
    """Return the test bench (SystemVerilog for ``$fatal``; the rest is Verilog-2001).

    It applies one vector a clock cycle, compares every output bit at the stated latency, prints
    ``PASS`` with the counts, or ``FAIL`` with the first mismatch and ends with a failure.
    """
    inputs = [port for port in inputs if port.bits]
    outputs = [port for port in outputs if port.bits]
    bits = sum(port.bits for port in outputs)
    lines = [
        f"// Self-checking test bench of {top}: a vector every cycle, every output bit compared.",
        "// Run it where the folder vectors/ lies.",
        "`timescale 1ns / 1ps",
        f"module {top}_tb;",
        f"  localparam EVENTS = {events};",
        f"  localparam LATENCY = {latency};  // clock cycles",
        f"  localparam real HALF_PERIOD = {clock_ns / 2!r};  // ns",
        "",
        "  reg clk = 1'b0;",
        "  integer cycle;",
        *_declarations(inputs, outputs),
        "",
        *_instance(top, inputs, outputs, clock),
        "",
        "  initial begin",
        *(_read(port) for port in (*inputs, *outputs)),
        "    for (cycle = 0; cycle < EVENTS + LATENCY; cycle = cycle + 1) begin",
        *(_drive(port) for port in inputs),
        "      #(HALF_PERIOD);",
        "      if (cycle >= LATENCY) begin",
        *(line for port in outputs for line in _compare(port)),
        "      end",
        "      clk = 1'b1;",
        "      #(HALF_PERIOD);",
        "      clk = 1'b0;",
        "    end",
        f'    $display("PASS: %0d vectors, {bits} output bits each, latency %0d cycles",',
        "      EVENTS, LATENCY);",
        "    $finish;",
        "  end",
        "endmodule",
        "",
    ]
    return "\n".join(lines)


def _declarations(inputs: list[Port], outputs: list[Port]) -> Iterator[str]:
    for port in inputs:
        yield f"  reg {vector(port.bits)}in_{port.identifier};"
    for port in outputs:
        yield f"  wire {vector(port.bits)}out_{port.identifier};"
    for port in (*inputs, *outputs):
        yield f"  reg {vector(port.bits)}vectors_{port.identifier} [0:EVENTS-1];"


def _instance(top: str, inputs: list[Port], outputs: list[Port], clock: bool) -> Iterator[str]:
    connections = [".clk(clk)"] if clock else []
    connections += [f".{port.identifier}(in_{port.identifier})" for port in inputs]
    connections += [f".{port.identifier}(out_{port.identifier})" for port in outputs]
    yield f"  {top} dut ("
    yield ",\n".join(f"    {connection}" for connection in connections)
    yield "  );"


def _read(port: Port) -> str:
    return f'    $readmemh("vectors/{port.identifier}.hex", vectors_{port.identifier});'


def _drive(port: Port) -> str:
    name = port.identifier
    return f"      in_{name} = (cycle < EVENTS) ? vectors_{name}[cycle] : {port.bits}'d0;"


def _compare(port: Port) -> Iterator[str]:
    name = port.identifier
    yield f"        if (out_{name} !== vectors_{name}[cycle - LATENCY]) begin"
    yield f'          $display("FAIL: event %0d, output {name}: expected %h, got %h",'
    yield f"            cycle - LATENCY, vectors_{name}[cycle - LATENCY], out_{name});"
    yield "          $fatal(1);"
    yield "        end"
