"""A distance that is asked for both ways, ``|a - b|`` and ``|b - a|``, is computed once."""

from __future__ import annotations

import numpy as np

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.rows import Edit


def distances_once(circuit: Circuit) -> Circuit:
    """Let one row stand for all that are the distance of the same two values.

    All pairs of objects, ``np.abs(eta[:, None] - eta[None, :])``, ask for each distance twice.
    """
    rows = circuit.rows
    zero = circuit.constant & np.asarray(rows.lo == 0, np.bool_)
    # ``b - a if a - b < 0 else a - b``
    negative, there, back = rows.a, rows.c, rows.b
    found = (rows.op == Op.SELECT) & (rows.op[negative] == Op.LT) & zero[rows.b[negative]]
    found &= rows.a[negative] == there
    for difference in (there, back):
        found &= (rows.op[difference] == Op.SUB) & (rows.p[difference] == 0)
    found &= (rows.a[there] == rows.b[back]) & (rows.b[there] == rows.a[back])
    distances = np.flatnonzero(found)
    ends = np.sort(np.stack([rows.a[there], rows.b[there]], axis=1)[distances], axis=1)
    _, first, pair = np.unique(ends, axis=0, return_index=True, return_inverse=True)
    once = distances[first[pair.ravel()]]
    if np.array_equal(once, distances):
        return circuit
    edit = Edit(circuit)
    edit.replace(distances, once)
    return edit.circuit()
