"""The checker: everything that must hold of a circuit, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgetrig.circuit.circuit import Circuit
from edgetrig.circuit.floats import OVERFLOWS, ROUNDINGS
from edgetrig.circuit.intervals import WIDEST, IntArray, narrow
from edgetrig.circuit.ops import OPERANDS, Op
from edgetrig.errors import CircuitError

_KINDS = {"op": np.uint8, "lo": np.int64, "hi": np.int64}
_PARAMETER = (Op.INPUT, Op.ADD, Op.SUB, Op.SHL, Op.SHR, Op.LOW, Op.LOWS, Op.TABLE, Op.ADD3)


def check(circuit: Circuit) -> None:
    """Verify every invariant of a circuit.

    Operands come before their users, parameters are in range, ports and tables fit, registers are
    balanced, and every interval holds all values that its row can be proved to reach.

    Raises
    ------
    CircuitError
        With the first row or port at fault.
    """
    for problem in _problems(circuit):
        raise CircuitError(f"circuit is broken: {problem}")


def _problems(circuit: Circuit) -> Iterator[str]:
    yield from _column_problems(circuit)
    yield from _port_problems(circuit)
    yield from _table_problems(circuit)
    yield from _operand_problems(circuit)
    yield from _parameter_problems(circuit)
    yield from _register_problems(circuit)
    yield from _interval_problems(circuit)


def _first(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int | None:
    found = np.flatnonzero(mask)
    return int(found[0]) if len(found) else None


def _column_problems(circuit: Circuit) -> Iterator[str]:
    rows = circuit.rows
    for name in rows.__dataclass_fields__:
        column = getattr(rows, name)
        if column.shape != (len(rows),):
            yield f"column {name} has shape {column.shape}, {(len(rows),)} is needed"
        kind = _KINDS.get(name, np.int32)
        if column.dtype != kind and not (kind is np.int64 and column.dtype == object):
            yield f"column {name} has type {column.dtype}, {np.dtype(kind)} is needed"
    for name in ("lo", "hi"):
        yield from _integer_problems(f"column {name}", getattr(rows, name))
    row = _first(rows.op >= len(Op))
    if row is not None:
        yield f"row {row}: operation code {rows.op[row]} is unknown"
    row = _first((rows.origin < 0) | (rows.origin >= len(circuit.origins)))
    if row is not None:
        yield f"row {row}: origin {rows.origin[row]} has no name"


def _integer_problems(what: str, values: IntArray) -> Iterator[str]:
    """Demand int64 within `WIDEST` bits, or Python integers."""
    if values.dtype == object:
        if not all(isinstance(value, int) for value in values.ravel().tolist()):
            yield f"{what}: not all Python integers"
    elif values.dtype != np.int64:
        yield f"{what} has type {values.dtype}, int64 is needed"
    elif not narrow(values):
        yield f"{what}: more than {WIDEST} bits, Python integers are needed"


def _name_problems(circuit: Circuit) -> Iterator[str]:
    for name in [port.name for port in circuit.inputs] + [port.name for port in circuit.outputs]:
        if not name or not name.isprintable():
            yield f"a port has the unprintable name {name!r}"
    for name in circuit.origins:
        if not name.isprintable():
            yield f"an origin has the unprintable name {name!r}"


def _table_problems(circuit: Circuit) -> Iterator[str]:
    for number, table in enumerate(circuit.tables):
        if table.values.ndim != 1 or table.values.dtype != np.int64 or not len(table.values):
            yield f"table {number}: entries must be one row of int64"
        if not narrow(table.values, np.array([table.start, table.stop], object)):
            yield f"table {number}: more than {WIDEST} bits"


def _port_problems(circuit: Circuit) -> Iterator[str]:
    names = [p.name for p in circuit.inputs] + [p.name for p in circuit.outputs]
    if len(set(names)) != len(names):
        yield "two ports have the same name"
    yield from _name_problems(circuit)
    for port in circuit.inputs:
        for end in (port.lo, port.hi):
            yield from _integer_problems(f"input {port.name}", end)
        if not port.lo.shape == port.hi.shape == port.fraction.shape:
            yield f"input {port.name}: lo, hi and fraction differ in shape"
        if port.rounding not in ROUNDINGS or port.overflow not in OVERFLOWS:
            yield f"input {port.name}: mode {port.rounding} or {port.overflow} is unknown"
        if np.any(port.lo > port.hi):
            yield f"input {port.name}: an empty interval"
    for output in circuit.outputs:
        if output.rows.shape != output.fraction.shape:
            yield f"output {output.name}: rows and fraction differ in shape"
        if output.rows.dtype != np.int64:
            yield f"output {output.name}: rows have type {output.rows.dtype}, int64 is needed"
        if np.any((output.rows < 0) | (output.rows >= len(circuit))):
            yield f"output {output.name}: a row that does not exist"


def _operand_problems(circuit: Circuit) -> Iterator[str]:
    rows = circuit.rows
    count = np.array(OPERANDS)[rows.op]
    for position, column in enumerate((rows.a, rows.b, rows.c)):
        used = count > position
        row = _first(used & ((column < 0) | (column >= np.arange(len(rows)))))
        if row is not None:
            yield f"row {row}: operand {column[row]} does not come before it"
        row = _first(~used & (column != 0))
        if row is not None:
            yield f"row {row}: an operand that {Op(rows.op[row]).name} does not have"


def _parameter_problems(circuit: Circuit) -> Iterator[str]:
    rows = circuit.rows
    row = _first(np.isin(rows.op, (Op.SHL, Op.SHR, Op.LOW, Op.LOWS)) & (rows.p <= 0))
    if row is not None:
        yield f"row {row}: parameter {rows.p[row]} must be positive"
    row = _first((rows.op == Op.ADD3) & ((rows.p < 0) | (rows.p > 2)))
    if row is not None:
        yield f"row {row}: ADD3 subtracts 0, 1 or 2 operands, not {rows.p[row]}"
    row = _first(~np.isin(rows.op, _PARAMETER) & (rows.p != 0))
    if row is not None:
        yield f"row {row}: a parameter that {Op(rows.op[row]).name} does not have"
    row = _first((rows.op == Op.CONST) & np.asarray(rows.lo != rows.hi, np.bool_))
    if row is not None:
        yield f"row {row}: a constant with two values"
    condition = rows.a[rows.op == Op.SELECT]
    if np.any((rows.lo[condition] < 0) | (rows.hi[condition] > 1)):
        yield "a SELECT whose condition is not 0 or 1"
    yield from _input_row_problems(circuit)
    for lookup in np.flatnonzero(rows.op == Op.TABLE):
        number, operand = int(rows.p[lookup]), rows.a[lookup]
        if not 0 <= number < len(circuit.tables):
            yield f"row {lookup}: table {number} does not exist"
        table = circuit.tables[number]
        if rows.lo[operand] < table.start or rows.hi[operand] >= table.stop:
            yield f"row {lookup}: table {number} has no entry for some values of row {operand}"


def _input_row_problems(circuit: Circuit) -> Iterator[str]:
    rows = circuit.rows
    lo = np.concatenate([port.lo.ravel() for port in circuit.inputs] or [np.zeros(0)])
    hi = np.concatenate([port.hi.ravel() for port in circuit.inputs] or [np.zeros(0)])
    inputs = np.flatnonzero(rows.op == Op.INPUT)
    element = rows.p[inputs]
    if np.any((element < 0) | (element >= len(lo))):
        yield "an INPUT row for an element that no port has"
    if len(set(element.tolist())) != len(element):
        yield "two INPUT rows for one element"
    if np.any((rows.lo[inputs] != lo[element]) | (rows.hi[inputs] != hi[element])):
        yield "an INPUT row whose interval is not its port's"


def _register_problems(circuit: Circuit) -> Iterator[str]:
    rows = circuit.rows
    if not circuit.count(Op.REG):
        return
    counts = (rows.operands >= 0) & ~circuit.constant[rows.operands]
    cycle = circuit.cycle[rows.operands]
    latest = np.where(counts, cycle, -1).max(axis=1)
    earliest = np.where(counts, cycle, np.iinfo(np.int64).max).min(axis=1)
    row = _first((latest >= 0) & (latest != earliest))
    if row is not None:
        yield f"row {row}: operands come from different clock cycles"
    moving = circuit.output_rows[~circuit.constant[circuit.output_rows]]
    if len(set(circuit.cycle[moving].tolist())) > 1:
        yield "outputs appear in different clock cycles"


def _interval_problems(circuit: Circuit) -> Iterator[str]:
    from edgetrig.circuit.linear import intervals

    lo, hi = intervals(circuit)
    row = _first(np.asarray((circuit.rows.lo > lo) | (circuit.rows.hi < hi), np.bool_))
    if row is not None:
        yield (
            f"row {row}: interval [{circuit.rows.lo[row]}, {circuit.rows.hi[row]}] does not hold"
            f" [{lo[row]}, {hi[row]}], which it can reach"
        )
