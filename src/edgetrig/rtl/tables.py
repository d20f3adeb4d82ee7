"""Look-up tables as modules of truth tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.rtl.layout import wrapped
from edgetrig.rtl.net import Net
from edgetrig.rtl.verilog_text import closing, opening, part, vector

_WIDE = 100


def table_module(net: Net, row: int) -> str:
    """Name the module of a look-up: table, type of the index, bits of the result."""
    a = net.a[row]
    kind = f"{'s' if net.lo[a] < 0 else 'u'}{net.width[a]}"
    return f"{net.top}_table{net.p[row]}_{kind}_{net.width[row]}"


def table_text(net: Net, module: str, row: int) -> str:
    """Write a table as 64-entry truth tables (a LUT6 each) and a choice among them.

    Yosys makes up to a third fewer LUTs of that than of a case statement (8-bit index).
    """
    table, a = net.circuit.tables[net.p[row]], net.a[row]
    bits, width = net.width[a], net.width[row]
    bottom = -(1 << (bits - 1)) if net.lo[a] < 0 else 0
    patterns = np.arange(1 << bits)
    index = np.where(patterns < bottom + (1 << bits), patterns, patterns - (1 << bits))
    # Entries outside the table are never read: repeat its ends.
    values = table.values[np.clip(index - table.start, 0, len(table.values) - 1)]
    lines = [
        f"// Table {net.p[row]}, entries {table.start} .. {table.stop - 1}:",
        *_wrapped_numbers(table.values.tolist()),
        *opening(module, [f"input wire {vector(bits)}index", f"output wire {vector(width)}value"]),
    ]
    for bit in range(width):
        lines += _truth_table((values >> bit) & 1, bit, bits, width)
    return "\n".join([*lines, closing()])


def _wrapped_numbers(values: list[int]) -> Iterator[str]:
    line = "//"
    for value in values:
        if len(line) + len(str(value)) + 1 > _WIDE:
            yield line
            line = "//"
        line += f" {value}"
    yield line


def _truth_table(ones: NDArray[Any], bit: int, bits: int, width: int) -> Iterator[str]:
    leaf = min(bits, 6)
    leaves = ones.reshape(-1, 1 << leaf)
    yield ""
    for k, entries in enumerate(leaves):
        code = int("".join(map(str, entries[::-1].tolist())), 2)
        yield f"  localparam [{(1 << leaf) - 1}:0] B{bit}_{k} = {1 << leaf}'h{code:x};"
    target = part("value", width, bit, 1)
    low = part("index", bits, 0, leaf)
    if len(leaves) == 1:
        yield f"  assign {target} = B{bit}_0[{low}];"
        return
    yield f"  wire {vector(len(leaves))}b{bit} = {{"
    yield from wrapped([f"B{bit}_{k}[{low}]" for k in reversed(range(len(leaves)))])
    yield "  };"
    yield f"  assign {target} = b{bit}[{part('index', bits, leaf, bits - leaf)}];"
