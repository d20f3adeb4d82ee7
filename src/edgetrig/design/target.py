"""What hardware a design is made for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """What hardware a design is made for.

    Parameters
    ----------
    part
        FPGA part, for instance ``"xcvu13p"`` (`edgetrig.synthesis.PARTS`).
    clock_ns
        Clock period in ns that stages are cut for.
    latency
        Clock cycles from input to output: None for as few as the clock needs, 0 for no registers.
        Where they are too few for the clock, stages are as short as can be
        (`Design.estimated_clock_ns`); where they are more than it needs, registers are saved.
    effort
        How long to look for smaller sums, in units of about a tenth of a second of one core: 0
        takes the first found, 10 or 100 save a few percent of LUTs. It counts steps, not time,
        so a design is the same on every machine.
    """

    part: str = "xcvu13p"
    clock_ns: float = 5.0
    latency: int | None = None
    effort: int = 1
