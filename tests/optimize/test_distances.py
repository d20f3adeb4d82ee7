"""Distances of all pairs: the same bits with half the rows."""

import numpy as np

from circuits import random_codes
from edgetrig.circuit import Op, check, fixed_input, trace
from edgetrig.optimize import delays_of, distances_once, optimize, pipeline, simplify
from edgetrig.verify import evaluate


def pairs(x):
    return np.abs(x[:, None] - x[None, :])


def near(function=pairs, count=4):
    return trace(function, fixed_input("x", count, integer=5, fraction=0))


def test_every_bit_is_kept():
    circuit = simplify(near())
    codes = [[int(v) for v in event] for event in random_codes(circuit, 200)]
    assert evaluate(str(distances_once(circuit)), codes) == evaluate(str(circuit), codes)


def test_each_distance_is_chosen_once():
    assert simplify(near()).count(Op.SELECT) == 12
    assert optimize(near()).count(Op.SELECT) == 6


def test_what_is_no_distance_stays():
    def signed(x):
        difference = x[:, None] - x[None, :]
        return np.where(difference < 0, difference, -difference)[0]

    circuit = simplify(near(signed))
    assert distances_once(circuit) is circuit


def test_a_distance_has_no_sign_however_it_is_written():
    circuit = optimize(near())
    staged = pipeline(circuit, delays_of("UltraScale+"), latency=2)
    for form in (circuit, staged):
        check(form)
        assert (form.rows.lo[form.output_rows] >= 0).all()
        assert form.rows.hi[form.output_rows].max() == 63
