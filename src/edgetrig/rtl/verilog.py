"""Verilog-2001 of a circuit: one assignment an operation, one register a REG row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgetrig.circuit import Circuit
from edgetrig.rtl.describe import header, origins, remark
from edgetrig.rtl.layout import wrapped
from edgetrig.rtl.names import identifiers
from edgetrig.rtl.net import Net, Stage
from edgetrig.rtl.operations import expression
from edgetrig.rtl.tables import (
    LUT_CELL,
    TruthTables,
    index_bits,
    is_look_up,
    table_module,
    truth_tables,
)
from edgetrig.rtl.ternary import Ternary, cell_name, cell_text, ternary_adders
from edgetrig.rtl.verilog_text import closing, opening, part, text, vector


def verilog(circuit: Circuit, name: str = "trigger") -> dict[str, str]:
    """Return a circuit as plain, synthesizable Verilog-2001.

    A combinational circuit is one module. A circuit with registers is a top module, which holds the
    registers, and a module for each stage of logic between two register levels. Registers have
    neither reset nor enable; there is a ``clk`` port where there are registers. A new event enters
    every clock cycle, and its outputs are valid `Circuit.latency` rising edges later.

    Each port of the circuit is one packed vector, its first element in the lowest bits; an element
    with codes in ``[lo, hi]`` has ``width(lo, hi)`` bits, two's complement if ``lo < 0``. A port
    without bits (all elements always 0) is left out. Tables are modules of their own.

    Parameters
    ----------
    circuit
        The circuit.
    name
        Name of the top module; turned into an identifier (`edgetrig.rtl.identifiers`).

    Returns
    -------
    dict of str to str
        File name to text, the top file first. A file ``m.v`` holds the one module ``m``.
    """
    top = identifiers([name])[0]
    net = Net.of(circuit, top)
    ternary = ternary_adders(net)
    if net.registers:
        files = {f"{top}.v": _top(net)}
        for stage in net.stages:
            files[f"{stage.module}.v"] = _stage_text(net, stage, ternary)
    else:
        files = {f"{top}.v": _combinational(net, ternary)}
    tables = truth_tables(net)
    files.update({f"{table.module}.v": _table_text(net, table) for table in tables})
    luts = {LUT_CELL} if any(table.has_cells for table in tables) else set()
    for cell in sorted({adder.cell for adder in ternary.values()} | luts):
        files[f"{cell_name(net, cell)}.v"] = cell_text(net, f"{cell}.v")
    return files


# --- modules --------------------------------------------------------------------------------------


def _lines(
    net: Net, rows: list[int], declared: frozenset[int], ternary: Mapping[int, Ternary]
) -> Iterator[str]:
    """Yield one line a row; `declared` rows are ports already and are assigned."""
    for row, origin in zip(rows, origins(net, rows), strict=True):
        if origin:
            yield f"  // --- {origin}"
        instance = is_look_up(net, row) or row in ternary
        if instance and row not in declared:
            yield f"  wire {vector(net.width[row])}v{row};"
        if is_look_up(net, row):
            index = text(net.bits(net.a[row], 0, index_bits(net, row)))
            line = f"  {table_module(net, row)} t{row} (.index({index}), .value(v{row}));"
        elif row in ternary:
            *before, line = _ternary_adder(net, row, ternary[row])
            yield from before
        elif row in declared:
            line = f"  assign v{row} = {text(expression(net, row))};"
        else:
            line = f"  wire {vector(net.width[row])}v{row} = {text(expression(net, row))};"
        shown = remark(net, row)
        yield f"{line}  // {shown}" if shown else line


def _ternary_adder(net: Net, row: int, adder: Ternary) -> Iterator[str]:
    """Yield the lines of a ternary adder, last the one that makes its carry chain."""
    first, width = adder.first, net.width[row] - adder.first
    if first:
        target = part(f"v{row}", net.width[row], 0, first)
        yield f"  assign {target} = {text(net.bits(adder.passed, 0, first))};"
    operands = zip("abc", (net.a[row], net.b[row], net.c[row]), strict=True)
    ports = [f".{port}({text(net.bits(operand, first, width))})" for port, operand in operands]
    total = part(f"v{row}", net.width[row], first, width)
    cell = f"  {cell_name(net, adder.cell)} #(.WIDTH({width}), .SUBTRACTED({net.p[row]})) t{row}"
    if adder.cell == "add3":
        yield f"{cell} ({', '.join([*ports, f'.sum({total})'])});"
        return
    yield f"  wire {vector(width)}t{row}_parity, t{row}_carry;"
    ports += [f".{port}(t{row}_{port})" for port in ("parity", "carry")]
    yield f"{cell} ({', '.join(ports)});"
    yield f"  assign {total} = t{row}_parity {'-' if net.p[row] else '+'} t{row}_carry;"


def _port_declarations(net: Net) -> list[str]:
    clock = ["input wire clk"] if net.registers else []
    return (
        clock
        + [f"input wire {vector(p.bits)}{p.identifier}" for p in net.inputs if p.bits]
        + [f"output wire {vector(p.bits)}{p.identifier}" for p in net.outputs if p.bits]
    )


def _output_lines(net: Net) -> Iterator[str]:
    for target, value in net.output_bits():
        yield f"  assign {text(target)} = {text(value)};"


def _header(net: Net) -> Iterator[str]:
    return (f"// {line}".rstrip() for line in header(net))


def _combinational(net: Net, ternary: Mapping[int, Ternary]) -> str:
    lines = [
        *_header(net),
        "",
        *opening(net.top, _port_declarations(net)),
        *_lines(net, net.logic, frozenset(), ternary),
        "",
        "  // --- outputs",
        *_output_lines(net),
        closing(),
    ]
    return "\n".join(lines)


# --- pipelines ------------------------------------------------------------------------------------


def _stage_text(net: Net, stage: Stage, ternary: Mapping[int, Ternary]) -> str:
    declarations = [
        *(f"input wire {vector(port.bits)}{port.identifier}" for port in stage.ports),
        *(f"input wire {vector(net.width[row])}{net.name(row)}" for row in stage.reads),
        *(f"output wire {vector(net.width[row])}v{row}" for row in stage.drives),
    ]
    lines = [
        f"// {net.top}, {stage.words}",
        *opening(stage.module, declarations),
        *_lines(net, stage.rows, frozenset(stage.drives), ternary),
        closing(),
    ]
    return "\n".join(lines)


def _top(net: Net) -> str:
    return "\n".join(
        [
            *_header(net),
            "",
            *opening(net.top, _port_declarations(net)),
            *_wiring(net),
            *_register_lines(net),
            "",
            "  // --- outputs",
            *_output_lines(net),
            closing(),
        ]
    )


def _wiring(net: Net) -> Iterator[str]:
    """Yield the signals between stages and registers, and the stages."""
    yield from (f"  reg {vector(net.width[row])}r{row};" for row in net.registers)
    for stage in net.stages:
        yield ""
        yield from (f"  wire {vector(net.width[row])}v{row};" for row in stage.drives)
        names = [port.identifier for port in stage.ports]
        names += [net.name(row) for row in (*stage.reads, *stage.drives)]
        yield f"  {stage.module} stage{stage.level} ("
        yield from wrapped([f".{name}({name})" for name in names])
        yield "  );"


def _register_lines(net: Net) -> Iterator[str]:
    for level, rows in net.register_levels:
        yield ""
        yield f"  // --- register level {level}"
        yield "  always @(posedge clk) begin"
        for row in rows:
            yield f"    r{row} <= {text(net.bits(net.a[row], 0, net.width[row]))};"
        yield "  end"


# --- tables ---------------------------------------------------------------------------------------


def _table_text(net: Net, table: TruthTables) -> str:
    ports = [f"input wire {vector(table.bits)}index", f"output wire {vector(table.width)}value"]
    lines = [*(f"// {line}" for line in table.words), *opening(table.module, ports)]
    for bit in range(table.width):
        lines += _truth_table(net, table, bit)
    return "\n".join([*lines, closing()])


def _truth_table(net: Net, table: TruthTables, bit: int) -> Iterator[str]:
    """Yield the truth tables of a bit of the result, equal ones once, and the choice among them."""
    places, target = table.places(bit), part("value", table.width, bit, 1)
    yield ""
    if len(places) == 1:
        yield from _leaf(net, table, bit, 0, target)
        return
    for k in sorted(set(places)):
        yield f"  wire b{bit}_{k};"
        yield from _leaf(net, table, bit, k, f"b{bit}_{k}")
    yield f"  wire {vector(len(places))}b{bit} = {{"
    yield from wrapped([f"b{bit}_{k}" for k in reversed(places)])
    yield "  };"
    high = part("index", table.bits, table.inputs, table.bits - table.inputs)
    yield f"  assign {target} = b{bit}[{high}];"


def _leaf(net: Net, table: TruthTables, bit: int, k: int, target: str) -> Iterator[str]:
    """Yield one truth table of the lowest bits of the index: a cell, or an entry of a constant."""
    size, low = 1 << table.inputs, part("index", table.bits, 0, table.inputs)
    if table.is_cell(bit, k):
        cell = cell_name(net, LUT_CELL)
        yield f"  {cell} #(.INIT(64'h{table.codes[bit][k]:016x})) lut{bit}_{k} ("
        yield f"    .index({low}), .value({target})"
        yield "  );"
        return
    yield f"  localparam [{size - 1}:0] B{bit}_{k} = {size}'h{table.codes[bit][k]:x};"
    yield f"  assign {target} = B{bit}_{k}[{low}];"
