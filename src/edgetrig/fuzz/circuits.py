"""Random circuits over all operations, row by row."""

from __future__ import annotations

import math
import random

import numpy as np
from hypothesis import strategies as st

from edgetrig.circuit import (
    OPERANDS,
    OVERFLOWS,
    ROUNDINGS,
    Builder,
    Circuit,
    Input,
    Op,
    Output,
    Table,
    fixed_input,
)
from edgetrig.fuzz.vectors import integers

NARROW_BITS = 62
"""Circuits of `random_circuits(wide=False)` keep every magnitude below ``2**NARROW_BITS``."""

_EDGES = (7, 8, 15, 16, 31, 32)


# ---- intervals and ports ------------------------------------------------------------------------


@st.composite
def intervals(draw: st.DrawFn, *, most_bits: int = 36) -> tuple[int, int]:
    """Draw intervals of many shapes: types, single values, corners of machine words, odd ranges."""
    shape = draw(st.sampled_from(("unsigned", "signed", "single", "small", "edge", "far")))
    bits = draw(st.integers(1, 8) | st.integers(1, most_bits))
    if shape == "unsigned":
        return 0, (1 << bits) - 1
    if shape == "signed":
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if shape == "single":
        value = draw(st.integers(-(1 << bits), 1 << bits))
        return value, value
    if shape == "small":
        low = draw(st.integers(-20, 20))
        return low, low + draw(st.integers(0, 20))
    if shape == "edge":
        power = st.sampled_from([e for e in _EDGES if e <= most_bits]).map(lambda e: 1 << e)
        near = st.builds(lambda s, e, d: s * e + d, st.sampled_from((-1, 1)), power, _NEAR)
        low, high = sorted((draw(near | st.integers(-2, 2)), draw(near)))
        return low, high
    low = draw(st.integers(-(1 << bits), 1 << bits))
    return low, low + draw(st.integers(0, 1 << draw(st.integers(0, bits))))


_NEAR = st.integers(-2, 2)
_SHAPES = st.sampled_from(((1,), (3,), (), (2, 2), (5,), (1, 3)))


@st.composite
def input_ports(draw: st.DrawFn, name: str, *, most_bits: int = 36) -> Input:
    """Draw input ports: fixed-point types with modes, or any interval for each element."""
    shape = draw(_SHAPES)
    size = math.prod(shape)
    if draw(st.booleans()):
        bits, point, signed = (
            np.array(draw(st.lists(st.integers(*ends), min_size=size, max_size=size)), np.int64)
            for ends in ((0, 12), (-3, 8), (0, 1))
        )
        return fixed_input(
            name,
            shape,
            signed=signed.reshape(shape),
            integer=(bits - point).reshape(shape),
            fraction=point.reshape(shape),
            rounding=draw(st.sampled_from(ROUNDINGS)),
            overflow=draw(st.sampled_from(OVERFLOWS)),
        )
    ends = [draw(intervals(most_bits=most_bits)) for _ in range(size)]
    low, high = (integers([end[k] for end in ends]).reshape(shape) for k in (0, 1))
    return Input(name, low, high, np.full(shape, draw(st.integers(-3, 8)), np.int64))


# ---- random circuits, row by row ----------------------------------------------------------------

_DRAWN = tuple(op for op in Op if op not in (Op.INPUT, Op.REG))


@st.composite
def random_circuits(
    draw: st.DrawFn, max_rows: int = 30, registers: bool = False, wide: bool = False
) -> Circuit:
    """Draw valid circuits over all operations, with exact intervals.

    Parameters
    ----------
    max_rows
        About how many rows follow the inputs (before registers go in).
    registers
        Cut the circuit into balanced pipeline stages with REG rows.
    wide
        Values of up to about 200 bits; otherwise all stay below ``2**62`` in magnitude.
    """
    builder = Builder(("", "layer"))
    most_bits = 90 if wide else 36
    ports = [
        draw(input_ports(f"x{k}", most_bits=most_bits)) for k in range(draw(st.integers(1, 3)))
    ]
    first = 0
    for port in ports:
        builder.input(first, port)
        first += port.size
    limit = 200 if wide else NARROW_BITS
    end = len(builder) + draw(st.integers(1, max_rows))
    while len(builder) < end:
        _append_row(draw, builder, limit)
    outputs = _output_ports(draw, builder)
    circuit = builder.finish(ports, outputs)
    if registers:
        cuts = draw(st.lists(st.booleans(), min_size=len(circuit), max_size=len(circuit)))
        return pipelined(circuit, cuts)
    return circuit


def _output_ports(draw: st.DrawFn, builder: Builder) -> list[Output]:
    row = st.integers(0, len(builder) - 1).map(lambda k: len(builder) - 1 - k)
    outputs = []
    for k in range(draw(st.integers(1, 3))):
        shape = draw(_SHAPES)
        size = math.prod(shape)
        rows = np.array(draw(st.lists(row, min_size=size, max_size=size)), np.int64)
        fraction = np.full(shape, draw(st.integers(-3, 9)), np.int64)
        outputs.append(Output(f"y{k}", rows.reshape(shape), fraction))
    return outputs


def _append_row(draw: st.DrawFn, builder: Builder, limit: int) -> None:
    """Append one drawn operation, and what it needs in front of it."""
    op = draw(st.sampled_from(_DRAWN))
    row = st.integers(0, len(builder) - 1)
    if op == Op.CONST:
        builder.constant(integers(draw(intervals(most_bits=limit // 2)))[0])
        return
    if op == Op.SELECT:
        _append_select(draw, builder)
        return
    a, b, c, p = draw(row), draw(row), 0, 0
    if op == Op.TABLE:
        a = _indexable(draw, builder, a)
        p = builder.table(_table(draw, *_ends(builder, a)))
    elif op == Op.ADD3:
        c, p = draw(row), draw(st.integers(0, 2))
    elif op in (Op.ADD, Op.SUB):
        p = draw(st.just(0) | st.integers(-8, 8) | st.integers(-limit // 3, limit // 3))
    elif op in (Op.SHL, Op.SHR, Op.LOW, Op.LOWS):
        p = draw(st.integers(1, 8) | st.integers(1, limit // 2 if op == Op.SHL else limit))
    if _bits_needed(builder, op, a, b, c, p) > limit:
        builder.append(draw(st.sampled_from((Op.LOW, Op.LOWS))), a, p=draw(st.integers(1, 20)))
        return
    b = b if OPERANDS[op] > 1 else 0
    builder.append(op, a, b, c, p=p, fraction=draw(_NEAR), origin=p % 2)


def _append_select(draw: st.DrawFn, builder: Builder) -> None:
    row = st.integers(0, len(builder) - 1)
    if draw(st.booleans()):  # the shape of a maximum or minimum, whose interval is cut
        x, y = draw(row), draw(row)
        condition = int(builder.append(Op.LT, x, y))
        branch = st.sampled_from((x, y)) | row
        builder.append(Op.SELECT, condition, draw(branch), draw(branch))
        return
    low, high = builder.interval(np.arange(len(builder)))
    truths = np.flatnonzero(np.asarray((low >= 0) & (high <= 1), bool)).tolist()
    condition = draw(st.sampled_from(truths)) if truths else int(builder.append(Op.LOW, 0, p=1))
    builder.append(Op.SELECT, condition, draw(row), draw(row))


def _indexable(draw: st.DrawFn, builder: Builder, row: int) -> int:
    """Return the row if a small table can be indexed by it, else a row of its lowest bits."""
    low, high = _ends(builder, row)
    if high - low < 256 and abs(low) < 1 << 60:
        return row
    op = draw(st.sampled_from((Op.LOW, Op.LOWS)))
    return int(builder.append(op, row, p=draw(st.integers(1, 7))))


def _table(draw: st.DrawFn, low: int, high: int) -> Table:
    chance = random.Random(draw(st.integers(0, 1 << 20)))
    bottom, top = draw(intervals(most_bits=33))
    before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    values = [chance.randint(bottom, top) for _ in range(low - before, high + after + 1)]
    return Table(low - before, np.array(values, np.int64))


def _ends(builder: Builder, row: int) -> tuple[int, int]:
    return int(builder.column("lo")[row]), int(builder.column("hi")[row])


def _bits_needed(builder: Builder, op: Op, a: int, b: int, c: int, p: int) -> int:
    """Return an upper bound of the bits of the row's magnitude."""
    bits = [max(abs(v) for v in _ends(builder, k)).bit_length() for k in (a, b, c)]
    bits_a, bits_b, _ = bits
    if op == Op.ADD3:
        return max(bits) + 2
    if op in (Op.ADD, Op.SUB):
        return max(bits_a + max(-p, 0), bits_b + max(p, 0)) + 1
    if op == Op.MUL:
        return bits_a + bits_b
    if op == Op.SHL:
        return bits_a + p
    if op in (Op.AND, Op.OR, Op.XOR):
        return max(bits_a, bits_b) + 1
    if op in (Op.LOW, Op.LOWS):
        return max(bits_a, p if _ends(builder, a)[0] < 0 else 0)
    return bits_a


def pipelined(circuit: Circuit, cuts: list[bool]) -> Circuit:
    """Return the circuit with a register in front of every marked row, balanced.

    A row's stage is the latest of its operands' stages, one more where it is marked; values wait
    in registers until they are read, outputs until all are there. Constants need no register.
    """
    rows = circuit.rows
    fixed = (rows.op == Op.CONST) | (rows.op == Op.INPUT)
    builder = Builder(circuit.origins)
    for table in circuit.tables:
        builder.table(table)
    stage: list[int] = []
    chain: list[list[int]] = []  # the row in its own stage, one register later, two later, ...

    def at(row: int, wanted: int) -> int:
        if rows.op[row] == Op.CONST:
            return chain[row][0]
        while len(chain[row]) <= wanted - stage[row]:
            chain[row].append(int(builder.append(Op.REG, chain[row][-1])))
        return chain[row][wanted - stage[row]]

    for row in range(len(rows)):
        operands = [int(k) for k in rows.operands[row] if k >= 0]
        moving = [stage[k] for k in operands if rows.op[k] != Op.CONST]
        own = max(moving, default=0) + (cuts[row] and bool(moving))
        stage.append(own)
        if fixed[row]:
            port = Input("", *(rows.lo[row : row + 1], rows.hi[row : row + 1]), np.zeros(1, int))
            new = (
                builder.constant(rows.lo[row : row + 1])
                if rows.op[row] == Op.CONST
                else builder.input(int(rows.p[row]), port)
            )
            chain.append([int(new[0])])
        else:
            a, b, c = ([at(k, own) for k in operands] + [0, 0, 0])[:3]
            chain.append([int(builder.append(rows.op[row], a, b, c, rows.p[row]))])
    last = max((stage[k] for k in circuit.output_rows.tolist()), default=0)
    outputs = [
        Output(
            port.name,
            np.array([at(k, last) for k in port.rows.ravel().tolist()], np.int64).reshape(
                port.shape
            ),
            port.fraction,
        )
        for port in circuit.outputs
    ]
    return builder.finish(circuit.inputs, outputs)
