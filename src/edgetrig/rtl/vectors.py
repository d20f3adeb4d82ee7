"""Test vectors as hexadecimal files, one a port."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import IntArray
from edgetrig.rtl.ports import Port, pack


def vector_files(codes: IntArray, layout: list[Port]) -> dict[str, str]:
    """Return a hexadecimal file a port, one event a line, for ``$readmemh`` and ``hread``.

    Parameters
    ----------
    codes
        Shape (events, elements of all ports in order).
    layout
        The ports.

    Raises
    ------
    DataError
        If the shape is another, or a code outside its element's interval.
    """
    words = pack(codes, layout)
    files, first = {}, 0
    for port in layout:
        if port.bits:
            files[f"{port.identifier}.hex"] = _hexadecimal(
                words[:, first : first + port.words], port
            )
        first += port.words
    return files


def _hexadecimal(words: NDArray[np.uint64], port: Port) -> str:
    digits = (port.bits + 3) // 4
    rows = np.ascontiguousarray(words, "<u8")
    lines = (f"{int.from_bytes(row.tobytes(), 'little'):0{digits}x}\n" for row in rows)
    return "".join(lines)
