"""Fixed-point types as users write them, with the spelling of `ap_fixed`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import OVERFLOWS, ROUNDINGS, Overflow, Rounding
from edgetrig.errors import ModelError
from edgetrig.frontends.quantizer import ROUND, Floats, Ints, Quantizer

WIDEST: Final = 48
"""Most bits of a type."""

_SPELLING: Final = re.compile(r"(?:ap_)?(u?)(fixed|int)\s*<([^<>]*)>")
_MODES: Final = tuple(mode for mode in OVERFLOWS if mode in ("WRAP", "SAT", "SAT_SYM"))


@dataclass(frozen=True, eq=False)
class FixedType:
    """One type, or one for each index of a value's last axis.

    Parameters
    ----------
    signed, integer, fraction
        Sign bit (0 or 1), bits before the point without the sign, bits behind it: shape () or (n,).
    rounding, overflow
        Modes of `ap_fixed`.
    """

    signed: Ints
    integer: Ints
    fraction: Ints
    rounding: Rounding = "RND"
    overflow: Overflow = "SAT"

    @staticmethod
    def of(signed: ArrayLike, integer: ArrayLike, width: int) -> FixedType:
        """Return a type by its sign, its integer bits (without the sign) and all its bits."""
        k, i = np.broadcast_arrays(np.asarray(signed, np.int64), np.asarray(integer, np.int64))
        return FixedType(k, i, width - k - i)

    @property
    def width(self) -> int:
        """Bits of the widest of the types."""
        return int((self.signed + self.integer + self.fraction).max())

    @property
    def quantizer(self) -> Quantizer:
        """What rounds to the type."""
        return Quantizer(self.signed, self.integer, self.fraction, self.rounding, self.overflow)

    @property
    def bottom(self) -> NDArray[np.float64]:
        """Smallest value."""
        low = -self.signed * np.ldexp(1.0, self.integer)
        return np.asarray(-self.top * self.signed if self.overflow == "SAT_SYM" else low)

    @property
    def top(self) -> NDArray[np.float64]:
        """Largest value."""
        return np.asarray(np.ldexp(1.0, self.integer) - self.step)

    @property
    def step(self) -> NDArray[np.float64]:
        """Distance of neighbouring values."""
        return np.asarray(np.ldexp(1.0, -self.fraction))

    @property
    def error(self) -> NDArray[np.float64]:
        """Largest distance from a value within the range to what it is rounded to."""
        nearest = self.rounding.startswith("RND")
        return np.asarray(self.step / 2 if nearest else self.step)

    def __call__(self, values: Floats) -> NDArray[np.float64]:
        """Return plain numbers rounded to the type."""
        return np.asarray(self.quantizer(values.astype(np.float64, copy=False)))

    def saturated(self, values: Floats) -> int:
        """Return how many numbers lie so far outside that rounding alone does not explain it."""
        slack = self.error
        return int(np.sum((values < self.bottom - slack) | (values >= self.top + self.step)))

    def __str__(self) -> str:
        name = "fixed" if self.signed.any() else "ufixed"
        integer = (self.signed + self.integer).ravel()
        low, high = int(integer.min()), int(integer.max())
        modes = (self.rounding, self.overflow)
        extra = "" if modes == ("RND", "SAT") else f",{self.rounding},{self.overflow}"
        span = str(low) if low == high else f"{low}..{high}"
        return f"{name}<{self.width},{span}{extra}>"


def parse_type(text: str) -> FixedType:
    """Return the type that a user wrote.

    Parameters
    ----------
    text
        ``fixed<W,I>``, ``ufixed<W,I>`` (W bits in all, I of them before the point, the sign
        included), ``fixed<W,I,RND,SAT>``, ``int<W>``, ``uint<W>``; a leading ``ap_`` is accepted.
        Rounding is RND and overflow SAT where they are left out.

    Raises
    ------
    ModelError
        If it is no such type, or has more than 48 bits.
    """
    match = _SPELLING.fullmatch(text.strip())
    if match is None:
        raise ModelError(f"'{text}' is no type; write fixed<12,4>, ufixed<8,8>, int<8> or the like")
    unsigned, family, inside = match.groups()
    words = [word.strip() for word in inside.split(",")]
    numbers = words[:2] if family == "fixed" else words[:1] * 2
    modes = words[2:] if family == "fixed" else words[1:]
    try:
        width, integer = (int(number) for number in numbers)
    except ValueError:
        raise ModelError(f"type '{text}': write widths as numbers, as in fixed<12,4>") from None
    rounding, overflow = [*modes, *("RND", "SAT")[len(modes) :]][:2]
    rounding, overflow = rounding.removeprefix("AP_"), overflow.removeprefix("AP_")
    if len(modes) > 2 or rounding not in ROUND or overflow not in _MODES:
        raise ModelError(
            f"type '{text}': the modes are {', '.join(ROUNDINGS)} and {', '.join(_MODES)}"
        )
    if not 1 <= width <= WIDEST or abs(integer) > WIDEST:
        raise ModelError(f"type '{text}': use 1 to {WIDEST} bits")
    signed = int(not unsigned)
    kind = FixedType.of(signed, integer - signed, width)
    return FixedType(
        kind.signed,
        kind.integer,
        kind.fraction,
        cast(Rounding, rounding),
        cast(Overflow, overflow),
    )
