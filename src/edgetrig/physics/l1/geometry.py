"""Trigger towers: 0.087 x 0.087 up to pseudorapidity 4.96, all of one size.

The real ones are wider beyond 1.74; equal ones keep the trigger's windows equal as well.
"""

from __future__ import annotations

from typing import Final

from edgetrig.jit import jit

STEP: Final = 0.087
ETAS: Final = 114
PHIS: Final = 72
HALF: Final = ETAS // 2
CENTRAL: Final = 34
"""Towers from 0 to 2.96, where ECAL and HCAL have both granularity."""


@jit
def wrapped(phi: int) -> int:
    """Return a tower's number in phi, from a number at most one turn off."""
    if phi < 0:
        return phi + PHIS
    if phi >= PHIS:
        return phi - PHIS
    return phi
