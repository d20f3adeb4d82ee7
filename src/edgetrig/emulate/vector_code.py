"""Straight-line vector code in LLVM's intermediate language: instructions to text.

Functions without calls and branches, each a bounded number of instructions, so that the compiler
takes linear time. Values are registers inside a function; those that another function reads pass
through the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Table
from edgetrig.emulate.dots import PACK
from edgetrig.emulate.kernels import INSTRUCTIONS
from edgetrig.emulate.layout import Layout
from edgetrig.emulate.lowering import Lowered
from edgetrig.emulate.packs import BYTES, WORDS
from edgetrig.emulate.tables import lookup

Ints = NDArray[np.int64]

_NUMBER = {name: number for number, name in enumerate(INSTRUCTIONS)}
_SIMPLE = {_NUMBER[name]: name for name in ("mul", "and", "or", "xor")}
_EXTREME = {_NUMBER["min"]: "smin", _NUMBER["max"]: "smax"}
_DOTS = {16: "ssse3.pmadd.ub.sw.128", 32: "avx2.pmadd.ub.sw", 64: "avx512.pmaddubs.w.512"}
_COMPARE = {_NUMBER["lt"]: "slt", _NUMBER["eq"]: "eq"}


@dataclass(frozen=True)
class Place:
    """A slot of the frame: where it begins, in bytes, and the lane of what it holds."""

    offset: int
    lane: int


class FunctionWriter:
    """Writes one function over vectors of `group` events.

    Parameters
    ----------
    lowered, tables
        The program.
    layout
        Of the frame.
    slots
        Where to load values that are inputs or that another function has made.
    permutes
        Whether the processor has the permutations of AVX-512 BW (`Machine.permutes_words`).
    """

    def __init__(
        self,
        lowered: Lowered,
        tables: tuple[Table, ...],
        layout: Layout,
        slots: Mapping[int, Place],
        *,
        permutes: bool,
    ) -> None:
        self._code, self._terms = lowered.code.tolist(), lowered.terms.tolist()
        self._lane, self._constant = lowered.lane.tolist(), lowered.constant.tolist()
        self._number = lowered.number.tolist()
        self._tables, self._layout, self._slots = tables, layout, slots
        self._permutes = permutes
        self._packs = {row[1] for row in self._code if row[0] >> 2 == PACK}
        self._weights: list[int] = []
        self._name = ""
        self._lines: list[str] = []
        self._names: dict[int, str] = {}
        self._shifted: dict[tuple[int, int], str] = {}
        self._count = 0
        self.type = [f"<{layout.group} x i{8 << lane}>" for lane in range(4)]
        self._write: dict[int, Callable[[list[int], int, str], str]] = {
            _NUMBER["shr"]: self._shr,
            _NUMBER["low"]: self._low,
            _NUMBER["lows"]: self._lows,
            _NUMBER["select"]: self._select,
            _NUMBER["pick"]: self._pick,
            _NUMBER["sum"]: self._sum,
            _NUMBER["table"]: self._table,
            PACK: self._pack,
            BYTES.instruction: self._pack_bytes,
            WORDS.instruction: self._pack_words,
        }

    def function(
        self, name: str, first: int, last: int, stores: Mapping[int, Sequence[Place]]
    ) -> Iterator[str]:
        """Yield the lines of a function for instructions `first` to `last`.

        Parameters
        ----------
        name
            Of the function.
        first, last
            Numbers of the first instruction and of the one after the last.
        stores
            Where to store values.
        """
        self._lines, self._names, self._shifted, self._count = [], {}, {}, 0
        self._name, self._weights = name, []
        for row in self._code[first:last]:
            self._instruction(row)
            # Stored at once: what is kept for later would take registers.
            for place in stores.get(row[1], ()):
                self._store(row[1], place)
        made = {row[1] for row in self._code[first:last]}
        for value, places in stores.items():
            for place in places if value not in made else ():
                self._store(value, place)
        group, groups = self._layout.group, self._layout.groups
        if self._weights:
            entries = ", ".join(f"i32 {weight}" for weight in self._weights)
            # No constant: LLVM would write each one out as a whole vector.
            size = len(self._weights)
            yield f"@weights_{name} = private global [{size} x i32] [{entries}], align 64"
        yield f"define void @{name}(ptr noalias align 64 %frame) #0 {{"
        yield "entry:\n br label %loop\nloop:"
        yield " %g = phi i64 [0, %entry], [%g1, %loop]"
        for lane in range(4):
            yield f" %o{lane} = mul i64 %g, {group << lane}"
            yield f" %b{lane} = getelementptr i8, ptr %frame, i64 %o{lane}"
        yield from self._lines
        yield " %g1 = add i64 %g, 1"
        yield f" %more = icmp ult i64 %g1, {groups}"
        yield " br i1 %more, label %loop, label %end\nend:\n ret void\n}"

    def _new(self, text: str) -> str:
        """Append the instruction that makes a vector; return its name."""
        self._count += 1
        name = f"%t{self._count}"
        self._lines.append(f" {name} = {text}")
        return name

    def _memory(self, place: Place) -> str:
        """Return a slot's address and alignment, for this turn of the loop."""
        address = self._new(f"getelementptr i8, ptr %b{place.lane}, i64 {place.offset}")
        return f"ptr {address}, align {min(64, self._layout.group << place.lane)}"

    def _read(self, value: int) -> str:
        """Return a value's name, loaded if another function made it."""
        name = self._names.get(value)
        if name is None:
            lane = self._lane[value]
            if self._constant[value]:
                name = splat(self._number[value], lane)
            else:
                place = self._slots[value]
                name = self._new(f"load {self.type[place.lane]}, {self._memory(place)}")
                name = self._changed(name, place.lane, lane)
            self._names[value] = name
        return name

    def _store(self, value: int, place: Place) -> None:
        name = self._changed(self._read(value), self._lane[value], place.lane)
        self._lines.append(f" store {self.type[place.lane]} {name}, {self._memory(place)}")

    def _changed(self, name: str, source: int, lane: int) -> str:
        """Return a value in another lane."""
        if lane == source:
            return name
        change = "sext" if lane > source else "trunc"
        return self._new(f"{change} {self.type[source]} {name} to {self.type[lane]}")

    def _instruction(self, row: list[int]) -> None:
        kind, lane = row[0] >> 2, row[0] & 3
        kind_of = self.type[lane]
        if kind in _SIMPLE:
            text = f"{_SIMPLE[kind]} {kind_of} {self._read(row[2])}, {self._read(row[3])}"
            name = self._new(text)
        elif kind in _EXTREME:
            a, b = self._read(row[2]), self._read(row[3])
            name = self._new(extreme(_EXTREME[kind], kind_of, a, b))
        elif kind in _COMPARE:
            text = f"icmp {_COMPARE[kind]} {kind_of} {self._read(row[2])}, {self._read(row[3])}"
            name = self._new(f"zext {self._bits} {self._new(text)} to {kind_of}")
        elif _NUMBER["convert"] <= kind < PACK:
            name = self._changed(self._read(row[2]), kind - _NUMBER["convert"], lane)
        else:
            name = self._write[kind](row, lane, kind_of)
        self._names[row[1]] = name

    @property
    def _bits(self) -> str:
        return f"<{self._layout.group} x i1>"

    def _shr(self, row: list[int], lane: int, kind: str) -> str:
        return self._new(f"ashr {kind} {self._read(row[2])}, {splat(row[6], lane)}")

    def _low(self, row: list[int], lane: int, kind: str) -> str:
        mask = (1 << ((8 << lane) - row[6])) - 1
        return self._new(f"and {kind} {self._read(row[2])}, {splat(mask, lane)}")

    def _lows(self, row: list[int], lane: int, kind: str) -> str:
        if row[6] == 0:
            return self._read(row[2])
        shift = splat(row[6], lane)
        return self._new(
            f"ashr {kind} {self._new(f'shl {kind} {self._read(row[2])}, {shift}')}, {shift}"
        )

    def _select(self, row: list[int], lane: int, kind: str) -> str:
        test = self._new(f"icmp ne {kind} {self._read(row[2])}, zeroinitializer")
        return self._choose(test, row[3], row[4], kind)

    def _pick(self, row: list[int], lane: int, kind: str) -> str:
        test = self._new(f"icmp slt {kind} {self._read(row[2])}, {self._read(row[3])}")
        return self._choose(test, row[4], row[5], kind)

    def _choose(self, test: str, yes: int, no: int, kind: str) -> str:
        a, b = self._read(yes), self._read(no)
        return self._new(f"select {self._bits} {test}, {kind} {a}, {kind} {b}")

    def _sum(self, row: list[int], lane: int, kind: str) -> str:
        first, bits = row[7], 8 << lane
        (_, constant), *terms = self._terms[first : first + row[6]]
        total = ""
        parts = [
            (False, self._dot(value, factor))
            if value in self._packs
            else self._multiple(value, factor, lane)
            for value, factor in terms
        ]
        # Begin with a part that is added, so that nothing needs to be negated.
        for negative, name in sorted(parts, key=lambda part: part[0]):
            if total:
                total = self._new(f"{'sub' if negative else 'add'} {kind} {total}, {name}")
            elif negative:
                total, constant = self._new(f"sub {kind} {splat(constant, lane)}, {name}"), 0
            else:
                total = name
        if not total:
            return splat(constant, lane)
        if constant % (1 << bits):
            total = self._new(f"add {kind} {total}, {splat(constant, lane)}")
        return total

    def _multiple(self, value: int, factor: int, lane: int) -> tuple[bool, str]:
        """Return whether a multiple is to be subtracted, and its name."""
        bits = 8 << lane
        factor = (factor + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
        name, kind, size = self._read(value), self.type[lane], abs(factor)
        if size & (size - 1):
            return False, self._new(f"mul {kind} {name}, {splat(factor, lane)}")
        if size > 1:
            key = (value, size)
            if key not in self._shifted:
                shift = splat(size.bit_length() - 1, lane)
                self._shifted[key] = self._new(f"shl {kind} {name}, {shift}")
            name = self._shifted[key]
        return (factor < 0, name) if size else (False, "zeroinitializer")

    def _pack(self, row: list[int], lane: int, kind: str) -> str:
        bytes_ = []
        for value, offset in zip(row[2:4], (row[6] & 255, row[6] >> 8), strict=True):
            name = self._read(value)
            if offset:
                name = self._new(f"add {kind} {name}, {splat(offset, lane)}")
            bytes_.append(name)
        upper = self._new(f"shl {kind} {bytes_[1]}, {splat(8, lane)}")
        return self._new(f"or {kind} {bytes_[0]}, {upper}")

    def _pack_bytes(self, row: list[int], lane: int, kind: str) -> str:
        words, pairs = self.type[1], []
        for first in (0, 2):
            parts = []
            for k in (first, first + 1):
                if row[2 + k] >= 0:
                    name = self._word(row[2 + k])
                    if row[6] >> k & 1:
                        name = self._new(f"add {words} {name}, {splat(128, 1)}")
                    parts.append(name)
            if len(parts) > 1:
                upper = self._new(f"shl {words} {parts[1]}, {splat(8, 1)}")
                parts = [self._new(f"or {words} {parts[0]}, {upper}")]
            pairs += parts or ["zeroinitializer"]
        return self._joined(*pairs)

    def _pack_words(self, row: list[int], lane: int, kind: str) -> str:
        upper = self._word(row[3]) if row[3] >= 0 else "zeroinitializer"
        return self._joined(self._word(row[2]), upper)

    def _word(self, value: int) -> str:
        return self._changed(self._read(value), self._lane[value], 1)

    def _joined(self, lower: str, upper: str) -> str:
        """Return lanes of 32 bits from their halves."""
        group, words = self._layout.group, self.type[1]
        lanes = ", ".join(f"i32 {k}, i32 {group + k}" for k in range(group))
        name = self._new(
            f"shufflevector {words} {lower}, {words} {upper}, <{2 * group} x i32> <{lanes}>"
        )
        return self._new(f"bitcast <{2 * group} x i16> {name} to {self.type[2]}")

    def _dot(self, value: int, factors: int) -> str:
        """Return the sums of a packed pair's products (see `edgetrig.emulate.dots`)."""
        size = 2 * self._layout.group
        vector, kind = f"<{size} x i8>", self.type[1]
        pairs = self._new(f"bitcast {kind} {self._read(value)} to {vector}")
        index = len(self._weights)
        self._weights.append(factors | factors << 16)
        address = self._new(f"getelementptr i32, ptr @weights_{self._name}, i64 {index}")
        weight = self._new(f"load i32, ptr {address}")
        words = f"<{size // 4} x i32>"
        one = self._new(f"insertelement {words} poison, i32 {weight}, i32 0")
        every = self._new(f"shufflevector {words} {one}, {words} poison, {words} zeroinitializer")
        weights = self._new(f"bitcast {words} {every} to {vector}")
        name = _DOTS[size]
        return self._new(f"call {kind} @llvm.x86.{name}({vector} {pairs}, {vector} {weights})")

    def _table(self, row: list[int], lane: int, kind: str) -> str:
        table = self._tables[row[6]]
        name, group = self._read(row[2]), self._layout.group
        return lookup(self._new, name, table, row[6], lane, group, self._permutes)


def splat(value: int, lane: int) -> str:
    """Return a constant vector of a lane."""
    bits = 8 << lane
    return f"splat (i{bits} {(value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))})"


def extreme(name: str, kind: str, a: str, b: str) -> str:
    """Return a call of ``llvm.smin`` or the like; `kind` is a vector type ``<n x t>``."""
    suffix = kind.strip("<>").replace(" x ", "").replace("float", "f32").replace("double", "f64")
    return f"call {kind} @llvm.{name}.v{suffix}({kind} {a}, {kind} {b})"
