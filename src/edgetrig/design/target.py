"""What hardware a design is made for."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Final

from edgetrig.errors import CircuitError

LONGEST: Final = 10_000
"""Clock cycles that a latency may have; the longest Level-1 latency planned is 12.5 us, 4,500
cycles of 2.78 ns."""


@dataclass(frozen=True)
class Target:
    """What hardware a design is made for.

    Parameters
    ----------
    part
        FPGA part, for instance ``"xcvu13p"`` (`edgetrig.synthesis.PARTS`).
    clock_ns
        Clock period in ns that stages are cut for; above 0.
    latency
        Clock cycles from input to output, at most `LONGEST`: None for as few as the clock needs, 0
        for no registers. Where they are too few for the clock, stages are as short as can be
        (`Design.estimated_clock_ns`); where they are more than it needs, registers are saved.
    effort
        How long to look for smaller sums, in units of about a tenth of a second of one core: 0
        takes the first found, 10 or 100 save a few percent of LUTs. It counts steps, not time,
        so a design is the same on every machine.

    Raises
    ------
    CircuitError
        If a number is of the wrong kind or out of its range.
    Error
        If the part is unknown.
    """

    part: str = "xcvu13p"
    clock_ns: float = 5.0
    latency: int | None = None
    effort: int = 1

    def __post_init__(self) -> None:
        from edgetrig.synthesis import family_of

        family_of(str(self.part))
        if not isinstance(self.clock_ns, Real) or not 0 < float(self.clock_ns) < float("inf"):
            raise CircuitError(f"a clock of {self.clock_ns!r} ns: use a number above 0")
        if self.latency is not None and not _whole(self.latency, LONGEST):
            raise CircuitError(
                f"a latency of {self.latency!r} clock cycles: use a whole number from 0 to"
                f" {LONGEST:,}, or None for as few as the clock needs"
            )
        if not _whole(self.effort):
            raise CircuitError(f"an effort of {self.effort!r}: use a whole number from 0 on")


def _whole(number: object, most: float = float("inf")) -> bool:
    return isinstance(number, Integral) and 0 <= int(number) <= most
