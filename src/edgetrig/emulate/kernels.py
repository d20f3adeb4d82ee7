"""The inner loops: a switch over vector instructions, the quantiser, loads and stores.

The interpreter is compiled once by Numba and runs every program. The body of each instruction is
written as LLVM IR on explicit 64-byte vectors, so that no loop depends on what the vectoriser makes
of it; LLVM splits the vectors on machines with narrower registers.

Everything a compiled function depends on stands in this file: Numba's cache on disk is renewed when
it changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from edgetrig.jit import jit

Ints = NDArray[np.int64]

LANES = 4
"""Lane ``k`` holds integers of ``8 << k`` bits."""

VECTOR = 64
"""Bytes handled at once."""

_Values = tuple[Any, ...]


def _splat(builder: ir.IRBuilder, scalar: Any, vector: ir.VectorType) -> Any:
    """Return a vector with `scalar` (i32) in every lane."""
    width = vector.element.width
    if width > 32:
        scalar = builder.sext(scalar, vector.element)
    elif width < 32:
        scalar = builder.trunc(scalar, vector.element)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), lanes)


def _low(builder: ir.IRBuilder, v: _Values) -> Any:
    ones = ir.Constant(v[0].type, [-1] * v[0].type.count)
    return builder.and_(v[0], builder.not_(builder.shl(ones, v[3])))


def _choose(relation: str, first: int, second: int) -> Callable[[ir.IRBuilder, _Values], Any]:
    def body(builder: ir.IRBuilder, v: _Values) -> Any:
        return builder.select(builder.icmp_signed(relation, v[0], v[1]), v[first], v[second])

    return body


def _compare(relation: str) -> Callable[[ir.IRBuilder, _Values], Any]:
    def body(builder: ir.IRBuilder, v: _Values) -> Any:
        return builder.zext(builder.icmp_signed(relation, v[0], v[1]), v[0].type)

    return body


def _select(builder: ir.IRBuilder, v: _Values) -> Any:
    zero = ir.Constant(v[0].type, None)
    return builder.select(builder.icmp_signed("!=", v[0], zero), v[1], v[2])


# Name, number of operands, body. A body gets the operands a, b, c and the splat of p as vectors
# ``v[0]`` to ``v[3]``. All lanes wrap around, as two's complement does.
_VECTOR_OPS: tuple[tuple[str, int, Callable[[ir.IRBuilder, _Values], Any]], ...] = (
    ("add", 2, lambda builder, v: builder.add(v[0], v[1])),
    ("sub", 2, lambda builder, v: builder.sub(v[0], v[1])),
    ("add_shifted", 2, lambda builder, v: builder.add(v[0], builder.shl(v[1], v[3]))),
    ("sub_shifted", 2, lambda builder, v: builder.sub(v[0], builder.shl(v[1], v[3]))),
    ("shifted_sub", 2, lambda builder, v: builder.sub(builder.shl(v[0], v[3]), v[1])),
    ("neg", 1, lambda builder, v: builder.neg(v[0])),
    ("mul", 2, lambda builder, v: builder.mul(v[0], v[1])),
    ("shl", 1, lambda builder, v: builder.shl(v[0], v[3])),
    ("shr", 1, lambda builder, v: builder.ashr(v[0], v[3])),
    ("low", 1, _low),
    ("lows", 1, lambda builder, v: builder.ashr(builder.shl(v[0], v[3]), v[3])),
    ("lt", 2, _compare("<")),
    ("eq", 2, _compare("==")),
    ("select", 3, _select),
    ("and", 2, lambda builder, v: builder.and_(v[0], v[1])),
    ("or", 2, lambda builder, v: builder.or_(v[0], v[1])),
    ("xor", 2, lambda builder, v: builder.xor(v[0], v[1])),
    ("min", 2, _choose("<", 0, 1)),
    ("max", 2, _choose("<", 1, 0)),
)

INSTRUCTIONS = [name for name, _, _ in _VECTOR_OPS] + ["table", "convert"]
"""Instruction ``i`` on lane ``k`` has the code ``4 * i + k``.

``convert`` is followed by the lane it reads: from lane ``j``, it is instruction ``convert + j``. As
parameter, ``lows`` takes ``lane bits - p`` and ``table`` the position of index 0 among the entries
of its lane; shifts, ``low`` and ``lows`` take less than the lane's bits.
"""


class _Interpreter:
    """Writes the switch over all instructions into a function that Numba compiles."""

    def __init__(self, builder: ir.IRBuilder, row: Any, arena: Any, tables: Any, block: Any):
        self.builder, self.row, self.arena, self.tables = builder, row, arena, tables
        self.block = block

    def field(self, number: int) -> Any:
        return self.builder.load(self.builder.gep(self.row, [ir.IntType(64)(number)]))

    def pointer(self, number: int, kind: ir.Type, base: Any = None) -> Any:
        offset = self.builder.zext(self.field(number), ir.IntType(64))
        return self.builder.bitcast(self.builder.gep(self.arena, [offset]), kind.as_pointer())

    def load(self, pointer: Any, index: Any, align: int) -> Any:
        return self.builder.load(self.builder.gep(pointer, [index]), align=align)

    def store(self, value: Any, pointer: Any, index: Any, align: int) -> None:
        self.builder.store(value, self.builder.gep(pointer, [index]), align=align)

    def loop(self, per_step: int) -> Any:
        steps = self.builder.udiv(self.block, ir.IntType(64)(per_step))
        return cgutils.for_range(self.builder, steps)

    def vector_op(self, lane: int, operands: int, body: Any) -> None:
        kind = ir.VectorType(ir.IntType(8 << lane), VECTOR >> lane)
        p = _splat(self.builder, self.field(5), kind)
        target = self.pointer(1, kind)
        sources = [self.pointer(2 + number, kind) for number in range(operands)]
        with self.loop(VECTOR >> lane) as loop:
            values = [self.load(source, loop.index, VECTOR) for source in sources]
            values += [None] * (3 - operands)
            self.store(body(self.builder, (*values, p)), target, loop.index, VECTOR)

    def convert(self, to_lane: int, from_lane: int) -> None:
        count = VECTOR >> max(to_lane, from_lane)
        wide, narrow = (ir.VectorType(ir.IntType(8 << k), count) for k in (to_lane, from_lane))
        target, source = self.pointer(1, wide), self.pointer(2, narrow)
        change = self.builder.sext if to_lane > from_lane else self.builder.trunc
        with self.loop(count) as loop:
            value = self.load(source, loop.index, count << from_lane)
            self.store(change(value, wide), target, loop.index, count << to_lane)

    def table(self, lane: int) -> None:
        kind = ir.IntType(8 << lane)
        entries = self.builder.bitcast(self.tables, kind.as_pointer())
        target, source = self.pointer(1, kind), self.pointer(2, kind)
        origin = self.builder.sext(self.field(5), ir.IntType(64))
        with self.loop(1) as loop:
            index = self.load(source, loop.index, 1 << lane)
            if lane < LANES - 1:
                index = self.builder.sext(index, ir.IntType(64))
            entry = self.load(entries, self.builder.add(index, origin), 1 << lane)
            self.store(entry, target, loop.index, 1 << lane)

    def write(self) -> None:
        after = self.builder.append_basic_block("after")
        switch = self.builder.switch(self.field(0), after)
        convert = len(_VECTOR_OPS) + 1
        cases: list[tuple[int, Any]] = []
        for lane in range(LANES):
            for number, (_, operands, body) in enumerate(_VECTOR_OPS):
                cases.append((4 * number + lane, (self.vector_op, lane, operands, body)))
            cases.append((4 * len(_VECTOR_OPS) + lane, (self.table, lane)))
            for source in range(LANES):
                if source != lane:
                    cases.append((4 * (convert + source) + lane, (self.convert, lane, source)))
        for code, (write, *arguments) in cases:
            case = self.builder.append_basic_block(f"case{code}")
            switch.add_case(ir.IntType(32)(code), case)
            self.builder.position_at_end(case)
            write(*arguments)
            self.builder.branch(after)
        self.builder.position_at_end(after)


@intrinsic  # type: ignore[untyped-decorator]
def _execute(typing_context: Any, program: Any, arena: Any, tables: Any, block: Any) -> Any:
    """Run all instructions of a program on one block."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args[:3], arguments[:3], strict=True)
        ]
        count = builder.extract_value(arrays[0].shape, 0)
        with cgutils.for_range(builder, count) as loop:
            first = builder.mul(loop.index, ir.IntType(64)(6))
            row = builder.gep(arrays[0].data, [first])
            _Interpreter(builder, row, arrays[1].data, arrays[2].data, arguments[3]).write()
        return context.get_dummy_value()

    return types.void(program, arena, tables, types.int64), codegen


@jit
def run(
    program: NDArray[np.int32],
    arena: NDArray[np.int8],
    tables: NDArray[np.int8],
    loads: Ints,
    stores: Ints,
    block: int,
    codes: Ints,
    out: Ints,
) -> None:
    """Run a program over events: ``codes`` (n, inputs) in, ``out`` (n, outputs) filled.

    ``loads`` has a line (element, lane, offset) for each input that is read, ``stores`` a line
    (lane, offset) for each output; offsets count elements of the lane. ``arena`` starts on a
    multiple of `VECTOR` bytes.
    """
    lane0, lane1 = arena, arena.view(np.int16)
    lane2, lane3 = arena.view(np.int32), arena.view(np.int64)
    for first in range(0, len(codes), block):
        count = min(block, len(codes) - first)
        for k in range(len(loads)):
            element, lane, at = loads[k]
            if lane == 0:
                _load(codes, first, count, element, lane0[at : at + block])
            elif lane == 1:
                _load(codes, first, count, element, lane1[at : at + block])
            elif lane == 2:
                _load(codes, first, count, element, lane2[at : at + block])
            else:
                _load(codes, first, count, element, lane3[at : at + block])
        _execute(program, arena, tables, block)
        for k in range(len(stores)):
            lane, at = stores[k]
            if lane == 0:
                _store(lane0[at : at + block], out, first, count, k)
            elif lane == 1:
                _store(lane1[at : at + block], out, first, count, k)
            elif lane == 2:
                _store(lane2[at : at + block], out, first, count, k)
            else:
                _store(lane3[at : at + block], out, first, count, k)


@jit
def _load(codes: Ints, first: int, count: int, element: int, row: Any) -> None:
    for event in range(count):
        row[event] = codes[first + event, element]
    # The rest of a ragged block repeats an event, so that tables are read inside their entries.
    for event in range(count, len(row)):
        row[event] = row[count - 1]


@jit
def _store(row: Any, out: Ints, first: int, count: int, element: int) -> None:
    for event in range(count):
        out[first + event, element] = row[event]


@jit
def first_outside(codes: Ints, lo: Ints, hi: Ints) -> Any:
    """Return the flat index of the first code outside its interval, or -1."""
    events, elements = codes.shape
    for event in range(events):
        bad = 0
        for k in range(elements):
            bad += (codes[event, k] < lo[k]) | (codes[event, k] > hi[k])
        if bad > 0:
            for k in range(elements):
                if codes[event, k] < lo[k] or codes[event, k] > hi[k]:
                    return event * elements + k
    return -1


TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV = range(7)
WRAP, SAT, SAT_SYM, SAT_ZERO, WRAP_SM = range(5)

_HUGE = 2.0**62


@jit
def quantize(
    values: NDArray[np.float64],
    fraction: Ints,
    lo: Ints,
    hi: Ints,
    rounding: int,
    overflow: int,
    codes: Ints,
    column: int,
) -> Any:
    """Quantise ``values`` (n, elements) into ``codes[:, column:]``.

    ``rounding`` and ``overflow`` are positions in `edgetrig.circuit.ROUNDINGS` and `OVERFLOWS`.
    Returns the flat index of the first value that is not finite, or -1.
    """
    events, elements = values.shape
    scale = np.empty(elements)
    for k in range(elements):
        scale[k] = math.ldexp(1.0, fraction[k])
    saturate = overflow in (SAT, SAT_SYM)
    scaled = np.empty(elements)
    for event in range(events):
        bad = 0
        for k in range(elements):
            bad += not abs(values[event, k]) <= 1.7976931348623157e308
            scaled[k] = values[event, k] * scale[k]
        if bad > 0:
            for k in range(elements):
                if not math.isfinite(values[event, k]):
                    return event * elements + k
        _round(scaled, rounding)
        if saturate:
            for k in range(elements):
                code = np.int64(min(max(scaled[k], -_HUGE), _HUGE))
                codes[event, column + k] = min(max(code, lo[k]), hi[k])
        else:
            for k in range(elements):
                code = scaled[k]
                codes[event, column + k] = _wrap(
                    values[event, k], fraction[k], code, lo[k], hi[k], overflow
                )
    return -1


@jit
def _round(scaled: NDArray[np.float64], mode: int) -> None:
    """Round in place; the same steps as `edgetrig.circuit.floats`."""
    for k in range(len(scaled)):
        value = scaled[k]
        floor = np.floor(value)
        rest = value - floor
        tie = rest == 0.5
        up = rest > 0.5
        if mode == TRN:
            up = False
        elif mode == TRN_ZERO:
            up = (rest > 0) & (value < 0)
        elif mode == RND:
            up = up | tie
        elif mode == RND_ZERO:
            up = up | (tie & (value < 0))
        elif mode == RND_INF:
            up = up | (tie & (value > 0))
        elif mode == RND_CONV:
            up = up | (tie & (floor != 2 * np.floor(floor / 2)))
        scaled[k] = floor + up


@jit
def _wrap(value: float, fraction: int, code: float, lo: int, hi: int, overflow: int) -> Any:
    """Bring one rounded code into ``[lo, hi]`` in the modes that do not clip."""
    if overflow == SAT_ZERO:
        if not abs(code) < _HUGE:
            return np.int64(0)
        whole = np.int64(code)
        return whole if lo <= whole <= hi else np.int64(0)
    doublings = 0
    if math.isinf(code):
        code, doublings = value, fraction
    while abs(code) >= _HUGE:
        code *= 0.5
        doublings += 1
    # Numbers beyond 2**53 are whole: halving is exact, and remainders are taken on integers.
    period = hi - lo + 1
    rest = np.int64(code) % period
    for _ in range(doublings):
        rest = 2 * rest % period
    result = lo + (rest - lo) % period
    if overflow == WRAP_SM and lo < 0:
        # Where the lowest dropped bit and the highest kept one differ, invert what is kept.
        bits = np.int64(code) << min(doublings, 63)
        if (bits // -lo) & 1 != (bits // (-2 * lo)) & 1:
            result = -1 - result
    return result
