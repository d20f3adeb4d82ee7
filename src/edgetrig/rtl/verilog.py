"""Verilog-2001 of a circuit: one assignment an operation, one register a REG row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edgetrig.circuit import Circuit, Op
from edgetrig.rtl.expressions import Net, expression, part, vector
from edgetrig.rtl.layout import closing, opening, wrapped
from edgetrig.rtl.names import comment, identifiers
from edgetrig.rtl.ports import Port
from edgetrig.rtl.tables import table_module, table_text
from edgetrig.rtl.ternary import Ternary, cell_name, cell_text, ternary_adders

_RULE = "// " + "-" * 97
_COMMENTED = frozenset({Op.INPUT, Op.ADD, Op.SUB, Op.NEG, Op.MUL, Op.SELECT, Op.TABLE, Op.ADD3})


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
        stages = _stages(net)
        files = {f"{top}.v": _top(net, stages)}
        files.update({f"{stage.module}.v": _stage_text(net, stage, ternary) for stage in stages})
    else:
        files = {f"{top}.v": _combinational(net)}
    tables = {table_module(net, row): row for row in net.logic if net.op[row] == Op.TABLE}
    files.update({f"{module}.v": table_text(net, module, row) for module, row in tables.items()})
    if ternary:
        files[f"{cell_name(net)}.v"] = cell_text(net, "add3.v")
    return files


# --- modules --------------------------------------------------------------------------------------


def _lines(
    net: Net,
    rows: list[int],
    declared: frozenset[int] = frozenset(),
    ternary: Mapping[int, Ternary] = MappingProxyType({}),
) -> Iterator[str]:
    """Yield one line a row; `declared` rows are ports already and are assigned."""
    origins = net.circuit.rows.origin.tolist()
    fractions = net.circuit.rows.fraction.tolist()
    origin = -1
    for row in rows:
        if origins[row] != origin:
            origin = origins[row]
            if net.circuit.origins[origin]:
                yield f"  // --- {comment(net.circuit.origins[origin])}"
        if net.op[row] == Op.TABLE and not net.constant(net.a[row]):
            if row not in declared:
                yield f"  wire {vector(net.width[row])}v{row};"
            index = net.name(net.a[row])
            line = f"  {table_module(net, row)} t{row} (.index({index}), .value(v{row}));"
        elif row in ternary:
            yield from _passed_bits(net, row, ternary[row])
            line = _ternary_adder(net, row, ternary[row])
        elif row in declared:
            line = f"  assign v{row} = {expression(net, row)};"
        else:
            line = f"  wire {vector(net.width[row])}v{row} = {expression(net, row)};"
        if net.op[row] in _COMMENTED:
            line += f"  // [{net.lo[row]}, {net.hi[row]}]{scale(fractions[row])}"
        yield line


def _passed_bits(net: Net, row: int, adder: Ternary) -> Iterator[str]:
    if adder.first:
        target = part(f"v{row}", net.width[row], 0, adder.first)
        yield f"  assign {target} = {net.bits(adder.passed, 0, adder.first)};"


def _ternary_adder(net: Net, row: int, adder: Ternary) -> str:
    first, width = adder.first, net.width[row] - adder.first
    operands = zip("abc", (net.a[row], net.b[row], net.c[row]), strict=True)
    ports = [f".{port}({net.bits(operand, first, width)})" for port, operand in operands]
    ports.append(f".sum({part(f'v{row}', net.width[row], first, width)})")
    parameters = f".WIDTH({width}), .SUBTRACTED({net.p[row]})"
    return f"  {cell_name(net)} #({parameters}) t{row} ({', '.join(ports)});"


def scale(fraction: int) -> str:
    """Return a binary point as the circuit prints it: ``/8``, ``*4`` or nothing."""
    if fraction == 0:
        return ""
    return f" /{2**fraction}" if fraction > 0 else f" *{2**-fraction}"


def lsb(fraction: int) -> str:
    """Return the value of a code's lowest bit, as a power of two."""
    return "1" if fraction == 0 else f"2^{-fraction}"


def bits(count: int) -> str:
    """Return a number of bits in words."""
    return "1 bit" if count == 1 else f"{count} bits"


def _header(net: Net) -> Iterator[str]:
    yield _RULE
    yield f"// {net.top}"
    latency = net.circuit.latency if net.registers else 0
    if latency:
        cycles = "1 clock cycle" if latency == 1 else f"{latency} clock cycles"
        yield f"// Latency {cycles}: outputs are valid {latency} rising edges of clk after their"
        yield "// inputs. A new event enters every clock cycle; registers need no reset."
    else:
        yield "// Combinational: no clock, no state."
    yield "//"
    yield "// A port is one packed vector; bit ranges, lowest first, with the codes they carry"
    yield "// (two's complement where negative) and the value of a code's lowest bit:"
    for direction, layout in (("input", net.inputs), ("output", net.outputs)):
        for port in layout:
            shown = "" if port.identifier == port.name else f"  (in the model: {port.name})"
            yield "//"
            yield "// " + comment(f"{direction} {port.identifier}: {bits(port.bits)}{shown}")
            yield from _element_lines(port)
    yield _RULE


@dataclass(frozen=True)
class Run:
    """Neighbouring elements of a port that have the same type, in words."""

    elements: str
    bits: str
    width: int
    lo: int
    hi: int
    lsb: str


def element_runs(port: Port) -> Iterator[Run]:
    """Yield the runs of elements of the same type."""
    kinds = list(zip(port.lo.tolist(), port.hi.tolist(), port.fraction.tolist(), strict=True))
    first = 0
    for k in range(1, len(kinds) + 1):
        if k < len(kinds) and kinds[k] == kinds[first]:
            continue
        (lo, hi, fraction), width = kinds[first], int(port.width[first])
        bottom, top = int(port.lsb[first]), int(port.lsb[k - 1]) + width - 1
        place = f"[{top}:{bottom}]" if width else "no bits"
        elements = f"[{first}] .. [{k - 1}]" if k - 1 > first else f"[{first}]"
        yield Run(elements, place, width, lo, hi, lsb(fraction))
        first = k


def _element_lines(port: Port) -> Iterator[str]:
    for run in element_runs(port):
        several = ".." in run.elements
        noun, each = ("elements", " each") if several else ("element", "")
        what = f"{bits(run.width)}, codes [{run.lo}, {run.hi}], LSB {run.lsb}"
        yield f"//   {run.bits:<12} {noun} {run.elements}: {what}{each}"


def _port_declarations(net: Net) -> list[str]:
    clock = ["input wire clk"] if net.registers else []
    return (
        clock
        + [f"input wire {vector(p.bits)}{p.identifier}" for p in net.inputs if p.bits]
        + [f"output wire {vector(p.bits)}{p.identifier}" for p in net.outputs if p.bits]
    )


def _output_lines(net: Net) -> Iterator[str]:
    for port, output in zip(net.outputs, net.circuit.outputs, strict=True):
        for k, row in enumerate(output.rows.ravel().tolist()):
            width = int(port.width[k])
            if width:
                target = part(port.identifier, port.bits, int(port.lsb[k]), width)
                yield f"  assign {target} = {net.bits(row, 0, width)};"


def _combinational(net: Net) -> str:
    lines = [
        *_header(net),
        "",
        *opening(net.top, _port_declarations(net)),
        *_lines(net, net.logic),
        "",
        "  // --- outputs",
        *_output_lines(net),
        closing(),
    ]
    return "\n".join(lines)


# --- pipelines ------------------------------------------------------------------------------------


@dataclass
class _Stage:
    """The logic between two register levels."""

    module: str
    level: int
    rows: list[int]
    reads: list[int]
    ports: list[Port]
    drives: list[int]


def _stages(net: Net) -> list[_Stage]:
    by_level: dict[int, list[int]] = {}
    for row in net.logic:
        by_level.setdefault(net.depth[row], []).append(row)
    used = set(net.circuit.output_rows.tolist())
    for row in net.registers:
        used.update(net.operands(row))
    for row in net.logic:
        used.update(r for r in net.operands(row) if net.depth[r] != net.depth[row])
    return [
        _stage(net, f"{net.top}_stage{level}", level, by_level[level], used)
        for level in sorted(by_level)
    ]


def _stage(net: Net, module: str, level: int, rows: list[int], used: set[int]) -> _Stage:
    own = set(rows)
    reads = {r for row in rows for r in net.operands(row)} - own
    names = {net.input_bits[net.p[row]][0] for row in rows if net.op[row] == Op.INPUT}
    read_ports = [port for port in net.inputs if port.identifier in names and port.bits]
    drives = [row for row in rows if row in used]
    return _Stage(module, level, rows, sorted(reads), read_ports, drives)


def _stage_text(net: Net, stage: _Stage, ternary: Mapping[int, Ternary]) -> str:
    declarations = [
        *(f"input wire {vector(port.bits)}{port.identifier}" for port in stage.ports),
        *(f"input wire {vector(net.width[row])}{net.name(row)}" for row in stage.reads),
        *(f"output wire {vector(net.width[row])}v{row}" for row in stage.drives),
    ]
    before = f"after register level {stage.level}" if stage.level else "from the inputs"
    lines = [
        f"// {net.top}, stage {stage.level}: the logic {before}.",
        *opening(stage.module, declarations),
        *_lines(net, stage.rows, frozenset(stage.drives), ternary),
        closing(),
    ]
    return "\n".join(lines)


def _top(net: Net, stages: list[_Stage]) -> str:
    return "\n".join(
        [
            *_header(net),
            "",
            *opening(net.top, _port_declarations(net)),
            *_wiring(net, stages),
            *_register_lines(net),
            "",
            "  // --- outputs",
            *_output_lines(net),
            closing(),
        ]
    )


def _wiring(net: Net, stages: list[_Stage]) -> Iterator[str]:
    """Yield the signals between stages and registers, and the stages."""
    yield from (f"  reg {vector(net.width[row])}r{row};" for row in net.registers)
    for stage in stages:
        yield ""
        yield from (f"  wire {vector(net.width[row])}v{row};" for row in stage.drives)
        names = [port.identifier for port in stage.ports]
        names += [net.name(row) for row in (*stage.reads, *stage.drives)]
        yield f"  {stage.module} stage{stage.level} ("
        yield from wrapped([f".{name}({name})" for name in names])
        yield "  );"


def _register_lines(net: Net) -> Iterator[str]:
    levels: dict[int, list[int]] = {}
    for row in net.registers:
        levels.setdefault(net.depth[row], []).append(row)
    for level, rows in sorted(levels.items()):
        yield ""
        yield f"  // --- register level {level}"
        yield "  always @(posedge clk) begin"
        for row in rows:
            yield f"    r{row} <= {net.bits(net.a[row], 0, net.width[row])};"
        yield "  end"
