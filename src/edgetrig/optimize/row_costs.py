"""About how many LUTs each row takes, for choices between ways to compute the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.optimize.prices import prices_of
from edgetrig.optimize.work import work


def row_luts(circuit: Circuit, family: str = "UltraScale+") -> NDArray[np.float64]:
    """Return an estimate of the LUTs and inverters of every row, shape (rows,).

    LUTs within carry cells count, too. Logic that shares a LUT with what reads it counts for the
    reader; rows that no output needs take nothing.

    Parameters
    ----------
    circuit
        The circuit.
    family
        Name of the device family (`edgetrig.optimize.DELAYS`).

    Raises
    ------
    Error
        If the family is unknown.
    """
    done, prices = work(circuit, family), prices_of(family).luts
    luts = np.zeros(len(circuit))
    for kind, amount in done.items():
        luts += prices[kind] * amount
    return luts
