"""A fast estimate of LUTs, flip-flops, carry cells and depth from the rows alone.

Each row counts bits of work of its kind (`features`); the price of a bit is a constant that
``benchmarks/calibrate_estimate.py`` fits to Yosys runs. For devices with 6-input LUTs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op
from edgetrig.circuit.graph import live_rows
from edgetrig.jit import jit
from edgetrig.optimize import sum_bits
from edgetrig.synthesis.families import family_of

LUTS_PER_BIT: Final[dict[str, float]] = {
    "sum": 1.01,
    "ternary": 1.0,
    "less": 0.55,
    "equal": 0.35,
    "select": 0.2,
    "bitwise": 0.5,
    "table": 2.81,
    "product": 1.0,
}
"""LUTs (with inverters) a bit of each kind of work takes."""

LEVELS: Final[dict[str, float]] = {
    "sum": 2.0,
    "ternary": 2.0,
    "less": 1.5,
    "equal": 1.5,
    "select": 0.7,
    "bitwise": 0.5,
    "table": 1.2,
    "product": 3.0,
}
"""Levels (LUTs or carry chains) that one operation of each kind adds to a path."""

_CLASS: Final = {
    Op.ADD: "sum",
    Op.SUB: "sum",
    Op.NEG: "sum",
    Op.ADD3: "ternary",
    Op.LT: "less",
    Op.EQ: "equal",
    Op.SELECT: "select",
    Op.AND: "bitwise",
    Op.OR: "bitwise",
    Op.XOR: "bitwise",
    Op.TABLE: "table",
    Op.MUL: "product",
}


@dataclass(frozen=True)
class Estimate:
    """An estimate, not a measurement: LUTs include inverters, depth counts LUTs and carry chains.

    Parameters
    ----------
    part
        The part asked for.
    lut, ff, carry, depth
        As in `Cost`; ``carry`` in cells of four bits.
    by_layer
        LUTs of each origin.
    """

    part: str
    lut: int
    ff: int
    carry: int
    depth: int
    by_layer: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and text."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"estimate for {self.part} (not measured): about {self.lut:,} LUT, {self.ff:,} FF, "
            f"{self.carry:,} carry cells, depth {self.depth}"
        )


def estimate(circuit: Circuit, part: str = "xcvu13p") -> Estimate:
    """Estimate a circuit's cost from its rows, in milliseconds.

    Parameters
    ----------
    circuit
        The circuit.
    part
        A part (`PARTS`). The constants are fitted to UltraScale+; other families of 4-input LUTs
        are given 1.4 times the LUTs.

    Raises
    ------
    Error
        If the part is unknown.
    """
    family = family_of(part)
    kinds = features(circuit)
    row_luts = sum(LUTS_PER_BIT[name] * bits for name, bits in kinds.items())
    row_luts = np.asarray(row_luts) * (1.0 if family.lut_inputs == 6 else 1.4)
    rows = circuit.rows
    luts = np.bincount(rows.origin, weights=row_luts, minlength=len(circuit.origins))
    live = _live(circuit)
    chains = kinds["sum"] + kinds["ternary"]
    carried = np.where(chains > 2, chains, 0)
    levels = np.zeros(len(Op))
    for op, name in _CLASS.items():
        levels[op] = LEVELS[name]
    step = np.where(row_luts > 0, levels[rows.op], 0.0)
    return Estimate(
        part=part,
        lut=round(float(luts.sum())),
        ff=int(circuit.widths[live & (rows.op == Op.REG)].sum()),
        carry=int(np.ceil(carried / 4).sum()),
        depth=round(float(_longest(rows.operands, rows.op == Op.REG, step))),
        by_layer={
            name: round(count)
            for name, count in zip(circuit.origins, luts.tolist(), strict=True)
            if count
        },
    )


def features(circuit: Circuit) -> dict[str, NDArray[np.float64]]:
    """Return, for every kind of work, how many bits of it each row is."""
    rows, width, live = circuit.rows, circuit.widths, _live(circuit)
    constant = np.asarray(rows.lo == rows.hi, np.bool_)
    a, b = (np.where(constant[k], 0, width[k]) for k in (rows.a, rows.b))
    bits = {
        "sum": _sum_bits(circuit, constant),
        "ternary": _ternary_bits(circuit),
        "less": _less_bits(circuit, a, b),
        "equal": np.maximum(a, b),
        "select": np.where(constant[rows.b] | constant[rows.c], 0.5 * width, width),
        "bitwise": np.minimum(width, np.minimum(np.where(a > 0, a, 0), np.where(b > 0, b, 0))),
        "table": _table_bits(circuit, width),
        "product": np.where(np.minimum(a, b) < 2, width, a * b),
    }
    chosen: dict[str, NDArray[np.float64]] = {}
    for name, values in bits.items():
        ops = [op for op, kind in _CLASS.items() if kind == name]
        works = live & ~constant & np.isin(rows.op, ops)
        chosen[name] = np.where(works, values, 0).astype(np.float64)
    return chosen


def _live(circuit: Circuit) -> NDArray[np.bool_]:
    live: NDArray[np.bool_] = live_rows(circuit.rows.operands, circuit.output_rows)
    return live


def _sum_bits(circuit: Circuit, constant: NDArray[np.bool_]) -> NDArray[Any]:
    """Bits of a carry chain at which both operands have something."""
    rows, width = circuit.rows, circuit.widths
    # A constant costs inverters for about half of its bits.
    fixed = constant[rows.a] | constant[rows.b]
    bits = np.where(fixed, 0.5 * width, sum_bits(circuit))
    return np.where(rows.op == Op.NEG, width, bits)


def _ternary_bits(circuit: Circuit) -> NDArray[Any]:
    """Bits at which two operands of a sum of three have something, twice if logic reads the sum.

    One LUT a bit is enough where the sum goes into registers alone (`edgetrig.rtl`).
    """
    rows = circuit.rows
    operands = np.stack([rows.a, rows.b, rows.c])
    low = np.sort(np.where(rows.op[operands] == Op.SHL, rows.p[operands], 0), axis=0)[1]
    by_logic = np.zeros(len(rows), np.bool_)
    by_logic[circuit.output_rows] = True
    read = rows.operands[rows.op != Op.REG]
    by_logic[read[read >= 0]] = True
    bits: NDArray[Any] = np.maximum(circuit.widths - low, 0) * np.where(by_logic, 2, 1)
    return bits


def _less_bits(circuit: Circuit, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Bits compared; a sign alone costs nothing, a constant about a third of two variables."""
    rows = circuit.rows
    limit = np.where(b == 0, rows.lo[rows.b], rows.hi[rows.a] + 1)
    sign = np.asarray(limit == 0, np.bool_) & ((a == 0) | (b == 0))
    one = (a == 0) | (b == 0)
    return np.where(sign, 0, np.where(one, np.maximum(a, b) / 3, np.maximum(a, b)))


def _table_bits(circuit: Circuit, width: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 6-input truth tables of each look-up: distinct blocks of 64 entries, bit by bit."""
    bits = np.zeros(len(circuit), np.float64)
    known: dict[tuple[int, int], float] = {}
    for row in np.flatnonzero(circuit.rows.op == Op.TABLE).tolist():
        key = int(circuit.rows.p[row]), int(width[row])
        if key not in known:
            known[key] = _truth_tables(circuit.tables[key[0]].values, key[1])
        bits[row] = known[key]
    return bits


def _truth_tables(values: NDArray[np.int64], width: int) -> float:
    if len(values) <= 64:
        return width * min(1.0, len(values) / 32)
    blocks = np.pad(values, (0, -len(values) % 64), mode="edge").reshape(-1, 64)
    total = 0.0
    for bit in range(width):
        leaves = np.unique((blocks >> bit) & 1, axis=0)
        moving = int((leaves.min(axis=1) != leaves.max(axis=1)).sum())
        total += moving + max(0.0, (len(leaves) - 4) / 3)
    return total


@jit
def _longest(
    operands: NDArray[np.int32], register: NDArray[np.bool_], step: NDArray[np.float64]
) -> float:
    """Return the greatest sum of steps on a path between registers."""
    level = np.zeros(len(operands), np.float64)
    for row in range(len(operands)):
        if register[row]:
            continue
        for k in range(3):
            if operands[row, k] >= 0:
                level[row] = max(level[row], level[operands[row, k]])
        level[row] += step[row]
    return level.max() if len(level) else 0.0
