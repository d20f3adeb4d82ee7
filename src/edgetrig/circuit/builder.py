"""Appending rows: whole arrays of operations at a time, intervals filled in as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit.circuit import Circuit, Input, Ints, Output, Rows, Table
from edgetrig.circuit.intervals import (
    LARGEST,
    IntArray,
    compact,
    compact_pair,
    narrow,
    propagate,
    propagate_narrow,
)
from edgetrig.circuit.ops import Op
from edgetrig.errors import CircuitError

_COLUMNS = {
    "op": np.uint8,
    "a": np.int32,
    "b": np.int32,
    "c": np.int32,
    "p": np.int32,
    "lo": np.int64,
    "hi": np.int64,
    "fraction": np.int32,
    "origin": np.int32,
}
_origin: ContextVar[str] = ContextVar("origin", default="")


@contextmanager
def origin(name: str) -> Iterator[None]:
    """Name the rows traced inside after a layer or a step; nested names are joined by ``/``."""
    outer = _origin.get()
    token = _origin.set(f"{outer}/{name}" if outer else name)
    try:
        yield
    finally:
        _origin.reset(token)


class Builder:
    """Grows a circuit row by row; a pass builds its result with one, tracing too."""

    def __init__(self, origins: Sequence[str] = ("",)) -> None:
        self._columns = {name: np.zeros(1024, kind) for name, kind in _COLUMNS.items()}
        self._count = 0
        self._tables: list[Table] = []
        self._table_numbers: dict[tuple[int, bytes], int] = {}
        self._origins = {name: number for number, name in enumerate(origins)}
        self._flat_tables: tuple[Ints, Ints, Ints] | None = None

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> NDArray[np.generic]:
        """Return a column of the rows so far (a view: valid until the next append)."""
        return self._columns[name][: self._count]

    def interval(self, rows: Ints) -> tuple[IntArray, IntArray]:
        """Return ``lo`` and ``hi`` of the given rows."""
        lo, hi = self._columns["lo"], self._columns["hi"]
        # A single element of an object column comes as a bare integer.
        return np.asarray(lo[rows], lo.dtype), np.asarray(hi[rows], hi.dtype)

    def append(
        self,
        op: ArrayLike,
        a: ArrayLike = 0,
        b: ArrayLike = 0,
        c: ArrayLike = 0,
        p: ArrayLike = 0,
        fraction: ArrayLike = 0,
        origin: ArrayLike | None = None,
    ) -> Ints:
        """Append operations given as arrays that broadcast; return their row numbers.

        Operands must be rows that exist before this call, or earlier ones of the same call.
        """
        values = (op, a, b, c, p, fraction, self._origin() if origin is None else origin)
        arrays = np.broadcast_arrays(*values)
        names = ("op", "a", "b", "c", "p", "fraction", "origin")
        first, last = self._count, self._count + arrays[0].size
        self._grow(last)
        for name, array in zip(names, arrays, strict=True):
            self._columns[name][first:last] = array.ravel()
        self._count = last
        self._propagate(first, last)
        return np.arange(first, last).reshape(arrays[0].shape)

    def constant(self, values: ArrayLike, fraction: ArrayLike = 0) -> Ints:
        """Append CONST rows with the given integers."""
        codes = compact(np.asarray(values))
        return self._fixed(Op.CONST, codes, codes, 0, fraction)

    def input(self, first: int, port: Input) -> Ints:
        """Append the INPUT rows of a port whose first element has number `first`."""
        numbers = first + np.arange(port.size).reshape(port.shape)
        return self._fixed(Op.INPUT, port.lo, port.hi, numbers, port.fraction)

    def table(self, table: Table) -> int:
        """Add a lookup table, or find an equal one; return its number for TABLE rows."""
        if not narrow(table.values) or not narrow(np.array([table.start, table.stop], object)):
            raise CircuitError("a table's indices and entries must fit 62 bits")
        key = table.start, np.asarray(table.values, np.int64).tobytes()
        if key not in self._table_numbers:
            self._table_numbers[key] = len(self._tables)
            self._tables.append(table)
            self._flat_tables = None
        return self._table_numbers[key]

    def finish(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> Circuit:
        """Return the circuit."""
        columns = {name: self.column(name).copy() for name in _COLUMNS}
        columns["lo"], columns["hi"] = compact_pair(columns["lo"], columns["hi"])
        rows = Rows(**columns)  # type: ignore[arg-type]
        return Circuit(rows, tuple(inputs), tuple(outputs), tuple(self._tables), self.origins)

    @property
    def origins(self) -> tuple[str, ...]:
        """Names that the origin column indexes."""
        return tuple(self._origins)

    def origin_numbers(self, names: Sequence[str]) -> Ints:
        """Return the origin column's numbers for names, adding those not seen yet."""
        numbers = [self._origins.setdefault(name, len(self._origins)) for name in names]
        return np.array(numbers, np.int64)

    def _origin(self) -> int:
        return self._origins.setdefault(_origin.get(), len(self._origins))

    def _fixed(self, op: Op, lo: IntArray, hi: IntArray, p: ArrayLike, fraction: ArrayLike) -> Ints:
        lo, hi = compact_pair(lo, hi)
        if lo.dtype == object:
            largest = max(max(map(abs, ends.ravel().tolist())) for ends in (lo, hi))
            if largest.bit_length() > LARGEST:
                raise CircuitError(f"a value of more than {LARGEST} bits; quantize it first")
            self._widen()
        shape = np.broadcast_shapes(lo.shape, np.shape(p), np.shape(fraction))
        first, last = self._count, self._count + int(np.prod(shape))
        self._grow(last)
        given = (op, p, lo, hi, fraction, self._origin())
        for name, values in zip(("op", "p", "lo", "hi", "fraction", "origin"), given, strict=True):
            self._columns[name][first:last] = np.broadcast_to(np.asarray(values), shape).ravel()
        self._count = last
        return np.arange(first, last).reshape(shape)

    def _grow(self, size: int) -> None:
        if size >= 2**31:
            raise CircuitError("more than 2**31 operations; fold the circuit with a reuse factor")
        for name, column in self._columns.items():
            if size > len(column):
                grown = np.zeros(max(size, 2 * len(column)), column.dtype)
                grown[: self._count] = column[: self._count]
                self._columns[name] = grown

    def _widen(self) -> None:
        for name in ("lo", "hi"):
            self._columns[name] = self._columns[name].astype(object)

    def _propagate(self, first: int, last: int) -> None:
        if self._flat_tables is None:
            self._flat_tables = flat_tables(self._tables)
        if self._columns["lo"].dtype != object:
            first = propagate_narrow(*self._operands(), *self._flat_tables, first, last, False)
            if first == last:
                return
            self._widen()
        if propagate(*self._operands(), *self._flat_tables, first, last, True) < last:
            raise CircuitError(f"a value of more than {LARGEST} bits; quantize before it grows")

    def _operands(self) -> tuple[Ints, Ints, Ints, Ints, Ints, IntArray, IntArray]:
        c = self._columns
        return c["op"], c["a"], c["b"], c["c"], c["p"], c["lo"], c["hi"]


def flat_tables(tables: Sequence[Table]) -> tuple[Ints, Ints, Ints]:
    """Return all tables as (first index, offset of first entry, entries one after another)."""
    start = np.array([table.start for table in tables], np.int64)
    sizes = np.array([len(table.values) for table in tables], np.int64)
    values = [table.values for table in tables] or [np.zeros(0, np.int64)]
    return start, np.cumsum(sizes) - sizes, np.concatenate(values)
