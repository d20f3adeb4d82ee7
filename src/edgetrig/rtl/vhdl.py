"""VHDL-2008 of a circuit: one assignment an operation, one register a REG row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

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
from edgetrig.rtl.vhdl_text import (
    bit,
    bit_string,
    closing,
    opening,
    part,
    port_type,
    text,
    vector,
)

_PORTS = "abc"
_HALF_INPUTS = 5


def vhdl(circuit: Circuit, name: str = "trigger") -> dict[str, str]:
    """Return a circuit as plain, synthesizable VHDL-2008: entities as `verilog` makes modules.

    A port of one bit is a ``std_logic``, any other a ``std_logic_vector``.

    Parameters
    ----------
    circuit
        The circuit.
    name
        Name of the top entity; turned into an identifier (`edgetrig.rtl.identifiers`).

    Returns
    -------
    dict of str to str
        File name to text, the top file first, every file before those it instantiates. A file
        ``m.vhd`` holds the one entity ``m``.
    """
    top = identifiers([name])[0]
    net = Net.of(circuit, top)
    ternary = {row: adder for row, adder in ternary_adders(net).items() if adder.cell == "add3"}
    if net.registers:
        files = {f"{top}.vhd": _top(net)}
        for stage in net.stages:
            files[f"{stage.module}.vhd"] = _stage_text(net, stage, ternary)
    else:
        files = {f"{top}.vhd": _combinational(net)}
    tables = truth_tables(net)
    files.update({f"{table.module}.vhd": _table_text(net, table) for table in tables})
    cells = (["add3"] if ternary else []) + [LUT_CELL] * any(table.has_cells for table in tables)
    for cell in cells:
        files[f"{cell_name(net, cell)}.vhd"] = cell_text(net, f"{cell}.vhd")
    return files


# --- rows -----------------------------------------------------------------------------------------


def _signal(name: str, width: int) -> str:
    """Declare a signal; a defined first value keeps numeric_std quiet until inputs arrive."""
    return f"  signal {name} : {vector(width)} := (others => '0');"


def _declarations(
    net: Net, rows: list[int], ports: Collection[int], ternary: Mapping[int, Ternary]
) -> Iterator[str]:
    for row in rows:
        if row not in ports:
            yield _signal(f"v{row}", net.width[row])
        if row in ternary:
            width = net.width[row] - ternary[row].first
            yield from (_signal(f"t{row}_{port}", width) for port in _PORTS)


def _statements(net: Net, rows: list[int], ternary: Mapping[int, Ternary]) -> Iterator[str]:
    """Yield one assignment or instance a row."""
    for row, origin in zip(rows, origins(net, rows), strict=True):
        if origin:
            yield f"  -- {origin}"
        if is_look_up(net, row):
            index = text(net.bits(net.a[row], 0, index_bits(net, row)))
            line = f"  t{row} : entity work.{table_module(net, row)}"
            line += f" port map (index => {index}, value => v{row});"
        elif row in ternary:
            *before, line = _ternary_adder(net, row, ternary[row])
            yield from before
        else:
            line = f"  v{row} <= {text(expression(net, row))};"
        shown = remark(net, row)
        yield f"{line}  -- {shown}" if shown else line


def _ternary_adder(net: Net, row: int, adder: Ternary) -> Iterator[str]:
    first, width = adder.first, net.width[row] - adder.first
    if first:
        target = part(f"v{row}", net.width[row], 0, first)
        yield f"  {target} <= {text(net.bits(adder.passed, 0, first))};"
    for port, operand in zip(_PORTS, (net.a[row], net.b[row], net.c[row]), strict=True):
        yield f"  t{row}_{port} <= {text(net.bits(operand, first, width))};"
    ports = ", ".join(f"{port} => t{row}_{port}" for port in _PORTS)
    generics = f"width => {width}, subtracted => {net.p[row]}"
    total = part(f"v{row}", net.width[row], first, width)
    yield f"  t{row} : entity work.{cell_name(net, 'add3')}"
    yield f"    generic map ({generics}) port map ({ports}, sum => {total});"


# --- entities -------------------------------------------------------------------------------------


def _ports(net: Net) -> list[str]:
    clock = ["clk : in std_logic"] if net.registers else []
    return (
        clock
        + [f"{p.identifier} : in {port_type(p.bits)}" for p in net.inputs if p.bits]
        + [f"{p.identifier} : out {port_type(p.bits)}" for p in net.outputs if p.bits]
    )


def _header(net: Net) -> Iterator[str]:
    return (f"-- {line}".rstrip() for line in header(net))


def _output_lines(net: Net) -> Iterator[str]:
    for target, value in net.output_bits():
        if target.width == 1:
            yield f"  {target.name} <= {bit(value)};"
        else:
            whole = part(target.name, target.width, target.lsb, target.count)
            yield f"  {whole} <= std_logic_vector({text(value)});"


def _combinational(net: Net) -> str:
    lines = [
        *_header(net),
        "",
        *opening(net.top, _ports(net)),
        *_declarations(net, net.logic, (), {}),
        "begin",
        *_statements(net, net.logic, {}),
        "  -- outputs",
        *_output_lines(net),
        closing(),
    ]
    return "\n".join(lines)


def _stage_text(net: Net, stage: Stage, ternary: Mapping[int, Ternary]) -> str:
    ports = [
        *(f"{port.identifier} : in {port_type(port.bits)}" for port in stage.ports),
        *(f"{net.name(row)} : in {vector(net.width[row])}" for row in stage.reads),
        *(f"v{row} : out {vector(net.width[row])} := (others => '0')" for row in stage.drives),
    ]
    lines = [
        f"-- {net.top}, {stage.words}",
        *opening(stage.module, ports),
        *_declarations(net, stage.rows, frozenset(stage.drives), ternary),
        "begin",
        *_statements(net, stage.rows, ternary),
        closing(),
    ]
    return "\n".join(lines)


def _top(net: Net) -> str:
    handed = [row for stage in net.stages for row in stage.drives]
    lines = [
        *_header(net),
        "",
        *opening(net.top, _ports(net)),
        *(_signal(f"r{row}", net.width[row]) for row in net.registers),
        *(_signal(f"v{row}", net.width[row]) for row in handed),
        "begin",
        *(line for stage in net.stages for line in _instance(net, stage)),
        *_register_lines(net),
        "",
        "  -- outputs",
        *_output_lines(net),
        closing(),
    ]
    return "\n".join(lines)


def _instance(net: Net, stage: Stage) -> Iterator[str]:
    names = [port.identifier for port in stage.ports]
    names += [net.name(row) for row in (*stage.reads, *stage.drives)]
    yield f"  stage{stage.level} : entity work.{stage.module} port map ("
    yield from wrapped([f"{name} => {name}" for name in names])
    yield "  );"


def _register_lines(net: Net) -> Iterator[str]:
    for level, rows in net.register_levels:
        yield ""
        yield f"  -- register level {level}"
        yield "  process (clk)"
        yield "  begin"
        yield "    if rising_edge(clk) then"
        for row in rows:
            yield f"      r{row} <= {text(net.bits(net.a[row], 0, net.width[row]))};"
        yield "    end if;"
        yield "  end process;"


# --- tables ---------------------------------------------------------------------------------------


def _table_text(net: Net, table: TruthTables) -> str:
    # A defined first value, as signals have.
    value = f"value : out {vector(table.width)} := (others => '0')"
    ports = [f"index : in {vector(table.bits)}", value]
    lines = [*(f"-- {line}" for line in table.words), *opening(table.module, ports)]
    plain = not all(table.is_cell(k, at) for k in range(table.width) for at in table.places(k))
    lines += _truth_tables(table, plain)
    lines.append("begin")
    if plain:
        low = part("index", table.bits, 0, min(table.inputs, _HALF_INPUTS))
        lines.append(f"  low <= to_integer({low});")
    rest = table.bits - table.inputs
    if rest:
        lines.append(f"  high <= to_integer({part('index', table.bits, table.inputs, rest)});")
    for k in range(table.width):
        lines += _look_up(net, table, k)
    return "\n".join([*lines, closing()])


def _truth_tables(table: TruthTables, plain: bool) -> Iterator[str]:
    """Declare the truth tables that are no cells, and what chooses among all."""
    size = 1 << min(table.inputs, _HALF_INPUTS)
    if plain:
        yield f"  subtype truth_table is std_logic_vector({size - 1} downto 0);"
        yield "  signal low : natural;"
    if table.bits > table.inputs:
        yield "  signal high : natural;"
    for k, codes in enumerate(table.codes):
        for leaf in sorted(set(table.places(k))):
            if not table.is_cell(k, leaf):
                for half, code in zip("BH", _halves(table, codes[leaf]), strict=False):
                    yield f"  constant {half}{k}_{leaf} : truth_table := {bit_string(code, size)};"
        if len(codes) > 1:
            leaves = f"std_logic_vector({len(codes) - 1} downto 0)"
            yield f"  signal l{k} : {leaves} := (others => '0');"


def _halves(table: TruthTables, code: int) -> list[int]:
    """Return a truth table in parts of at most 32 entries, the lowest first; equal ones as one.

    GHDL 2.0 synthesizes a constant of more than 32 bits wrongly if its lowest 32 are 0.
    """
    high, low = divmod(code, 1 << (1 << _HALF_INPUTS))
    return [low] if table.inputs <= _HALF_INPUTS or high == low else [low, high]


def _look_up(net: Net, table: TruthTables, k: int) -> Iterator[str]:
    places = table.places(k)
    if len(places) == 1:
        yield from _leaf(net, table, k, 0, f"value({k})")
        return
    for leaf, first in enumerate(places):
        if first == leaf:
            yield from _leaf(net, table, k, leaf, f"l{k}({leaf})")
        else:
            yield f"  l{k}({leaf}) <= l{k}({first});"
    yield f"  value({k}) <= l{k}(high);"


def _leaf(net: Net, table: TruthTables, k: int, leaf: int, target: str) -> Iterator[str]:
    """Yield one truth table of the lowest bits of the index: a cell, or an entry of a constant."""
    if not table.is_cell(k, leaf):
        entry = f"B{k}_{leaf}(low)"
        if len(_halves(table, table.codes[k][leaf])) > 1:
            entry = f"H{k}_{leaf}(low) when index({_HALF_INPUTS}) = '1' else {entry}"
        yield f"  {target} <= {entry};"
        return
    low = part("index", table.bits, 0, table.inputs)
    yield f"  lut{k}_{leaf} : entity work.{cell_name(net, LUT_CELL)}"
    yield f"    generic map (init => {bit_string(table.codes[k][leaf], 64)})"
    yield f"    port map (index => {low}, value => {target});"
