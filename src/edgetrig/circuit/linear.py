"""Exact intervals of sums: each row as a linear form of the values that no sum can look behind.

Interval arithmetic alone loses that ``8 * x - x`` is ``7 * x``. Here every ADD, SUB, ADD3, NEG,
SHL, REG and multiplication by a constant keeps its exact coefficients (affine arithmetic without
error terms), so the interval of any sum of independent values is the tightest there is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgetrig.circuit.builder import flat_tables
from edgetrig.circuit.circuit import Circuit
from edgetrig.circuit.intervals import (
    LARGEST,
    IntArray,
    compact_pair,
    propagate,
    propagate_narrow,
)
from edgetrig.circuit.ops import Op
from edgetrig.errors import CircuitError
from edgetrig.jit import jit

_ADD, _SUB, _NEG, _MUL = int(Op.ADD), int(Op.SUB), int(Op.NEG), int(Op.MUL)
_SHL, _CONST, _REG, _INPUT = int(Op.SHL), int(Op.CONST), int(Op.REG), int(Op.INPUT)
_ADD3 = int(Op.ADD3)

_MOST_TERMS = 512
"""Forms with more terms are cut: the row counts as a value of its own."""

_LIMIT = 2.0**61


def intervals(circuit: Circuit) -> tuple[IntArray, IntArray]:
    """Return the tightest ``lo`` and ``hi`` of every row that can be proved, from the inputs on.

    In a pipelined circuit registers must be balanced (`edgetrig.circuit.check` sees to it), so that
    all values a row combines belong to one event.

    Raises
    ------
    CircuitError
        If a value needs more than `edgetrig.circuit.intervals.LARGEST` bits.
    """
    rows = circuit.rows
    lo, hi = rows.lo.copy(), rows.hi.copy()
    tables = flat_tables(circuit.tables)
    columns = (rows.op, rows.a, rows.b, rows.c, rows.p)
    if lo.dtype != object:
        done = _refine(*columns, lo, hi, *tables, _MOST_TERMS)
        if done == len(rows):
            return lo, hi
    # A value of more than 62 bits: plain interval arithmetic in Python integers.
    lo, hi = rows.lo.astype(object), rows.hi.astype(object)
    row = propagate(*columns, lo, hi, *tables, 0, len(rows), True)
    if row < len(rows):
        raise CircuitError(f"row {row}: a value of more than {LARGEST} bits")
    return compact_pair(lo, hi)


def tighten(circuit: Circuit) -> Circuit:
    """Return the circuit with every interval as tight as can be proved."""
    lo, hi = intervals(circuit)
    return circuit.replace(rows=replace(circuit.rows, lo=lo, hi=hi))


@jit
def merge_forms(
    atoms: IntArray,
    coefficients: IntArray,
    start: int,
    x: int,
    y: int,
    ends: IntArray,
    scale_x: int,
    scale_y: int,
) -> int:
    """Write the form ``scale_x * x + scale_y * y`` at `start`; return its end."""
    i, last_i, j, last_j = ends[x, 0], ends[x, 1], ends[y, 0], ends[y, 1]
    at = start
    while i < last_i or j < last_j:
        if j >= last_j or (i < last_i and atoms[i] < atoms[j]):
            atom, value = atoms[i], coefficients[i] * scale_x
            i += 1
        elif i >= last_i or atoms[j] < atoms[i]:
            atom, value = atoms[j], coefficients[j] * scale_y
            j += 1
        else:
            atom = atoms[i]
            value = coefficients[i] * scale_x + coefficients[j] * scale_y
            i += 1
            j += 1
        if value != 0:
            atoms[at], coefficients[at] = atom, value
            at += 1
    return at


@jit
def linear_scales(
    code: int, x: int, y: int, shift: int, lo: IntArray, hi: IntArray
) -> tuple[bool, int, int, int]:
    """Return (is linear, other operand, scale of x, scale of y) of a row."""
    if code in (_ADD, _SUB):
        sign = 1 if code == _ADD else -1
        if abs(shift) > 61:
            return False, y, 0, 0
        if shift >= 0:
            return True, y, 1, sign << shift
        return True, y, 1 << -shift, sign
    if code == _NEG:
        return True, x, -1, 0
    if code == _SHL and shift <= 61:
        return True, x, 1 << shift, 0
    if code == _REG:
        return True, x, 1, 0
    if code == _MUL and lo[y] == hi[y]:
        return True, x, lo[y], 0
    if code == _MUL and lo[x] == hi[x]:
        return True, y, 0, lo[x]
    return False, y, 0, 0


@jit
def _refine(
    op: IntArray,
    a: IntArray,
    b: IntArray,
    c: IntArray,
    p: IntArray,
    lo: IntArray,
    hi: IntArray,
    table_start: IntArray,
    table_offset: IntArray,
    table_values: IntArray,
    most: int,
) -> int:
    """Fill `lo` and `hi`; return the number of rows, or the first row of more than 62 bits."""
    count = len(op)
    # The last one is for the sum of an ADD3's first two operands.
    ends = np.zeros((count + 1, 2), np.int64)
    offset = np.zeros(count, np.int64)
    atoms = np.zeros(4 * count + 2 * most, np.int32)
    coefficients = np.zeros(len(atoms), np.int64)
    used = 0
    for row in range(count):
        done = propagate_narrow(
            op, a, b, c, p, lo, hi, table_start, table_offset, table_values, row, row + 1, False
        )
        if done == row:
            return row
        if used + 2 * most + 1 > len(atoms):
            atoms = np.concatenate((atoms, np.zeros_like(atoms)))
            coefficients = np.concatenate((coefficients, np.zeros_like(coefficients)))
        start = used
        if lo[row] == hi[row]:
            ends[row, 0], ends[row, 1], offset[row] = start, start, lo[row]
            continue
        x = a[row]
        linear, y, scale_x, scale_y = linear_scales(op[row], x, b[row], p[row], lo, hi)
        z, scale_z = row, 0
        if op[row] == _ADD3:
            linear, y, z = True, b[row], c[row]
            scale_x, scale_y, scale_z = 1, -1 if p[row] == 2 else 1, -1 if p[row] > 0 else 1
        terms = ends[x, 1] - ends[x, 0] + (ends[y, 1] - ends[y, 0] if scale_y != 0 else 0)
        terms += ends[z, 1] - ends[z, 0]
        if linear and terms <= most:
            reach = abs(float(offset[x]) * scale_x) + abs(float(offset[y]) * scale_y)
            reach += abs(float(offset[z]) * scale_z)
            empty_y = y if scale_y != 0 else row
            end = merge_forms(atoms, coefficients, start, x, empty_y, ends, scale_x, scale_y)
            if scale_z != 0:
                ends[count, 0], ends[count, 1] = start, end
                start = end
                end = merge_forms(atoms, coefficients, start, count, z, ends, 1, scale_z)
            for k in range(start, end):
                atom = atoms[k]
                size = max(abs(float(lo[atom])), abs(float(hi[atom])))
                reach += abs(float(coefficients[k])) * size
            if reach < _LIMIT:
                low = high = offset[x] * scale_x + offset[y] * scale_y + offset[z] * scale_z
                offset[row] = low
                for k in range(start, end):
                    atom, value = atoms[k], coefficients[k]
                    low += value * (lo[atom] if value > 0 else hi[atom])
                    high += value * (hi[atom] if value > 0 else lo[atom])
                lo[row], hi[row] = max(lo[row], low), min(hi[row], high)
                ends[row, 0], ends[row, 1] = start, end
                used = end
                continue
        atoms[used], coefficients[used] = row, 1
        ends[row, 0], ends[row, 1] = used, used + 1
        used += 1
    return count
