"""Operators with inner numbers, computed in floats: their definitions, against ONNX Runtime."""

import numpy as np
import pytest

from edgetrig.errors import ModelError
from edgetrig.frontends import read
from edgetrig.frontends.quantization.floating import float_outputs

EVENTS = 12


def floats(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def recurrent(kind, gates, **attributes):
    directions = 2 if attributes.get("direction") == "bidirectional" else 1

    def case(rng):
        constants = {
            "w": floats(rng, directions, gates * 3, 2),
            "r": floats(rng, directions, gates * 3, 3),
            "b": floats(rng, directions, gates * 6),
        }
        outputs = "y yh yc" if kind == "LSTM" else "y yh"
        nodes = [
            ("Transpose", "x", "t", {"perm": [1, 0, 2]}),
            (kind, "t w r b", outputs, {"hidden_size": 3, **attributes}),
            ("Transpose", "y", "o", {"perm": [2, 0, 1, 3]}),
            ("Transpose", "yh", "oh", {"perm": [1, 0, 2]}),
        ]
        return nodes, (4, 2), ["o", "oh"], constants

    return case


def first_state(rng):
    nodes, shape, outputs, constants = recurrent("LSTM", 4)(rng)
    constants |= {
        "h": floats(rng, 1, 1, 3), "c": floats(rng, 1, 1, 3), "zero": np.array([0]),
        "one": np.array([1]), "three": np.array([3]),
    }  # fmt: skip
    nodes[1] = ("LSTM", "t w r b - hn cn", "y yh yc", {"hidden_size": 3})
    before = [  # as PyTorch repeats a state for all events
        ("Shape", "x", "sizes"),
        ("Gather", "sizes zero", "n"),
        ("Concat", "one n three", "target", {"axis": 0}),
        ("Expand", "h target", "hn"),
        ("Expand", "c target", "cn"),
    ]
    nodes = [*before, *nodes]
    return nodes, shape, outputs, constants


def normalisation(kind, shape, weights, **attributes):
    def case(rng):
        constants = {f"w{k}": floats(rng, *size) for k, size in enumerate(weights)}
        return [(kind, " ".join(["x", *constants]), "y", attributes)], shape, ["y"], constants

    return case


def unary(kind, **attributes):
    return lambda rng: ([(kind, "x", "y", attributes)], (3, 4), ["y"], {})


def divided(arguments, shape):
    def case(rng):
        nodes = [
            ("Exp", "x", "e"), ("ReduceSum", "e axes", "t"), ("Div", arguments, "y"),
        ]  # fmt: skip
        constants = {"axes": np.array([1]), "w": floats(rng, *shape), "two": np.float32([2])}
        return nodes, shape, ["y"], constants

    return case


def attention(mask=None, heads=None, **attributes):
    """Return attention of a value to itself, in heads of an axis or side by side."""

    def case(rng):
        shape = (2, 3, 4) if heads is None else (3, 8)
        shared = attributes.get("q_num_heads", 1) // attributes.get("kv_num_heads", 1)
        constants = {"w": floats(rng, shape[-1], shape[-1] // shared)}
        nodes = [("MatMul", "x w", "k"), ("Attention", "x k x", "y", attributes)]
        if shared > 1:
            nodes[1] = ("Attention", "x k k", "y", attributes)
        if mask is not None:
            constants["m"] = np.asarray(mask)
            nodes[1] = ("Attention", "x k x m", "y", attributes)
        return nodes, shape, ["y"], constants

    return case


CASES = [
    (attention(), 23),
    (attention(scale=0.25, is_causal=1), 23),
    (attention(np.tri(3, k=1) > 0), 23),
    (attention(np.arange(9, dtype=np.float32).reshape(3, 3) / 8, is_causal=1), 23),
    (attention(np.arange(18, dtype=np.float32).reshape(1, 2, 3, 3) / 8), 23),
    (attention(np.arange(18, dtype=np.float32).reshape(2, 3, 3) / 8), 23),
    (attention(heads=4, q_num_heads=4, kv_num_heads=2), 23),
    (attention(heads=4, q_num_heads=4, kv_num_heads=4), 23),
    (attention(heads=2, q_num_heads=2, kv_num_heads=2, is_causal=1), 23),
    (recurrent("RNN", 1), 14),
    (recurrent("RNN", 1, activations=["Relu"]), 14),
    (recurrent("RNN", 1, direction="reverse"), 7),
    (recurrent("LSTM", 4), 14),
    (recurrent("LSTM", 4, direction="bidirectional"), 7),
    (recurrent("LSTM", 4, direction="reverse"), 22),
    (first_state, 14),
    (recurrent("GRU", 3), 14),
    (recurrent("GRU", 3, linear_before_reset=1), 14),
    (recurrent("GRU", 3, linear_before_reset=1, direction="bidirectional"), 22),
    (normalisation("LayerNormalization", (3, 4), [(4,), (4,)]), 17),
    (normalisation("LayerNormalization", (3, 4), [(3, 4)], axis=1, epsilon=0.01), 17),
    (normalisation("InstanceNormalization", (3, 5), [(3,), (3,)]), 13),
    (normalisation("InstanceNormalization", (3, 4, 2), [(3,), (3,)], epsilon=0.1), 13),
    (normalisation("GroupNormalization", (4, 3), [(4,), (4,)], num_groups=2), 21),
    (normalisation("RMSNormalization", (3, 4), [(4,)]), 23),
    (unary("Softmax"), 13),
    (unary("Softmax", axis=1), 13),
    (unary("Softmax"), 11),
    (unary("Softmax", axis=2), 11),
    (unary("LogSoftmax", axis=2), 13),
    (unary("ReduceL2", axes=[1]), 13),
    (unary("ReduceLogSum", axes=[2], keepdims=0), 13),
    (unary("ReduceLogSumExp", axes=[-1], keepdims=0), 13),
    (unary("ReduceLogSumExp", axes=[1, 2]), 13),
    (lambda rng: ([("ReduceLogSumExp", "x a", "y")], (3, 4), ["y"], {"a": np.array([2])}), 18),
    (unary("LpNormalization", p=1), 13),
    (unary("LpNormalization", axis=1), 13),
    (divided("x e", (3, 4)), 13),
    (divided("w e", (3, 4)), 13),
    (divided("two e", (3, 4)), 13),
    (divided("x t", (3, 4)), 13),
    (
        lambda rng: (
            [("Exp", "x", "e"), ("Add", "e one", "v"), ("Acosh", "v", "y")],
            (3,),
            ["y"],
            {"one": np.float32(1)},
        ),
        13,
    ),
]


@pytest.mark.parametrize(("case", "opset"), CASES, ids=range(len(CASES)))
def test_floats(case, opset, model_of, runtime, rng):
    nodes, shape, outputs, constants = case(rng)
    model = model_of(nodes, {"x": ["N", *shape]}, outputs, constants, opset)
    x = floats(rng, EVENTS, *shape)
    x = np.abs(x) if nodes[0][0] == "ReduceLogSum" else x
    expected = runtime(model, x=x)
    got = float_outputs(read(model), x.astype(np.float64))
    for values, theirs in zip(got.values(), expected, strict=True):
        np.testing.assert_allclose(values, theirs, atol=3e-6, rtol=3e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"clip": 1.0},
        {"input_forget": 1},
        {"activations": ["Sigmoid", "Affine", "Tanh"]},
        {"activations": ["Sigmoid", "Tanh", "Relu"]},
        {"direction": "sideways"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_recurrent_refusals(change, model_of, rng):
    nodes, shape, outputs, constants = recurrent("LSTM", 4)(rng)
    nodes[1][3].update(change)
    with pytest.raises(ModelError, match=r"layer 'LSTM_1' \(LSTM\)"):
        read(model_of(nodes, {"x": ["N", *shape]}, outputs, constants))
