"""Products, convolutions and quantised linear operators, equal to ONNX Runtime in every bit."""

import numpy as np
import pytest

from edgetrig.errors import ModelError
from edgetrig.frontends import load

EVENTS = 50
TYPES = {"s": np.float32(0.25), "z": np.int8(0), "so": np.float32(0.5), "zo": np.int8(3)}
QDQ = [("QuantizeLinear", "x s z", "q"), ("DequantizeLinear", "q s z", "v")]
OUT = [("QuantizeLinear", "r so zo", "rq"), ("DequantizeLinear", "rq so zo", "y")]


def weights(rng, *shape):
    return (rng.integers(-8, 9, shape) / 4).astype(np.float32)


def values(rng, *shape):
    return (rng.integers(-200, 200, (EVENTS, *shape)) / 8).astype(np.float32)


GEMMS = [
    ("Gemm", (6,), {}, [(6, 4), (4,)]),
    ("Gemm", (6,), {"transB": 1, "alpha": 0.5, "beta": 2.0}, [(4, 6), (1, 4)]),
    ("Gemm", (6,), {}, [(6, 4)]),
    ("MatMul", (6,), {}, [(6, 4)]),
    ("MatMul", (3, 6), {}, [(6, 4)]),
    ("MatMul", (2, 3, 4), {}, [(2, 4, 2)]),
    ("Einsum", (3, 4), {"equation": "bij,jk->bik"}, [(4, 2)]),
    ("Einsum", (3, 4), {"equation": "...i,ij"}, [(4, 2)]),
    ("Einsum", (3, 4), {"equation": "bij,ij->b"}, [(3, 4)]),
]
CONVS = [
    ("Conv", (2, 7), {}, [(3, 2, 3), (3,)]),
    ("Conv", (2, 7), {"strides": [2], "pads": [1, 2], "dilations": [2]}, [(3, 2, 2)]),
    ("Conv", (2, 5, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, [(3, 2, 2, 3), (3,)]),
    ("Conv", (2, 5, 4), {"auto_pad": "SAME_LOWER"}, [(3, 2, 2, 2)]),
    ("Conv", (2, 5, 4), {"auto_pad": "VALID"}, [(3, 2, 2, 2)]),
    ("Conv", (4, 5, 4), {"group": 2}, [(6, 2, 2, 2), (6,)]),
    ("Conv", (3, 4, 4), {"group": 3, "pads": [1, 1, 1, 1]}, [(6, 1, 3, 3)]),
    ("Conv", (1, 3, 3, 3), {}, [(2, 1, 2, 2, 2)]),
    ("ConvTranspose", (2, 4), {"strides": [2]}, [(2, 3, 3), (3,)]),
    ("ConvTranspose", (2, 3, 3), {"strides": [2, 2], "pads": [1, 0, 0, 1],
                                  "output_padding": [1, 0]}, [(2, 2, 3, 2)]),
    ("ConvTranspose", (4, 4), {"group": 2, "dilations": [2]}, [(4, 3, 2), (6,)]),
    ("ConvTranspose", (2, 4), {"strides": [2], "output_shape": [8]}, [(2, 3, 3)]),
    ("ConvTranspose", (2, 4), {"strides": [2], "auto_pad": "SAME_UPPER"}, [(2, 3, 3)]),
    ("ConvTranspose", (2, 4), {"strides": [2], "auto_pad": "SAME_LOWER"}, [(2, 3, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "shape", "attributes", "constants", "opset"),
    [
        pytest.param(*case, opset, id=f"{n}-{case[0]}-{opset}")
        for n, case in enumerate(GEMMS + CONVS)
        for opset in (11, 13, 21)
        if opset >= 12 or case[0] != "Einsum"
    ],
)
def test_linear(kind, shape, attributes, constants, opset, model_of, assert_same, rng):
    given = {f"w{n}": weights(rng, *size) for n, size in enumerate(constants)}
    node = (kind, " ".join(["v", *given]), "r", attributes)
    model = model_of([*QDQ, node, *OUT], {"x": ["N", *shape]}, ["y"], TYPES | given, opset)
    assert_same(model, x=values(rng, *shape))


def test_products_of_computed_values(model_of, assert_same, rng):
    nodes = [*QDQ, ("Transpose", "v", "t", {"perm": [0, 2, 1]}), ("MatMul", "v t", "r"), *OUT]
    assert_same(model_of(nodes, {"x": ["N", 2, 3]}, ["y"], TYPES), x=values(rng, 2, 3))
    nodes = [*QDQ, ("Einsum", "v v", "r", {"equation": "bij,bkj->bik"}), *OUT]
    assert_same(model_of(nodes, {"x": ["N", 2, 3]}, ["y"], TYPES), x=values(rng, 2, 3))
    nodes = [*QDQ, ("Mul", "v v", "m"), ("Add", "m v", "r"), *OUT]
    assert_same(model_of(nodes, {"x": ["N", 3]}, ["y"], TYPES), x=values(rng, 3))


@pytest.mark.parametrize("scale", [0.5, 0.037])
def test_weights_by_axis_and_zero_points(scale, model_of, assert_same, rng):
    constants = {
        **TYPES,
        "sx": np.float32(scale),
        "zx": np.uint8(117),
        "w": rng.integers(0, 255, (6, 4)).astype(np.uint8),
        "sw": np.float32([0.5, 0.25, 2, 1]) * np.float32(scale),
        "zw": np.uint8([3, 128, 0, 255]),
    }
    nodes = [
        ("QuantizeLinear", "x sx zx", "q"),
        ("DequantizeLinear", "q sx zx", "v"),
        ("DequantizeLinear", "w sw zw", "k", {"axis": 1}),
        ("MatMul", "v k", "r"),
        ("QuantizeLinear", "r so zo", "y"),
    ]
    x = (rng.integers(-100, 100, (200, 6)) * scale).astype(np.float32)
    assert_same(model_of(nodes, {"x": ["N", 6]}, ["y"], constants), x=x)


def test_whole_numbers_in(model_of, assert_same, rng):
    from onnx import TensorProto

    constants = {"w": rng.integers(-8, 8, (6, 4)).astype(np.int8), "za": np.int8(3)}
    nodes = [("MatMulInteger", "x w za", "y")]
    model = model_of(nodes, {"x": ["N", 6]}, ["y"], constants, type_=TensorProto.INT8)
    x = rng.integers(-128, 128, (EVENTS, 6)).astype(np.int8)
    loaded = assert_same(model, x=x)
    assert loaded.circuit.inputs[0].lo.min() == -128
    constants = {"w": rng.integers(-8, 8, (3, 2, 2)).astype(np.int8), "zx": np.uint8(7)}
    nodes = [("ConvInteger", "x w zx", "y", {"pads": [1, 0]})]
    model = model_of(nodes, {"x": ["N", 2, 5]}, ["y"], constants, type_=TensorProto.UINT8)
    # ONNX Runtime pads with the zero point, which stands for 0.
    zero = rng.integers(0, 256, (EVENTS, 2, 5)).astype(np.uint8)
    assert_same(model, x=zero)


def test_q_linear_operators(model_of, assert_same, rng):
    constants = {
        "sx": np.float32(0.25), "zx": np.uint8(128), "so": np.float32(2), "zo": np.uint8(100),
        "w": rng.integers(-100, 100, (3, 2, 2)).astype(np.int8), "sw": np.float32([0.5, 1, 0.25]),
        "zw": np.int8([0, 0, 0]), "b": rng.integers(-500, 500, 3).astype(np.int32),
        "k": rng.integers(0, 255, (4, 2)).astype(np.uint8), "sk": np.float32(0.125),
        "zk": np.uint8(120),
    }  # fmt: skip
    nodes = [
        ("QuantizeLinear", "x sx zx", "q"),
        ("QLinearConv", "q sx zx w sw zw so zo b", "c"),
        ("QLinearMatMul", "c so zo k sk zk so zo", "y"),
    ]
    model = model_of(nodes, {"x": ["N", 2, 5]}, ["y"], constants)
    assert_same(model, x=values(rng, 2, 5))


def quant_reference(x, scale, zero, bits, signed, narrow, rounding):
    """Return QONNX' ``Quant`` in float32, as its own execution computes it."""
    function = {
        "ROUND": np.rint, "HALF_EVEN": np.rint, "CEIL": np.ceil, "FLOOR": np.floor,
        "ROUND_TO_ZERO": np.trunc, "DOWN": np.trunc,
        "UP": lambda v: np.sign(v) * np.ceil(np.abs(v)),
        "HALF_UP": lambda v: np.sign(v) * np.floor(np.abs(v) + 0.5),
        "HALF_DOWN": lambda v: np.sign(v) * np.ceil(np.abs(v) - 0.5),
    }[rounding]  # fmt: skip
    low = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    code = np.clip(x / np.float32(scale) + np.float32(zero), low, high)
    return (function(code) - np.float32(zero)) * np.float32(scale)


ROUNDINGS = ["ROUND", "CEIL", "FLOOR", "ROUND_TO_ZERO", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("zero", [0, 4, 3, 0.5])
@pytest.mark.parametrize(("signed", "narrow"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_quant(rounding, zero, signed, narrow, model_of, assert_same, rng):
    constants = {"s": np.float32(0.25), "z": np.float32(zero), "b": np.float32(5),
                 "s0": np.float32(2.0**-5), "z0": np.float32(0), "b0": np.float32(10)}  # fmt: skip
    attributes = {"signed": signed, "narrow": narrow, "rounding_mode": rounding}
    fine = {"signed": 1, "narrow": 0, "rounding_mode": "FLOOR"}
    nodes = [("Quant", "x s0 z0 b0", "v", fine), ("Quant", "v s z b", "y", attributes)]
    x = (rng.integers(-512, 512, (400, 2)) / 32).astype(np.float32)
    expected = quant_reference(x, 0.25, zero, 5, signed, narrow, rounding)
    assert_same(model_of(nodes, {"x": ["N", 2]}, ["y"], constants), [expected], x=x)
    if rounding == "ROUND":  # directly behind the input
        nodes = [("Quant", "x s z b", "y", attributes)]
        model = model_of(nodes, {"x": ["N", 2]}, ["y"], constants)
        assert_same(model, [expected], x=x)


@pytest.mark.parametrize("scale", [0.5, 0.3])
def test_one_bit(scale, model_of, assert_same, rng):
    constants = {"s": np.float32(scale), "z": np.float32(0), "b": np.float32(1),
                 "w": np.float32([[1, -2], [0.5, 0]])}  # fmt: skip
    attributes = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    x = (rng.integers(-8, 8, (200, 2)) / 8).astype(np.float32)
    signs = np.where(x >= 0, 1, -1)
    sums = signs @ np.where(constants["w"] >= 0, 1, -1)
    nodes = [
        ("BipolarQuant", "x s", "v"),
        ("Quant", "w s z b", "k", attributes),
        ("MatMul", "v k", "m"),
        ("Quant", "m s z b", "y", attributes),
    ]
    expected = np.where(sums >= 0, 1, -1) * np.float32(scale)
    assert_same(model_of(nodes, {"x": ["N", 2]}, ["y"], constants), [expected], x=x)


def test_trunc(model_of, assert_same, rng):
    constants = {"s": np.float32(0.25), "z": np.float32(0), "b": np.float32(8),
                 "o": np.float32(5)}  # fmt: skip
    signs = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    nodes = [("Quant", "x s z b", "v", signs),
             ("Trunc", "v s z b o", "y", {"rounding_mode": "FLOOR"})]  # fmt: skip
    x = values(rng, 3)
    codes = np.clip(np.rint(x * 4), -128, 127)
    expected = np.floor(codes / 8) * 0.25
    assert_same(model_of(nodes, {"x": ["N", 3]}, ["y"], constants), [expected], x=x)
    nodes[1] = ("Trunc", "v s z b so o", "y", {"rounding_mode": "FLOOR", "signed": 1})
    expected = np.clip(np.floor(codes / 4), -16, 15)
    constants["so"] = np.float32(1)
    assert_same(model_of(nodes, {"x": ["N", 3]}, ["y"], constants), [expected], x=x)


@pytest.mark.parametrize(
    "changes",
    [{"s": np.float32(-1)}, {"b": np.float32(0)}, {"b": np.float32(99)}, {"s": np.float32("nan")}],
)
def test_damaged_quantisers_are_refused(changes, model_of):
    constants = {"s": np.float32(0.25), "z": np.float32(0), "b": np.float32(8)} | changes
    nodes = [("Quant", "x s z b", "y", {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"})]
    with pytest.raises(ModelError, match=r"layer 'Quant_0' \(Quant\)"):
        load(model_of(nodes, {"x": ["N", 3]}, ["y"], constants))
