"""LLVM code of matrices: loops over groups of events, rows and packed values.

A *tile* is a few sums of one group of events. Its function is written once a module for each number
of sums, lane and packing; it takes the matrix as pointers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgetrig.emulate.layout import Layout
from edgetrig.emulate.matrices import Matrix
from edgetrig.emulate.packs import BYTES
from edgetrig.emulate.vector_code import Place

_WIDE_VECTOR = 64
_MULTIPLY_BYTES = "avx512.vpdpbusd.512"
_MULTIPLY_WORDS = {16: "sse2.pmadd.wd", 32: "avx2.pmadd.wd", 64: "avx512.pmaddw.d.512"}
_LONG = 2


class MatrixWriter:
    """Writes the functions of matrices of one module.

    Parameters
    ----------
    layout
        Of the frame.
    places
        Where each value that a matrix reads or makes lies in it.
    """

    def __init__(self, layout: Layout, places: Mapping[int, Place]) -> None:
        self._layout, self._places = layout, places
        self._half = layout.group // 2
        self._vector = f"<{self._half} x i32>"
        # Sums, twice as many registers, and operands stay in 32 or 16 registers.
        self._rows = 8 if 4 * self._half == _WIDE_VECTOR else 4
        self._tiles: dict[str, list[str]] = {}

    def function(self, name: str, matrix: Matrix) -> Iterator[str]:
        """Yield a function that computes a matrix for all groups of a batch; it takes the frame."""
        count, rows = len(matrix.made), self._rows
        weights = [
            int(matrix.weights[read, made])
            for first in range(0, count, rows)
            for read in range(len(matrix.reads))
            for made in range(first, min(first + rows, count))
        ]
        yield _array(f"{name}_weights", "i32", weights)
        yield _array(f"{name}_constants", "i32", [_signed(k) for k in matrix.constants])
        for kind, values in (("reads", matrix.reads), ("made", matrix.made)):
            yield _array(f"{name}_{kind}", "i64", [self._places[v].offset for v in values])
        group, groups = self._layout.group, self._layout.groups
        yield f"define void @{name}(ptr noalias align 64 %frame) #0 {{"
        yield "entry:\n br label %loop\nloop:\n %g = phi i64 [0, %entry], [%g1, %end_tiles]"
        for lane in sorted({_LONG, matrix.lane}):
            yield f" %o{lane} = mul i64 %g, {group << lane}"
            yield f" %b{lane} = getelementptr i8, ptr %frame, i64 %o{lane}"
        yield " br label %tiles"
        whole = count - count % rows
        yield "tiles:\n %r = phi i64 [0, %loop], [%r1, %tile]"
        yield f" %inside = icmp ult i64 %r, {whole}"
        yield " br i1 %inside, label %tile, label %rest\ntile:"
        yield f" %r1 = add i64 %r, {rows}"
        yield from self._call(name, matrix, rows, "%r")
        yield " br label %tiles\nrest:"
        if whole < count:
            yield from self._call(name, matrix, count - whole, str(whole))
        yield " br label %end_tiles\nend_tiles:\n %g1 = add i64 %g, 1"
        yield f" %more = icmp ult i64 %g1, {groups}"
        yield " br i1 %more, label %loop, label %end\nend:\n ret void\n}"

    def tiles(self) -> Iterator[str]:
        """Yield the functions of all tiles that were called."""
        if any(name.startswith(f"tile_{BYTES.bits}_") for name in self._tiles):
            # LLVM's older signature: newer versions take it where it is declared.
            kind = self._vector
            yield f"declare {kind} @llvm.x86.{_MULTIPLY_BYTES}({kind}, {kind}, {kind})"
        for lines in self._tiles.values():
            yield from lines

    def _call(self, name: str, matrix: Matrix, rows: int, first: str) -> Iterator[str]:
        """Yield a call that makes `rows` sums from `first` on."""
        reads = len(matrix.reads)
        start = f"%start{rows}"
        tile = f"tile_{matrix.packing.bits}_{matrix.lane}_{rows}"
        if tile not in self._tiles:
            self._tiles[tile] = list(self._tile(tile, matrix.packing is BYTES, matrix.lane, rows))
        yield f" {start} = mul i64 {first}, {reads}"
        yield f" {start}w = getelementptr i32, ptr @{name}_weights, i64 {start}"
        yield f" {start}c = getelementptr i32, ptr @{name}_constants, i64 {first}"
        yield f" {start}m = getelementptr i64, ptr @{name}_made, i64 {first}"
        yield f" call void @{tile}(ptr %b{_LONG}, ptr %b{matrix.lane}, ptr @{name}_reads,"
        yield f"  i64 {reads}, ptr {start}w, ptr {start}c, ptr {start}m)"

    def _tile(self, name: str, of_bytes: bool, lane: int, rows: int) -> Iterator[str]:
        """Yield the function of a tile."""
        kind, half = self._vector, self._half
        sums = [(row, part) for row in range(rows) for part in range(2)]
        yield (
            f"define internal void @{name}(ptr noalias align 64 %in, ptr align 64 %out,"
            " ptr %reads, i64 %count, ptr %weights, ptr %constants, ptr %made) #0 {"
        )
        yield "entry:"
        for row in range(rows):
            yield from self._splat(f"c{row}", "%constants", row)
        yield " br label %loop\nloop:\n %k = phi i64 [0, %entry], [%k1, %loop]"
        for row, part in sums:
            yield f" %s{row}_{part} = phi {kind} [%c{row}, %entry], [%n{row}_{part}, %loop]"
        yield " %p = getelementptr i64, ptr %reads, i64 %k\n %at = load i64, ptr %p"
        yield " %x = getelementptr i8, ptr %in, i64 %at"
        for part in range(2):
            yield f" %x{part}p = getelementptr i8, ptr %x, i64 {4 * half * part}"
            yield f" %x{part} = load {kind}, ptr %x{part}p, align {4 * half}"
        yield f" %wk = mul i64 %k, {rows}\n %w = getelementptr i32, ptr %weights, i64 %wk"
        for row in range(rows):
            yield from self._splat(f"w{row}", "%w", row)
            for part in range(2):
                yield from self._product(row, part, of_bytes)
        yield " %k1 = add i64 %k, 1\n %more = icmp ult i64 %k1, %count"
        yield " br i1 %more, label %loop, label %end\nend:"
        lanes = ", ".join(f"i32 {k}" for k in range(2 * half))
        for row in range(rows):
            whole, change = f"<{2 * half} x i32>", f"<{2 * half} x i{8 << lane}>"
            yield f" %m{row}p = getelementptr i64, ptr %made, i64 {row}"
            yield f" %m{row}o = load i64, ptr %m{row}p"
            yield f" %m{row} = getelementptr i8, ptr %out, i64 %m{row}o"
            yield (
                f" %j{row} = shufflevector {kind} %n{row}_0, {kind} %n{row}_1,"
                f" <{2 * half} x i32> <{lanes}>"
            )
            result = f"%j{row}"
            if lane < _LONG:
                result = f"%t{row}"
                yield f" {result} = trunc {whole} %j{row} to {change}"
            yield f" store {change} {result}, ptr %m{row}, align {min(64, 2 * half << lane)}"
        yield " ret void\n}"

    def _product(self, row: int, part: int, of_bytes: bool) -> Iterator[str]:
        """Yield the sum of a row with a lane's products added."""
        kind, half = self._vector, self._half
        new, old = f"%n{row}_{part}", f"{kind} %s{row}_{part}"
        if of_bytes:
            name = f"@llvm.x86.{_MULTIPLY_BYTES}"
            yield f" {new} = call {kind} {name}({old}, {kind} %x{part}, {kind} %w{row})"
            return
        words, product = f"<{2 * half} x i16>", f"%p{row}_{part}"
        yield f" {product}x = bitcast {kind} %x{part} to {words}"
        yield f" {product}w = bitcast {kind} %w{row} to {words}"
        name = f"@llvm.x86.{_MULTIPLY_WORDS[4 * half]}"
        yield f" {product} = call {kind} {name}({words} {product}x, {words} {product}w)"
        yield f" {new} = add {old}, {product}"

    def _splat(self, name: str, array: str, index: int) -> Iterator[str]:
        """Yield a vector with a number of an array in all lanes."""
        kind = self._vector
        yield f" %{name}p = getelementptr i32, ptr {array}, i64 {index}"
        yield f" %{name}i = load i32, ptr %{name}p"
        yield f" %{name}o = insertelement {kind} poison, i32 %{name}i, i32 0"
        yield (
            f" %{name} = shufflevector {kind} %{name}o, {kind} poison,"
            f" <{self._half} x i32> zeroinitializer"
        )


def _array(name: str, kind: str, numbers: list[int]) -> str:
    entries = ", ".join(f"{kind} {number}" for number in numbers)
    return f"@{name} = private constant [{len(numbers)} x {kind}] [{entries}], align 64"


def _signed(number: int) -> int:
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)
