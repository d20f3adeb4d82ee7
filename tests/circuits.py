"""Random circuits, random NumPy programs and random inputs for property tests.

Import as ``from circuits import random_circuits, random_codes``; every strategy draws small things
first, so that Hypothesis shrinks a failure to a circuit one can read.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgetrig.circuit import (
    OPERANDS,
    OVERFLOWS,
    ROUNDINGS,
    Array,
    Builder,
    Circuit,
    Input,
    Op,
    Output,
    Table,
    fixed_input,
    lookup,
    quantize,
    trace,
    widths,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]

NARROW_BITS = 62
"""Circuits of `random_circuits(wide=False)` keep every magnitude below ``2**NARROW_BITS``."""

_EDGES = (7, 8, 15, 16, 31, 32)


# ---- intervals and ports ------------------------------------------------------------------------


@st.composite
def intervals(draw: Draw, *, most_bits: int = 36) -> tuple[int, int]:
    """Intervals of many shapes: types, single values, corners of machine words, odd ranges."""
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
def input_ports(draw: Draw, name: str, *, most_bits: int = 36) -> Input:
    """Input ports: fixed-point types with modes, or any interval for each element."""
    shape = draw(_SHAPES)
    size = math.prod(shape)
    if draw(st.booleans()):
        bits = draw(st.lists(st.integers(0, 12), min_size=size, max_size=size))
        point = draw(st.lists(st.integers(-3, 8), min_size=size, max_size=size))
        signed = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
        point, bits, signed = (np.array(v, np.int64).reshape(shape) for v in (point, bits, signed))
        modes = {
            "rounding": draw(st.sampled_from(ROUNDINGS)),
            "overflow": draw(st.sampled_from(OVERFLOWS)),
        }
        return fixed_input(
            name, shape, signed=signed, integer=bits - point, fraction=point, **modes
        )
    ends = [draw(intervals(most_bits=most_bits)) for _ in range(size)]
    low, high = (integers([end[k] for end in ends]).reshape(shape) for k in (0, 1))
    return Input(name, low, high, np.full(shape, draw(st.integers(-3, 8)), np.int64))


def integers(values: Any) -> np.ndarray:
    """Return int64, or Python integers where 62 bits do not hold a value."""
    array = np.array(values, object)
    narrow = all(abs(v) < 1 << NARROW_BITS for v in array.ravel().tolist())
    return array.astype(np.int64) if narrow else array


def random_codes(circuit: Circuit, n: int, seed: int = 0) -> np.ndarray:
    """Return input codes of `n` events, shape (n, elements) in port order: corners come first.

    int64, or Python integers (object) for ports beyond 62 bits.
    """
    low = [int(v) for port in circuit.inputs for v in port.lo.ravel()]
    high = [int(v) for port in circuit.inputs for v in port.hi.ravel()]
    chance = random.Random(seed)
    events = [low, high, [min(max(0, a), b) for a, b in zip(low, high, strict=True)]]
    while len(events) < n:
        corners = chance.random() < 0.3
        events.append([_code(chance, a, b, corners) for a, b in zip(low, high, strict=True)])
    return integers(np.array(events[:n], object).reshape(n, len(low)))


def _code(chance: random.Random, low: int, high: int, corner: bool) -> int:
    if corner or chance.random() < 0.2:
        near = (low, high, low + 1, high - 1, 0, -1, 1)
        return min(max(chance.choice(near), low), high)
    return chance.randint(low, high)


def split_codes(circuit: Circuit, codes: np.ndarray) -> list[np.ndarray]:
    """Return the columns of `random_codes` as one array a port, shape (events, *port shape)."""
    ends = np.cumsum([port.size for port in circuit.inputs])[:-1]
    parts = np.split(codes, ends, axis=1)
    return [
        part.reshape(len(codes), *port.shape)
        for part, port in zip(parts, circuit.inputs, strict=True)
    ]


# ---- random circuits, row by row ----------------------------------------------------------------

_DRAWN = tuple(op for op in Op if op not in (Op.INPUT, Op.REG))


@st.composite
def random_circuits(
    draw: Draw, max_rows: int = 30, registers: bool = False, wide: bool = False
) -> Circuit:
    """Valid circuits over all operations, with exact intervals.

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


def _output_ports(draw: Draw, builder: Builder) -> list[Output]:
    row = st.integers(0, len(builder) - 1).map(lambda k: len(builder) - 1 - k)
    outputs = []
    for k in range(draw(st.integers(1, 3))):
        shape = draw(_SHAPES)
        size = math.prod(shape)
        rows = np.array(draw(st.lists(row, min_size=size, max_size=size)), np.int64)
        fraction = np.full(shape, draw(st.integers(-3, 9)), np.int64)
        outputs.append(Output(f"y{k}", rows.reshape(shape), fraction))
    return outputs


def _append_row(draw: Draw, builder: Builder, limit: int) -> None:
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


def _append_select(draw: Draw, builder: Builder) -> None:
    row = st.integers(0, len(builder) - 1)
    if draw(st.booleans()):  # the shape of a maximum or minimum, whose interval is cut
        x, y = draw(row), draw(row)
        condition = int(builder.append(Op.LT, x, y))
        branch = st.sampled_from((x, y)) | row
        builder.append(Op.SELECT, condition, draw(branch), draw(branch))
        return
    low, high = (builder.column(name) for name in ("lo", "hi"))
    truths = np.flatnonzero(np.asarray((low >= 0) & (high <= 1), bool)).tolist()
    condition = draw(st.sampled_from(truths)) if truths else int(builder.append(Op.LOW, 0, p=1))
    builder.append(Op.SELECT, condition, draw(row), draw(row))


def _indexable(draw: Draw, builder: Builder, row: int) -> int:
    """Return the row if a small table can be indexed by it, else a row of its lowest bits."""
    low, high = _ends(builder, row)
    if high - low < 256 and abs(low) < 1 << 60:
        return row
    op = draw(st.sampled_from((Op.LOW, Op.LOWS)))
    return int(builder.append(op, row, p=draw(st.integers(1, 7))))


def _table(draw: Draw, low: int, high: int) -> Table:
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


# ---- ap_fixed from its definition ---------------------------------------------------------------


def ap_fixed(
    value: Fraction, signed: int, integer: int, fraction: int, rounding: str, overflow: str
) -> Fraction:
    """Return what an ``ap_fixed`` variable holds after ``value`` is assigned to it."""
    bits = int(signed) + int(integer) + int(fraction)
    if bits <= 0:
        return Fraction(0)
    unit = Fraction(2) ** -int(fraction)
    code = _rounded(value / unit, rounding)
    return _in_range(code, bits, bool(signed), overflow) * unit


def _rounded(value: Fraction, mode: str) -> int:
    half = Fraction(1, 2)
    away = 1 if value > 0 else -1
    return {
        "TRN": lambda: math.floor(value),
        "TRN_ZERO": lambda: math.trunc(value),
        "RND": lambda: math.floor(value + half),
        "RND_MIN_INF": lambda: math.ceil(value - half),
        "RND_INF": lambda: away * math.floor(abs(value) + half),
        "RND_ZERO": lambda: away * math.ceil(abs(value) - half),
        "RND_CONV": lambda: round(value),
    }[mode]()


def _in_range(code: int, bits: int, signed: bool, mode: str) -> int:
    largest = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    smallest = -largest - 1 if signed else 0
    if mode == "SAT_SYM" and signed:
        smallest = -largest
    if smallest <= code <= largest:
        return code
    if mode in ("SAT", "SAT_SYM"):
        return smallest if code < smallest else largest
    if mode == "SAT_ZERO":
        return 0
    kept = [code >> k & 1 for k in range(bits)]
    if mode == "WRAP_SM" and signed and kept[-1] != code >> bits & 1:
        kept = [1 - bit for bit in kept]  # the lowest deleted bit becomes the sign
    pattern = sum(bit << k for k, bit in enumerate(kept))
    return pattern - (1 << bits) if signed and kept[-1] else pattern


# ---- random NumPy programs ----------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """A circuit and the same NumPy program, runnable on exact fractions.

    ``steps`` is for reading a failure: the names of the functions applied, in order.
    """

    circuit: Circuit
    function: Callable[..., np.ndarray]
    steps: tuple[str, ...]

    def expected(self, codes: np.ndarray) -> list[list[int]]:
        """Return the output codes of every event, computed without any circuit."""
        fraction = [int(v) for port in self.circuit.outputs for v in port.fraction.ravel()]
        ports = split_codes(self.circuit, codes)
        result = []
        for event in range(len(codes)):
            values = self.function(
                *(
                    _fractions(array[event], port.fraction)
                    for array, port in zip(ports, self.circuit.inputs, strict=True)
                )
            )
            scaled = [Fraction(v) * Fraction(2) ** f for v, f in zip(values, fraction, strict=True)]
            assert all(v.denominator == 1 for v in scaled), "finer than the output's binary point"
            result.append([int(v) for v in scaled])
        return result


def _fractions(codes: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    pairs = zip(codes.ravel().tolist(), fraction.ravel().tolist(), strict=True)
    values = [Fraction(code) / Fraction(2) ** f for code, f in pairs]
    return np.array(values, object).reshape(fraction.shape)


def exact(value: Any) -> np.ndarray:
    """Return an object array of exact numbers, or an array of truth values."""
    array = np.asarray(value)
    return array if array.dtype == bool else array.astype(object)


@st.composite
def random_programs(draw: Draw, max_steps: int = 8) -> Program:
    """Draw NumPy programs over matmul, maximum, where, sort, argmax, quantize, lookup and more."""
    ports = []
    for k in range(draw(st.integers(1, 2))):
        shape = draw(st.sampled_from(((4,), (3,), (2, 3), (2, 2))))
        signed, bits, point = draw(st.integers(0, 1)), draw(st.integers(1, 8)), draw(_NEAR)
        ports.append(
            fixed_input(f"x{k}", shape, signed=signed, integer=bits - point, fraction=point)
        )
    steps: list[tuple[str, Callable[..., Any], tuple[int, ...]]] = []

    def draw_steps(*arrays: Array) -> Array:
        values = list(arrays)
        for _ in range(draw(st.integers(1, max_steps))):
            name, function, used = _step(draw, values)
            steps.append((name, function, used))
            values.append(function(*(values[k] for k in used)))
            _keep_narrow(values, steps)
        return _result(values)

    def replay(*arrays: np.ndarray) -> np.ndarray:
        values = list(arrays)
        for _, function, used in steps:
            values.append(exact(function(*(values[k] for k in used))))
        return np.concatenate([exact(value).ravel().astype(object) for value in values[-3:]])

    circuit = trace(draw_steps, *ports)
    return Program(circuit, replay, tuple(name for name, _, _ in steps))


def _result(values: list[Array]) -> Array:
    return np.concatenate([value.ravel() for value in values[-3:]])


def _keep_narrow(values: list[Array], steps: list[Any]) -> None:
    """Quantize the last value where it has grown wide."""
    if int(widths(*values[-1].interval).max(initial=0)) > 22:
        steps.append(("narrow", lambda x: _quantize(x, 1, 6, 4, "RND", "SAT"), (len(values) - 1,)))
        values.append(_quantize(values[-1], 1, 6, 4, "RND", "SAT"))


def _quantize(x: Any, *kind: Any) -> Any:
    """Quantize a symbolic array, or exact numbers by the definition."""
    if isinstance(x, Array):
        return quantize(x, *kind)
    convert = np.frompyfunc(lambda value: ap_fixed(Fraction(value), *kind), 1, 1)
    return exact(convert(x))


def _lookup(x: Any, function: Callable[[Any], Any], *kind: Any) -> Any:
    if isinstance(x, Array):
        return lookup(x, function, *kind)
    convert = np.frompyfunc(
        lambda value: ap_fixed(Fraction(float(function(np.float64(value)))), *kind), 1, 1
    )
    return exact(convert(x))


_TABULATED = (
    ("square", lambda v: v * v),
    ("reciprocal", lambda v: 1 / (np.abs(v) + 1)),
    ("line", lambda v: 0.75 * v - 1),
    ("step", lambda v: np.where(v > 0.5, 3.0, -2.0)),
)
_CONSTANT = st.integers(-40, 40).map(lambda v: v / 8)


def _constants(draw: Draw, *shape: int) -> np.ndarray:
    size = math.prod(shape)
    weights = draw(st.lists(_CONSTANT, min_size=size, max_size=size))
    return np.array([Fraction(v) for v in weights], object).reshape(shape)


def _mixed(function: Callable[..., Any], constant: Any, left: bool = False) -> Callable[..., Any]:
    """Apply a function to a value and a constant: floats for a circuit, fractions for NumPy."""

    def apply(x: Any) -> Any:
        known = np.asarray(constant, float) if isinstance(x, Array) else np.asarray(constant)
        return function(known, x) if left else function(x, known)

    return apply


def _step(draw: Draw, values: list[Array]) -> tuple[str, Callable[..., Any], tuple[int, ...]]:
    """Return a name, a function of arrays (symbolic or exact), and the values it takes."""
    k = draw(st.integers(0, len(values) - 1).map(lambda v: len(values) - 1 - v))
    x = values[k]
    if x.boolean:
        return (*_boolean_step(draw, values, k),)
    kind = draw(st.sampled_from(("unary", "binary", "constant", "typed", "reduce", "move")))
    if kind == "unary":
        name, function = draw(st.sampled_from(_UNARY))
        return name, function, (k,)
    if kind == "binary":
        return _binary_step(draw, values, k)
    if kind == "constant":
        return (*_constant_step(draw, x), (k,))
    if kind == "typed":
        return (*_typed_step(draw, x), (k,))
    if kind == "reduce":
        name, function = draw(st.sampled_from(_REDUCING))
        axis = draw(st.sampled_from((None, *range(x.ndim))))
        return name, (lambda v: function(v, axis=axis)), (k,)
    name, function = draw(st.sampled_from(_MOVING))
    return name, function, (k,)


_UNARY: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("negative", np.negative),
    ("abs", np.abs),
    ("square", np.square),
    ("sign", np.sign),
    ("floor", np.floor),
    ("ceil", np.ceil),
    ("relu", lambda x: np.maximum(x, 0)),
    ("clip", lambda x: np.clip(x, -3, 5)),
    ("sort", lambda x: np.sort(x.reshape(-1))),
)
_BINARY = (np.add, np.subtract, np.multiply, np.maximum, np.minimum)
_COMPARING = (np.less, np.greater_equal, np.equal, np.not_equal)
_REDUCING = (
    ("sum", np.sum),
    ("max", np.max),
    ("min", np.min),
    ("argmax", np.argmax),
    ("argmin", np.argmin),
)
_MOVING: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("reverse", lambda x: x.reshape(-1)[::-1]),
    ("transpose", np.transpose),
    ("pad", lambda x: np.pad(x.reshape(-1), (1, 2))),
    ("roll", lambda x: np.roll(x, 1)),
    ("twice", lambda x: np.concatenate([x.reshape(-1), x.reshape(-1)[:1]])),
    ("outer", lambda x: x.reshape(-1)[:3, None] * x.reshape(-1)[None, :2]),
)


def _boolean_step(
    draw: Draw, values: list[Array], k: int
) -> tuple[str, Callable[..., Any], tuple[int, ...]]:
    kind = draw(st.sampled_from(("where", "not", "number", "any", "and", "or", "xor")))
    same = [n for n, v in enumerate(values) if v.shape == values[k].shape and v.boolean]
    if kind in ("and", "or", "xor"):
        function = {"and": np.logical_and, "or": np.bitwise_or, "xor": np.bitwise_xor}[kind]
        return kind, function, (k, draw(st.sampled_from(same)))
    if kind == "where":
        numbers = [n for n, value in enumerate(values) if not value.boolean]
        i, j = draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))
        return (
            "where",
            lambda c, x, y: np.where(c, x.reshape(-1)[0], y.reshape(-1)[-1]),
            (k, i, j),
        )
    if kind == "not":
        return "not", lambda c: ~c, (k,)
    if kind == "number":
        return "number", lambda c: c * 1, (k,)
    return "any", lambda c: np.any(c, axis=0) if c.ndim else c, (k,)


def _binary_step(
    draw: Draw, values: list[Array], k: int
) -> tuple[str, Callable[..., Any], tuple[int, ...]]:
    function = draw(st.sampled_from(_BINARY + _COMPARING))
    same = [n for n, v in enumerate(values) if v.shape == values[k].shape and not v.boolean]
    if draw(st.booleans()):
        return function.__name__, function, (k, draw(st.sampled_from(same)))
    numbers = [n for n, value in enumerate(values) if not value.boolean and value.size]
    other = draw(st.sampled_from(numbers))
    return function.__name__, lambda x, y: function(x, y.reshape(-1)[0]), (k, other)


def _constant_step(draw: Draw, x: Array) -> tuple[str, Callable[..., Any]]:
    kind = draw(st.sampled_from(("matmul", "left", "einsum", "elementwise")))
    if kind == "elementwise" or not x.ndim:
        function = draw(st.sampled_from(_BINARY + _COMPARING))
        constant = _constants(draw, *x.shape)
        return function.__name__, _mixed(function, constant, left=draw(st.booleans()))
    columns = draw(st.integers(1, 3))
    if kind == "left":
        return "w @ x", _mixed(np.matmul, _constants(draw, columns, x.shape[0]), left=True)
    weights = _constants(draw, x.shape[-1], columns)
    if kind == "einsum" and x.ndim == 2:
        return "einsum", _mixed(lambda v, w: np.einsum("ij,jk->ki", v, w), weights)
    return "matmul", _mixed(np.matmul, weights)


def _typed_step(draw: Draw, x: Array) -> tuple[str, Callable[..., Any]]:
    signed, bits, point = draw(st.integers(0, 1)), draw(st.integers(-1, 7)), draw(_NEAR)
    modes = draw(st.sampled_from(ROUNDINGS)), draw(st.sampled_from(OVERFLOWS))
    kind = (signed, bits - point, point, *modes)
    if draw(st.booleans()) and int(widths(*x.interval).max(initial=0)) <= 9:
        name, function = draw(st.sampled_from(_TABULATED))
        return f"lookup {name} {kind}", lambda v: _lookup(v, function, *kind)
    return f"quantize {kind}", lambda v: _quantize(v, *kind)
