"""Random circuits over every operation, large enough to be worth a build of the simulator."""

import numpy as np

from edgetrig.circuit import Builder, Input, Op, Output, Table

WIDTHS = (0, 1, 2, 3, 5, 8, 13, 20, 31, 32, 33, 40, 61)


def random_circuit(seed, *, operations=300, levels=0, widest=150, names=("x", "z")):
    """Build a circuit; every value that reaches the last register level is an output."""
    rng = np.random.default_rng(seed)
    builder = Builder()
    inputs = [_input(rng, name) for name in names]
    rows, first = [], 0
    for port in inputs:
        rows += builder.input(first, port).ravel().tolist()
        first += port.size
    rows += builder.constant([0, 1, -1, 5, -77]).tolist()
    for level in range(levels + 1):
        for _ in range(operations // (levels + 1)):
            rows.append(_append(rng, builder, rows, widest))
        if level < levels:
            kept = rng.permutation(rows)[: max(20, len(rows) // 2)]
            rows = builder.append(Op.REG, kept).tolist()
    used = np.array(rows)
    half = len(used) // 2
    return builder.finish(
        inputs,
        [
            Output("y", used[:half], np.zeros(half, np.int64)),
            Output("q", used[half:].reshape(-1, 1), np.ones((len(used) - half, 1), np.int64)),
        ],
    )


def _input(rng, name):
    size = int(rng.integers(4, 12))
    lo, hi = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for k in range(size):
        bits = int(rng.choice(WIDTHS))
        a, b = (int(v) for v in rng.integers(-(2**bits), 2**bits, 2))
        kind = rng.integers(3)
        lo[k], hi[k] = [(min(a, b), max(a, b)), (0, 2**bits - 1), (-(2**bits), 2**bits - 1)][kind]
    return Input(name, lo, hi, rng.integers(-2, 4, size))


def _append(rng, builder, rows, widest):
    a, b = (int(r) for r in rng.choice(rows, 2))
    code = Op(int(rng.integers(Op.ADD, Op.TABLE + 1)))
    bits = max(_width(builder, a), _width(builder, b))
    if bits > widest // 2 and code in (Op.MUL, Op.ADD, Op.SUB, Op.SHL):
        code = Op.LOWS if rng.integers(2) else Op.LOW
    p, c = 0, 0
    if code in (Op.ADD, Op.SUB):
        p = int(rng.choice([0, 0, 1, 2, 5, 20, -1, -3, -9]))
    elif code in (Op.SHL, Op.SHR, Op.LOW, Op.LOWS):
        p = int(rng.integers(1, 1 + max(2, min(30, _width(builder, a) + 2))))
    elif code == Op.SELECT:
        a, b, c = int(builder.append(Op.LT, a, b)), a, b
        if rng.integers(2):
            b, c = (int(r) for r in rng.choice(rows, 2))
    elif code == Op.TABLE:
        if _width(builder, a) > 9:
            a = int(builder.append(Op.LOWS if rng.integers(2) else Op.LOW, a, p=rng.integers(1, 9)))
        lo, hi = (int(v) for v in builder.interval(np.array(a)))
        values = rng.integers(
            *sorted([int(rng.integers(-70, 1)), 2 ** int(rng.integers(1, 9))]), hi - lo + 3
        )
        p = builder.table(Table(lo - 1, values))
    return int(builder.append(code, a, b if _reads(code) > 1 else 0, c, p))


def _reads(code):
    return 3 if code == Op.SELECT else 2 if code >= Op.ADD and code not in _UNARY else 1


_UNARY = (Op.NEG, Op.SHL, Op.SHR, Op.LOW, Op.LOWS, Op.TABLE, Op.REG)


def _width(builder, row):
    lo, hi = (int(v) for v in builder.interval(np.array(row)))
    return max(abs(lo), abs(hi)).bit_length() + 1


def random_codes(circuit, events, seed):
    """Codes over the input intervals: uniform, with a third of them at the ends or around 0."""
    rng = np.random.default_rng(seed)
    columns = []
    for port in circuit.inputs:
        for lo, hi in zip(port.lo.ravel().tolist(), port.hi.ravel().tolist(), strict=True):
            values = rng.integers(lo, hi, events, endpoint=True)
            corners = [v for v in (lo, hi, 0, 1, -1) if lo <= v <= hi]
            values = np.where(
                rng.integers(3, size=events) == 0, rng.choice(corners, events), values
            )
            columns.append(values)
    return np.stack(columns, axis=1)
