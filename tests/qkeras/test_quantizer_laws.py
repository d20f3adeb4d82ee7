"""Laws of the quantisers: hardware equals NumPy on every code, and weights stay on their grids."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgetrig import circuit
from edgetrig.circuit import Input, check
from edgetrig.emulate import Emulator
from edgetrig.frontends.qkeras.activations import applied
from edgetrig.frontends.qkeras.description import describe
from edgetrig.frontends.qkeras.weights import quantized
from edgetrig.frontends.values import exact

SOME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
flag = st.integers(0, 1)
bits = st.integers(1, 8)
more_bits = st.integers(2, 9)
integer = st.integers(-3, 6)
slope = st.sampled_from([0.0, 0.5, 0.125, 1.0])
factor = st.sampled_from([0.25, 1.0, 2, 0.3])


def call(kind, *arguments, **named):
    """Return the text of a call with drawn values."""
    drawn = st.tuples(*arguments), st.fixed_dictionaries(named)
    return st.tuples(*drawn).map(
        lambda pair: f"{kind}({','.join([*map(str, pair[0]), *_named(pair[1])])})"
    )


def _named(values):
    return [f"{name}={value!r}" for name, value in values.items()]


QUANTIZERS = st.one_of(
    call("quantized_bits", more_bits, integer, flag, flag, alpha=factor),
    call("quantized_bits", st.just(1), integer, flag, alpha=factor),
    call("quantized_linear", bits, integer, flag, flag, alpha=st.sampled_from([0.5, 1.0, 4])),
    call("quantized_relu", more_bits, integer, flag, negative_slope=slope),
    call("quantized_tanh", more_bits, symmetric=flag, use_real_tanh=flag),
    call("quantized_sigmoid", bits, flag, flag),
    call("quantized_ulaw", more_bits, integer, flag),
    call("quantized_hswish", more_bits, integer, flag),
    call("quantized_po2", st.integers(2, 5), quadratic_approximation=st.booleans()),
    call("quantized_relu_po2", st.integers(2, 4), negative_slope=slope),
    call("binary", flag, factor),
    call("ternary", factor, st.sampled_from([0.33, 0.5, 0.1, 0.0])),
    st.sampled_from(["hard_sigmoid", "smooth_tanh", "binary_tanh", "smooth_sigmoid", "hard_tanh"]),
)
AUTOMATIC = st.one_of(
    call("quantized_bits", more_bits, integer, alpha=st.sampled_from(["auto", "auto_po2"])),
    call("quantized_linear", bits, integer, alpha=st.sampled_from(["auto", "auto_po2"])),
    call("binary", flag, st.sampled_from(["'auto'", "'auto_po2'"])),
    call("ternary", st.sampled_from(["'auto'", "'auto_po2'"])),
)
WEIGHTS = arrays(
    np.float32,
    st.sampled_from([(4, 3), (2, 2, 3, 2), (5,), (1, 1)]),
    elements=st.floats(-8, 8, width=16),
)


@SOME
@given(QUANTIZERS, st.integers(1, 9), st.integers(-2, 8), st.booleans())
def test_hardware_equals_numpy_on_every_code(text, width, fraction, signed):
    description = describe(text)
    low = -(1 << (width - 1)) if signed else 0
    codes = np.arange(low, low + (1 << width))
    port = Input("x", np.array([codes[0]]), np.array([codes[-1]]), np.array([fraction]))
    traced = circuit.trace(lambda x: exact(applied(description, x)), port)
    check(traced)
    x = np.ldexp(codes.astype(np.float64), -fraction)[:, None]
    expected = np.broadcast_to(exact(applied(description, x)), x.shape)
    np.testing.assert_array_equal(np.asarray(Emulator(traced).predict(x)), expected)


@SOME
@given(AUTOMATIC, WEIGHTS)
def test_automatic_scales_are_finite_and_split_to_the_same_weights(text, values):
    weights = quantized(describe(text), values)
    codes, factors = weights.split()
    again = codes if factors is None else codes * factors
    np.testing.assert_allclose(again, weights.values, rtol=2**-23)
    if "auto_po2" in text and not text.startswith("quantized_linear(1"):
        used = weights.scale[weights.scale != 0]
        assert (np.frexp(used)[0] == 0.5).all()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("quantized_bits(6,0,alpha=1)", {"bits": 6, "integer": 0, "alpha": 1}),
        ("quantized_bits( 4 , 1 , 1 )", {"bits": 4, "integer": 1, "symmetric": 1}),
        ("quantized_bits(4, alpha=auto_po2)", {"alpha": "auto_po2", "symmetric": 1}),
        ("quantized_bits(4, alpha='auto')", {"alpha": "auto"}),
        ("quantized_bits", {"bits": 8, "keep_negative": True}),
        ("quantized_relu(4,2,negative_slope=0.25)", {"negative_slope": 0.25}),
        ("quantized_bits(4,scale_axis=[0,1])", {"scale_axis": [0, 1]}),
        ("binary(alpha=-0.5)", {"alpha": -0.5}),
    ],
)
def test_descriptions_are_parsed(text, options):
    description = describe(text)
    assert {name: description[name] for name in options} == options


def test_kernels_without_a_scale_get_one():
    assert describe("quantized_bits(4)").trainable()["alpha"] == "auto_po2"
    assert describe("quantized_bits(4,alpha=1)").trainable()["alpha"] == 1
    assert describe("quantized_po2(4)").trainable() == describe("quantized_po2(4)")


def test_groups_of_a_scale():
    description = describe(
        "quantized_bits(4,alpha='auto_po2',scale_axis=0,elements_per_scale=2,max_po2_exponent=-3)"
    )
    values = np.repeat([1, 4, 0.25], 2).astype(np.float32)[:, None] * np.ones((1, 3), np.float32)
    weights = quantized(description, values)
    assert weights.scale.shape == (6, 1)
    np.testing.assert_array_equal(weights.scale[::2], weights.scale[1::2])
    assert (weights.scale / 8 <= 2.0**-3).all()
