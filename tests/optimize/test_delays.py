"""The delay model, row by row."""

import numpy as np
import pytest

from edgetrig.circuit import Builder, Op, Output, fixed_input
from edgetrig.errors import Error
from edgetrig.optimize import DELAYS, Delays, delays_of

MODEL = Delays(lut=1.0, net=10.0, carry=100.0, carry_bit=1000.0, register=7.0, lut_inputs=4)


def delay(op, *operands, p=0, bits=8):
    """Return the delay of one row of unsigned operands (numbers: constants)."""
    builder = Builder()
    count = sum(operand == "x" for operand in operands)
    port = fixed_input("x", count, signed=0, integer=bits, fraction=0)
    inputs = iter(builder.input(0, port))
    rows = [next(inputs) if k == "x" else builder.constant(int(k)) for k in operands]
    row = builder.append(op, *(np.asarray(k).item() for k in rows), p=p)
    output = Output("y", np.array(row).reshape(1), np.zeros(1, np.int64))
    return MODEL.of(builder.finish([port], [output]))[-1]


def test_an_adder_is_a_lut_a_net_and_a_chain_as_long_as_the_result():
    assert delay(Op.ADD, "x", "x") == 111 + 9 * 1000


def test_bits_below_a_shift_are_no_chain():
    assert delay(Op.ADD, "x", "x", p=3) == 111 + 9 * 1000  # 12 bits, 3 of them passed on
    assert delay(Op.ADD, "x", "x", p=-3) == 111 + 9 * 1000
    assert delay(Op.SUB, "x", "x", p=3) == 111 + 9 * 1000
    assert delay(Op.SUB, "x", "x", p=-3) == 111 + 12 * 1000  # the low bits are negated


def test_a_sum_of_three_takes_one_lut_and_net_more():
    assert delay(Op.ADD3, "x", "x", "x") == delay(Op.ADD, "x", "x") + 11 + 1000  # and a bit


def test_comparisons_with_constants_are_trees_of_luts():
    assert delay(Op.LT, "x", "x") == 111 + 8 * 1000
    assert delay(Op.LT, "x", 5) == 2 * 11  # 8 bits in LUTs of 4
    assert delay(Op.LT, "x", 0) == 0  # never true, or the sign


def test_wiring_and_constants_take_no_time():
    for op in (Op.SHL, Op.SHR, Op.LOW):
        assert delay(op, "x", p=2) == 0
    assert delay(Op.ADD, 1, 2) == 0


def test_every_family_has_delays():
    assert set(DELAYS) >= {"UltraScale+", "UltraScale", "7 series", "ECP5", "Nexus", "Gowin"}
    with pytest.raises(Error, match="known are"):
        delays_of("abacus")
