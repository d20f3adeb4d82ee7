"""Lookup tables in vector code: permutations of registers, choices by bits, or gathers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgetrig.circuit import Table

New = Callable[[str], str]

_PERMUTED = 64
"""Entries that one instruction looks up in two registers of AVX-512."""

_MOST_PERMUTED = 1024
_MOST_CHOSEN = 16
_MOST_GATHERED = 16
"""Lanes of one gather."""


def lookup(
    new: New, value: str, table: Table, number: int, lane: int, group: int, permutes: bool
) -> str:
    """Write a lookup; return the name of the result.

    Parameters
    ----------
    new
        Appends an instruction that makes a vector and returns its name.
    value
        Name of the vector that is looked up, of `group` integers of `lane`.
    table, number
        The table and its number.
    permutes
        Whether the processor has the permutations of AVX-512 BW.
    """
    if len(table.values) <= _MOST_CHOSEN:
        return _chosen(new, value, table, lane, group)
    if permutes and lane < 2 and group >= 32 and len(table.values) <= _MOST_PERMUTED:
        return _permuted(new, value, table, lane, group)
    return _gathered(new, value, table, number, lane, group)


def table_constant(table: Table, number: int, lane: int) -> str:
    """Return the definition of the constant that gathers in a lane read."""
    bits = max(32, 8 << lane)
    entries = ", ".join(f"i{bits} {entry}" for entry in table.values.tolist())
    name = _name(number, lane)
    return f"{name} = private constant [{len(table.values)} x i{bits}] [{entries}], align 64"


def _name(number: int, lane: int) -> str:
    return f"@table_{number}_{max(lane, 2)}"


def _constant(entries: Iterator[int] | list[int], bits: int) -> str:
    half = 1 << (bits - 1)
    return ", ".join(f"i{bits} {(entry + half) % (2 * half) - half}" for entry in entries)


def _chosen(new: New, value: str, table: Table, lane: int, group: int) -> str:
    """Choose between the entries by one bit of the index after the other."""
    bits = 8 << lane
    kind = f"<{group} x i{bits}>"
    index = new(f"sub {kind} {value}, splat (i{bits} {_wrapped(table.start, bits)})")
    entries = [f"splat (i{bits} {_wrapped(v, bits)})" for v in table.values.tolist()]
    return _tree(new, entries, index, 1, kind)


def _tree(new: New, names: list[str], index: str, bit: int, kind: str) -> str:
    """Choose one of the names by the bits of the index from `bit` on."""
    group = kind[1:].split(" ", maxsplit=1)[0]
    while len(names) > 1:
        masked = new(f"and {kind} {index}, splat ({kind.split(' ')[2][:-1]} {bit})")
        test = new(f"icmp eq {kind} {masked}, zeroinitializer")
        pairs = zip(names[::2], names[1::2], strict=False)
        chosen = [
            low
            if low == high
            else new(f"select <{group} x i1> {test}, {kind} {low}, {kind} {high}")
            for low, high in pairs
        ]
        names = chosen + names[len(names) & ~1 :]
        bit *= 2
    return names[0]


def _permuted(new: New, value: str, table: Table, lane: int, group: int) -> str:
    """Look 64 entries up at a time in two registers, choose between the results by higher bits."""
    kind = f"<{group} x i16>"
    wide = value if lane == 1 else new(f"sext <{group} x i8> {value} to {kind}")
    index = new(f"sub {kind} {wide}, splat (i16 {_wrapped(table.start, 16)})")
    entries = np.concatenate([table.values, np.zeros(-len(table.values) % _PERMUTED, np.int64)])
    parts = []
    for part in range(group // 32):
        words = index
        if group > 32:
            lanes = ", ".join(f"i32 {k}" for k in range(32 * part, 32 * part + 32))
            words = new(f"shufflevector {kind} {index}, {kind} poison, <32 x i32> <{lanes}>")
        found = []
        for first in range(0, len(entries), _PERMUTED):
            low, high = (
                f"<32 x i16> <{_constant(entries[k : k + 32].tolist(), 16)}>"
                for k in (first, first + 32)
            )
            name = "@llvm.x86.avx512.vpermi2var.hi.512"
            found.append(new(f"call <32 x i16> {name}({low}, <32 x i16> {words}, {high})"))
        parts.append(_tree(new, found, words, _PERMUTED, "<32 x i16>"))
    result = parts[0]
    if group > 32:
        lanes = ", ".join(f"i32 {k}" for k in range(group))
        pair = f"<32 x i16> {parts[0]}, <32 x i16> {parts[1]}"
        result = new(f"shufflevector {pair}, <{group} x i32> <{lanes}>")
    return result if lane == 1 else new(f"trunc {kind} {result} to <{group} x i8>")


def _gathered(new: New, value: str, table: Table, number: int, lane: int, group: int) -> str:
    """Read each lane's entry from memory, at most 16 lanes at a time."""
    own, bits = f"i{8 << lane}", max(32, 8 << lane)
    size = min(group, _MOST_GATHERED)
    parts = []
    for first in range(0, group, size):
        lanes = ", ".join(f"i32 {k}" for k in range(first, first + size))
        part = new(
            f"shufflevector <{group} x {own}> {value}, <{group} x {own}> poison,"
            f" <{size} x i32> <{lanes}>"
        )
        if lane < 2:
            part = new(f"sext <{size} x {own}> {part} to <{size} x i32>")
        index = new(f"sub <{size} x i{bits}> {part}, splat (i{bits} {table.start})")
        where = new(f"getelementptr i{bits}, ptr {_name(number, lane)}, <{size} x i{bits}> {index}")
        entries = new(
            f"call <{size} x i{bits}> @llvm.masked.gather.v{size}i{bits}.v{size}p0("
            f"<{size} x ptr> {where}, i32 {bits // 8}, <{size} x i1> splat (i1 true),"
            f" <{size} x i{bits}> poison)"
        )
        if lane < 2:
            entries = new(f"trunc <{size} x i32> {entries} to <{size} x {own}>")
        parts.append(entries)
    while len(parts) > 1:
        size *= 2
        lanes = ", ".join(f"i32 {k}" for k in range(size))
        parts = [
            new(
                f"shufflevector <{size // 2} x {own}> {a}, <{size // 2} x {own}> {b},"
                f" <{size} x i32> <{lanes}>"
            )
            for a, b in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _wrapped(value: int, bits: int) -> int:
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
