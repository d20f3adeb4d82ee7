"""Vector code for ports: floats are quantised into the frame, results written from the frame.

Arrays have an event a line, the frame has an element a slot: small squares of events and elements
are transposed in registers. Where a value is not finite, outside its interval, or beyond what is
rounded here exactly, a load says so, and its events are done again the exact way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Input, Output
from edgetrig.emulate.layout import Layout, Region

TYPES: Final = {"float32": "float", "float64": "double", "int64": "i64"}
"""Kinds of arrays, and LLVM's types of their elements."""

_ROUNDED: Final = {
    # A function that LLVM has, and where ties count: what to add to the rounded number of halves
    # before it is halved in turn. Doubling is exact, adding a half would not be.
    "TRN": ("floor", None),
    "TRN_ZERO": ("trunc", None),
    "RND_CONV": ("roundeven", None),
    "RND": ("floor", 1),
    "RND_MIN_INF": ("ceil", 0),
}
_MOST_CODE = 1 << 28
_MOST_FLOAT32 = 1 << 22


def quantises(port: Input) -> bool:
    """Return whether compiled code quantises a port."""
    lo, hi, fraction = (v.ravel().tolist() for v in (port.lo, port.hi, port.fraction))
    codes = all(-_MOST_CODE < low <= high < _MOST_CODE for low, high in zip(lo, hi, strict=True))
    # With a negative fraction a product can be too small for a float, where its sign still counts.
    points = all((0 if port.rounding == "TRN" else -900) <= f <= 900 for f in fraction)
    periods = [high - low + 1 for low, high in zip(lo, hi, strict=True)]
    wraps = port.overflow == "WRAP" and all(p & (p - 1) == 0 for p in periods)
    fitted = port.overflow in ("SAT", "SAT_SYM") or wraps
    return codes and points and fitted and port.rounding in _ROUNDED


@dataclass(frozen=True)
class Column:
    """Where a port's elements stand in an array: from `first` on, in lines of `stride`."""

    first: int
    stride: int


class PortWriter:
    """Writes the function that loads or stores one port for a batch of events.

    Parameters
    ----------
    name
        Of the function.
    layout, region
        The frame, and the port's slots in it.
    kind
        What the array holds (`TYPES`).
    column
        Where the port's elements stand in the array.
    width
        Events and elements transposed together.
    """

    def __init__(
        self, name: str, layout: Layout, region: Region, kind: str, column: Column, width: int
    ) -> None:
        self._name, self._layout, self._region = name, layout, region
        self._column, self._width = column, width
        self._item = TYPES[kind]
        self._vector = f"<{width} x {self._item}>"
        self._bits = f"<{width} x i1>"
        self._lane = f"<{width} x i{8 << region.lane}>"
        self._lines: list[str] = []
        self._globals: list[str] = []
        self._count = 0

    def load(self, port: Input) -> Iterator[str]:
        """Yield a function that loads the port.

        It takes the array and the frame, and returns 0, or 1 if events must be done again.
        """
        columns = self._transposed(self._rows()) if self._square else self._single_columns()
        for element, column in enumerate(columns):
            if self._item == "i64":
                codes = self._checked(column, element, port)
            else:
                codes = self._quantised(column, element, port)
            address = self._slot(element)
            self._lines.append(f" store {self._lane} {codes}, ptr {address}, align {self._align}")
        test = "icmp ne" if self._item == "i64" else "fcmp uno"
        yield from self._function(
            "i64",
            [f" %bad = alloca {self._vector}", f" store {self._vector} zeroinitializer, ptr %bad"],
            [
                f" %noted = load {self._vector}, ptr %bad",
                f" %test = {test} {self._vector} %noted, zeroinitializer",
                f" %mask = bitcast {self._bits} %test to i{self._width}",
                f" %some = icmp ne i{self._width} %mask, 0",
                " %result = zext i1 %some to i64",
                " ret i64 %result",
            ],
        )

    def store(self, output: Output) -> Iterator[str]:
        """Yield a function that stores the port; it takes the array and the frame."""
        scale = np.ldexp(1.0, -output.fraction.ravel().astype(np.int32))
        columns = []
        for element in range(min(self._width, self._region.size)):
            address = self._slot(element)
            value = self._new(f"load {self._lane}, ptr {address}, align {self._align}")
            if self._item != "i64":
                value = self._widened(value, "i32", self._region.lane < 2)
                kind = f"<{self._width} x i{max(32, 8 << self._region.lane)}>"
                value = self._new(f"sitofp {kind} {value} to {self._vector}")
                if (scale != 1.0).any():
                    factor = self._parameter("scale", scale, element)
                    value = self._new(f"fmul {self._vector} {value}, {factor}")
            else:
                value = self._widened(value, "i64", self._region.lane < 3)
            columns.append(value)
        if self._square:
            for event, row in enumerate(self._transposed(columns)):
                self._lines.append(
                    f" store {self._vector} {row}, ptr {self._element(event, 0)}, align 1"
                )
        else:
            self._store_single(columns)
        yield from self._function("void", [], [" ret void"])

    # ---- parts ----------------------------------------------------------------------------------

    @property
    def _square(self) -> bool:
        return self._region.size >= self._width

    @property
    def _align(self) -> int:
        return self._width << self._region.lane

    def _new(self, text: str) -> str:
        self._count += 1
        self._lines.append(f" %t{self._count} = {text}")
        return f"%t{self._count}"

    def _function(self, result: str, start: list[str], end: list[str]) -> Iterator[str]:
        """Yield the function: the lines so far in a loop over elements in a loop over events."""
        batch, width, column = self._layout.batch, self._width, self._column
        # The last square overlaps the one before it: all are whole.
        last = max(self._region.size - width, 0)
        slots = self._layout.place(self._region, 0)
        yield from self._globals
        yield (
            f"define hidden {result} @{self._name}(ptr noalias %array,"
            " ptr noalias align 64 %frame) #0 {"
        )
        yield "entry:"
        yield from start
        yield " br label %events"
        yield "events:\n %e = phi i64 [0, %entry], [%e1, %next]"
        yield f" %line = mul i64 %e, {column.stride}"
        yield f" %event_slot = getelementptr i{8 << self._region.lane}, ptr %frame, i64 %e"
        yield " br label %elements"
        yield "elements:\n %k = phi i64 [0, %events], [%k1, %elements]"
        yield " %at = add i64 %line, %k"
        yield f" %square = getelementptr {self._item}, ptr %array, i64 %at"
        yield f" %past = mul i64 %k, {batch << self._region.lane}"
        yield f" %slots = getelementptr i8, ptr %event_slot, i64 {slots}"
        yield " %slot = getelementptr i8, ptr %slots, i64 %past"
        yield from self._lines
        yield f" %is_last = icmp uge i64 %k, {last}"
        yield f" %k_up = add i64 %k, {width}"
        yield f" %k1 = call i64 @llvm.umin.i64(i64 %k_up, i64 {last})"
        yield " br i1 %is_last, label %next, label %elements"
        yield f"next:\n %e1 = add i64 %e, {width}"
        yield f" %more = icmp ult i64 %e1, {batch}"
        yield " br i1 %more, label %events, label %end\nend:"
        yield from end
        yield "}"

    def _element(self, event: int, element: int) -> str:
        """Return the address of an element of the array, counted from the square's first."""
        index = event * self._column.stride + self._column.first + element
        return self._new(f"getelementptr {self._item}, ptr %square, i64 {index}")

    def _slot(self, element: int) -> str:
        size = element * self._layout.batch << self._region.lane
        return self._new(f"getelementptr i8, ptr %slot, i64 {size}")

    def _rows(self) -> list[str]:
        """Return the lines of a square of the array."""
        addresses = [self._element(event, 0) for event in range(self._width)]
        rows = [self._new(f"load {self._vector}, ptr {address}, align 1") for address in addresses]
        # The lines of the next events are in none of the places a processor looks ahead to.
        for event in range(self._width, 2 * self._width):
            address = self._element(event, 0)
            self._lines.append(f" call void @llvm.prefetch.p0(ptr {address}, i32 0, i32 3, i32 1)")
        for row in rows:
            self._note_not_finite(row)
        return rows

    def _single_columns(self) -> list[str]:
        """Return columns of the array that are too few for a square, item by item."""
        columns = []
        for element in range(self._region.size):
            column = "poison"
            for event in range(self._width):
                address = self._element(event, element)
                item = self._new(f"load {self._item}, ptr {address}, align 1")
                column = self._new(
                    f"insertelement {self._vector} {column}, {self._item} {item}, i32 {event}"
                )
            self._note_not_finite(column)
            columns.append(column)
        return columns

    def _store_single(self, columns: list[str]) -> None:
        for event in range(self._width):
            for element, column in enumerate(columns):
                item = self._new(f"extractelement {self._vector} {column}, i32 {event}")
                self._lines.append(
                    f" store {self._item} {item}, ptr {self._element(event, element)}, align 1"
                )

    def _transposed(self, rows: list[str]) -> list[str]:
        """Exchange blocks of 1, 2, 4, ... beside the diagonal until columns are lines."""
        width, rows = self._width, list(rows)
        size = 1
        while size < width:
            for k in range(width):
                if k & size:
                    continue
                a, b = rows[k], rows[k + size]
                upper = [i if not i & size else width + i - size for i in range(width)]
                lower = [i + size if not i & size else width + i for i in range(width)]
                rows[k], rows[k + size] = (
                    self._new(
                        f"shufflevector {self._vector} {a}, {self._vector} {b}, <{width} x i32>"
                        f" <{', '.join(f'i32 {lane}' for lane in lanes)}>"
                    )
                    for lanes in (upper, lower)
                )
            size *= 2
        return rows

    def _widened(self, value: str, item: str, narrower: bool) -> str:
        if not narrower:
            return value
        return self._new(f"sext {self._lane} {value} to <{self._width} x {item}>")

    def _parameter(self, name: str, values: NDArray[np.float64], element: int) -> str:
        """Return a vector of an element's parameter, counted from the square's first element."""
        texts = [_literal(v, self._item) for v in values.tolist()]
        if len(set(texts)) == 1:
            return f"splat ({self._item} {texts[0]})"
        array = f"@{self._name}_{name}"
        if element == 0:
            entries = ", ".join(f"{self._item} {text}" for text in texts)
            self._globals.append(
                f"{array} = private constant [{len(texts)} x {self._item}] [{entries}]"
            )
        first = self._new(f"getelementptr {self._item}, ptr {array}, i64 %k")
        address = self._new(f"getelementptr {self._item}, ptr {first}, i64 {element}")
        item = self._new(f"load {self._item}, ptr {address}")
        one = self._new(f"insertelement {self._vector} poison, {self._item} {item}, i32 0")
        return self._new(
            f"shufflevector {self._vector} {one}, {self._vector} poison,"
            f" <{self._width} x i32> zeroinitializer"
        )

    # ---- numbers --------------------------------------------------------------------------------

    def _suffix(self) -> str:
        return f"v{self._width}f{32 if self._item == 'float' else 64}"

    def _accumulate(self, text: str) -> None:
        """Write to the vector that becomes not zero, or not a number; `text` reads ``{old}``."""
        old = self._new(f"load {self._vector}, ptr %bad")
        new = self._new(text.replace("{old}", old))
        self._lines.append(f" store {self._vector} {new}, ptr %bad")

    def _note_not_finite(self, vector: str) -> None:
        if self._item != "i64":
            zero, kind = "zeroinitializer", self._vector
            name = f"@llvm.fmuladd.{self._suffix()}"
            self._accumulate(f"call {kind} {name}({kind} {vector}, {kind} {zero}, {kind} {{old}})")

    def _checked(self, column: str, element: int, port: Input) -> str:
        """Return codes in the port's lane; note those outside their interval."""
        kind = self._vector
        low = self._parameter("lo", port.lo.ravel(), element)
        high = self._parameter("hi", port.hi.ravel(), element)
        below = self._new(f"icmp slt {kind} {column}, {low}")
        above = self._new(f"icmp sgt {kind} {column}, {high}")
        outside = self._new(f"or {self._bits} {below}, {above}")
        mask = self._new(f"sext {self._bits} {outside} to {kind}")
        self._accumulate(f"or {kind} {{old}}, {mask}")
        if self._region.lane == 3:
            return column
        return self._new(f"trunc {kind} {column} to {self._lane}")

    def _quantised(self, column: str, element: int, port: Input) -> str:
        """Return the codes of floats, in the port's lane."""
        function, carry = _ROUNDED[port.rounding]
        halves = carry is not None
        kind, width = self._vector, self._width
        fraction = port.fraction.ravel().astype(np.int32)
        scale = self._parameter("scale", np.ldexp(1.0, fraction + halves), element)
        scaled = self._new(f"fmul {kind} {column}, {scale}")
        name = f"@llvm.{function}.{self._suffix()}"
        rounded = self._new(f"call {kind} {name}({kind} {scaled})")
        lo, hi = (v.ravel().astype(np.float64) for v in (port.lo, port.hi))
        if port.overflow == "WRAP":
            lo, hi = np.full(lo.shape, -4.0 * _MOST_CODE), np.full(hi.shape, 4.0 * _MOST_CODE - 64)
            least, most = (self._parameter(n, v, element) for n, v in (("lo", lo), ("hi", hi)))
            below = self._new(f"fcmp olt {kind} {rounded}, {least}")
            above = self._new(f"fcmp ogt {kind} {rounded}, {most}")
            outside = self._new(f"or {self._bits} {below}, {above}")
            not_number = f"splat ({self._item} 0x7FF8000000000000)"
            self._accumulate(f"select {self._bits} {outside}, {kind} {not_number}, {kind} {{old}}")
        else:
            factor = 2.0 if halves else 1.0
            least = self._parameter("lo", factor * lo, element)
            most = self._parameter("hi", factor * hi, element)
        # Comparisons as the processor's min and max make them: what is no number becomes `most`.
        above = self._new(f"fcmp olt {kind} {rounded}, {most}")
        capped = self._new(f"select {self._bits} {above}, {kind} {rounded}, {kind} {most}")
        below = self._new(f"fcmp ogt {kind} {capped}, {least}")
        fitted = self._new(f"select {self._bits} {below}, {kind} {capped}, {kind} {least}")
        integer = f"<{width} x i32>"
        code = self._new(f"fptosi {kind} {fitted} to {integer}")
        if carry:
            code = self._new(f"add {integer} {code}, splat (i32 {carry})")
        if halves:
            code = self._new(f"ashr {integer} {code}, splat (i32 1)")
        if port.overflow == "WRAP":
            code = self._wrapped(code, element, port)
        if self._region.lane == 2:
            return code
        change = "sext" if self._region.lane == 3 else "trunc"
        return self._new(f"{change} {integer} {code} to {self._lane}")

    def _wrapped(self, code: str, element: int, port: Input) -> str:
        """Return codes modulo the period of their interval, a power of two."""
        integer, item = f"<{self._width} x i32>", self._item
        low = port.lo.ravel().astype(np.float64)
        mask = port.hi.ravel() - low
        names = []
        for name, values in (("wrap_lo", low), ("wrap_mask", mask)):
            vector = self._parameter(name, values, element)
            names.append(self._new(f"fptosi <{self._width} x {item}> {vector} to {integer}"))
        above = self._new(f"sub {integer} {code}, {names[0]}")
        kept = self._new(f"and {integer} {above}, {names[1]}")
        return self._new(f"add {integer} {kept}, {names[0]}")


def exact_in_float32(port: Input) -> bool:
    """Return whether a port's arithmetic is exact on numbers of 32 bits."""
    fraction = port.fraction
    largest = max(np.abs(port.lo).max(initial=0), np.abs(port.hi).max(initial=0))
    return bool(largest < _MOST_FLOAT32 and ((fraction >= 0) & (fraction < 100)).all())


def _literal(value: float, item: str) -> str:
    """Return a number as LLVM reads it, exactly."""
    if item == "i64":
        return str(int(value))
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
