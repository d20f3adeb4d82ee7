"""The exact engine for any width: Python integers in object arrays, some 1000 times slower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import OPERANDS, Circuit, Input, Op

Column = NDArray[np.object_]


def _add(a: Any, b: Any, p: int) -> Any:
    return a + b * 2**p if p >= 0 else a * 2**-p + b


def _lows(a: Any, p: int) -> Any:
    half = 2 ** (p - 1)
    return (a + half) % 2**p - half


_EVALUATE: dict[Op, Callable[[Sequence[Any], int], Any]] = {
    Op.ADD: lambda v, p: _add(v[0], v[1], p),
    Op.SUB: lambda v, p: _add(v[0], -v[1], p),
    Op.ADD3: lambda v, p: v[0] + (v[1] if p < 2 else -v[1]) + (v[2] if p < 1 else -v[2]),
    Op.NEG: lambda v, p: -v[0],
    Op.MUL: lambda v, p: v[0] * v[1],
    Op.SHL: lambda v, p: v[0] * 2**p,
    Op.SHR: lambda v, p: v[0] // 2**p,
    Op.LOW: lambda v, p: v[0] % 2**p,
    Op.LOWS: lambda v, p: _lows(v[0], p),
    Op.LT: lambda v, p: (v[0] < v[1]).astype(np.int64).astype(object),
    Op.EQ: lambda v, p: (v[0] == v[1]).astype(np.int64).astype(object),
    Op.SELECT: lambda v, p: np.where(v[0] == 1, v[1], v[2]),
    Op.AND: lambda v, p: v[0] & v[1],
    Op.OR: lambda v, p: v[0] | v[1],
    Op.XOR: lambda v, p: v[0] ^ v[1],
    Op.REG: lambda v, p: v[0],
}


def evaluate(circuit: Circuit, codes: Column) -> Column:
    """Return the output codes (outputs, n) for input codes (inputs, n), both Python integers."""
    rows = circuit.rows
    # Where each row is read last: its values are dropped there.
    last = np.arange(len(rows))
    for k in range(3):
        column = rows.operands[:, k]
        read = np.flatnonzero(column >= 0)
        np.maximum.at(last, column[read], read)
    last[circuit.output_rows] = len(rows)
    values: dict[int, Any] = {}
    columns = (rows.op, rows.operands, rows.p, rows.lo)
    for row, (op, operands, p, lo) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        kind, read_rows = Op(op), operands[: OPERANDS[op]]
        operand_values = [values[k] for k in read_rows]
        if kind == Op.INPUT:
            values[row] = codes[p]
        elif kind == Op.CONST:
            values[row] = np.full(codes.shape[1], lo, object)
        elif kind == Op.TABLE:
            table = circuit.tables[p]
            index = (operand_values[0] - table.start).astype(np.int64)
            values[row] = table.values[index].astype(object)
        else:
            values[row] = _EVALUATE[kind](operand_values, p)
        for read_row in set(read_rows):
            if last[read_row] == row:
                del values[read_row]
    out = np.empty((len(circuit.output_rows), codes.shape[1]), object)
    for k, row in enumerate(circuit.output_rows.tolist()):
        out[k] = values[row]
    return out


def quantize(values: NDArray[np.float64], port: Input) -> Column:
    """Return the codes (n, elements) of finite floats (n, elements), by exact arithmetic."""
    codes = np.empty(values.shape, object)
    elements = [v.ravel().tolist() for v in (port.fraction, port.lo, port.hi)]
    for k, (fraction, lo, hi) in enumerate(zip(*elements, strict=True)):
        codes[:, k] = [
            _fitted(_rounded(value, fraction, port.rounding), lo, hi, port.overflow)
            for value in values[:, k].tolist()
        ]
    return codes


def _rounded(value: float, fraction: int, mode: str) -> int:
    numerator, denominator = value.as_integer_ratio()
    numerator, denominator = numerator << max(fraction, 0), denominator << max(-fraction, 0)
    floor, rest = divmod(numerator, denominator)
    above = 2 * rest - denominator  # > 0: nearer to floor + 1; 0: a tie
    up = {
        "TRN": False,
        "TRN_ZERO": rest > 0 and value < 0,
        "RND": above >= 0,
        "RND_MIN_INF": above > 0,
        "RND_ZERO": above > 0 or (above == 0 and value < 0),
        "RND_INF": above > 0 or (above == 0 and value > 0),
        "RND_CONV": above > 0 or (above == 0 and floor % 2 == 1),
    }[mode]
    return floor + up


def _fitted(code: int, lo: int, hi: int, mode: str) -> int:
    if mode in ("SAT", "SAT_SYM"):
        return min(max(code, lo), hi)
    if mode == "SAT_ZERO":
        return code if lo <= code <= hi else 0
    wrapped = lo + (code - lo) % (hi - lo + 1)
    if mode == "WRAP_SM" and lo < 0 and (code // -lo) % 2 != (code // (-2 * lo)) % 2:
        # Where the lowest dropped bit and the highest kept one differ, invert what is kept.
        return -1 - wrapped
    return wrapped
