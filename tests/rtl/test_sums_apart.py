"""Sums that only a sum reads stay carry chains of their own."""

import numpy as np
import pytest

from edgetrig.circuit import fixed_input, trace
from edgetrig.emulate import Emulator
from edgetrig.optimize import optimize
from edgetrig.synthesis import synthesize
from edgetrig.verify import verify

PROGRAMS = {
    # LUTs: the bits at which both operands have something; CARRY4 cells: of every sum's bits.
    "tree": (lambda x: (x[0] + x[1]) + (x[2] + x[3]), 8 + 8 + 9, 3 + 3 + 3),
    "chain": (lambda x: (x[0] - x[1]) - x[2], 8 + 9, 3 + 3),
    "shifted": (lambda x: (x[0] + 4 * x[1]) + 4 * (x[2] - x[3]), 6 + 8 + 9, 3 + 3 + 3),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_sums_are_not_merged(name):
    program, luts, carries = PROGRAMS[name]
    circuit = trace(program, fixed_input("x", 4, signed=False, integer=8, fraction=0))
    cost = synthesize(circuit)
    assert (cost.lut, cost.carry) == (luts, carries)


def test_every_bit_is_kept():
    codes = np.random.default_rng(4).integers(-31, 32, (6, 6))
    circuit = optimize(trace(lambda x: x @ codes, fixed_input("x", 6, integer=5, fraction=0)))
    assert verify(circuit, Emulator(circuit).codes, vectors=2000).vectors >= 2000
