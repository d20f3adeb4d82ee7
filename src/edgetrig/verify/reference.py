"""The independent judge: the printed circuit, evaluated in plain Python integers.

This file imports nothing of edgetrig but its errors. It reads the text a person reads, knows the
meaning of the operations from `edgetrig.circuit.ops` alone, and uses neither intervals nor types,
so that it shares no code, and hence no mistake, with the emulator, the RTL or the passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgetrig.errors import CircuitError

Values = list[int]

_ROW = re.compile(r"%(\d+) = (\w+) (.*?)\s+\[(-?\d+), (-?\d+)\]")
_OPERAND = re.compile(r"%(\d+)")
_TABLE = re.compile(r"table (\d+) from (-?\d+): ?([-\d ]*)$")
_OUTPUT_ROW = re.compile(r"%(\d+)(?: [/*]\d+)?(?:, |$)")
_BLOCK = 2_000_000  # row evaluations held in memory at a time


@dataclass(frozen=True)
class _Row:
    number: int
    op: str
    operands: tuple[int, ...]
    parameter: int
    lo: int
    hi: int


@dataclass(frozen=True)
class _Program:
    rows: list[_Row]
    tables: dict[int, tuple[int, Values]]
    outputs: list[int]


def evaluate(
    text: str, inputs: Sequence[Sequence[int]], *, check_intervals: bool = False
) -> list[list[int]]:
    """Evaluate a printed circuit.

    Parameters
    ----------
    text
        What ``str(circuit)`` prints.
    inputs
        One sequence of input codes an event, in port order.
    check_intervals
        Also demand that every value lies in the interval printed behind its row.

    Returns
    -------
    list of list of int
        One list of output codes an event, in port order. A register gives its operand: inputs and
        outputs of one event stand in one line, whatever the latency.

    Raises
    ------
    CircuitError
        If a line cannot be read, an event has too few values, a table is read outside its entries,
        or (``check_intervals``) a value leaves its interval.
    """
    program = _parse(text)
    block = max(1, _BLOCK // max(1, len(program.rows)))
    results: list[list[int]] = []
    for first in range(0, len(inputs), block):
        events = [[int(value) for value in event] for event in inputs[first : first + block]]
        results += _evaluate_block(program, events, check_intervals)
    return results


def _parse(text: str) -> _Program:
    rows: list[_Row] = []
    tables: dict[int, tuple[int, Values]] = {}
    outputs: list[int] = []
    for line in text.split("\n"):
        if line.startswith("%"):
            rows.append(_parse_row(line, len(rows)))
        elif line.startswith("table "):
            match = _TABLE.match(line) or _fail(line)
            tables[int(match[1])] = (int(match[2]), [int(word) for word in match[3].split()])
        elif line.startswith("output "):
            # A port may have any name, so the rows are what follows the last " = ".
            outputs += [int(row) for row in _OUTPUT_ROW.findall(line.rpartition(" = ")[2])]
        elif line and not line.startswith("input "):
            _fail(line)
    return _Program(rows, tables, outputs)


def _parse_row(line: str, expected: int) -> _Row:
    match = _ROW.match(line) or _fail(line)
    body = match[3]
    operands = tuple(int(number) for number in _OPERAND.findall(body))
    rest = _OPERAND.sub("", body).strip(", <")
    number = int(match[1])
    if number != expected or any(operand >= number for operand in operands):
        _fail(line)
    return _Row(number, match[2], operands, int(rest or 0), int(match[4]), int(match[5]))


def _fail(line: str) -> re.Match[str]:
    raise CircuitError(f"printed circuit: cannot read the line {line[:80]!r}")


def _evaluate_block(program: _Program, events: list[Values], check: bool) -> list[Values]:
    values: list[Values] = []
    for row in program.rows:
        values.append(_evaluate_row(row, values, program.tables, events))
        if check and values[-1]:
            _check_interval(row, values[-1])
    return [[values[row][event] for row in program.outputs] for event in range(len(events))]


_UNARY: dict[str, Callable[[Values, int], Values]] = {
    "neg": lambda a, _: [-x for x in a],
    "shl": lambda a, p: [x * 2**p for x in a],
    "shr": lambda a, p: [x // 2**p for x in a],
    "low": lambda a, p: [x % 2**p for x in a],
    "lows": lambda a, p: [(x + 2 ** (p - 1)) % 2**p - 2 ** (p - 1) for x in a],
    "reg": lambda a, _: a,
}

_BINARY: dict[str, Callable[[Values, Values], Values]] = {
    "mul": lambda a, b: [x * y for x, y in zip(a, b, strict=True)],
    "lt": lambda a, b: [int(x < y) for x, y in zip(a, b, strict=True)],
    "eq": lambda a, b: [int(x == y) for x, y in zip(a, b, strict=True)],
    "and": lambda a, b: [x & y for x, y in zip(a, b, strict=True)],
    "or": lambda a, b: [x | y for x, y in zip(a, b, strict=True)],
    "xor": lambda a, b: [x ^ y for x, y in zip(a, b, strict=True)],
}


def _evaluate_row(
    row: _Row, values: list[Values], tables: dict[int, tuple[int, Values]], events: list[Values]
) -> Values:
    a, b, c = ([values[k] for k in row.operands] + [[], [], []])[:3]
    p = row.parameter
    if row.op == "input":
        return [_element(event, p) for event in events]
    if row.op == "const":
        return [p] * len(events)
    if row.op in ("add", "sub"):
        sign = 1 if row.op == "add" else -1
        left, right = 2 ** max(-p, 0), sign * 2 ** max(p, 0)
        return [x * left + y * right for x, y in zip(a, b, strict=True)]
    if row.op == "add3":
        signs = [1, -1 if p == 2 else 1, -1 if p >= 1 else 1]
        return [x * signs[0] + y * signs[1] + z * signs[2] for x, y, z in zip(a, b, c, strict=True)]
    if row.op == "select":
        return [y if x else z for x, y, z in zip(a, b, c, strict=True)]
    if row.op == "table":
        return [_entry(row, tables, x) for x in a]
    if row.op in _UNARY:
        return _UNARY[row.op](a, p)
    if row.op in _BINARY:
        return _BINARY[row.op](a, b)
    raise CircuitError(f"printed circuit: row %{row.number} has the unknown operation {row.op!r}")


def _element(event: Values, position: int) -> int:
    if position >= len(event):
        raise CircuitError(f"an event has {len(event)} values, input {position} is read")
    return event[position]


def _entry(row: _Row, tables: dict[int, tuple[int, Values]], index: int) -> int:
    start, entries = tables.get(row.parameter, (0, []))
    if not 0 <= index - start < len(entries):
        raise CircuitError(f"row %{row.number} reads table {row.parameter} at {index}: no entry")
    return entries[index - start]


def _check_interval(row: _Row, values: Values) -> None:
    if min(values) < row.lo or max(values) > row.hi:
        wrong = next(value for value in values if not row.lo <= value <= row.hi)
        raise CircuitError(
            f"row %{row.number} ({row.op}) takes the value {wrong}, outside its interval "
            f"[{row.lo}, {row.hi}]"
        )
