"""Scales that are no powers of two: codes as ONNX Runtime's, but for float32's own ties."""

import numpy as np
import pytest

from edgetrig.frontends import load

EVENTS = 300


def scale(rng):
    return np.float32(rng.uniform(0.01, 0.1))


def network(rng, model_of, per_channel):
    """Return a network with QDQ pairs between all layers, and the scale of its input."""
    columns = 3 if per_channel else 1
    constants = {
        "w": rng.integers(-127, 128, (3, 1, 3)).astype(np.int8),
        "sw": np.float32(rng.uniform(0.002, 0.01, columns)).reshape(-1 if per_channel else ()),
        "zw": np.zeros(columns, np.int8).reshape(-1 if per_channel else ()),
        "k": rng.integers(-127, 128, (12, 12)).astype(np.int8),
        "sk": scale(rng) / 10,
        "zk": np.int8(0),
        "b": rng.normal(size=3).astype(np.float32) / 4,
    }
    for name in ("x", "a", "p", "d", "y"):
        constants["s" + name] = scale(rng)
        constants["z" + name] = np.uint8(128 if name in "xdy" else 0)

    def pair(name):
        return [("QuantizeLinear", f"{name} s{name} z{name}", f"{name}q"),
                ("DequantizeLinear", f"{name}q s{name} z{name}", f"{name}v")]  # fmt: skip

    nodes = [
        *pair("x"),
        ("DequantizeLinear", "w sw zw", "wv", {"axis": 0}),
        ("Conv", "xv wv b", "c", {"pads": [1, 1]}),
        ("Relu", "c", "a"),
        *pair("a"),
        ("AveragePool", "av", "p", {"kernel_shape": [3], "strides": [2], "pads": [1, 0]}),
        *pair("p"),
        ("Flatten", "pv", "f"),
        ("DequantizeLinear", "k sk zk", "kv"),
        ("MatMul", "f kv", "d"),
        *pair("d"),
        ("Add", "dv f", "y"),
        ("QuantizeLinear", "y sy zy", "out"),
    ]
    return model_of(nodes, {"x": ["N", 1, 8]}, ["out"], constants), constants["sx"]


@pytest.mark.parametrize("seed", range(6))
def test_codes(seed, model_of, runtime, outputs_of):
    rng = np.random.default_rng(seed)
    model, step = network(rng, model_of, per_channel=seed % 2 == 0)
    x = (rng.integers(-128, 128, (EVENTS, 1, 8)) * step).astype(np.float32)
    expected = runtime(model, x=x)[0].astype(np.int64)
    loaded = load(model)
    (got,) = outputs_of(loaded.circuit, x=x).values()
    # A sum in float32 may fall on the other side of a half: one code off, once in thousands.
    wrong = got != expected
    assert np.abs(got - expected).max() <= 1
    assert wrong.mean() <= 1e-3
    assert "no power of two" in loaded.notes[0]


def test_known_inputs_need_no_finer_port(model_of, runtime, outputs_of):
    rng = np.random.default_rng(9)
    model, _ = network(rng, model_of, per_channel=False)
    x = rng.integers(-64, 64, (EVENTS, 1, 8)) / 32
    expected = runtime(model, x=x.astype(np.float32))[0].astype(np.int64)
    loaded = load(model, input_type="fixed<8,3>")
    assert loaded.circuit.inputs[0].hi.max() == 127
    (got,) = outputs_of(loaded.circuit, x=x).values()
    assert np.mean(got != expected) <= 1e-3


@pytest.mark.parametrize(("other", "noted"), [("x", True), ("w", False)])
def test_wide_products_of_two_values_are_noted(other, noted, model_of):
    weights = {"w": np.float32([1.2345678, 2.3456789])}
    model = model_of([("Mul", f"x {other}", "y")], {"x": ["N", 2]}, ["y"], weights)
    loaded = load(model, input_type="fixed<24,12>")
    assert loaded.circuit.widths.max() > 40
    assert any("a product of two values has 4" in note for note in loaded.notes) == noted
    assert not any("HGQ2" in note for note in loaded.notes)


def test_whole_numbers_again_by_a_short_scale_that_is_no_power_of_two(model_of, assert_same, rng):
    """A short scale is multiplied exactly, so there are no steps of it to be read back."""
    nodes = [
        ("QuantizeLinear", "x fine zero", "a"),
        ("DequantizeLinear", "a fine zero", "b"),
        ("QuantizeLinear", "b coarse seven", "c"),
        ("Clip", "c low high", "d"),
        ("DequantizeLinear", "d coarse seven", "y"),
    ]
    constants = {
        "fine": np.float32(0.25),
        "coarse": np.float32(0.46728515625),
        "zero": np.int8(0),
        "seven": np.uint8(7),
        "low": np.uint8(0),
        "high": np.uint8(15),
    }
    model = model_of(nodes, {"x": ["N", 3]}, ["y"], constants)
    assert_same(model, x=(rng.integers(-40, 40, (60, 3)) / 4).astype(np.float32))


def test_constants_keep_the_type_that_they_are_quantised_to(model_of, assert_same, rng):
    """As Brevitas writes narrow weights: a `Clip` of theirs has bounds of their type."""
    nodes = [
        ("QuantizeLinear", "x fine zero", "a"),
        ("DequantizeLinear", "a fine zero", "b"),
        ("QuantizeLinear", "w step zero", "c"),
        ("Clip", "c low high", "d"),
        ("DequantizeLinear", "d step zero", "e"),
        ("MatMul", "b e", "y"),
    ]
    constants = {
        "fine": np.float32(0.25),
        "step": np.float32(0.125),
        "zero": np.int8(0),
        "low": np.int8(-7),
        "high": np.int8(7),
        "w": rng.normal(0, 0.6, (3, 2)).astype(np.float32),
    }
    model = model_of(nodes, {"x": ["N", 3]}, ["y"], constants)
    assert_same(model, x=(rng.integers(-40, 40, (60, 3)) / 4).astype(np.float32))
