"""Upper bits read from the row that has just these, not from the whole number again.

Where there is a row ``q = shr y, 3``, ``lt y, 32`` is ``lt q, 4`` and ``shr y, 5`` is ``shr q, 2``.
Hardware does not care, bits are wires; but who looks for small cones then sees that the few bits of
``q`` decide.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np

from edgetrig.circuit import Circuit, Op
from edgetrig.optimize.rows import Edit


def upper_bits_once(circuit: Circuit) -> Circuit:
    """Let shifts and comparisons with constants read the narrowest row that decides them.

    Parameters
    ----------
    circuit
        A combinational circuit; with values of more than 62 bits it stays as it is.
    """
    rows = circuit.rows
    if rows.lo.dtype == object:
        return circuit
    views: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in np.flatnonzero(rows.op == Op.SHR).tolist():
        views[int(rows.a[row])].append((int(rows.p[row]), row))
    if not views:
        return circuit
    edit = Edit(circuit)
    for seen in views.values():
        seen.sort()
        for (less, by), (more, row) in pairwise(seen):
            if more > less:
                edit.columns["a"][row], edit.columns["p"][row] = by, more - less
    for row in np.flatnonzero(rows.op == Op.LT).tolist():
        _narrow(circuit, edit, row, views)
    return edit.circuit()


def _narrow(
    circuit: Circuit, edit: Edit, row: int, views: dict[int, list[tuple[int, int]]]
) -> None:
    """Compare the upper bits alone if the lower ones of the constant do not matter."""
    rows = circuit.rows
    a, b = int(rows.a[row]), int(rows.b[row])
    below = bool(circuit.constant[b])  # a < constant; else constant < b
    value, constant = (a, b) if below else (b, a)
    if not circuit.constant[constant] or value not in views:
        return
    limit = int(rows.lo[constant]) + (not below)  # value < limit, or not
    fitting = [(shift, view) for shift, view in views[value] if limit % (1 << shift) == 0]
    if not fitting:
        return
    shift, view = fitting[-1]
    labels = {name: getattr(rows, name)[row] for name in ("origin", "fraction")}
    end = (limit >> shift) - (not below)
    bound = edit.add(Op.CONST, lo=end, hi=end, origin=labels["origin"])
    operands = (view, bound) if below else (bound, view)
    edit.replace(row, edit.add(Op.LT, a=operands[0], b=operands[1], **labels))
