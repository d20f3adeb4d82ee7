"""Comparisons, logic, choices among elements, several inputs and outputs: equal in every bit."""

import numpy as np
import pytest
from onnx import TensorProto

from edgetrig.frontends import load

TYPES = {"s": np.float32(0.5), "z": np.int8(0)}
QDQ = [("QuantizeLinear", "x s z", "q"), ("DequantizeLinear", "q s z", "v")]
SHAPE = (3, 4)

CASES = {
    "less": [("Less", "v half", "y")],
    "less_or_equal": [("LessOrEqual", "v half", "y")],
    "greater": [("Greater", "v half", "y")],
    "greater_or_equal": [("GreaterOrEqual", "v half", "y")],
    "equal": [("Equal", "v half", "y")],
    "and": [("Less", "v half", "a"), ("Greater", "v low", "b"), ("And", "a b", "y")],
    "or": [("Less", "v low", "a"), ("Greater", "v half", "b"), ("Or", "a b", "y")],
    "xor": [("Less", "v half", "a"), ("Greater", "v low", "b"), ("Xor", "a b", "y")],
    "not": [("Less", "v half", "a"), ("Not", "a", "y")],
    "where": [("Less", "v half", "a"), ("Where", "a v low", "y")],
    "cast": [("Less", "v half", "a"), ("Cast", "a", "y", {"to": TensorProto.FLOAT})],
    "difference_of_truths": [("Less", "v half", "a"), ("CastLike", "a half", "c"),
                             ("Greater", "v low", "b"), ("CastLike", "b half", "d"),
                             ("Sub", "c d", "e"), ("Neg", "e", "y")],
    "to_whole": [("Cast", "v", "y", {"to": TensorProto.INT32})],
    "truth_to_whole": [("Less", "v half", "a"), ("Cast", "a", "y", {"to": TensorProto.INT8})],
    "to_bool": [("Cast", "v", "y", {"to": TensorProto.BOOL})],
    "cast_like": [("Less", "v half", "a"), ("CastLike", "a half", "y")],
    "gather_elements": [("ArgMax", "v", "i", {"axis": 2}),
                        ("GatherElements", "v i", "y", {"axis": 2})],
    "gather_elements_first_axis": [("ArgMin", "v", "i", {"axis": 1}),
                                   ("GatherElements", "v i", "y", {"axis": -2})],
    "never": [("IsNaN", "v", "a"), ("Where", "a low v", "y")],
    "arg_max": [("ArgMax", "v", "y", {"axis": 2})],
    "arg_max_flat": [("ArgMax", "v", "y", {"axis": 1, "keepdims": 0})],
    "arg_min": [("ArgMin", "v", "y", {"axis": -1, "keepdims": 0})],
    "arg_max_last": [("ArgMax", "v", "y", {"axis": 2, "select_last_index": 1})],
    "top_k": [("TopK", "v two", "y i", {"axis": 2})],
    "top_k_least": [("TopK", "v two", "y i", {"axis": 1, "largest": 0})],
    "one_hot": [("ArgMax", "v", "a", {"axis": 2, "keepdims": 0}),
                ("OneHot", "a four pair", "y", {"axis": 1})],
    "one_hot_from_the_end": [("Cast", "v", "a", {"to": TensorProto.INT64}),
                             ("OneHot", "a four pair", "y", {"axis": -1})],
    "embedding_from_the_end": [("Cast", "v", "a", {"to": TensorProto.INT64}),
                               ("Gather", "table a", "y")],
    "embedding_axis_from_the_end": [("ArgMax", "v", "a", {"axis": 2, "keepdims": 0}),
                                    ("Gather", "table a", "y", {"axis": -2})],
    "dropout_keeps_all": [("Dropout", "v", "a m"), ("Where", "m a low", "y")],
    "whole_quotients": [("Cast", "v", "a", {"to": TensorProto.INT32}), ("Div", "a fours", "y")],
    "embedding": [("ArgMax", "v", "a", {"axis": 2, "keepdims": 0}), ("Gather", "table a", "y")],
    "embedding_axis": [("ArgMax", "v", "a", {"axis": 2, "keepdims": 0}),
                       ("Gather", "table a", "g", {"axis": 1}),
                       ("Transpose", "g", "y", {"perm": [1, 0, 2]})],
    "split": [("Split", "v", "a b", {"axis": 2, "num_outputs": 2}), ("Sub", "a b", "y")],
    "split_sizes": [("Split", "v sizes", "a y", {"axis": 2})],
    "concat": [("Concat", "v v", "y", {"axis": -1})],
    "sum": [("Sum", "v half v", "y")],
    "max": [("Neg", "v", "a"), ("Max", "v a half", "y")],
}  # fmt: skip
CONSTANTS = {
    "half": np.float32(0.5), "low": np.float32([-3, 0, 2, 1]), "two": np.array([2]),
    "four": np.array(4), "fours": np.int32([4, -2, 1, 2]), "pair": np.float32([-1, 2]),
    "sizes": np.array([1, 3]),
    "table": np.float32(np.arange(20).reshape(5, 4) / 8 - 1),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_choices(name, model_of, assert_same, rng):
    outputs = ["y", "i"] if "top_k" in name else ["y"]
    model = model_of([*QDQ, *CASES[name]], {"x": ["N", *SHAPE]}, outputs, TYPES | CONSTANTS)
    x = (rng.integers(-6, 7, (100, *SHAPE)) / 2).astype(np.float32)  # full of ties
    assert_same(model, x=x)


@pytest.mark.parametrize("name", ["arg_max", "top_k", "concat", "max", "split", "less"])
def test_choices_of_odd_scales(name, model_of, runtime, outputs_of, rng):
    constants = TYPES | CONSTANTS | {"s": np.float32(0.37)}
    outputs = ["y", "i"] if "top_k" in name else ["y"]
    model = model_of([*QDQ, *CASES[name]], {"x": ["N", *SHAPE]}, outputs, constants)
    x = (rng.integers(-6, 7, (100, *SHAPE)) * 0.37).astype(np.float32)
    expected = runtime(model, x=x)
    got = outputs_of(load(model).circuit, x=x)
    for values, theirs in zip(got.values(), expected, strict=True):
        np.testing.assert_allclose(values, theirs, rtol=1e-6)


@pytest.mark.parametrize("step", [0.25, 0.3])
def test_functions_of_one_name_side_by_side(step, model_of, assert_same, rng):
    nodes = [
        *QDQ,
        ("Elu", "v", "a", {"alpha": 1.0}),
        ("Elu", "v", "b", {"alpha": 3.0}),
        ("Concat", "a b", "both", {"axis": -1}),
        ("QuantizeLinear", "both step z", "y"),
    ]
    model = model_of(nodes, {"x": ["N", *SHAPE]}, ["y"], TYPES | {"step": np.float32(step)})
    assert_same(model, x=(rng.integers(-6, 7, (100, *SHAPE)) / 2).astype(np.float32))


def test_gather_by_element(model_of, assert_same, rng):
    places = rng.integers(-4, 4, (1, 3, 4))
    constants = TYPES | {"i": places, "n": np.array([[[0, 1, 2], [0, 2, 3]]])}
    x = (rng.integers(-6, 7, (1, *SHAPE)) / 2).astype(np.float32)
    nodes = [*QDQ, ("GatherElements", "v i", "y", {"axis": 2})]
    assert_same(model_of(nodes, {"x": [1, *SHAPE]}, ["y"], constants), x=x)
    nodes = [*QDQ, ("GatherND", "v n", "y")]
    assert_same(model_of(nodes, {"x": [1, *SHAPE]}, ["y"], constants), x=x)


def test_several_inputs_and_outputs(model_of, assert_same, rng):
    nodes = [
        *QDQ,
        ("QuantizeLinear", "w s z", "qw"),
        ("DequantizeLinear", "qw s z", "vw"),
        ("Add", "v vw", "sum"),
        ("Mul", "v vw", "product"),
        ("Concat", "x w", "both", {"axis": 1}),
        ("QuantizeLinear", "both s z", "qb"),
    ]
    model = model_of(nodes, {"x": ["N", 3], "w": ["N", 3]}, ["sum", "product", "qb", "v"], TYPES)
    x, w = ((rng.integers(-99, 99, (50, 3)) / 4).astype(np.float32) for _ in range(2))
    loaded = assert_same(model, x=x, w=w)
    assert [port.name for port in loaded.circuit.inputs] == ["x", "w"]
    assert [port.name for port in loaded.circuit.outputs] == ["sum", "product", "qb", "v"]


def test_holders_of_models(model_of):
    """QONNX' ``ModelWrapper`` holds its model as ``model``."""
    wrapper = type("ModelWrapper", (), {"__module__": "qonnx.core.modelwrapper"})()
    wrapper.model = model_of([*QDQ, ("Relu", "v", "y")], {"x": ["N", 3]}, ["y"], TYPES)
    assert load(wrapper).circuit.outputs[0].shape == (3,)


def test_layers_are_named(model_of):
    model = model_of([*QDQ, ("Relu", "v", "r"), ("Neg", "r", "y")], {"x": ["N", 3]}, ["y"], TYPES)
    model.graph.node[2].name = model.graph.node[3].name = "twice"
    origins = load(model).circuit.origins
    assert {"twice", "twice_2"} <= set(origins)
    assert "QuantizeLinear_0" in origins or "DequantizeLinear_1" in origins


def test_columns_that_the_event_chooses(model_of, runtime, assert_same, rng):
    """Of an event that has no axis of its own beside it."""
    best = ("ArgMax", "v", "i", {"axis": 1, "keepdims": 0})
    nodes = [*QDQ, best, ("Gather", "v i", "y", {"axis": 1})]
    model = model_of(nodes, {"x": [3, 4]}, ["y"], TYPES)
    for _ in range(5):
        x = rng.integers(-20, 20, (1, 3, 4)).astype(np.float32) / 2
        (expected,) = runtime(model, x=x[0])
        assert_same(model, [expected[None]], x=x)
