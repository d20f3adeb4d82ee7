"""A circuit as the proof of rewrites sees it: its rows with intervals, values and forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Op, Output
from edgetrig.verify.proof.linear import Form
from edgetrig.verify.proof.ranges import Ranges
from edgetrig.verify.reference import evaluate

PAIRED = (Op.SELECT, Op.SHR, Op.LOW, Op.LOWS, Op.TABLE, Op.AND, Op.OR, Op.XOR, Op.MUL)
"""Operations worth pairing: sums follow from them, comparisons rarely have a counterpart."""


@dataclass
class Side:
    """A circuit, its proved intervals, its rows' values on all vectors, and their forms."""

    circuit: Circuit
    ranges: Ranges
    values: list[tuple[int, ...]]
    forms: dict[int, Form] = field(default_factory=dict)

    def by_values(self) -> dict[tuple[int, ...], list[int]]:
        """Return the rows that others may be paired with, by their values."""
        found: dict[tuple[int, ...], list[int]] = {}
        for row in self.forms:
            if self.circuit.rows.op[row] not in (Op.INPUT, Op.CONST, Op.LT, Op.EQ):
                found.setdefault(self.values[row], []).append(row)
        return found


def operands(circuit: Circuit, row: int) -> list[int]:
    """Return the rows that a row reads."""
    rows = circuit.rows
    return [int(k) for k in (rows.a[row], rows.b[row], rows.c[row])][: OPERANDS[rows.op[row]]]


def row_values(circuit: Circuit, codes: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the values of every row on all vectors."""
    every = np.arange(len(circuit))
    probe = Output("probe", every, np.zeros(len(circuit), np.int64))
    plain = circuit.replace(outputs=(probe,), origins=("",) * len(circuit.origins))
    return list(zip(*evaluate(str(plain), codes), strict=True))


def input_ends(circuit: Circuit) -> list[tuple[int, int]]:
    """Return the interval of each input element, by its number."""
    return [
        (int(lo), int(hi))
        for port in circuit.inputs
        for lo, hi in zip(port.lo.ravel(), port.hi.ravel(), strict=True)
    ]
