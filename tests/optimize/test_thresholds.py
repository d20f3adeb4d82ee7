"""Comparisons with constants as tables: every bit kept, low parts answered once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes, random_programs
from edgetrig.circuit import Input, Op, check, trace
from edgetrig.optimize import optimize, threshold_tables
from edgetrig.verify import evaluate


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


@st.composite
def compared(draw):
    """A value compared with many constants, both ways round."""
    bits, lo = draw(st.integers(2, 17)), draw(st.integers(-70_000, 10))
    port = Input("x", np.array([lo]), np.array([lo + (1 << bits) - 1]), np.zeros(1, int))
    limits = draw(st.lists(st.integers(lo, lo + (1 << bits)), min_size=4, max_size=12))
    limits = np.array(limits)

    def program(x):
        return np.concatenate(
            [x < limits, x > limits, np.where(x[0] < limits[0], x[0], limits[0])[None]]
        )

    return trace(program, port), limits


@given(case=compared(), tidy=st.booleans())
def test_tables_of_thresholds_keep_every_bit(case, tidy):
    circuit, limits = case
    circuit = optimize(circuit) if tidy else circuit
    changed = threshold_tables(circuit)
    check(changed)
    port = circuit.inputs[0]
    near = np.clip(np.concatenate([limits + k for k in (-1, 0, 1)]), port.lo[0], port.hi[0])
    codes = [*random_codes(circuit, 24).tolist(), *near[:, None].tolist()]
    assert outputs(changed, codes) == outputs(circuit, codes)


@given(
    circuit=random_circuits(max_rows=40)
    | random_programs().map(lambda program: optimize(program.circuit))
)
def test_any_circuit_keeps_every_bit(circuit):
    changed = threshold_tables(circuit)
    check(changed)
    codes = random_codes(circuit, 24)
    assert outputs(changed, codes) == outputs(circuit, codes)


def test_many_thresholds_share_their_low_parts():
    port = Input("x", np.array([0]), np.array([255]), np.zeros(1, int))
    limits = np.array([8 * k + 5 for k in range(20)])
    changed = threshold_tables(optimize(trace(lambda x: x < limits, port)))
    assert changed.count(Op.LT) == 0
    assert changed.count(Op.TABLE) == len(limits) + 1
    codes = np.arange(256)[:, None]
    assert outputs(changed, codes) == (codes < limits).astype(int).tolist()


def test_a_few_thresholds_stay():
    port = Input("x", np.array([0]), np.array([255]), np.zeros(1, int))
    circuit = optimize(trace(lambda x: x < np.array([3, 77]), port))
    assert threshold_tables(circuit) is circuit
