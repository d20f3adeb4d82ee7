"""The circuits of `cases` as edgetrig traces them, before any pass."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from cases import CASES
from edgetrig.circuit import Circuit, fixed_input, quantize, trace


def traced(name: str) -> Circuit:
    """Return the circuit of a case."""
    case = CASES[name]
    port = fixed_input("x", case.shape, integer=case.integer, fraction=case.fraction)
    return trace(lambda x: case.program(x, partial(relu, wraps=case.wraps)), port)


def relu(y: Any, wraps: bool = False) -> Any:
    """Return what `cases.Program` is given for its ``relu``."""
    if wraps:
        y = quantize(y, 1, 3, 4, "TRN", "WRAP")
    return quantize(np.maximum(y, 0), 0, 3, 3, "RND", "WRAP" if wraps else "SAT")
