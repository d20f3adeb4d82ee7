"""What a device holds: every bit kept, never more than without tables."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes, random_programs
from edgetrig.circuit import Op, check, fixed_input, quantize, trace
from edgetrig.optimize import (
    DELAYS,
    delays_of,
    for_hardware,
    luts_and_registers,
    optimize,
    pipeline,
    ternary_sums,
    upper_bits_once,
)
from edgetrig.verify import evaluate


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


CIRCUITS = random_circuits(max_rows=30) | random_programs().map(lambda p: optimize(p.circuit))


@given(
    circuit=CIRCUITS,
    family=st.sampled_from(sorted(DELAYS)),
    clock=st.floats(1.5, 8.0),
    latency=st.none() | st.integers(0, 4),
)
def test_hardware_keeps_every_bit_and_takes_no_more_for_its_tables(circuit, family, clock, latency):
    made = for_hardware(circuit, family, clock_ns=clock, latency=latency)
    check(made)
    codes = random_codes(circuit, 16)
    assert outputs(made, codes) == outputs(circuit, codes)
    plain = circuit
    if latency != 0:
        plain = pipeline(circuit, delays_of(family), clock_ns=clock, latency=latency)
    plain = ternary_sums(plain, family, clock)
    assert made.latency == plain.latency or latency is None
    assert luts_and_registers(made, family) <= luts_and_registers(plain, family)


@given(circuit=CIRCUITS | random_circuits(wide=True))
def test_upper_bits_keep_every_bit(circuit):
    changed = upper_bits_once(circuit)
    check(changed)
    codes = random_codes(circuit, 16)
    assert outputs(changed, codes) == outputs(circuit, codes)


def test_a_clip_looks_at_the_rounded_sum_alone():
    """`comparisons` asks the whole sum; the few bits that decide are seen again."""

    def clipped(x):
        return quantize(np.maximum(x.sum(), 0), 0, 2, 0, "TRN", "SAT")

    circuit = optimize(trace(clipped, fixed_input("x", 4, integer=3, fraction=3)))

    def compared(circuit):
        rows = circuit.rows
        return {Op(rows.op[row]).name for row in rows.a[rows.op == Op.LT]}

    assert compared(circuit) == {"ADD", "SHR"}
    assert compared(upper_bits_once(circuit)) == {"SHR"}
