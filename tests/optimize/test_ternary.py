"""Ternary adders: only in front of registers, only in time, and always the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes
from edgetrig import Error
from edgetrig.circuit import Op, check, fixed_input, quantize, trace
from edgetrig.optimize import (
    TERNARY_FAMILIES,
    delays_of,
    optimize,
    pipeline,
    prices_of,
    row_luts,
    stage_delay,
    ternary_sums,
)
from edgetrig.rtl import verilog
from edgetrig.verify import evaluate


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])


@st.composite
def sums(draw):
    """Sums of a few inputs with any signs and shifts, rounded down and wrapped or whole."""
    inputs, columns = draw(st.integers(2, 6)), draw(st.integers(1, 3))
    coefficients = st.integers(-9, 9) | st.sampled_from((1, -1, 2, -4, 16, -64))
    weights = draw(st.lists(coefficients, min_size=inputs * columns, max_size=inputs * columns))
    matrix = np.array(weights, float).reshape(inputs, columns)
    bias = draw(st.integers(-20, 20))
    port = fixed_input(
        "x",
        inputs,
        signed=np.array(draw(st.lists(st.integers(0, 1), min_size=inputs, max_size=inputs))),
        integer=np.array(draw(st.lists(st.integers(0, 7), min_size=inputs, max_size=inputs))),
        fraction=0,
    )
    dropped, kept = draw(st.integers(0, 3)), draw(st.integers(1, 12))
    if draw(st.booleans()):
        return trace(lambda x: quantize(x @ matrix + bias, 1, kept + dropped, -dropped), port)
    return trace(lambda x: x @ matrix + bias, port)


def read_by(circuit, row):
    """Return the operations that read a row, be it through wires."""
    readers = set()
    for reader in np.flatnonzero((circuit.rows.operands == row).any(axis=1)):
        op = Op(circuit.rows.op[reader])
        wire = op in (Op.SHL, Op.SHR, Op.LOW, Op.LOWS)
        readers |= read_by(circuit, reader) if wire else {op}
    return readers


@given(
    circuit=sums().map(optimize) | random_circuits(max_rows=40),
    family=st.sampled_from(sorted(TERNARY_FAMILIES)),
    latency=st.integers(1, 4),
    clock=st.sampled_from((0.0, 5.0, 50.0)),
)
def test_ternary_sums_keep_every_bit_and_the_clock(circuit, family, latency, clock):
    codes = random_codes(circuit, 10)
    delays = delays_of(family)
    before = pipeline(circuit, delays, latency=latency)
    after = ternary_sums(before, family, clock)
    check(after)
    assert outputs(after, codes) == outputs(circuit, codes)
    assert after.latency == before.latency
    assert stage_delay(after, delays) <= max(stage_delay(before, delays), clock) + 1e-6
    if not before.count(Op.ADD3):
        for row in np.flatnonzero(after.rows.op == Op.ADD3):
            assert read_by(after, row) == {Op.REG}


@pytest.mark.parametrize(
    ("signs", "subtracted"), [((1, 1, 1), 0), ((1, -1, 1), 1), ((-1, 1, -1), 2)]
)
def test_three_numbers_are_one_ternary_adder(signs, subtracted):
    port = fixed_input("x", 3, integer=7, fraction=0)
    circuit = optimize(trace(lambda x: x @ np.array(signs, float), port))
    pipelined = pipeline(circuit, delays_of("UltraScale+"), latency=1)
    after = ternary_sums(pipelined, "UltraScale+", 5.0)
    assert after.count(Op.ADD3) == 1
    assert after.count(Op.ADD, Op.SUB) == 0
    assert after.rows.p[after.rows.op == Op.ADD3].tolist() == [subtracted]


@pytest.mark.parametrize("kept", [8, 7, 5])
def test_wrapped_sums_become_ternary_adders_of_one_lut_a_bit(kept):
    # Each sum on the way is wrapped, too, and the last is read by a register through its wrap.
    port = fixed_input("x", 3, integer=7, fraction=0)
    circuit = optimize(trace(lambda x: quantize(x[0] - x[1] + x[2], 1, kept - 1, 0), port))
    assert circuit.count(Op.LOWS) > 1
    pipelined = pipeline(circuit, delays_of("UltraScale+"), latency=1)
    after = ternary_sums(pipelined, "UltraScale+", 5.0)
    assert after.count(Op.ADD3) == 1
    assert after.count(Op.ADD, Op.SUB) == 0
    text = "".join(verilog(after).values())
    assert "trigger_add3" in text
    assert "trigger_carry_save" not in text
    assert row_luts(after).sum() == pytest.approx(prices_of("UltraScale+").luts["ternary"] * kept)


def test_narrow_sums_that_cost_less_than_their_bits_stay_binary():
    # 3 x + 4 y, x of three bits and y of one: x + 4 y is one LUT beside four bits of sums.
    port = fixed_input("x", 2, integer=np.array([2, 0]), fraction=0)
    circuit = optimize(trace(lambda x: x @ np.array([3.0, 4.0]), port))
    pipelined = pipeline(circuit, delays_of("UltraScale+"), latency=1)
    assert pipelined.count(Op.ADD, Op.SUB) == 2
    assert ternary_sums(pipelined, "UltraScale+", 50.0).count(Op.ADD3) == 0


def test_no_ternary_adder_without_time_registers_or_the_device():
    port = fixed_input("x", 3, integer=7, fraction=0)
    circuit = optimize(trace(lambda x: x[0] + x[1] + x[2], port))
    delays = delays_of("UltraScale+")
    assert ternary_sums(circuit, "UltraScale+", 50.0).count(Op.ADD3) == 0
    pipelined = pipeline(circuit, delays, latency=1)
    assert ternary_sums(pipelined, "ECP5", 50.0).count(Op.ADD3) == 0
    # The product comes too late for a LUT in front of the sum, unless the clock waits for it.
    late = optimize(trace(lambda x: (x[0] * x[1]) + (x[1] + x[2]), port))
    staged = pipeline(late, delays, latency=1)
    assert ternary_sums(staged, "UltraScale+").count(Op.ADD3) == 0
    assert ternary_sums(staged, "UltraScale+", 50.0).count(Op.ADD3) == 1


def test_an_unknown_family_is_an_error():
    circuit = trace(lambda x: x + 1, fixed_input("x", 3, integer=7, fraction=0))
    with pytest.raises(Error, match="no delays for family"):
        ternary_sums(circuit, "Stratix")
