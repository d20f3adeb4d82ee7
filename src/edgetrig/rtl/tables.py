"""Look-up tables as truth tables, which each language writes as a module of its own.

A truth table of six index bits that depends on at least five of them is an instance of the cell
``lut6``: a mapper that sees the logic takes it apart and finds its way back only sometimes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgetrig.circuit import Op
from edgetrig.rtl.net import Net

_WIDE = 100
_LUT_INPUTS = 6
_CELL_INPUTS = 5
"""Index bits that a cell depends on at least: what depends on fewer may join other logic."""
LUT_CELL = "lut6"
"""Name of the cell, of its files in the folder ``cells`` and of its module."""


@dataclass(frozen=True)
class TruthTables:
    """A look-up as 64-entry truth tables (a LUT6 each) and a choice among them.

    Yosys makes up to a third fewer LUTs of that than of a case statement (8-bit index).

    Parameters
    ----------
    module
        Name of the module.
    bits, width
        Bits of the index and of the result.
    codes
        For each bit of the result, from the lowest on: the truth tables as numbers, the one for the
        lowest index first.
    words
        The table in words, line by line.
    """

    module: str
    bits: int
    width: int
    codes: list[list[int]]
    words: list[str]

    @property
    def inputs(self) -> int:
        """Bits of the index that one truth table looks at, its lowest."""
        return min(self.bits, _LUT_INPUTS)

    def places(self, bit: int) -> list[int]:
        """Return the number of the first truth table that is equal, for each of a bit's."""
        return [self.codes[bit].index(code) for code in self.codes[bit]]

    def is_cell(self, bit: int, leaf: int) -> bool:
        """Return whether a truth table of a bit of the result is an instance of `LUT_CELL`."""
        return self.bits >= _LUT_INPUTS and _inputs(self.codes[bit][leaf]) >= _CELL_INPUTS

    @property
    def has_cells(self) -> bool:
        """Whether any truth table is a cell."""
        return any(self.is_cell(k, leaf) for k in range(self.width) for leaf in self.places(k))


def is_look_up(net: Net, row: int) -> bool:
    """Return whether a row is an instance of a table (one at a fixed index is a literal)."""
    return net.op[row] == Op.TABLE and not net.constant(net.a[row])


def index_bits(net: Net, row: int) -> int:
    """Return how many low bits of the index tell its values apart."""
    a = net.a[row]
    return min(net.width[a], (net.hi[a] - net.lo[a]).bit_length())


def table_module(net: Net, row: int) -> str:
    """Name the module of a look-up: table, type of the index, bits of the result."""
    a, bits = net.a[row], index_bits(net, row)
    kind = f"{'s' if net.lo[a] < 0 else 'u'}{bits}"
    if bits < net.width[a]:  # what the low bits stand for depends on where the values begin
        kind += f"_{'below' if net.lo[a] < 0 else 'from'}{abs(net.lo[a])}"
    return f"{net.top}_table{net.p[row]}_{kind}_{net.width[row]}"


def truth_tables(net: Net) -> list[TruthTables]:
    """Return the modules that the look-ups of a circuit need."""
    rows = {table_module(net, row): row for row in net.logic if is_look_up(net, row)}
    return [_truth_tables(net, module, row) for module, row in rows.items()]


def _truth_tables(net: Net, module: str, row: int) -> TruthTables:
    table, a = net.circuit.tables[net.p[row]], net.a[row]
    bits, width = index_bits(net, row), net.width[row]
    bottom = net.lo[a]
    if bits == net.width[a]:
        bottom = -(1 << (bits - 1)) if net.lo[a] < 0 else 0
    # The number with these low bits, counted from the smallest index on.
    entry = (np.arange(1 << bits) - bottom % (1 << bits)) % (1 << bits) + (bottom - table.start)
    # Entries outside the table are never read: repeat its ends.
    values = table.values[np.clip(entry, 0, len(table.values) - 1)]
    codes = []
    for bit in range(width):
        leaves = ((values >> bit) & 1).reshape(-1, 1 << min(bits, _LUT_INPUTS))
        codes.append([int("".join(map(str, ones[::-1].tolist())), 2) for ones in leaves])
    words = [f"Table {net.p[row]}, entries {table.start} .. {table.stop - 1}:"]
    return TruthTables(module, bits, width, codes, [*words, *_lines(table.values.tolist())])


def _inputs(code: int) -> int:
    """Return how many of six inputs a truth table changes with."""
    ones = np.array([code >> k & 1 for k in range(1 << _LUT_INPUTS)]).reshape((2,) * _LUT_INPUTS)
    return sum(
        bool((ones.take(0, axis) != ones.take(1, axis)).any()) for axis in range(_LUT_INPUTS)
    )


def _lines(values: list[int]) -> Iterator[str]:
    line = ""
    for value in values:
        if len(line) + len(str(value)) + 1 > _WIDE - 2:
            yield line.lstrip()
            line = ""
        line += f" {value}"
    yield line.lstrip()
