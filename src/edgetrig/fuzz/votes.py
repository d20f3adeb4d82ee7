"""Random votes: comparisons with constants, and sums of what they choose, as trees become."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from edgetrig.circuit import Builder, Circuit, Input, Op, Output
from edgetrig.fuzz.circuits import intervals


@st.composite
def random_votes(draw: st.DrawFn) -> Circuit:
    """Draw circuits that compare each value with many constants and add up many narrow values."""
    builder = Builder(("", "layer"))
    ends = draw(st.lists(intervals(most_bits=14), min_size=1, max_size=4))
    low, high = (np.array([end[k] for end in ends]) for k in (0, 1))
    port = Input("x", low, high, np.zeros(len(ends), np.int64))
    values = builder.input(0, port).tolist()
    answers = [
        answer
        for value, (lo, hi) in zip(values, ends, strict=True)
        for answer in _compared(draw, builder, value, lo, hi)
    ]
    for _ in range(draw(st.integers(0, 8))):
        op, pair = draw(_GATES), draw(st.tuples(*[st.sampled_from(answers)] * 2))
        answers.append(int(builder.append(op, *pair)))
    total = _added(draw, builder, answers)
    limit = int(builder.constant(draw(st.integers(-60, 60))))
    rows = [total, int(builder.append(Op.LT, total, limit)), draw(st.sampled_from(answers))]
    return builder.finish([port], [Output("y", np.array(rows), np.zeros(3, np.int64))])


_GATES = st.sampled_from((Op.AND, Op.OR, Op.XOR))
_FEW = st.integers(-9, 9)


def _compared(draw: st.DrawFn, builder: Builder, value: int, lo: int, hi: int) -> list[int]:
    limits = draw(st.lists(st.integers(lo - 1, hi + 1), min_size=1, max_size=8))
    pairs = [(value, int(builder.constant(limit))) for limit in limits]
    return [
        int(builder.append(Op.LT, *(pair if draw(st.booleans()) else pair[::-1]))) for pair in pairs
    ]


def _added(draw: st.DrawFn, builder: Builder, answers: list[int]) -> int:
    """Append a sum of answers, and of what they choose from constants."""
    total = int(builder.constant(draw(_FEW)))
    for answer in draw(st.lists(st.sampled_from(answers), min_size=2, max_size=16)):
        term = answer
        if draw(st.booleans()):
            pair = [int(builder.constant(draw(_FEW))) for _ in range(2)]
            term = int(builder.append(Op.SELECT, answer, *pair))
        total = int(builder.append(draw(_SUMS), total, term, p=draw(st.integers(-1, 2))))
        if _magnitude(builder, total) >> 20:
            total = int(builder.append(Op.LOWS, total, p=8))
    return total


_SUMS = st.sampled_from((Op.ADD, Op.SUB))


def _magnitude(builder: Builder, row: int) -> int:
    return max(abs(int(builder.column(name)[row])) for name in ("lo", "hi"))
