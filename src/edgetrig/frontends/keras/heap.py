"""A guard in front of HDF5, whose library (2.0) reads one kind of damaged text without an end."""

from __future__ import annotations

import struct
from typing import Final

_COLLECTION: Final = b"GCOL\x01\0\0\0"
"""How a collection of the global heap, where texts lie, begins."""

_OBJECT: Final = struct.Struct("<HHIQ")
"""Index, references, nothing, size."""


def check_heaps(data: bytes) -> None:
    """Look through the global heap of an HDF5 file.

    A collection is a row of objects; number 0 is the space that is left, and its size counts its
    header. The library steps from object to object, and stands still at an empty one of number 0.

    Raises
    ------
    ValueError
        If an object of a collection is such a one.
    """
    start = data.find(_COLLECTION)
    while start >= 0:
        size = int.from_bytes(data[start + 8 : start + 16], "little")
        end = min(start + size, len(data)) - _OBJECT.size
        place = start + 16
        while place <= end:
            index, _, _, length = _OBJECT.unpack_from(data, place)
            step = length if index == 0 else _OBJECT.size + (length + 7) // 8 * 8
            if step % (1 << 64) == 0:
                raise ValueError("a text in it has no size")
            place += step
        start = data.find(_COLLECTION, start + 1)
