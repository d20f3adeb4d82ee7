"""A value converted inside a circuit is what `predict` makes of the same number at a port."""

import numpy as np
import pytest

from edgetrig.circuit import OVERFLOWS, ROUNDINGS, convert, fixed_input, trace
from edgetrig.emulate import Emulator


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_conversion_is_that_of_a_port(rounding, overflow):
    port = fixed_input(
        "x",
        4,
        signed=[1, 1, 0, 0],
        integer=[3, 2, 1, -1],
        fraction=[2, 0, 5, 1],
        rounding=rounding,
        overflow=overflow,
    )
    wide = fixed_input("x", 4, integer=6, fraction=7)
    x = np.random.default_rng(1).integers(-(2**13), 2**13, (500, 4)) / 2.0**7
    inside = Emulator(trace(lambda x: convert(x, port), wide)).predict(x)
    at_port = Emulator(trace(lambda x: x, port)).predict(x)
    np.testing.assert_array_equal(inside, at_port)
