"""Walks over the operand graph that every pass needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit.ops import Op
from edgetrig.jit import jit

_REG = int(Op.REG)
_SHL, _SHR, _LOW, _LOWS = int(Op.SHL), int(Op.SHR), int(Op.LOW), int(Op.LOWS)


@jit
def register_depth(
    operands: NDArray[np.int32], is_register: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return, for every row, the most registers on a way from an input to it, itself included."""
    depth = np.zeros(len(operands), np.int64)
    for row in range(len(operands)):
        for k in range(3):
            if operands[row, k] >= 0:
                depth[row] = max(depth[row], depth[operands[row, k]])
        depth[row] += is_register[row]
    return depth


@jit
def live_rows(operands: NDArray[np.int32], roots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows the given rows need, themselves included; rows may be in any order."""
    live = np.zeros(len(operands), np.bool_)
    stack = np.zeros(len(operands) + len(roots), np.int64)
    size = 0
    for root in roots:
        if not live[root]:
            live[root] = True
            stack[size] = root
            size += 1
    while size > 0:
        size -= 1
        row = stack[size]
        for k in range(3):
            operand = operands[row, k]
            if operand >= 0 and not live[operand]:
                live[operand] = True
                stack[size] = operand
                size += 1
    return live


@jit
def use_counts(operands: NDArray[np.int32], roots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each row is read, by rows and as a root."""
    count = np.zeros(len(operands), np.int64)
    for root in roots:
        count[root] += 1
    for row in range(len(operands)):
        for k in range(3):
            if operands[row, k] >= 0:
                count[operands[row, k]] += 1
    return count


@jit
def read_by_registers(
    op: NDArray[np.uint8], operands: NDArray[np.int32], roots: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which rows registers alone read, be it through wires; no root is among them.

    Operands come before what reads them. Rows that no root needs read nothing.
    """
    live = np.zeros(len(op), np.bool_)
    logic = np.zeros(len(op), np.bool_)
    for root in roots:
        live[root] = logic[root] = True
    for row in range(len(op) - 1, -1, -1):
        if not live[row]:
            continue
        wire = op[row] in (_SHL, _SHR, _LOW, _LOWS)
        for k in range(3):
            operand = operands[row, k]
            if operand >= 0:
                live[operand] = True
                logic[operand] |= logic[row] if wire else op[row] != _REG
    return live & ~logic


@jit
def operand_order(operands: NDArray[np.int32], live: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the live rows with operands before users, otherwise in their order.

    Rows must not depend on themselves; dead rows are left out.
    """
    count = len(operands)
    placed = np.zeros(count, np.bool_)
    order = np.zeros(count, np.int64)
    stack = np.zeros(3 * count + 1, np.int64)
    done = 0
    for root in range(count):
        if not live[root] or placed[root]:
            continue
        stack[0] = root
        size = 1
        while size > 0:
            row = stack[size - 1]
            if placed[row]:
                size -= 1
                continue
            waiting = size
            for k in range(2, -1, -1):
                operand = operands[row, k]
                if operand >= 0 and not placed[operand]:
                    stack[size] = operand
                    size += 1
            if size == waiting:
                placed[row] = True
                order[done] = row
                done += 1
                size -= 1
    return order[:done]
