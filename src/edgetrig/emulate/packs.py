"""Lanes of 32 bits that hold four bytes or two words, as processors multiply them."""

from __future__ import annotations

from dataclasses import dataclass

from edgetrig.emulate.dots import PACK

_BYTE = 8


@dataclass(frozen=True)
class Packing:
    """A way to pack values, and what multiplies it.

    Bytes are unsigned: what can be negative is packed with 128 added. Weights are signed.

    Parameters
    ----------
    bits
        Of each value in a lane.
    instruction
        The instruction that packs: its parameter has a bit for each value that 128 is added to.
    """

    bits: int
    instruction: int

    @property
    def per_lane(self) -> int:
        """Values in a lane."""
        return 32 // self.bits

    def offset(self, lo: int, hi: int) -> int | None:
        """Return what is added to a value of an interval, or None if it does not fit."""
        half = 1 << self.bits - 1
        if self.bits == _BYTE and lo >= 0:
            return 0 if hi < 2 * half else None
        if not -half <= lo <= hi < half:
            return None
        return half if self.bits == _BYTE else 0

    def has_weight(self, factor: int) -> bool:
        """Return whether a value can be multiplied by a factor."""
        half = 1 << self.bits - 1
        return -half <= factor < half

    def packed(self, factors: list[int]) -> int:
        """Return factors, at most as many as a lane has, as one signed number of 32 bits."""
        mask = (1 << self.bits) - 1
        lane = sum((factor & mask) << k * self.bits for k, factor in enumerate(factors))
        return lane - ((lane >> 31) << 32)


BYTES = Packing(_BYTE, PACK + 1)
WORDS = Packing(16, PACK + 2)
