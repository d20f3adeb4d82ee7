"""Hardware integers that carry their LSB: what a code of a trigger object means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Quantity:
    """One field of a trigger object: code ``c`` stands for ``(c + offset) * lsb``.

    Parameters
    ----------
    name
        As in cuts: ``pt``, ``eta``, ``phi``, ``quality``, ...
    first
        Its lowest bit in the object's word.
    bits
        Its width.
    lsb
        What one step is worth, in ``unit``. Exact, so that a cut falls on the code it must.
    unit
        ``"GeV"``, ``"rad"`` or ``""``.
    signed
        Whether codes are two's complement.
    offset
        0 where a code is the lower edge of its bin (energies), 1/2 where it is counted from an
        edge but stands for the middle of its bin (angles).
    nearest
        Whether a number belongs to the nearest code; otherwise to the next lower one.
    circle
        Codes of one turn, for azimuths.
    saturates
        Whether all ones means "this much or more"; otherwise numbers out of range are refused.
    """

    name: str
    first: int
    bits: int
    lsb: Fraction = Fraction(1)
    unit: str = ""
    signed: bool = False
    offset: Fraction = Fraction(0)
    nearest: bool = False
    circle: int | None = None
    saturates: bool = False

    @property
    def lowest(self) -> int:
        """Smallest code."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        """Largest code."""
        if self.circle is not None:
            return self.circle - 1
        return (1 << (self.bits - self.signed)) - 1

    def value(self, code: int) -> Fraction:
        """Return what a code stands for, exactly."""
        return (code + self.offset) * self.lsb

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return what codes stand for, in `unit`, as float64."""
        return (np.asarray(codes, np.float64) + float(self.offset)) * float(self.lsb)

    def encode(self, values: ArrayLike) -> Codes:
        """Return the codes of numbers in `unit`; the inverse of `decode` on every code.

        Raises
        ------
        DataError
            If a number is NaN or infinite, or out of range where the field does not saturate.
        """
        numbers = np.asarray(values, np.float64)
        if not np.isfinite(numbers).all():
            raise DataError(f"{self.name}: NaN or infinity among the values; remove these events")
        steps = numbers / float(self.lsb) - float(self.offset)
        # A value that `decode` gave must not fall below its own code by a rounding error.
        codes = np.floor(steps + (0.5 if self.nearest else 1e-9))
        if self.circle is not None:
            codes = np.mod(codes, self.circle)
        low, high = self.lowest, self.highest
        outside = (codes < low) | ((codes > high) & (not self.saturates))
        if outside.any():
            worst = numbers[outside].flat[0]
            raise DataError(
                f"{self.name}: {worst:g} {self.unit} is outside"
                f" {float(self.value(low)):g} to {float(self.value(high)):g}".replace("  ", " ")
            )
        return np.minimum(codes, high).astype(np.int64)

    def least_code(self, value: Fraction) -> int:
        """Return the smallest integer ``c`` with ``(c + offset) * lsb >= value``."""
        return ceil(value / self.lsb - self.offset)

    def largest_code(self, value: Fraction) -> int:
        """Return the largest integer ``c`` with ``(c + offset) * lsb <= value``."""
        return floor(value / self.lsb - self.offset)


@dataclass(frozen=True)
class ObjectType:
    """A kind of trigger object: how many there are in an event, and its fields.

    Parameters
    ----------
    name
        As in cuts: ``muon``, ``jet``, ``htt``, ...
    count
        Objects in an event, in decreasing order of pt; 1 for sums.
    bits
        Width of one object's word.
    quantities
        The fields. An object whose first field has code 0 is not there.
    """

    name: str
    count: int
    bits: int
    quantities: tuple[Quantity, ...]

    @cached_property
    def fields(self) -> Mapping[str, Quantity]:
        """The fields by name."""
        return {quantity.name: quantity for quantity in self.quantities}

    @property
    def single(self) -> bool:
        """Whether an event has exactly one (a sum), whatever its value."""
        return self.count == 1

    @property
    def energy(self) -> Quantity:
        """The first field, which says whether the object is there."""
        return self.quantities[0]

    def column(self, quantity: str) -> str:
        """Return the name of a field's column of codes, of shape (events, count)."""
        return f"{self.name}_{quantity}"

    def pack(self, columns: Mapping[str, ArrayLike]) -> NDArray[np.uint64]:
        """Return the hardware words of objects, of shape (events, count).

        Parameters
        ----------
        columns
            Codes by column name (`column`), each of shape (events, count); left-out fields are 0.

        Raises
        ------
        DataError
            If a code does not fit its field.
        """
        given = {q: np.asarray(columns[c], np.int64) for q, c in self._present(columns)}
        words = np.zeros(next(iter(given.values())).shape, np.uint64)
        for quantity, codes in given.items():
            self._check(quantity, codes)
            mask = (1 << quantity.bits) - 1
            words |= (codes & mask).astype(np.uint64) << np.uint64(quantity.first)
        return words

    def unpack(self, words: ArrayLike) -> dict[str, Codes]:
        """Return codes by column name from hardware words; the inverse of `pack`."""
        array = np.asarray(words, np.uint64)
        columns = {}
        for quantity in self.quantities:
            mask = np.uint64((1 << quantity.bits) - 1)
            codes = (array >> np.uint64(quantity.first) & mask).astype(np.int64)
            if quantity.signed:
                codes -= (codes >> (quantity.bits - 1)) << quantity.bits
            columns[self.column(quantity.name)] = codes
        return columns

    def check(self, columns: Mapping[str, ArrayLike]) -> None:
        """Raise `DataError` unless every column of this type has codes that fit its field."""
        for quantity, column in self._present(columns):
            codes = np.asarray(columns[column])
            if codes.ndim != 2 or codes.shape[1] != self.count or codes.dtype.kind not in "iu":
                raise DataError(
                    f"{column}: {codes.dtype} of shape {codes.shape};"
                    f" integer codes of shape (events, {self.count}) are needed"
                )
            self._check(quantity, codes)

    def _present(self, columns: Mapping[str, ArrayLike]) -> list[tuple[Quantity, str]]:
        pairs = [(quantity, self.column(quantity.name)) for quantity in self.quantities]
        present = [(quantity, column) for quantity, column in pairs if column in columns]
        if not present:
            raise DataError(f"no column of {self.name}; {pairs[0][1]} is one")
        return present

    def _check(self, quantity: Quantity, codes: NDArray[np.integer[Any]]) -> None:
        wrong = (codes < quantity.lowest) | (codes > quantity.highest)
        if wrong.any():
            first = np.argwhere(wrong)[0]
            raise DataError(
                f"{self.column(quantity.name)}: code {codes[tuple(first)]} of event {first[0]} is"
                f" outside {quantity.lowest} to {quantity.highest}"
            )
