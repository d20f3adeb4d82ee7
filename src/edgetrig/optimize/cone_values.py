"""What a row is for every value of the few rows that decide it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.rows import Ints

_FUNCTIONS: Final[dict[int, Callable[..., Any]]] = {
    Op.ADD: lambda a, b, c, p: (a << max(-p, 0)) + (b << max(p, 0)),
    Op.SUB: lambda a, b, c, p: (a << max(-p, 0)) - (b << max(p, 0)),
    Op.ADD3: lambda a, b, c, p: a + (-b if p == 2 else b) + (-c if p else c),
    Op.NEG: lambda a, b, c, p: -a,
    Op.MUL: lambda a, b, c, p: a * b,
    Op.SHL: lambda a, b, c, p: a << p,
    Op.SHR: lambda a, b, c, p: a >> min(p, 62),
    Op.LOW: lambda a, b, c, p: a & ((1 << p) - 1) if p < 62 else a,
    Op.LOWS: lambda a, b, c, p: (
        a if p >= 62 else ((a + (1 << p >> 1)) & ((1 << p) - 1)) - (1 << p >> 1)
    ),
    Op.LT: lambda a, b, c, p: np.asarray(a < b, np.int64),
    Op.EQ: lambda a, b, c, p: np.asarray(a == b, np.int64),
    Op.SELECT: lambda a, b, c, p: np.where(a == 1, b, c),
    Op.AND: lambda a, b, c, p: a & b,
    Op.OR: lambda a, b, c, p: a | b,
    Op.XOR: lambda a, b, c, p: a ^ b,
}


def cone_values(circuit: Circuit, row: int, leaves: tuple[int, ...]) -> Ints:
    """Return a row's value for every pattern of the bits of its leaves, shape (2**bits,).

    The first leaf has the lowest bits of the pattern. A pattern that is no value of its leaf
    stands for the nearest that is: it never comes.

    Parameters
    ----------
    circuit
        A combinational circuit of values that fit 62 bits.
    row
        The row.
    leaves
        Earlier rows that decide it.
    """
    rows, used = circuit.rows, 0
    patterns = np.arange(1 << int(circuit.widths[list(leaves)].sum()))
    known: dict[int, Any] = {}
    for leaf in leaves:
        bits, lo, hi = int(circuit.widths[leaf]), int(rows.lo[leaf]), int(rows.hi[leaf])
        code = (patterns >> used) & ((1 << bits) - 1)
        if lo < 0:
            code = np.where(code >> (bits - 1), code - (1 << bits), code)
        known[leaf] = np.clip(code, lo, hi)
        used += bits
    stack = [row]
    while stack:
        here = stack[-1]
        read = [] if circuit.constant[here] else rows.operands[here].tolist()
        waiting = [k for k in read if k >= 0 and k not in known]
        if here in known or not waiting:
            stack.pop()
            if here not in known:
                known[here] = _value(circuit, here, known)
        else:
            stack += waiting
    return np.broadcast_to(known[row], patterns.shape).astype(np.int64)


def _value(circuit: Circuit, row: int, known: dict[int, Any]) -> Any:
    rows = circuit.rows
    if circuit.constant[row]:
        return int(rows.lo[row])
    a, b, c = (known.get(int(k)) for k in rows.operands[row])
    if rows.op[row] == Op.TABLE:
        table = circuit.tables[rows.p[row]]
        # Patterns that never come together may lead beyond the operand's interval, and the table.
        return table.values[np.clip(a - table.start, 0, len(table.values) - 1)]
    return _FUNCTIONS[int(rows.op[row])](a, b, c, int(rows.p[row]))
