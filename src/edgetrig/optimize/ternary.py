"""Ternary adders at the end of pipeline stages: ``(a + b) + c`` in one LUT a bit.

The slices of AMD's 7 series, UltraScale and UltraScale+ can add three numbers with one LUT a bit,
but only if the sum goes straight into registers (``docs/architecture.md``). So the choice comes
after pipelining: a sum that registers alone read takes in one of its operands, where that is a sum
of the same stage that nothing else reads. No two of them want the same one, so each takes what
saves most, by the family's prices: logic takes narrow sums into its own LUTs, where they cost less
than their bits. Wires between sum and register do not matter, and neither does an operand that
wraps where the sum itself is not looked at any more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Op, read_by_registers, use_counts
from edgetrig.jit import jit
from edgetrig.optimize.delays import Delays, delays_of
from edgetrig.optimize.narrow import demanded_bits
from edgetrig.optimize.pipeline import stage_delay
from edgetrig.optimize.prices import prices_of
from edgetrig.optimize.row_costs import row_luts
from edgetrig.optimize.rows import Column, Edit, Ints
from edgetrig.optimize.stages import SLACK, Floats, arrival
from edgetrig.optimize.sums import triple_cost

_ADD, _SUB, _LOW, _LOWS = int(Op.ADD), int(Op.SUB), int(Op.LOW), int(Op.LOWS)

TERNARY_FAMILIES: Final = frozenset({"7 series", "UltraScale", "UltraScale+"})
"""Families (`edgetrig.optimize.DELAYS`) that have ternary adders in front of registers."""
_CLEARLY: Final = 0.05
"""Part of two sums that one of three must save: less is within the error of the prices."""


def ternary_sums(circuit: Circuit, family: str, clock_ns: float = 0.0) -> Circuit:
    """Make one ADD3 of two sums wherever that saves LUTs and a stage has the time.

    Parameters
    ----------
    circuit
        A pipelined circuit; without registers, or with values of more than 62 bits, it stays as it
        is.
    family
        Name of the family; those not in `TERNARY_FAMILIES` keep binary sums.
    clock_ns
        What stages may take, in ns; they may always take as long as the longest does already.

    Raises
    ------
    Error
        If the family is unknown.
    """
    rows, delays = circuit.rows, delays_of(family)
    if family not in TERNARY_FAMILIES or rows.lo.dtype == object or not circuit.count(Op.REG):
        return circuit
    registered = read_by_registers(rows.op, rows.operands, circuit.output_rows)
    uses = use_counts(rows.operands, circuit.output_rows)
    luts, bit = row_luts(circuit, family), prices_of(family).luts["ternary"]
    demanded = demanded_bits(circuit)
    outer, terms = _choose(
        rows.op, rows.a, rows.b, rows.p, rows.lo, rows.hi, uses, registered, demanded, luts, bit
    )
    in_time = _in_time(circuit, delays, max(clock_ns, stage_delay(circuit, delays)), outer, terms)
    outer, terms = outer[in_time], terms[in_time]
    return _replaced(circuit, outer, terms) if len(outer) else circuit


def _in_time(
    circuit: Circuit, delays: Delays, clock_ns: float, outer: Ints, terms: Ints
) -> NDArray[np.bool_]:
    """Return which sums of three are there before the clock."""
    rows = circuit.rows
    operands = np.where((rows.op == Op.REG)[:, None], -1, rows.operands)
    before = arrival(operands, delays.of(circuit))[terms[:, :, 0]].max(axis=1, initial=0.0)
    op = rows.op.copy()
    op[outer] = Op.ADD3
    own = delays.of(circuit.replace(rows=replace(rows, op=op)))[outer]
    in_time: NDArray[np.bool_] = before + own + delays.register <= clock_ns + SLACK
    return in_time


def _replaced(circuit: Circuit, outer: Ints, terms: Ints) -> Circuit:
    """Return the circuit with ADD3 rows in place of sums."""
    edit = Edit(circuit)
    labels = {name: edit.columns[name][outer] for name in ("origin", "fraction")}
    operands = {}
    for k, name in enumerate("abc"):
        row, shift = terms[:, k, 0].copy(), terms[:, k, 1]
        moved = shift > 0
        parts = {label: column[moved] for label, column in labels.items()}
        row[moved] = edit.add(Op.SHL, a=row[moved], p=shift[moved], **parts)
        operands[name] = row
    subtracted = (terms[:, :, 2] < 0).sum(axis=1)
    edit.replace(outer, edit.add(Op.ADD3, p=subtracted, **operands, **labels))
    return edit.circuit()


@jit
def _choose(
    op: Column,
    a: Column,
    b: Column,
    p: Column,
    lo: Ints,
    hi: Ints,
    uses: Ints,
    registered: NDArray[np.bool_],
    demanded: Ints,
    luts: Floats,
    bit: float,
) -> tuple[Ints, Ints]:
    """Return the sums to replace and their terms, shape (sums, 3, 3): row, shift and sign.

    Terms that are added come first. `luts` are those of every row, `bit` those of a bit of a sum of
    three.
    """
    chosen, count = np.zeros(len(op), np.int64), 0
    terms = np.zeros((len(op), 3, 3), np.int64)
    for row in range(len(op)):
        if not registered[row] or (op[row] != _ADD and op[row] != _SUB):
            continue
        best = 0.0
        for side in range(2):
            inner = _inner(row, side, op, a, b, p, uses, demanded)
            if uses[inner] != 1 or (op[inner] != _ADD and op[inner] != _SUB):
                continue
            three = _three_terms(row, side, inner, op, a, b, p)
            two = luts[row] + luts[inner]
            saved = two - bit * min(_bits_of_three(three, lo, hi), demanded[row])
            if saved > max(best, _CLEARLY * two):
                best = saved
                for k in range(3):
                    for field in range(3):
                        terms[count, k, field] = three[k, field]
        if best > 0.0:
            chosen[count] = row
            count += 1
    return chosen[:count].copy(), terms[:count].copy()


@jit
def _inner(
    row: int,
    side: int,
    op: Column,
    a: Column,
    b: Column,
    p: Column,
    uses: Ints,
    demanded: Ints,
) -> int:
    """Return operand `side` of a sum, or what it wraps where the sum shows nothing of that."""
    inner, shift = (a[row], max(-p[row], 0)) if side == 0 else (b[row], max(p[row], 0))
    wraps = op[inner] == _LOW or op[inner] == _LOWS
    if wraps and uses[inner] == 1 and shift + p[inner] >= demanded[row]:
        return int(a[inner])
    return int(inner)


@jit
def _three_terms(
    row: int, side: int, inner: int, op: Column, a: Column, b: Column, p: Column
) -> Ints:
    """Return the terms of a sum with the sum `inner` as operand `side`; those that are added first.

    Shape (3, 3): row, shift and sign of each.
    """
    other = b[row] if side == 0 else a[row]
    shifts, signs = (max(-p[row], 0), max(p[row], 0)), (1, -1 if op[row] == _SUB else 1)
    listed = np.zeros((3, 3), np.int64)
    listed[0, 0], listed[1, 0], listed[2, 0] = a[inner], b[inner], other
    listed[0, 1] = shifts[side] + max(-p[inner], 0)
    listed[1, 1] = shifts[side] + max(p[inner], 0)
    listed[2, 1] = shifts[1 - side]
    listed[0, 2], listed[2, 2] = signs[side], signs[1 - side]
    listed[1, 2] = -signs[side] if op[inner] == _SUB else signs[side]
    ordered, place = np.zeros((3, 3), np.int64), 0
    for sign in (1, -1):
        for k in range(3):
            if listed[k, 2] == sign:
                for field in range(3):
                    ordered[place, field] = listed[k, field]
                place += 1
    return ordered


@jit
def _bits_of_three(terms: Ints, lo: Ints, hi: Ints) -> int:
    """Return the bits of a ternary adder."""
    low, high = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for k in range(3):
        row, shift, sign = terms[k]
        ends = lo[row] << shift, hi[row] << shift
        low[k], high[k] = (ends[0], ends[1]) if sign > 0 else (-ends[1], -ends[0])
    return triple_cost(low, high, terms[:, 1], terms[:, 2])
