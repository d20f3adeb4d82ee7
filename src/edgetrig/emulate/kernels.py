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
"""Bytes of a vector."""

TILE = 4
"""Vectors handled together: few enough for their sums to stay in registers."""

STEP = VECTOR * TILE
"""A block is a multiple of this many events."""

_Values = tuple[Any, ...]


def _splat(builder: ir.IRBuilder, scalar: Any, vector: ir.VectorType) -> Any:
    """Return a vector with `scalar` in every lane."""
    if scalar.type.width < vector.element.width:
        scalar = builder.sext(scalar, vector.element)
    elif scalar.type.width > vector.element.width:
        scalar = builder.trunc(scalar, vector.element)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), lanes)


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


def _pick(builder: ir.IRBuilder, v: _Values) -> Any:
    return builder.select(builder.icmp_signed("<", v[0], v[1]), v[2], v[3])


# Name, number of operands, body. A body gets the operands as vectors ``v[0]`` to ``v[3]`` and the
# parameter, the same in all lanes, as ``v[4]``. All lanes wrap around, as two's complement does.
_VECTOR_OPS: tuple[tuple[str, int, Callable[[ir.IRBuilder, _Values], Any]], ...] = (
    ("mul", 2, lambda builder, v: builder.mul(v[0], v[1])),
    ("shr", 1, lambda builder, v: builder.ashr(v[0], v[4])),
    ("low", 1, lambda builder, v: builder.lshr(builder.shl(v[0], v[4]), v[4])),
    ("lows", 1, lambda builder, v: builder.ashr(builder.shl(v[0], v[4]), v[4])),
    ("lt", 2, _compare("<")),
    ("eq", 2, _compare("==")),
    ("select", 3, _select),
    ("pick", 4, _pick),
    ("and", 2, lambda builder, v: builder.and_(v[0], v[1])),
    ("or", 2, lambda builder, v: builder.or_(v[0], v[1])),
    ("xor", 2, lambda builder, v: builder.xor(v[0], v[1])),
    ("min", 2, _choose("<", 0, 1)),
    ("max", 2, _choose("<", 1, 0)),
)

INSTRUCTIONS = [name for name, _, _ in _VECTOR_OPS] + ["sum", "table", "convert"]
"""Instruction ``i`` on lane ``k`` has the code ``4 * i + k``.

``convert`` is followed by the lane it reads: from lane ``j``, it is instruction ``convert + j``. As
parameter, ``shr`` takes the shift, ``low`` and ``lows`` the number of upper bits to drop, all less
than the lane's bits, ``sum`` the number of its terms, and ``table`` the position of index 0 among
the entries of its lane. ``pick a, b, c, d`` is ``c`` where ``a < b``, else ``d``.
"""

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _vector(lane: int) -> ir.VectorType:
    return ir.VectorType(ir.IntType(8 << lane), VECTOR >> lane)


class _Interpreter:
    """Writes the switch over all instructions into a function that Numba compiles."""

    def __init__(
        self, builder: ir.IRBuilder, row: Any, block: Any, terms: Any, arena: Any, tables: Any
    ) -> None:
        self.builder, self.row, self.terms = builder, row, terms
        self.arena, self.tables, self.block = arena, tables, block

    def field(self, number: int) -> Any:
        return self.builder.load(self.builder.gep(self.row, [_I64(number)]))

    def pointer(self, offset: Any, kind: ir.Type) -> Any:
        if offset.type == _I32:
            offset = self.builder.zext(offset, _I64)
        return self.builder.bitcast(self.builder.gep(self.arena, [offset]), kind.as_pointer())

    def load(self, pointer: Any, index: Any, align: int) -> Any:
        return self.builder.load(self.builder.gep(pointer, [index]), align=align)

    def store(self, value: Any, pointer: Any, index: Any, align: int) -> None:
        self.builder.store(value, self.builder.gep(pointer, [index]), align=align)

    def loop(self, per_step: int) -> Any:
        return cgutils.for_range(self.builder, self.builder.udiv(self.block, _I64(per_step)))

    def vectors(self, pointer: Any) -> list[Any]:
        return [self.load(pointer, _I64(k), VECTOR) for k in range(TILE)]

    def vector_op(self, lane: int, operands: int, body: Any) -> None:
        builder, kind = self.builder, _vector(lane)
        p = _splat(builder, self.field(6), kind)
        target = self.pointer(self.field(1), kind)
        sources = [self.pointer(self.field(2 + number), kind) for number in range(operands)]
        with self.loop(STEP >> lane) as loop:
            at = [builder.mul(loop.index, _I64(TILE))]
            values = [self.vectors(builder.gep(source, at)) for source in sources]
            values += [[None] * TILE] * (4 - operands)
            for k, operand_values in enumerate(zip(*values, strict=True)):
                result = body(builder, (*operand_values, p))
                self.store(result, builder.gep(target, at), _I64(k), VECTOR)

    def sum(self, lane: int) -> None:
        builder, kind = self.builder, _vector(lane)
        first = builder.mul(builder.zext(self.field(7), _I64), _I64(2))
        terms = builder.gep(self.terms, [first])
        constant = _splat(builder, builder.load(builder.gep(terms, [_I64(1)])), kind)
        count = builder.zext(self.field(6), _I64)
        target = builder.zext(self.field(1), _I64)
        totals = [cgutils.alloca_once(builder, kind) for _ in range(TILE)]
        with self.loop(STEP >> lane) as loop:
            at = builder.mul(loop.index, _I64(STEP))
            for total in totals:
                builder.store(constant, total)
            with cgutils.for_range(builder, count, start=_I64(1)) as inner:
                term = builder.gep(terms, [builder.mul(inner.index, _I64(2))])
                source = self.pointer(builder.add(builder.load(term), at), kind)
                factor = _splat(builder, builder.load(builder.gep(term, [_I64(1)])), kind)
                for value, total in zip(self.vectors(source), totals, strict=True):
                    product = builder.mul(value, factor)
                    builder.store(builder.add(builder.load(total), product), total)
            result = self.pointer(builder.add(target, at), kind)
            for k, total in enumerate(totals):
                self.store(builder.load(total), result, _I64(k), VECTOR)

    def convert(self, to_lane: int, from_lane: int) -> None:
        count = VECTOR >> max(to_lane, from_lane)
        wide, narrow = (ir.VectorType(ir.IntType(8 << k), count) for k in (to_lane, from_lane))
        target, source = self.pointer(self.field(1), wide), self.pointer(self.field(2), narrow)
        change = self.builder.sext if to_lane > from_lane else self.builder.trunc
        with self.loop(count) as loop:
            value = self.load(source, loop.index, count << from_lane)
            self.store(change(value, wide), target, loop.index, count << to_lane)

    def table(self, lane: int) -> None:
        kind = ir.IntType(8 << lane)
        entries = self.builder.bitcast(self.tables, kind.as_pointer())
        target, source = self.pointer(self.field(1), kind), self.pointer(self.field(2), kind)
        origin = self.builder.sext(self.field(6), _I64)
        with self.loop(1) as loop:
            index = self.load(source, loop.index, 1 << lane)
            if lane < LANES - 1:
                index = self.builder.sext(index, _I64)
            entry = self.load(entries, self.builder.add(index, origin), 1 << lane)
            self.store(entry, target, loop.index, 1 << lane)

    def write(self) -> None:
        after = self.builder.append_basic_block("after")
        switch = self.builder.switch(self.field(0), after)
        numbers = {name: number for number, name in enumerate(INSTRUCTIONS)}
        cases: list[tuple[int, int, tuple[Any, ...]]] = []
        for lane in range(LANES):
            for name, operands, body in _VECTOR_OPS:
                cases.append((numbers[name], lane, (self.vector_op, lane, operands, body)))
            cases.append((numbers["sum"], lane, (self.sum, lane)))
            cases.append((numbers["table"], lane, (self.table, lane)))
            for source in set(range(LANES)) - {lane}:
                cases.append((numbers["convert"] + source, lane, (self.convert, lane, source)))
        for number, lane, (write, *arguments) in cases:
            case = self.builder.append_basic_block(f"{write.__name__}_{lane}")
            switch.add_case(_I32(4 * number + lane), case)
            self.builder.position_at_end(case)
            write(*arguments)
            self.builder.branch(after)
        self.builder.position_at_end(after)


@intrinsic  # type: ignore[untyped-decorator]
def _execute(
    typing_context: Any, program: Any, terms: Any, arena: Any, tables: Any, block: Any
) -> Any:
    """Run all instructions of a program on one block."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args[:4], arguments[:4], strict=True)
        ]
        count = builder.extract_value(arrays[0].shape, 0)
        with cgutils.for_range(builder, count) as loop:
            row = builder.gep(arrays[0].data, [builder.mul(loop.index, _I64(8))])
            data = (array.data for array in arrays[1:])
            _Interpreter(builder, row, arguments[4], *data).write()
        return context.get_dummy_value()

    return types.void(program, terms, arena, tables, types.int64), codegen


@jit
def run(
    program: NDArray[np.int32],
    terms: Ints,
    arena: NDArray[np.int8],
    tables: NDArray[np.int8],
    loads: Ints,
    stores: Ints,
    block: int,
    events: int,
    codes: Ints,
    out: Ints,
) -> None:
    """Run a program over ``events``: ``codes`` (inputs, >= events) in, ``out`` (outputs, ...) out.

    ``loads`` has a line (element, lane, offset) for each input that is read, ``stores`` a line
    (lane, offset) for each output; offsets count elements of the lane. ``arena`` starts on a
    multiple of `VECTOR` bytes.
    """
    lane0, lane1 = arena, arena.view(np.int16)
    lane2, lane3 = arena.view(np.int32), arena.view(np.int64)
    for first in range(0, events, block):
        last = min(first + block, events)
        for k in range(len(loads)):
            element, lane, at = loads[k]
            if lane == 0:
                _load(codes[element, first:last], lane0[at : at + block])
            elif lane == 1:
                _load(codes[element, first:last], lane1[at : at + block])
            elif lane == 2:
                _load(codes[element, first:last], lane2[at : at + block])
            else:
                _load(codes[element, first:last], lane3[at : at + block])
        _execute(program, terms, arena, tables, block)
        for k in range(len(stores)):
            lane, at = stores[k]
            if lane == 0:
                _store(lane0[at : at + block], out[k, first:last])
            elif lane == 1:
                _store(lane1[at : at + block], out[k, first:last])
            elif lane == 2:
                _store(lane2[at : at + block], out[k, first:last])
            else:
                _store(lane3[at : at + block], out[k, first:last])


@jit
def _load(codes: Any, slot: Any) -> None:
    for event in range(len(codes)):
        slot[event] = codes[event]
    # The rest of a ragged block repeats an event, so that tables are read inside their entries.
    for event in range(len(codes), len(slot)):
        slot[event] = codes[len(codes) - 1]


@jit
def _store(slot: Any, out: Any) -> None:
    for event in range(len(out)):
        out[event] = slot[event]


@jit
def first_outside(codes: Ints, events: int, lo: Ints, hi: Ints) -> Any:
    """Return (event, element) of the first code outside its interval, or (-1, -1)."""
    found, where = events, -1
    for k in range(len(lo)):
        line = codes[k, :found]
        bad = 0
        for event in range(len(line)):
            bad += (line[event] < lo[k]) | (line[event] > hi[k])
        if bad > 0:
            for event in range(len(line)):
                if line[event] < lo[k] or line[event] > hi[k]:
                    found, where = event, k
                    break
    return (found, where) if where >= 0 else (-1, -1)


TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV = range(7)
WRAP, SAT, SAT_SYM, SAT_ZERO, WRAP_SM = range(5)

_HUGE, _TINY = 2.0**62, 2.0**-1000


@jit
def quantize(  # noqa: PLR0912 - a loop for each mode
    values: NDArray[np.float64],
    fraction: Ints,
    lo: Ints,
    hi: Ints,
    rounding: int,
    overflow: int,
    codes: Ints,
    row: int,
) -> Any:
    """Quantise ``values`` (events, elements) into ``codes[row:, :events]``.

    ``rounding`` and ``overflow`` are positions in `edgetrig.circuit.ROUNDINGS` and `OVERFLOWS`.
    Returns (event, element) of the first value that is not finite, or (-1, -1).
    """
    events, elements = values.shape
    line = np.empty(events)
    for k in range(elements):
        scale = math.ldexp(1.0, fraction[k])
        bad = 0
        for event in range(events):
            value = values[event, k]
            bad += not abs(value) <= 1.7976931348623157e308
            line[event] = value * scale
        if bad > 0:
            return _first_not_finite(values)
        if fraction[k] < 0:
            # Where the product is too small for a float, its sign still counts.
            for event in range(events):
                if line[event] == 0 and values[event, k] != 0:
                    line[event] = math.copysign(_TINY, values[event, k])
        _round(line, rounding)
        out = codes[row + k, :events]
        if overflow in (SAT, SAT_SYM):
            for event in range(events):
                code = np.int64(min(max(line[event], -_HUGE), _HUGE))
                out[event] = min(max(code, lo[k]), hi[k])
        elif overflow == SAT_ZERO:
            for event in range(events):
                code = np.int64(min(max(line[event], -_HUGE), _HUGE))
                out[event] = code if lo[k] <= code <= hi[k] else np.int64(0)
        else:
            for event in range(events):
                out[event] = _wrap(line[event], values[event, k], fraction[k], lo[k], hi[k])
        if overflow == WRAP_SM and lo[k] < 0:
            # Where the lowest dropped bit and the highest kept one differ, invert what is kept.
            for event in range(events):
                # Beyond any float, a product is a multiple of every power of two in question.
                rest = np.fmod(line[event], -4.0 * lo[k]) if math.isfinite(line[event]) else 0.0
                bits = np.int64(rest)
                if (bits // -lo[k]) & 1 != (bits // (-2 * lo[k])) & 1:
                    out[event] = -1 - out[event]
    return -1, -1


@jit
def _first_not_finite(values: NDArray[np.float64]) -> Any:
    for event in range(values.shape[0]):
        for k in range(values.shape[1]):
            if not math.isfinite(values[event, k]):
                return event, k
    return -1, -1


@jit
def _round(line: NDArray[np.float64], mode: int) -> None:
    """Round in place. The rest behind the point is exact, measured from zero."""
    if mode == RND_CONV:
        for k in range(len(line)):
            line[k] = np.rint(line[k])
    elif mode == TRN:
        for k in range(len(line)):
            line[k] = np.floor(line[k])
    elif mode == TRN_ZERO:
        for k in range(len(line)):
            line[k] = np.trunc(line[k])
    else:
        # Ties go up where `up_tie`, down where `down_tie`, else to zero.
        up_tie, down_tie = mode in (RND, RND_INF), mode in (RND_MIN_INF, RND_INF)
        for k in range(len(line)):
            whole = np.trunc(line[k])
            rest = line[k] - whole
            up = (rest > 0.5) | ((rest == 0.5) & up_tie)
            down = (rest < -0.5) | ((rest == -0.5) & down_tie)
            line[k] = whole + up - down


@jit
def _wrap(code: float, value: float, fraction: int, lo: int, hi: int) -> Any:
    """Return the number in ``[lo, hi]`` that equals a rounded code modulo their number."""
    doublings = 0
    if math.isinf(code):
        code, doublings = value, fraction
    # Numbers beyond 2**53 are whole: halving is exact, and remainders are taken on integers.
    while abs(code) >= _HUGE:
        code *= 0.5
        doublings += 1
    period = hi - lo + 1
    rest = np.int64(code)
    for _ in range(doublings):
        rest = 2 * (rest % period) % period
    if period & (period - 1) == 0:
        return lo + ((rest - lo) & (period - 1))
    return lo + (rest - lo) % period
