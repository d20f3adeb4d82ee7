"""What passes share: changing rows of a circuit and putting it back together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import (
    OPERANDS,
    Circuit,
    Op,
    Output,
    Rows,
    Table,
    live_rows,
    operand_order,
    tighten,
)

Ints = NDArray[np.int64]
Column = NDArray[Any]
"""A column of integers of any size."""


class Edit:
    """A circuit under change: rows are added and replaced, then all is put in order again.

    Parameters
    ----------
    circuit
        The circuit to start from; it is not changed.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        rows = circuit.rows
        self.columns = {name: getattr(rows, name).copy() for name in rows.__dataclass_fields__}
        self._added: list[dict[str, NDArray[Any]]] = []
        self._count = len(rows)
        self._alias = np.arange(len(rows))
        self._tables = list(circuit.tables)
        self._known_tables: dict[tuple[int, bytes], int] = {}
        self.changed = False
        """Whether any row has been replaced."""

    @property
    def next_row(self) -> int:
        """The number that the next added row will have."""
        return self._count

    def add(self, op: ArrayLike, **columns: ArrayLike) -> Ints:
        """Add rows at the end; columns broadcast, those not given are 0. Return their numbers.

        Operands may be any rows, old or new, as long as no row comes to depend on itself.
        """
        given = {"op": op, **columns}
        shape = np.broadcast_shapes(*(np.shape(value) for value in given.values()))
        part = {}
        for name, column in self.columns.items():
            value = np.asarray(given.get(name, 0))
            kind = value.dtype if value.dtype == object else column.dtype
            part[name] = np.broadcast_to(value.astype(kind), shape).ravel()
        self._added.append(part)
        numbers = np.arange(self._count, self._count + part["op"].size)
        self._count += part["op"].size
        return numbers.reshape(shape)

    def replace(self, rows: Ints | int, by: Ints | int) -> None:
        """Let other rows stand for some of the original ones, in operands and outputs."""
        self._alias[rows] = by
        self.changed = True

    def table(self, values: Ints) -> int:
        """Return the number of a table for indices from 0 up: the same for the same values."""
        key = (values.size, values.tobytes())
        if key not in self._known_tables:
            self._tables.append(Table(0, values))
            self._known_tables[key] = len(self._tables) - 1
        return self._known_tables[key]

    def side_by_side(self, rows: Mapping[int, int], origin: int) -> int:
        """Return the number whose bits are those of rows, each shifted to its place."""
        first, *others = sorted(rows)
        number = rows[first]
        if first:
            number = int(self.add(Op.SHL, a=number, p=first, origin=origin))
        for place in others:
            number = int(self.add(Op.ADD, a=number, b=rows[place], p=place, origin=origin))
        return number

    def circuit(self, outputs: Ints | None = None) -> Circuit:
        """Return the changed circuit: rows in order, dead ones dropped, intervals made anew.

        Other rows may be given for the outputs.
        """
        circuit = self._circuit.replace(tables=tuple(self._tables))
        parts = [self.columns, *self._added]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in self.columns}
        alias = _followed(np.concatenate([self._alias, np.arange(len(self._alias), self._count)]))
        count = np.array(OPERANDS)[columns["op"]]
        for k, name in enumerate("abc"):
            columns[name] = np.where(count > k, alias[columns[name]], 0).astype(np.int32)
        return assemble(
            circuit,
            Rows(**columns),
            alias[circuit.output_rows if outputs is None else outputs],
        )


def assemble(circuit: Circuit, rows: Rows, outputs: Ints) -> Circuit:
    """Return a circuit of the given rows, in any order, with ports and tables of another.

    Rows that the outputs do not need are dropped; intervals are proved anew.
    """
    order = operand_order(rows.operands, live_rows(rows.operands, outputs))
    new = np.zeros(len(rows), np.int64)
    new[order] = np.arange(len(order))
    kept = rows.take(order)
    count = np.array(OPERANDS)[kept.op]
    fields = {name: getattr(kept, name) for name in kept.__dataclass_fields__}
    for k, name in enumerate("abc"):
        fields[name] = np.where(count > k, new[fields[name]], 0).astype(np.int32)
    is_table = kept.op == Op.TABLE
    used, number = np.unique(kept.p[is_table], return_inverse=True)
    fields["p"][is_table] = number
    ends = np.cumsum([port.rows.size for port in circuit.outputs])[:-1]
    ports = [
        Output(port.name, new[part].reshape(port.shape), port.fraction)
        for port, part in zip(circuit.outputs, np.split(outputs, ends), strict=True)
    ]
    tables = tuple(circuit.tables[k] for k in used)
    changed = circuit.replace(rows=Rows(**fields), outputs=tuple(ports), tables=tables)
    return _with_whole_tables(tighten(changed))


def _with_whole_tables(circuit: Circuit) -> Circuit:
    """Let every table have an entry for every index that cannot be ruled out any more.

    A rewriting may hide what an interval was proved by. The indices are as unreachable as before,
    so what stands there does not matter.
    """
    rows = circuit.rows
    lookups = np.flatnonzero(rows.op == Op.TABLE)
    tables = list(circuit.tables)
    for row in lookups.tolist():
        table, index = tables[rows.p[row]], rows.a[row]
        before, after = table.start - int(rows.lo[index]), int(rows.hi[index]) + 1 - table.stop
        if before > 0 or after > 0:
            padding = (max(before, 0), max(after, 0))
            values = np.pad(table.values, padding, mode="edge")
            tables[rows.p[row]] = Table(table.start - padding[0], values)
    if all(new is old for new, old in zip(tables, circuit.tables, strict=True)):
        return circuit
    return tighten(circuit.replace(tables=tuple(tables)))


def _followed(alias: Ints) -> Ints:
    """Follow chains of aliases to their ends."""
    while True:
        further = alias[alias]
        if np.array_equal(further, alias):
            return alias
        alias = further


def is_narrow_and_combinational(circuit: Circuit) -> bool:
    """Return whether no value has more than 62 bits and there is no register."""
    return circuit.rows.lo.dtype != object and not circuit.count(Op.REG)


def trailing_zeros(values: Ints) -> Ints:
    """Return how many low bits of each number are 0 (none for 0 itself)."""
    zeros = np.zeros_like(values)
    rest = values.copy()
    while (even := (rest != 0) & (rest & 1 == 0)).any():
        rest, zeros = np.where(even, rest >> 1, rest), zeros + even
    return zeros
