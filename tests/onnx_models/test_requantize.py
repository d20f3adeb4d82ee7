"""Rounding ``a m + c`` to whole numbers: against exact fractions, in all modes."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig import circuit
from edgetrig.emulate import Emulator
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.scales.requantize import ROUND, Whole, requantized
from edgetrig.frontends.scales.scaled import Scaled, parts
from edgetrig.frontends.scales.summed import Summed, requantized_sum, summed

MODES = sorted(ROUND)


def rounded(v, mode):
    """Return a fraction rounded by the definition of a mode."""
    away = ceil if v > 0 else floor
    nearest = {
        "RND_CONV": round(v),
        "RND": floor(v + Fraction(1, 2)),
        "RND_MIN_INF": ceil(v - Fraction(1, 2)),
        "RND_INF": int(v + Fraction(1, 2)) if v > 0 else -int(-v + Fraction(1, 2)),
        "RND_ZERO": ceil(v - Fraction(1, 2)) if v > 0 else -ceil(-v - Fraction(1, 2)),
    }
    plain = {"TRN": floor(v), "CEIL": ceil(v), "TRN_ZERO": int(v), "UP": away(v)}
    return {**nearest, **plain}[mode]


scales = st.one_of(
    st.floats(2.0**-12, 2.0**3, width=32),
    st.builds(lambda p, q: p / q, st.integers(1, 12), st.integers(1, 24)),
    st.sampled_from([0.5, 0.25, 1.0, 0.1, 1 / 3, 0.75]),
)


@settings(max_examples=120, deadline=None)
@given(
    scale=scales,
    step=scales,
    offset=st.one_of(
        st.just(0.0),
        st.integers(-64, 64).map(lambda v: v / 8),
        st.integers(-9000, 9000).map(lambda v: v / 1000),
    ),
    low=st.integers(-130, 0),
    width=st.integers(1, 300),
    reach=st.integers(1, 2000),
    point=st.integers(-1, 4),
    mode=st.sampled_from(MODES),
    clip=st.booleans(),
)
def test_equals_exact_fractions(scale, step, offset, low, width, reach, point, mode, clip):
    codes = np.unique(np.linspace(-reach, reach, 601).astype(np.int64))
    target = Whole(*map(np.array, (step, 0.0)), np.array(low), np.array(low + width), mode)

    def function(x):
        columns = [np.full(1, v) for v in (scale, offset, 0.0 if clip else -np.inf, np.inf)]
        return {"y": requantized(Scaled(x, *columns), target)}

    port = circuit.Input("x", np.full(1, -reach), np.full(1, reach), np.full(1, point))
    traced = circuit.trace(function, port)
    circuit.check(traced)
    x = codes[:, None] * 2.0**-point
    got = Emulator(traced).predict(x).ravel()
    m = nearest(scale) / nearest(step) * Fraction(2) ** -point
    c = nearest(offset) / nearest(step)
    bottom = max(low, rounded(Fraction(0), mode)) if clip else low
    bottom = min(bottom, low + width)  # clipping to the range comes last
    expected = [min(max(rounded(m * int(a) + c, mode), bottom), low + width) for a in codes]
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(function(Batch(x))["y"].values.ravel(), expected)


def nearest(number):
    """Return the simple quotient that a float64 stands for, as 1/3, else the float64 itself."""
    simple = Fraction(number).limit_denominator(1 << 20)
    exact = Fraction(number)
    return simple if abs(simple - exact) <= abs(exact) / (1 << 50) else exact


@pytest.mark.parametrize("mode", MODES)
def test_sixths_meet_halves(mode):
    test_equals_exact_fractions.hypothesis.inner_test(
        1 / 6, 1.0, 0.0, -60, 120, 300, 0, mode, False
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", [0.41, 3.0, 0.5])
def test_more_results_than_are_listed(mode, step):
    test_equals_exact_fractions.hypothesis.inner_test(
        0.37 if step < 1 else 1.0, step, 0.0, -(1 << 20), 1 << 21, 300 << 10, 0, mode, False
    )


def test_the_multiplier_is_short():
    def function(x):
        columns = [np.full(1, v) for v in (0.1234, 0.0, -np.inf, np.inf)]
        target = Whole(*map(np.array, (1.0, 0.0)), np.array(-8), np.array(7), "RND_CONV")
        return {"y": requantized(Scaled(x, *columns), target)}

    port = circuit.Input("x", np.full(1, -128), np.full(1, 127), np.full(1, 0))
    traced = circuit.trace(function, port)
    constants = traced.rows.hi[traced.constant]
    assert constants.max() < 2**7


@settings(max_examples=40, deadline=None)
@given(
    first=st.floats(2.0**-8, 2.0, width=32),
    second=st.one_of(st.floats(2.0**-8, 2.0, width=32), st.just(0.5)),
    step=st.floats(2.0**-6, 2.0, width=32),
    offset=st.integers(-900, 900).map(lambda v: v / 100),
    low=st.integers(-60, 0),
    mode=st.sampled_from(MODES),
    relu=st.booleans(),
)
def test_sums_of_two_scales(first, second, step, offset, low, mode, relu):
    target = Whole(*map(np.array, (step, 0.0)), np.array(low), np.array(low + 63), mode)
    a, b = (v.ravel() for v in np.meshgrid(np.arange(-20, 21), np.arange(-9, 10)))

    def function(x, y):
        free = [np.full(1, v) for v in (-np.inf, np.inf)]
        values = [
            Scaled(v, np.full(1, scale), np.full(1, o), *free)
            for v, scale, o in ((x, first, offset), (y, second, 0.0))
        ]
        total = summed(*values)
        total = total.clipped(0.0, np.inf) if relu and isinstance(total, Summed) else total
        rounds = (
            requantized_sum if isinstance(total, Summed) else lambda v, t: requantized(parts(v), t)
        )
        return {"y": rounds(total, target)}

    ports = [circuit.Input(n, np.full(1, -k), np.full(1, k), np.full(1, 0))
             for n, k in (("a", 20), ("b", 9))]  # fmt: skip
    traced = circuit.trace(function, *ports)
    circuit.check(traced)
    got = Emulator(traced).predict({"a": a[:, None], "b": b[:, None]}).ravel()
    m, k, c = (nearest(v) / nearest(step) for v in (first, second, offset))
    exact = [m * int(i) + k * int(j) + c for i, j in zip(a, b, strict=True)]
    if relu and m != k * Fraction(2) ** round(np.log2(float(m / k))):
        exact = [max(v, Fraction(0)) for v in exact]
    expected = np.array([min(max(rounded(v, mode), low), low + 63) for v in exact])
    halves = np.array([abs(float(2 * v) - round(float(2 * v))) for v in exact])
    sure = halves > 1e-9  # elsewhere the ratio may have been rounded
    np.testing.assert_array_equal(got[sure], expected[sure])
    batch = function(Batch(a[:, None] * 1.0), Batch(b[:, None] * 1.0))["y"].values.ravel()
    np.testing.assert_array_equal(batch[sure], expected[sure])
