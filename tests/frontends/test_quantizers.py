"""Every HGQ2 quantiser: circuit equals Keras, element by element, extremes included."""

import keras
import numpy as np
import pytest
from hgq.config import HardSigmoidConfig, HardTanhConfig, QuantizerConfig
from hgq.layers import QDense, Quantizer
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.errors import ModelError
from edgetrig.frontends import load
from edgetrig.frontends.keras.quantizers import Quantizer as Mirror

ROUNDINGS = ["TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF"]
OVERFLOWS = ["WRAP", "SAT", "SAT_SYM"]


def config(kind, rounding="RND", overflow="SAT", **kwargs):
    return QuantizerConfig(
        kind, "datalane", round_mode=rounding, overflow_mode=overflow, ic=None, **kwargs
    )


def set_bits(quantizer, rng, elements):
    """Give every element its own sign, integer and fraction bits, some of them no bits at all."""
    inner = quantizer.quantizer
    shape = inner._k.shape
    inner._k.assign(rng.integers(0, 2, shape))
    inner._i.assign(rng.integers(-3, 5, shape) + rng.uniform(-0.4, 0.4, shape))
    width = inner._f if hasattr(inner, "_f") else inner._b
    low = -3 if hasattr(inner, "_f") else 0
    width.assign(rng.integers(low, 6, shape) + rng.uniform(-0.4, 0.4, shape))


def extreme(rng, shape):
    """Values on a fine grid (so that float32 stays exact), ties and far outliers among them."""
    fine = rng.integers(-(2**12), 2**12, shape) / 2.0**7
    return np.where(rng.random(shape) < 0.3, np.round(fine * 4) / 8 + 0.0, fine).astype("float32")


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", [*ROUNDINGS, "S_RND", "S_RND_CONV"])
@pytest.mark.parametrize("kind", ["kif", "kbi"])
def test_input_quantizer_is_exact(kind, rounding, overflow, assert_same, rng):
    layer = Quantizer(config(kind, rounding, overflow))
    model = keras.Sequential([keras.Input((24,)), layer])
    set_bits(layer, rng, 24)
    assert_same(model, extreme(rng, (200, 24)))


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("kind", ["kif", "kbi"])
def test_inner_quantizer_is_exact(kind, rounding, overflow, assert_same, rng):
    first = Quantizer(config("kif", i0=6, f0=7, heterogeneous_axis=()))
    second = Quantizer(config(kind, rounding, overflow))
    model = keras.Sequential([keras.Input((24,)), first, second])
    set_bits(second, rng, 24)
    assert_same(model, extreme(rng, (200, 24)))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ROUNDINGS),
    st.sampled_from(OVERFLOWS),
    st.integers(0, 1),
    st.integers(-4, 8),
    st.integers(-4, 8),
    st.lists(st.integers(-(2**16), 2**16), min_size=1, max_size=20),
)
def test_mirror_of_the_library_is_exact(rounding, overflow, k, i, f, codes):
    from quantizers import get_fixed_quantizer_np

    x = np.array(codes, np.float32) / np.float32(2**8)
    kif = [np.float32(v) for v in (k, i, f)]
    with np.errstate(all="ignore"):
        expected = get_fixed_quantizer_np(rounding, overflow)(x, *kif)
    expected = expected if k + i + f > 0 else np.zeros_like(x)
    mirror = Mirror(*(np.array(v) for v in (k, i, f)), rounding, overflow)
    np.testing.assert_array_equal(mirror.weights(x), expected)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ["TRN", "RND", "RND_CONV"])
@pytest.mark.parametrize("kind", ["kif", "kbi"])
def test_weight_quantizer_is_exact(kind, rounding, overflow, assert_same, rng):
    weight = QuantizerConfig(kind, "weight", round_mode=rounding, overflow_mode=overflow)
    bias = QuantizerConfig(kind, "bias", round_mode=rounding, overflow_mode=overflow)
    layer = QDense(6, kq_conf=weight, bq_conf=bias)
    model = keras.Sequential([keras.Input((8,)), layer])
    for quantizer in (layer.kq, layer.bq):
        set_bits(quantizer, rng, 0)
    layer._kernel.assign(rng.normal(0, 3, (8, 6)))
    layer.bias.assign(rng.normal(0, 3, 6))
    assert_same(model, extreme(rng, (100, 8)))


@pytest.mark.parametrize("make", [HardTanhConfig, HardSigmoidConfig])
def test_hard_activations_as_quantizers(make, assert_same, rng):
    first = Quantizer(config("kif", i0=3, f0=7))
    model = keras.Sequential([keras.Input((8,)), first, Quantizer(make(f0=4))])
    assert_same(model, extreme(rng, (100, 8)))


@pytest.mark.parametrize("scaler", [0.25, 8.0])
def test_power_of_two_scaler(scaler, assert_same, rng):
    layer = Quantizer(config("kif", scaler=scaler, affine=(0.5, -3.0)))
    assert_same(keras.Sequential([keras.Input((8,)), layer]), extreme(rng, (100, 8)))


def test_other_scaler_is_refused(assert_same, rng):
    model = keras.Sequential([keras.Input((8,)), Quantizer(config("kif", scaler=0.3))])
    with pytest.raises(ModelError, match=r"layer 'quantizer.*scaler=0.3 is not exact"):
        assert_same(model, extreme(rng, (2, 8)))


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        (QuantizerConfig("dummy"), "reaches it unquantised; put a quantiser after"),
        (config("kif", overflow="WRAP_SM"), "overflow mode WRAP_SM is not supported; use WRAP"),
    ],
)
def test_inexact_quantizers_are_refused(conf, message, assert_same, rng):
    model = keras.Sequential([keras.Input((4,)), QDense(3, iq_conf=conf, name="first")])
    with pytest.raises(ModelError, match=message) as caught:
        assert_same(model, extreme(rng, (2, 4)))
    assert "model.keras: layer 'first' (QDense)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_float_quantizer_is_refused(tmp_path, rewrite):
    model = keras.Sequential([keras.Input((4,)), Quantizer(config("kif"), name="first")])
    model.save(tmp_path / "model.keras")  # HGQ2 0.2.0 cannot build its own float quantiser
    path = rewrite(tmp_path / "model.keras", lambda text: text.replace('"kif"', '"float"'))
    with pytest.raises(
        ModelError, match="a 'float' quantiser is not fixed-point; use q_type='kif'"
    ):
        load(path)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("roundings", [("RND", "RND"), ("TRN", "RND"), ("TRN", "TRN")])
def test_one_input_read_by_several_quantizers(roundings, overflow, assert_same, rng):
    inputs = keras.Input((16,))
    layers = [Quantizer(config("kif", rounding, overflow)) for rounding in roundings]
    model = keras.Model(inputs, [layer(inputs) for layer in layers])
    for layer in layers:
        set_bits(layer, rng, 16)
    assert_same(model, extreme(rng, (300, 16)))


def test_one_input_rounded_to_even_twice_is_refused(assert_same, rng):
    inputs = keras.Input((2,), name="x")
    layers = [Quantizer(config("kif", "RND_CONV", f0=f)) for f in (2, 4)]
    model = keras.Model(inputs, [layer(inputs) for layer in layers])
    with pytest.raises(ModelError, match=r"input 'x': is rounded in several ways \(RND_CONV\)"):
        assert_same(model, extreme(rng, (2, 2)))
