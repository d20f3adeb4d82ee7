"""The interpreter's inner loop: a switch over vector instructions, between loads and stores.

The interpreter is compiled once by Numba and runs every program. The body of each instruction is
written as LLVM IR on explicit 64-byte vectors, so that no loop depends on what the vectoriser makes
of it; LLVM splits the vectors on machines with narrower registers.
"""

from __future__ import annotations

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
