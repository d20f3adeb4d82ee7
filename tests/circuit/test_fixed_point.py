"""Fixed-point types: traced, on floats, and by the definitions in plain fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import ap_fixed
from edgetrig.circuit import (
    OVERFLOWS,
    ROUNDINGS,
    check,
    fixed_input,
    lookup,
    quantize,
    quantize_floats,
    trace,
)
from edgetrig.errors import CircuitError
from edgetrig.verify.reference import evaluate

MODES = list(product(ROUNDINGS, OVERFLOWS))

# signed, integer, fraction: usual types, one bit, no bit, the point outside the bits on both sides.
TYPES = (
    (1, 2, 1),
    (0, 2, 1),
    (1, 0, 2),
    (1, -1, 3),
    (0, -1, 3),
    (1, 3, -1),
    (0, 4, -2),
    (1, 0, 0),
    (0, 1, 0),
    (0, 0, 0),
    (1, -3, 2),
    (1, 2, 6),
    (1, 6, 4),
)


def _codes_of(values: list[Fraction], fraction: int) -> list[int]:
    scaled = [value * Fraction(2) ** fraction for value in values]
    assert all(value.denominator == 1 for value in scaled)
    return [int(value) for value in scaled]


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
def test_quantize_is_ap_fixed_for_every_code(rounding, overflow):
    source = fixed_input("x", (), integer=3, fraction=4)

    def convert(x):
        return {f"y{n}": quantize(x, *kind, rounding, overflow) for n, kind in enumerate(TYPES)}

    circuit = trace(convert, source)
    check(circuit)
    codes = range(int(source.lo), int(source.hi) + 1)
    results = evaluate(str(circuit), [[code] for code in codes], check_intervals=True)
    for port, kind, column in zip(circuit.outputs, TYPES, zip(*results, strict=True), strict=True):
        wanted = [ap_fixed(Fraction(code, 16), *kind, rounding, overflow) for code in codes]
        assert list(column) == _codes_of(wanted, int(port.fraction)), kind


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
def test_floats_become_the_codes_of_ap_fixed(rounding, overflow):
    edge = np.nextafter(0.5, 0)  # just below a tie, where float64 cannot hold the distance to -1
    values = [code / 16 for code in range(-200, 200)]
    values += [s * v for s in (1, -1) for v in (edge, 1 + 2**-52, 1e-310, 1e300, 2.0**53 + 2)]
    for kind in TYPES:
        wanted = [ap_fixed(Fraction(value), *kind, rounding, overflow) for value in values]
        got = quantize_floats(values, *kind, rounding, overflow)
        assert got.tolist() == _codes_of(wanted, max(kind[2], -(2**9))), kind


@given(
    value=st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-300, 300)
    | st.integers(-(2**70), 2**70).map(float),
    signed=st.integers(0, 1),
    bits=st.integers(0, 61),
    fraction=st.integers(-70, 70),
    mode=st.sampled_from(MODES),
)
def test_any_float_in_any_type(value, signed, bits, fraction, mode):
    kind = (signed, bits - fraction, fraction)
    (code,) = quantize_floats([value], *kind, *mode).tolist()
    assert [code] == _codes_of([ap_fixed(Fraction(value), *kind, *mode)], fraction)


@given(
    code=st.integers(-(2**15), 2**15 - 1),
    point=st.integers(-4, 20),
    signed=st.integers(0, 1),
    integer=st.integers(-6, 16),
    fraction=st.integers(-6, 20),
    mode=st.sampled_from(MODES),
)
def test_any_type_into_any_type(code, point, signed, integer, fraction, mode):
    source = fixed_input("x", (), integer=15 - point, fraction=point)
    circuit = trace(lambda x: quantize(x, signed, integer, fraction, *mode), source)
    check(circuit)
    ((got,),) = evaluate(str(circuit), [[code]], check_intervals=True)
    value = Fraction(code) / Fraction(2) ** point
    wanted = ap_fixed(value, signed, integer, fraction, *mode)
    assert [got] == _codes_of([wanted], int(circuit.outputs[0].fraction))


def test_sign_magnitude_wrap_by_hand():
    # Three bits, -4 to 3. 5 = 0101: kept 101, lowest dropped bit 0, highest kept 1: inverted 010.
    values = [3, 4, 5, 8, 11, 12, -5, -9]
    got = quantize_floats(values, 1, 2, 0, "TRN", "WRAP_SM").tolist()
    assert got == [3, 3, 2, -1, -4, -4, -4, 0]


def test_symmetric_saturation_has_no_smallest_number():
    assert quantize_floats([-8, -3, 3], 1, 1, 1, "RND", "SAT_SYM").tolist() == [-3, -3, 3]
    assert quantize_floats([-8, 8], 0, 1, 1, "RND", "SAT_SYM").tolist() == [0, 3]


def test_types_may_differ_from_element_to_element():
    source = fixed_input("x", 3, integer=3, fraction=4)
    kinds = np.array([[1, 0, 1], [2, 3, 0], [1, 0, 0]])
    circuit = trace(lambda x: quantize(x, *kinds, "RND", "SAT"), source)
    codes = [[-128, -128, -128], [127, 127, 127], [5, 9, -9]]
    values = [[Fraction(code, 16) for code in event] for event in codes]
    wanted = [
        [ap_fixed(v, *kind, "RND", "SAT") for v, kind in zip(event, kinds.T.tolist(), strict=True)]
        for event in values
    ]
    points = circuit.outputs[0].fraction.tolist()
    got = evaluate(str(circuit), codes)
    assert [[Fraction(c, 2**f) for c, f in zip(e, points, strict=True)] for e in got] == wanted


def test_a_value_in_range_costs_nothing():
    source = fixed_input("x", 4, integer=3, fraction=4)
    circuit = trace(lambda x: quantize(x, 1, 5, 6, "RND_CONV", "SAT"), source)
    assert len(circuit) == 5  # the inputs, and the zero that stands for elements without bits


def test_lookup_is_the_function_then_the_type():
    source = fixed_input("x", 2, integer=[2, 1], fraction=[2, 4])
    circuit = trace(lambda x: lookup(x, lambda v: v * v / 3, 0, 2, 5, "RND_CONV"), source)
    check(circuit)
    codes = [[a, b] for a in range(-16, 16) for b in (-32, -7, 0, 31)]
    got = evaluate(str(circuit), codes, check_intervals=True)
    values = np.array(codes) / [4, 16]
    wanted = quantize_floats(values**2 / 3, 0, 2, 5, "RND_CONV", "SAT")
    assert got == wanted.tolist()
    assert len(circuit.tables) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: quantize(x, 1, 2, 2, "UP"), "rounding 'UP' is unknown"),
        (lambda x: quantize(x, 1, 2, 2, "TRN", "CLIP"), "overflow 'CLIP' is unknown"),
        (lambda x: quantize(x, 2, 2, 2), "signed must be 0 or 1"),
        (lambda x: quantize(x, 1, 2.5, 2), "integer bits must be whole numbers"),
        (lambda x: quantize(x, 1, 2, 10**6), "more than 4096 bits"),
        (lambda x: lookup(x * x * x, np.sqrt, 1, 2, 2), "too large"),
        (lambda x: lookup(x, np.reciprocal, 1, 2, 2), "one finite number"),
        (lambda x: lookup(x, lambda v: v[:1], 1, 2, 2), "one finite number"),
        (lambda x: lookup(x, np.abs, 1, 70, 2), "70 bits|73 bits"),
        (lambda x: lookup(x * 2.0**-60 + 1, np.abs, 1, 2, 2), "at most 53 bits"),
    ],
)
def test_errors_are_one_line(call, message):
    with pytest.raises(CircuitError, match=message) as caught, np.errstate(divide="ignore"):
        trace(call, fixed_input("x", (), integer=4, fraction=4))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_floats_without_a_code(value):
    with pytest.raises(CircuitError, match="NaN or infinite"):
        quantize_floats([value], 1, 2, 2, "TRN", "SAT")


def test_input_types():
    port = fixed_input("x", 3, signed=[1, 0, 1], integer=[2, 2, 0], fraction=[1, 1, -1])
    assert port.lo.tolist() == [-8, 0, 0]
    assert port.hi.tolist() == [7, 7, 0]
    symmetric = fixed_input("x", (), integer=2, fraction=1, overflow="SAT_SYM")
    assert (int(symmetric.lo), int(symmetric.hi)) == (-7, 7)
    for wrong, message in (
        ({"integer": 62}, "63 bits|65 bits"),
        ({"integer": -9}, "-6 bits"),
        ({"integer": [1, 2]}, "input x"),
        ({"integer": 1, "rounding": "NEAR"}, "rounding 'NEAR'"),
    ):
        with pytest.raises(CircuitError, match=message):
            fixed_input("x", 3, fraction=2, **wrong)
