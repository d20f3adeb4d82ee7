"""Small cones as tables: every bit kept, and only where few bits decide."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes, random_programs
from edgetrig.circuit import Op, check, fixed_input, lookup, quantize, trace
from edgetrig.optimize import optimize, small_cones
from edgetrig.verify import evaluate


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


@st.composite
def narrow_programs(draw):
    """Small layers of numbers of few bits, where cones are found."""
    inputs, bits = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    signed = draw(st.integers(0, 1))
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        outs = draw(st.integers(1, 3))
        rows = layers[-1][0].shape[1] if layers else inputs
        weights = draw(st.lists(st.integers(-3, 3), min_size=rows * outs, max_size=rows * outs))
        kind = (*draw(st.sampled_from(((0, 2, 0), (1, 1, 0), (0, 1, 0)))), "RND", "SAT")
        layers.append((np.array(weights, float).reshape(rows, outs), kind))

    def program(x):
        for weights, kind in layers:
            x = quantize(np.maximum(x @ weights + 0.5, -1), *kind)
        return x

    return trace(program, fixed_input("x", inputs, signed=signed, integer=bits, fraction=0))


@given(
    circuit=narrow_programs().map(optimize)
    | narrow_programs()
    | random_circuits(max_rows=40)
    | random_programs().map(lambda program: optimize(program.circuit))
)
def test_tables_of_cones_keep_every_bit(circuit):
    changed = small_cones(circuit)
    check(changed)
    codes = random_codes(circuit, 24)
    assert outputs(changed, codes) == outputs(circuit, codes)


def test_a_neuron_of_six_bits_is_one_table():
    weights = np.array([[1.0], [-2.0], [0.5]])

    def neuron(x):
        return quantize(np.maximum(x @ weights + 0.25, 0), 0, 2, 0, "RND", "SAT")

    circuit = optimize(trace(neuron, fixed_input("x", 3, signed=0, integer=2, fraction=0)))
    changed = small_cones(circuit)
    assert changed.count(Op.TABLE) == 1
    assert changed.count(Op.SUB, Op.LT, Op.SELECT) == 0
    codes = [[a, b, c] for a in range(4) for b in range(4) for c in range(4)]
    assert outputs(changed, codes) == outputs(circuit, codes)


def test_wide_sums_stay():
    circuit = optimize(trace(lambda x: x[0] + x[1], fixed_input("x", 2, integer=5, fraction=0)))
    assert small_cones(circuit) is circuit


def test_a_table_behind_a_clip_may_be_asked_what_never_comes():
    def square(x):
        clipped = quantize(3 * x[0] + 5 * x[1], 1, 2, 0, "RND", "SAT_SYM")
        return lookup(abs(clipped), np.square, 0, 4, 0)

    circuit = trace(square, fixed_input("x", 2, integer=1, fraction=1))
    codes = [(a, b) for a in range(-4, 4) for b in range(-4, 4)]
    changed = small_cones(optimize(circuit))
    check(changed)
    assert outputs(changed, codes) == outputs(circuit, codes)
