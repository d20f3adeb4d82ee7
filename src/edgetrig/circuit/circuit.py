"""The circuit: rows of primitive operations in columns, with its ports and tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit.graph import register_depth
from edgetrig.circuit.intervals import IntArray, widths
from edgetrig.circuit.ops import OPERANDS, Op

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Input:
    """An input port: the hardware integers that come in, and how floats become such integers.

    Parameters
    ----------
    name
        Port name.
    lo, hi
        Smallest and largest code of every element; their shape is the port's shape (without the
        event axis).
    fraction
        Bits behind the binary point: value = code * 2**-fraction. Same shape.
    rounding, overflow
        How `predict` turns a float into a code (`edgetrig.circuit.Rounding`, `Overflow` names).
        The hardware receives codes and does neither.
    """

    name: str
    lo: IntArray
    hi: IntArray
    fraction: Ints
    rounding: str = "RND"
    overflow: str = "SAT"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one event's array."""
        return self.lo.shape

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.lo.size


@dataclass(frozen=True)
class Output:
    """An output port: value of each element = code of its row * 2**-fraction.

    ``rows`` and ``fraction`` have the port's shape (without the event axis).
    """

    name: str
    rows: Ints
    fraction: Ints

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one event's array."""
        return self.rows.shape


@dataclass(frozen=True)
class Table:
    """A lookup table: the entry for index ``start`` comes first."""

    start: int
    values: Ints

    @property
    def stop(self) -> int:
        """One past the last index."""
        return self.start + len(self.values)


@dataclass(frozen=True)
class Rows:
    """The columns of a circuit, one element a row (`edgetrig.circuit.ops` gives the meaning).

    ``op`` uint8; ``a, b, c`` int32 rows of the operands (0 where unused); ``p`` int32 parameter;
    ``lo, hi`` int64 (object beyond 62 bits); ``fraction`` int32; ``origin`` int32 into
    `Circuit.origins`.
    """

    op: NDArray[np.uint8]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    c: NDArray[np.int32]
    p: NDArray[np.int32]
    lo: IntArray
    hi: IntArray
    fraction: NDArray[np.int32]
    origin: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.op)

    def take(self, rows: NDArray[np.integer]) -> Rows:
        """Return the given rows, in that order (operands keep their old numbers)."""
        return Rows(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @cached_property
    def operands(self) -> NDArray[np.int32]:
        """Rows read by each row, shape (n, 3), -1 where there is no operand."""
        table = np.stack([self.a, self.b, self.c], axis=1)
        count = np.array(OPERANDS)[self.op]
        return np.where(np.arange(3) < count[:, None], table, -1).astype(np.int32)


@dataclass(frozen=True)
class Circuit:
    """A function over exact integers, as a list of primitive operations.

    Parameters
    ----------
    rows
        The operations, operands before their users.
    inputs, outputs
        The ports, in order. INPUT rows count elements over all input ports in that order.
    tables
        Contents for TABLE rows.
    origins
        Names (layers, mostly) that rows come from; ``rows.origin`` indexes it.
    """

    rows: Rows
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    tables: tuple[Table, ...] = ()
    origins: tuple[str, ...] = field(default=("",))

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        from edgetrig.circuit.text import to_text

        return to_text(self)

    @cached_property
    def widths(self) -> Ints:
        """Bits of every row."""
        return widths(self.rows.lo, self.rows.hi)

    @cached_property
    def output_rows(self) -> Ints:
        """Rows of all outputs, flattened in port order."""
        if not self.outputs:
            return np.zeros(0, np.int64)
        return np.concatenate([output.rows.ravel() for output in self.outputs])

    @cached_property
    def constant(self) -> NDArray[np.bool_]:
        """Which rows have the same value in every event, and hence at every clock cycle."""
        return np.asarray(self.rows.lo == self.rows.hi, np.bool_)

    @cached_property
    def cycle(self) -> Ints:
        """Clock cycle in which each row's value appears; inputs in 0 (constants: no meaning)."""
        operands = self.rows.operands
        moving = (operands >= 0) & ~self.constant[operands]
        return register_depth(np.where(moving, operands, -1), self.rows.op == Op.REG)

    @cached_property
    def latency(self) -> int:
        """Clock cycles from input to output: REG rows on the way (0 if combinational)."""
        moving = self.output_rows[~self.constant[self.output_rows]]
        return int(self.cycle[moving].max(initial=0))

    def count(self, *ops: Op) -> int:
        """Return how many rows have one of the given operations."""
        return int(np.isin(self.rows.op, ops).sum())

    def replace(self, **changes: object) -> Circuit:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]
