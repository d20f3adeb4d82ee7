"""Sums of three as sums of two: ternary adders are hardware, a processor has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Op


def binary_sums(circuit: Circuit) -> Circuit:
    """Return the circuit with every ADD3 split into two sums.

    The inner sum gets the interval of the whole: it is only correct modulo the lane of the whole,
    which is all that its one reader needs.
    """
    rows = circuit.rows
    ternary = rows.op == Op.ADD3
    if not ternary.any():
        return circuit
    # Every ADD3 appears twice, one after the other: first the inner sum, then the whole.
    copies = 1 + ternary.astype(np.int64)
    last = np.cumsum(copies) - 1
    source = np.repeat(np.arange(len(rows)), copies)
    grown = rows.take(source)
    whole = np.zeros(len(source), np.bool_)
    whole[last[ternary]] = True
    inner = np.flatnonzero(whole) - 1
    count = np.array(OPERANDS)[grown.op]
    a, b, c = (
        np.where(count > k, last[column], 0).astype(np.int32)
        for k, column in enumerate((grown.a, grown.b, grown.c))
    )
    op, p = grown.op.copy(), grown.p.copy()
    op[inner] = np.where(p[inner] == 2, Op.SUB, Op.ADD)
    op[inner + 1] = np.where(p[inner] > 0, Op.SUB, Op.ADD)
    a[inner + 1], b[inner + 1] = inner, c[inner]
    p[inner] = p[inner + 1] = 0
    c[inner] = c[inner + 1] = 0
    return circuit.replace(
        rows=replace(grown, op=op, a=a, b=b, c=c, p=p),
        outputs=tuple(replace(port, rows=last[port.rows]) for port in circuit.outputs),
    )
