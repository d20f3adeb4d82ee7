"""Layers that people's files hold beside QKeras': HGQ's proxies, binary and ternary networks."""

import json
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qkeras_files import outputs_of

from edgetrig.errors import ModelError
from edgetrig.frontends import load

MODES = {"RND": lambda v: np.floor(v + 0.5), "TRN": np.floor, "RND_CONV": np.rint}


def saved(path, entries, shape, weights):
    """Write a Keras 2 file of layers in a row; ``weights`` are (name, array) by layer."""
    first = {
        "class_name": "InputLayer",
        "config": {"name": "x", "batch_input_shape": [None, *shape]},
    }
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": [first, *entries]}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [entry["config"]["name"].encode() for entry in entries]
        for entry in entries:
            name = entry["config"]["name"]
            layer = group.create_group(name)
            given = weights.get(name, [])
            layer.attrs["weight_names"] = [f"{name}/{key}:0".encode() for key, _ in given]
            for key, values in given:
                layer.create_dataset(f"{name}/{key}:0", data=values)
    return path


def entry(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


def quantised(x, sign, bits, before, rounding, overflow):
    """Return what ``ap_fixed`` makes of floats, in plain NumPy."""
    sign, bits, before = (v.astype(np.int64) for v in (sign, bits, before))
    fraction = np.where(bits > 0, bits - before, 0)
    code = MODES[rounding](x * np.exp2(fraction))
    top = np.exp2(bits - sign)
    low = np.where(sign == 1, -top, 0)
    if overflow == "WRAP":
        code = np.where(bits > 0, (code - low) % np.exp2(np.maximum(bits, 0)) + low, 0)
    else:
        code = np.clip(code, low + (sign if overflow == "SAT_SYM" else 0), top - 1)
    return np.where(bits > 0, code * np.exp2(-fraction), 0)


@given(
    rounding=st.sampled_from([*MODES]),
    overflow=st.sampled_from(["WRAP", "SAT", "SAT_SYM"]),
    each=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_proxies_of_hgq(tmp_path_factory, rounding, overflow, each, seed):
    rng = np.random.default_rng(seed)
    shape = (1, 3) if each else (1,)
    sign = rng.integers(0, 2, shape)
    bits = rng.integers(0, 9, shape) * 1
    bits = np.where(bits > 0, np.maximum(bits, sign + 1), 0)  # one bit of sign alone is nothing
    before = rng.integers(-2, 9, shape)
    types = [("keep_negative", sign), ("bits", bits), ("integers", before)]
    given_types = [("keep_negative", [1]), ("bits", [12]), ("integers", [6])]
    kernel = rng.integers(-8, 8, (2, 3)).astype(np.float32) / 4
    path = saved(
        tmp_path_factory.mktemp("proxy") / "m.h5",
        [
            entry("FixedPointQuantizer", "given", RND="TRN", SAT="WRAP"),
            entry("Dense", "dense", units=3, use_bias=False),
            entry("FixedPointQuantizer", "q", RND=rounding, SAT=overflow),
        ],
        (2,),
        {
            "given": [(name, np.int8(v)) for name, v in given_types],
            "dense": [("kernel", kernel)],
            "q": [(name, v.astype(np.int8)) for name, v in types],
        },
    )
    x = rng.integers(-2048, 2048, (200, 2)) / 64.0
    expected = quantised(x @ kernel, sign, bits, before, rounding, overflow)
    (found,) = outputs_of(load(path).circuit, x.astype(np.float32))
    assert np.array_equal(found, np.broadcast_to(expected, found.shape))


def binary_file(path, kind, activation, **config):
    rng = np.random.default_rng(3)
    kernel = rng.normal(0, 0.6, (4, 5)).astype(np.float32)
    kernel[0] = [0, 0.5, -0.5, 1e-9, -0.25]
    layer = entry(kind, "d", units=5, use_bias=False, H=1, **config)
    rest = [entry("Activation", "a", activation=activation)]
    return saved(path, [layer, *rest], (4,), {"d": [("kernel", kernel)]}), kernel


@pytest.mark.parametrize("kind", ["BinaryDense", "TernaryDense"])
@pytest.mark.parametrize("activation", ["binary_tanh", "ternary_tanh", "relu1"])
def test_binary_and_ternary_networks(tmp_path, kind, activation):
    """Against the definitions, in floats: ties and zeros included."""
    path, kernel = binary_file(tmp_path / "m.h5", kind, activation)
    if kind == "BinaryDense":
        kernel = 2 * np.rint(np.clip((kernel + np.float32(1)) / 2, 0, 1)) - 1
    else:
        kernel = 1.0 * (kernel > 0.5) - (kernel <= -0.5)
    x = np.random.default_rng(5).integers(-8, 8, (300, 4)) / 4.0
    sums = x @ kernel
    expected = {
        "binary_tanh": 2 * np.rint(np.clip((sums + 1) / 2, 0, 1)) - 1,
        "ternary_tanh": np.rint(np.clip(sums, -1, 1)),
        "relu1": np.clip(sums, 0, 1),
    }[activation]
    circuit = load(path, input_type="fixed<8,4>").circuit
    (found,) = outputs_of(circuit, x.astype(np.float32))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("scale", ["Glorot", 0, -1, float("nan")])
def test_scales_that_no_file_holds(tmp_path, scale):
    path, _ = binary_file(tmp_path / "m.h5", "BinaryDense", "relu1")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["H"] = scale
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ModelError, match=r"layer 'd'.*scale") as caught:
        load(path, input_type="fixed<8,4>")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([("bits", np.int8([4])), ("integers", np.int8([2]))], "no weight 'keep_negative'"),
        ([(n, np.float32([4])) for n in ("keep_negative", "bits", "integers")], "damaged"),
        ([(n, np.int8([100])) for n in ("keep_negative", "bits", "integers")], "damaged"),
    ],
)
def test_damaged_proxies(tmp_path, weights, message):
    layers = [entry("FixedPointQuantizer", "q", RND="TRN", SAT="WRAP")]
    path = saved(tmp_path / "m.h5", layers, (2,), {"q": weights})
    with pytest.raises(ModelError, match=message):
        load(path)


def test_qkeras_for_keras_3(tmp_path):
    """A ``.keras`` file that a live QKeras on Keras 3 saves: its layers say whose they are."""
    quantizer = {
        "class_name": "quantized_bits",
        "config": {"bits": 4, "integer": 0, "alpha": 1},
        "registered_name": "qkeras>quantized_bits",
    }
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 3]}},
        {
            "module": "qkeras.qlayers",
            "class_name": "QDense",
            "registered_name": "qkeras>QDense",
            "config": {"name": "d", "units": 2, "use_bias": False, "kernel_quantizer": quantizer},
        },
    ]
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}
    kernel = np.float32([[0.3, -0.9], [2.0, 0.0], [-0.1, 0.6]])
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("layers/q_dense/vars/0", data=kernel)
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.14.1"}))
        archive.writestr("config.json", json.dumps(config))
        archive.write(tmp_path / "w.h5", "model.weights.h5")
    x = np.random.default_rng(1).integers(-8, 8, (100, 3)).astype(np.float32)
    (found,) = outputs_of(load(tmp_path / "m.keras", input_type="fixed<8,8>").circuit, x)
    assert np.array_equal(found, x @ (np.clip(np.rint(kernel * 8), -8, 7) / 8))


@pytest.mark.parametrize("inner", ["QDense", "BinaryDense"])
def test_a_layer_for_every_step_keeps_its_quantisers(tmp_path, inner):
    """``TimeDistributed`` of a dense layer is the dense layer over the last axis."""
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(0, 0.5, (2, 3)), rng.integers(-4, 5, 3) / 4
    entrance = entry("QActivation", "entrance", activation="quantized_bits(6,2,alpha=1)")
    config = {"units": 3, "use_bias": True}
    if inner == "QDense":
        config |= {
            "kernel_quantizer": "quantized_bits(4,0,alpha=1)",
            "bias_quantizer": "quantized_bits(4,1,alpha=1)",
            "activation": "quantized_relu(4,2)",
        }
    weights = {"layer": [("kernel", kernel.astype("f4")), ("bias", bias.astype("f4"))]}
    plain = [entrance, entry(inner, "layer", **config)]
    wrapped = [
        entrance,
        entry("TimeDistributed", "layer", layer=entry(inner, "inside", **config)),
    ]
    wanted, found = (
        load(saved(tmp_path / f"{k}.h5", layers, (4, 2), weights))
        for k, layers in enumerate([plain, wrapped])
    )
    x = rng.integers(-16, 16, (50, 4, 2)) / 8
    np.testing.assert_array_equal(outputs_of(found.circuit, x), outputs_of(wanted.circuit, x))


def test_the_saved_form_of_hswish(tmp_path):
    """It names ``keep_negative``, which the call does not take."""
    given = {"bits": 4, "integer": 1, "symmetric": 1, "keep_negative": True}
    described = {"class_name": "quantized_hswish", "config": given}
    files = [
        saved(tmp_path / f"{k}.h5", [entry("QActivation", "a", activation=text)], (3,), {})
        for k, text in enumerate([described, "quantized_hswish(4,1,1)"])
    ]
    found, wanted = (load(path, input_type="fixed<8,4>").circuit for path in files)
    x = np.arange(-72, 72).reshape(-1, 3) / 8
    np.testing.assert_array_equal(outputs_of(found, x), outputs_of(wanted, x))
