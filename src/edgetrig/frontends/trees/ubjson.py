"""Universal Binary JSON (draft 12, https://ubjson.org), read without trusting a byte of it."""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np

from edgetrig.errors import ModelError

DEPTH_LIMIT: Final = 64
"""Deepest nesting of arrays and objects read."""

VALUE_LIMIT: Final = 8 << 20
"""Most values read outside typed arrays of numbers, each of which becomes a Python object."""

_INTEGERS: Final = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
_NUMBERS: Final = {**_INTEGERS, b"d": ">f", b"D": ">d"}
_CONSTANTS: Final[dict[bytes, Any]] = {b"Z": None, b"T": True, b"F": False}


def parse(data: bytes) -> Any:
    """Return what a UBJSON document holds: dicts, lists, numbers, text; typed arrays as NumPy's.

    Memory is bounded: every length is held against the bytes that are left before anything is
    made, and the values outside typed arrays are counted.

    Raises
    ------
    ModelError
        If it is truncated, nested deeper than `DEPTH_LIMIT`, or not UBJSON.
    """
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.at != len(data):
        raise ModelError(f"byte {reader.at}: more than one document")
    return value


class _Reader:
    """A cursor over the bytes of a document."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.values = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if not 0 <= count <= len(self.data) - self.at:
            raise ModelError(f"byte {self.at}: truncated, or a length that is no length")
        self.at += count
        return self.data[self.at - count : self.at]

    def marker(self) -> bytes:
        """Return the next marker; N stands for nothing and is passed over."""
        while (marker := self.take(1)) == b"N":
            pass
        return marker

    def value(self, marker: bytes, depth: int) -> Any:
        """Return the value that `marker` announces."""
        self.values += 1
        if self.values > VALUE_LIMIT:
            raise ModelError(f"byte {self.at}: more than {VALUE_LIMIT} values")
        if marker in _NUMBERS:
            layout = _NUMBERS[marker]
            return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker == b"S":
            return self.text(self.marker())
        if marker == b"C":
            return self.decoded(self.take(1))
        if marker == b"H":
            return self.high_precision()
        if marker not in (b"[", b"{"):
            raise ModelError(f"byte {self.at - 1}: {marker!r} is not a UBJSON marker")
        if depth >= DEPTH_LIMIT:
            raise ModelError(f"byte {self.at}: nested deeper than {DEPTH_LIMIT}")
        return self.array(depth + 1) if marker == b"[" else self.object(depth + 1)

    def length(self, marker: bytes) -> int:
        if marker not in _INTEGERS:
            raise ModelError(f"byte {self.at - 1}: {marker!r} is not an integer's marker")
        return int(self.value(marker, 0))

    def text(self, marker: bytes) -> str:
        return self.decoded(self.take(self.length(marker)))

    def decoded(self, text: bytes) -> str:
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise ModelError(f"byte {self.at}: text that is not UTF-8") from error

    def high_precision(self) -> float:
        text = self.text(self.marker())
        try:
            return float(text)
        except ValueError as error:
            raise ModelError(f"byte {self.at}: {text[:40]!r} is not a number") from error

    def header(self) -> tuple[bytes | None, int | None, bytes]:
        """Return a container's common type and count, where it states them, and the next marker."""
        common, count, marker = None, None, self.marker()
        if marker == b"$":
            common, marker = self.take(1), self.take(1)
            if marker != b"#":
                raise ModelError(f"byte {self.at - 1}: a type without a count")
        if marker == b"#":
            count = self.length(self.take(1))
            if not 0 <= count <= len(self.data) - self.at:
                raise ModelError(f"byte {self.at}: {count} elements in a file that ends before")
            marker = b""
        return common, count, marker

    def array(self, depth: int) -> Any:
        common, count, marker = self.header()
        if common in _CONSTANTS:
            raise ModelError(f"byte {self.at}: a typed array of {common!r}, which takes no bytes")
        if common in _NUMBERS and count is not None:
            kind = np.dtype(_NUMBERS[common])
            numbers = np.frombuffer(self.take(count * kind.itemsize), kind)
            return numbers.astype(kind.newbyteorder("="))
        found = []
        if count is not None:
            for _ in range(count):
                found.append(self.value(common or self.marker(), depth))
            return found
        while marker != b"]":
            found.append(self.value(marker, depth))
            marker = self.marker()
        return found

    def object(self, depth: int) -> dict[str, Any]:
        common, count, marker = self.header()
        found: dict[str, Any] = {}
        if count is not None:
            for _ in range(count):
                name = self.text(self.marker())
                found[name] = self.value(common or self.marker(), depth)
            return found
        while marker != b"}":
            name = self.text(marker)
            found[name] = self.value(self.marker(), depth)
            marker = self.marker()
        return found
