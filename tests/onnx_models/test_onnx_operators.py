"""Every operator, between quantisers of powers of two: equal to ONNX Runtime in every bit."""

import numpy as np
import pytest

QDQ = [("QuantizeLinear", "x s z", "q"), ("DequantizeLinear", "q s z", "v")]
OUT = [("QuantizeLinear", "r so zo", "rq"), ("DequantizeLinear", "rq so zo", "y")]
TYPES = {"s": np.float32(0.25), "z": np.int8(0), "so": np.float32(0.125), "zo": np.int8(0)}
EVENTS = 60


def weights(rng, *shape, step=0.125, reach=16):
    return (rng.integers(-reach, reach + 1, shape) * step).astype(np.float32)


def values(rng, *shape):
    return (rng.integers(-300, 300, (EVENTS, *shape)) / 8).astype(np.float32)


# operator, shape of an event, attributes, further arguments, opsets
SHAPES = [
    ("Reshape", (2, 6), {}, {"a": np.array([0, 3, -1])}, (8, 13, 21)),
    ("Reshape", (2, 6), {}, {"a": np.array([-1, 4, 3])}, ()),
    ("Flatten", (2, 3, 2), {}, {}, (7, 21)),
    ("Transpose", (2, 3, 4), {"perm": [0, 3, 1, 2]}, {}, (7, 21)),
    ("Unsqueeze", (3, 2), {"axes": [1, 3]}, {}, (7, 11)),
    ("Unsqueeze", (3, 2), {}, {"a": np.array([-1])}, (13, 21)),
    ("Squeeze", (1, 4, 1), {"axes": [1, 3]}, {}, (7, 11)),
    ("Squeeze", (1, 4, 1), {}, {"a": np.array([1])}, (13, 21)),
    ("Slice", (8, 3), {"starts": [1], "ends": [7], "axes": [1]}, {}, (7, 9)),
    ("Slice", (8, 3), {}, {"a": np.array([6]), "b": np.array([-100]), "c": np.array([1]),
                           "d": np.array([-2])}, (10, 21)),
    ("Pad", (4, 3), {"pads": [0, 1, 2, 0, 0, 1], "value": 1.5}, {}, (7, 10)),
    ("Pad", (4, 3), {}, {"a": np.array([0, 1, 2, 0, -1, 1]), "b": np.float32(0.5)}, (11, 21)),
    ("Pad", (4, 3), {"mode": "reflect"}, {"a": np.array([0, 1, 2, 0, 2, 1])}, ()),
    ("Pad", (4, 3), {"mode": "edge"}, {"a": np.array([0, 1, 2, 0, 2, 1])}, ()),
    ("Expand", (1, 3), {}, {"a": np.array([1, 4, 3])}, (8, 21)),
    ("Tile", (2, 3), {}, {"a": np.array([1, 2, 3])}, (7, 21)),
    ("Gather", (5, 2), {"axis": 1}, {"a": np.array([[0, -1], [3, 3]])}, (7, 21)),
    ("Gather", (5, 2), {"axis": 2}, {"a": np.array(1)}, ()),
    ("DepthToSpace", (8, 2, 3), {"blocksize": 2}, {}, (7, 21)),
    ("DepthToSpace", (8, 2, 3), {"blocksize": 2, "mode": "CRD"}, {}, ()),
    ("SpaceToDepth", (2, 4, 6), {"blocksize": 2}, {}, (7, 21)),
    ("Upsample", (2, 3, 2), {"mode": "nearest"}, {"a": np.array([1, 1, 2, 3], np.float32)}, (9,)),
    ("Upsample", (2, 3, 2), {"mode": "nearest", "scales": [1.0, 1.0, 2.0, 3.0]}, {}, (7,)),
    ("Resize", (2, 3, 2), {"mode": "nearest"}, {"a": np.array([1, 1, 2, 3], np.float32)}, (10,)),
    *[("Resize", (2, 3, 4), {"mode": "nearest", "coordinate_transformation_mode": transform,
                             "nearest_mode": mode},
       {"-": None, "b": np.array([1, 1, *scale], np.float32)}, (13,))
      for transform in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
      for mode in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
      for scale in ((2, 3), (0.5, 1.5))],
    ("Resize", (2, 3, 4), {"mode": "nearest", "axes": [-1, -2]},
     {"-": None, "b": np.array([2, 1.5], np.float32)}, (18, 21)),
    *[("Resize", (1, 3, 4), {"mode": "nearest", "coordinate_transformation_mode": transform,
                             "nearest_mode": mode},  # sizes that stay, quotients next to a tie
       {"-": None, "b": np.array([1, 1, 2, 1.2], np.float32)}, (19,))
      for transform, mode in (("asymmetric", "round_prefer_ceil"), ("half_pixel", "floor"))],
    ("Resize", (1, 4), {"mode": "nearest", "nearest_mode": "floor"},
     {"-": None, "b": np.array([1, 1, 0.6], np.float32)}, (18,)),
    ("Resize", (1, 4), {"mode": "nearest"},
     {"-": None, "b": np.array([1, 1, 1.2], np.float32)}, (18,)),
    ("Resize", (1, 10), {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"},
     {"-": None, "b": np.array([1, 1, 0.7], np.float32)}, (18,)),  # 7 of 10 in float32
    *[("Resize", (1, 3, 4), {"mode": "linear", "coordinate_transformation_mode": transform},
       {"-": None, "b": np.array([1, 1, *scale], np.float32)}, (13, 18))
      for transform in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
      for scale in ((2, 4), (0.5, 2), (1, 0.25))
      if transform != "align_corners" or scale == (1, 0.25)],  # others divide by 5 and 15
    ("Resize", (2, 2, 4), {"mode": "linear", "axes": [-2, -1]},
     {"- -": None, "d": np.array([4, 2])}, (18, 21)),
    ("Upsample", (2, 3, 2), {"mode": "linear"}, {"a": np.array([1, 1, 2, 2], np.float32)}, (9,)),
    ("Trilu", (3, 4), {}, {}, (14, 21)),
    ("Trilu", (2, 4, 3), {"upper": 0}, {"a": np.array(-1)}, ()),
    ("Trilu", (3, 3), {"upper": 1}, {"a": np.array(2)}, ()),
    ("Trilu", (3, 3), {"upper": 0}, {"a": np.array(1)}, ()),
    ("Compress", (2, 4), {"axis": 2}, {"a": np.array([True, False, True])}, (9, 21)),
    ("Compress", (2, 4), {"axis": -2}, {"a": np.array([False, True])}, ()),
    ("Identity", (3,), {}, {}, (7, 21)),
    ("Dropout", (3,), {}, {}, (7, 10, 12, 21)),
]  # fmt: skip

ELEMENTWISE = [
    *[(kind, (3, 4), {}, {"a": np.float32([[1.5], [-2], [0.25]])}, (7, 13, 21))
      for kind in ("Add", "Sub", "Mul")],
    ("Div", (3, 4), {}, {"a": np.float32([4, -0.5, 2, 1])}, (7, 21)),
    ("Neg", (3,), {}, {}, (7, 21)),
    ("Abs", (3,), {}, {}, (7, 21)),
    ("Sign", (3,), {}, {}, (9, 21)),
    ("Floor", (3,), {}, {}, (7, 21)),
    ("Ceil", (3,), {}, {}, (7, 21)),
    ("Round", (3,), {}, {}, (11, 21)),
    ("Min", (3,), {}, {"a": np.float32([1, 2, -3])}, (8, 21)),
    ("Max", (3,), {}, {"a": np.float32([1, 2, -3])}, (8, 21)),
    ("Sum", (3,), {}, {"a": np.float32([1, 2, -3])}, (8, 21)),
    ("Mean", (3,), {}, {"a": np.float32([1, 2, -3])}, (8, 21)),
    ("Pow", (3,), {}, {"a": np.float32(2)}, (7, 21)),
    ("Mod", (3,), {"fmod": 1}, {"a": np.float32([2, -0.5, 4])}, (10, 21)),
    ("Mod", (3,), {"fmod": 1}, {"a": np.float32(3)}, ()),
    ("Mod", (2, 3), {"fmod": 1}, {"a": np.float32([[-5]])}, ()),
    ("Clip", (3,), {"min": -1.5, "max": 3.0}, {}, (7,)),
    ("Clip", (3,), {}, {"a": np.float32(-1), "b": np.float32(2)}, (11, 21)),
    ("Clip", (3,), {}, {"-": None, "b": np.float32(2)}, ()),
    ("Relu", (3,), {}, {}, (7, 21)),
    ("LeakyRelu", (3,), {"alpha": 0.25}, {}, (7, 21)),
    ("LeakyRelu", (3,), {}, {}, ()),
    ("PRelu", (3, 4), {}, {"a": np.float32([[0.5], [-2], [0.25]])}, (9, 21)),
    ("ThresholdedRelu", (3,), {"alpha": 2.0}, {}, (10, 21)),
    ("Shrink", (3,), {"lambd": 1.5, "bias": 0.5}, {}, ()),
    ("HardSigmoid", (3,), {}, {}, (7, 21)),
    ("HardSigmoid", (3,), {"alpha": 0.25, "beta": 0.5}, {}, ()),
    ("BatchNormalization", (3, 4), {}, {k: np.float32([1, 2, 0.5]) for k in "abcd"}, (9, 14, 21)),
]  # fmt: skip

TABLES = [
    (kind, (3,), {}, {}, ())
    for kind in (
        "Sigmoid", "Tanh", "Softplus", "Softsign", "Mish", "Erf", "Exp", "Sin", "Cos", "Atan",
        "HardSwish", "Elu", "Celu", "Selu", "Gelu", "Tan", "Sinh", "Cosh", "Asinh",
    )
] + [
    ("Gelu", (3,), {"approximate": "tanh"}, {}, ()),
    ("Elu", (3,), {"alpha": 0.5}, {}, ()),
    ("Celu", (3,), {"alpha": 2.0}, {}, ()),
    ("Selu", (3,), {"alpha": 1.0, "gamma": 2.0}, {}, ()),
]  # fmt: skip

WINDOWS = [
    ("MaxPool", (2, 7), {"kernel_shape": [3]}, {}, (8, 12, 21)),
    ("MaxPool", (2, 7), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}, {}, ()),
    ("MaxPool", (2, 7), {"kernel_shape": [3], "strides": [2], "ceil_mode": 1}, {}, ()),
    ("MaxPool", (2, 2), {"kernel_shape": [3], "strides": [2], "ceil_mode": 1}, {}, ()),
    ("MaxPool", (2, 7), {"kernel_shape": [2], "dilations": [3]}, {}, ()),
    (
        "MaxPool",
        (1, 5, 5),
        {"kernel_shape": [2, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {},
        (),
    ),
    ("MaxPool", (1, 5, 5), {"kernel_shape": [2, 3], "auto_pad": "SAME_LOWER"}, {}, ()),
    ("MaxPool", (1, 3, 3, 3), {"kernel_shape": [2, 2, 2]}, {}, ()),
    ("AveragePool", (2, 8), {"kernel_shape": [4], "strides": [2]}, {}, (7, 11, 21)),
    ("AveragePool", (2, 8), {"kernel_shape": [3], "pads": [1, 1]}, {}, ()),
    ("AveragePool", (2, 8), {"kernel_shape": [3], "pads": [1, 1], "count_include_pad": 1}, {}, ()),
    ("AveragePool", (1, 5, 5), {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, {}, ()),
    ("AveragePool", (1, 5, 5), {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}, {}, ()),
    ("GlobalAveragePool", (3, 2, 3), {}, {}, (7, 21)),
    ("GlobalAveragePool", (3, 2, 4), {}, {}, ()),
    ("GlobalMaxPool", (3, 2, 3), {}, {}, (7, 21)),
    ("LpPool", (2, 7), {"kernel_shape": [3], "p": 1, "strides": [2], "pads": [1, 0]}, {}, (7, 21)),
    ("LpPool", (2, 7), {"kernel_shape": [2]}, {}, (11, 21)),
    ("LpPool", (1, 5, 4), {"kernel_shape": [2, 3], "p": 2, "strides": [2, 1]}, {}, ()),
    ("GlobalLpPool", (3, 2, 2), {"p": 1}, {}, (7, 21)),
    ("GlobalLpPool", (3, 4), {}, {}, ()),
]

REDUCTIONS = [
    *[(kind, (3, 4), {"axes": [1], "keepdims": keep}, {}, (7, 11))
      for kind in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1")
      for keep in (0, 1)],
    *[(kind, (3, 4), {}, {"a": np.array([-1, 1])}, (18, 21))
      for kind in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1",
                   "ReduceSumSquare", "ReduceL2")],
    *[("CumSum", (3, 4), {"exclusive": exclusive, "reverse": back}, {"a": np.array(axis)}, (14,))
      for exclusive in (0, 1) for back in (0, 1) for axis in (-2, 2)],
    ("Hardmax", (3, 4), {}, {}, (13, 21)),
    ("Hardmax", (3, 4), {"axis": 1}, {}, (11, 13)),
    ("Hardmax", (3, 4), {"axis": -1}, {}, (11,)),
    ("ReduceProd", (3,), {}, {"a": np.array([-1])}, ()),
    *[(kind, (3,), {"noop_with_empty_axes": 1}, {}, (18, 21))  # each element is "reduced" alone
      for kind in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL1", "ReduceSumSquare",
                   "ReduceL2")],
]  # fmt: skip

CASES = SHAPES + ELEMENTWISE + TABLES + WINDOWS + REDUCTIONS


def each(cases):
    return [
        pytest.param(kind, shape, attributes, arguments, opset, id=f"{number}-{kind}-{opset}")
        for number, (kind, shape, attributes, arguments, opsets) in enumerate(cases)
        for opset in opsets or (21,)
    ]


@pytest.mark.parametrize(("kind", "shape", "attributes", "arguments", "opset"), each(CASES))
def test_operator(kind, shape, attributes, arguments, opset, model_of, runtime, assert_same, rng):
    constants = {k: v for k, v in arguments.items() if v is not None}
    middle = (kind, " ".join(["v", *arguments]), "r", attributes)
    x = values(rng, *shape)
    inputs = {"x": ["N", *shape]}
    if opset >= 10:
        assert_same(model_of([*QDQ, middle, *OUT], inputs, ["y"], constants | TYPES, opset), x=x)
        return
    # ONNX has no quantisers then: ours gets QONNX' between which theirs is quantised here.
    quantised = [("Quant", "x s z bits", "v"), middle, ("Quant", "r so z bits", "y")]
    types = {"s": TYPES["s"], "so": TYPES["so"], "z": np.float32(0), "bits": np.float32(8)}
    signs = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    quantised = [(*node, signs) if node[0] == "Quant" else node for node in quantised]
    ours = model_of(quantised, inputs, ["y"], constants | types, opset)
    theirs = model_of([middle], {"v": ["N", *shape]}, ["r"], constants, opset)
    (result,) = runtime(theirs, v=np.clip(np.rint(x / 0.25), -128, 127) * np.float32(0.25))
    assert_same(ours, [np.clip(np.rint(result / 0.125), -128, 127) * 0.125], x=x)
