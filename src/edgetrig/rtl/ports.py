"""Where each element of a circuit's ports lies in the packed vectors of its hardware."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, IntArray, widths
from edgetrig.errors import DataError
from edgetrig.rtl.names import comment, identifiers


@dataclass(frozen=True)
class Port:
    """One port: a packed vector, the first element in its lowest bits.

    Parameters
    ----------
    name, identifier
        The circuit's name and the identifier in the hardware.
    shape
        Shape of one event's array; the columns below are its elements in C order.
    lo, hi
        Smallest and largest code of each element.
    fraction
        value = code * 2**-fraction.
    lsb, width
        Lowest bit and number of bits of each element; an element that is always 0 has none.
    """

    name: str
    identifier: str
    shape: tuple[int, ...]
    lo: IntArray
    hi: IntArray
    fraction: NDArray[np.int64]
    lsb: NDArray[np.int64]
    width: NDArray[np.int64]

    @property
    def bits(self) -> int:
        """Bits of the whole vector; a port of no bits does not exist in the hardware."""
        return int(self.width.sum())

    @property
    def words(self) -> int:
        """64-bit words one event takes in packed vectors."""
        return (self.bits + 63) // 64

    def element(self, position: int) -> str:
        """Return how a person names an element, as in ``x[1, 2]``."""
        index = ", ".join(str(int(i)) for i in np.unravel_index(position, self.shape))
        return comment(self.name) + (f"[{index}]" if self.shape else "")


def ports(circuit: Circuit, name: str = "trigger") -> tuple[list[Port], list[Port]]:
    """Return the input and output ports of a circuit's hardware, with their identifiers."""
    plain = [port.name for port in circuit.inputs] + [port.name for port in circuit.outputs]
    chosen = iter(identifiers(plain, taken=identifiers([name])))
    inputs = [
        _port(port.name, next(chosen), port.shape, port.lo, port.hi, port.fraction)
        for port in circuit.inputs
    ]
    lo, hi = circuit.rows.lo, circuit.rows.hi
    outputs = [
        _port(port.name, next(chosen), port.shape, lo[rows], hi[rows], port.fraction)
        for port in circuit.outputs
        for rows in [port.rows.ravel()]  # a 0-d index would give a plain int
    ]
    return inputs, outputs


def _port(
    name: str,
    identifier: str,
    shape: tuple[int, ...],
    lo: IntArray,
    hi: IntArray,
    fraction: NDArray[np.int64],
) -> Port:
    width = widths(lo.ravel(), hi.ravel())
    lsb = np.cumsum(width) - width
    return Port(name, identifier, shape, lo.ravel(), hi.ravel(), fraction.ravel(), lsb, width)


def pack(codes: IntArray, layout: list[Port]) -> NDArray[np.uint64]:
    """Pack codes into 64-bit words, lowest bits first.

    Parameters
    ----------
    codes
        Shape (events, elements of all ports in order), integers.
    layout
        The ports.

    Returns
    -------
    numpy.ndarray
        Shape (events, words of all ports in order), uint64.

    Raises
    ------
    DataError
        If the shape is another, or a code lies outside its element's interval.
    """
    elements = sum(len(port.width) for port in layout)
    if codes.ndim != 2 or codes.shape[1] != elements or codes.dtype.kind not in "iuO":
        raise DataError(
            f"codes of shape (events, {elements}) and integer type are needed, "
            f"not {codes.dtype} of shape {codes.shape}"
        )
    words = np.zeros((len(codes), sum(port.words for port in layout)), np.uint64)
    column = first = 0
    for port in layout:
        for k in range(len(port.width)):
            values = codes[:, column + k]
            if len(values) and (values.min() < port.lo[k] or values.max() > port.hi[k]):
                raise DataError(f"{port.element(k)}: codes outside [{port.lo[k]}, {port.hi[k]}]")
            _put(words, values, 64 * first + int(port.lsb[k]), int(port.width[k]))
        column, first = column + len(port.width), first + port.words
    return words


def unpack(words: NDArray[np.uint64], layout: list[Port]) -> IntArray:
    """Return the codes of packed words: the reverse of `pack`.

    The result is int64, or object where an element has more than 63 bits.
    """
    wide = any(_needs_object(port) for port in layout)
    elements = sum(len(port.width) for port in layout)
    codes = np.zeros((len(words), elements), object if wide else np.int64)
    column = first = 0
    for port in layout:
        for k in range(len(port.width)):
            lsb, width = 64 * first + int(port.lsb[k]), int(port.width[k])
            codes[:, column + k] = _get(words, lsb, width, bool(port.lo[k] < 0))
        column, first = column + len(port.width), first + port.words
    return codes


def _needs_object(port: Port) -> bool:
    return bool((port.width + (port.lo >= 0) > 64).any())


def _put(words: NDArray[np.uint64], values: IntArray, lsb: int, width: int) -> None:
    for start in range(0, width, 32):
        mask = (1 << min(32, width - start)) - 1
        limb = ((values >> start) & mask).astype(np.uint64)
        word, offset = divmod(lsb + start, 64)
        words[:, word] |= limb << np.uint64(offset)
        if offset + mask.bit_length() > 64:
            words[:, word + 1] |= limb >> np.uint64(64 - offset)


def _get(words: NDArray[np.uint64], lsb: int, width: int, signed: bool) -> IntArray:
    total: IntArray = np.zeros(len(words), np.int64)
    if width + (not signed) > 64:
        total = total.astype(object)
    for start in range(0, width, 32):
        bits = min(32, width - start)
        word, offset = divmod(lsb + start, 64)
        limb = words[:, word] >> np.uint64(offset)
        if offset + bits > 64:
            limb = limb | words[:, word + 1] << np.uint64(64 - offset)
        limb = limb & np.uint64((1 << bits) - 1)
        total += limb.astype(np.int64).astype(total.dtype) << start
    if signed and total.dtype == object:
        total -= (total >> (width - 1)) << width
    elif signed:  # move the sign bit to the top of the machine word and back
        total = (total << (64 - width)) >> (64 - width)
    return total
