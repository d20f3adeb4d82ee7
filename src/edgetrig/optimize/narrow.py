"""Demanded bits: upper bits that nobody looks at are not computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.jit import jit
from edgetrig.optimize.rows import Column, Edit, Ints

_ADD, _SUB, _NEG, _MUL = int(Op.ADD), int(Op.SUB), int(Op.NEG), int(Op.MUL)
_SHL, _LOW, _LOWS, _REG = int(Op.SHL), int(Op.LOW), int(Op.LOWS), int(Op.REG)
_ADD3, _SHR, _AND, _OR, _XOR, _SELECT = (
    int(Op.ADD3),
    int(Op.SHR),
    int(Op.AND),
    int(Op.OR),
    int(Op.XOR),
    int(Op.SELECT),
)

_ALL = 1 << 30


def narrow(circuit: Circuit) -> Circuit:
    """Wrap every sum, product and choice to the low bits that are demanded of it.

    A wrapping quantiser (LOW, LOWS) looks at the low bits of its operand only, and a sum's low bits
    need only the low bits of what is summed. Where that is less than the interval asks for, a LOWS
    row is put behind the operation; it costs nothing in hardware and what follows gets narrower.
    """
    rows, demanded = circuit.rows, demanded_bits(circuit)
    wasteful = (demanded < circuit.widths) & np.isin(
        rows.op, (Op.ADD, Op.SUB, Op.NEG, Op.MUL, Op.SELECT)
    )
    if not wasteful.any():
        return circuit
    which = np.flatnonzero(wasteful)
    edit = Edit(circuit)
    # The new row reads a copy: what replaces a row also replaces it as an operand.
    columns = {name: column[which] for name, column in edit.columns.items()}
    copy = edit.add(**{"op": columns.pop("op"), **columns})
    labels = {name: columns[name] for name in ("origin", "fraction")}
    empty = demanded[which] == 0
    wrapped = edit.add(
        np.where(empty, Op.CONST, Op.LOWS),
        a=np.where(empty, 0, copy),
        p=demanded[which],
        **labels,
    )
    edit.replace(which, wrapped)
    return edit.circuit()


def demanded_bits(circuit: Circuit) -> Ints:
    """Return how many low bits of each row matter to the outputs, shape (rows,).

    The number is larger than the row's width where all do.
    """
    rows = circuit.rows
    return _demanded(rows.op, rows.operands, rows.p, circuit.widths, circuit.output_rows)


@jit
def _demanded(
    op: Column, operands: NDArray[np.int32], p: Column, widths: Ints, outputs: Ints
) -> Ints:
    """Return `demanded_bits`."""
    demanded = np.zeros(len(op), np.int64)
    for row in outputs:
        demanded[row] = _ALL
    for row in range(len(op) - 1, -1, -1):
        code, here = op[row], demanded[row]
        if here >= widths[row]:
            here = _ALL
        for k in range(3):
            operand = operands[row, k]
            if operand < 0:
                continue
            need = _ALL
            if code in (_ADD, _SUB):
                shift = p[row] if k == 1 else -p[row]
                need = max(here - max(shift, 0), 0)
            elif code in (_NEG, _MUL, _REG, _ADD3, _AND, _OR, _XOR) or (code == _SELECT and k > 0):
                need = here
            elif code == _SHL:
                need = max(here - p[row], 0)
            elif code == _SHR and here < _ALL:
                need = here + p[row]
            elif code in (_LOW, _LOWS):
                need = min(here, p[row])
            if here == 0:
                need = 0
            demanded[operand] = max(demanded[operand], need)
    return demanded
