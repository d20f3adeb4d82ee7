"""Values of integer types: their arithmetic keeps the bits that fit, as in ONNX Runtime."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from edgetrig.errors import Error
from edgetrig.frontends import load

TYPES = {
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16,
    "int32": TensorProto.INT32,
}
ARITHMETIC = {
    "int8": (
        "Div",
        "Mod",
        "BitwiseAnd",
        "BitwiseNot",
        "Add",
        "Sub",
        "Mul",
        "Neg",
        "Abs",
        "Max",
        "Less",
    ),
    "uint8": ("Mod", "BitShift", "BitwiseOr", "BitwiseNot", "Add", "Sub", "Mul", "Min", "Equal"),
    "int16": ("Add", "Sub", "Mul"),
    "uint16": ("Add", "Sub", "Mul"),
    "int32": ("Div", "Mod", "BitwiseXor", "Add", "Sub", "Mul", "Neg", "Abs", "Relu", "Pow"),
}
DIVISORS = st.sampled_from([1, 2, 3, -3, 7, -8, 10, 100])
EVENTS = 40


def whole(rng, type_, shape):
    info = np.iinfo(type_)
    return rng.integers(info.min, int(info.max) + 1, shape).astype(type_)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_arithmetic_wraps(data, model_of, assert_same):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    type_ = data.draw(st.sampled_from([*TYPES]))
    kind = data.draw(st.sampled_from(ARITHMETIC[type_]))
    one = {"Pow": 2, "Div": data.draw(DIVISORS), "Mod": data.draw(DIVISORS), "BitShift": 3}
    fits = np.abs(one.get(kind, 0)) if type_.startswith("u") else one.get(kind)
    constants = {"c": np.array(fits, type_) if kind in one else whole(rng, type_, (3,))}
    if kind in ("Neg", "Abs", "Relu", "BitwiseNot"):
        arguments, constants = "x", {}
    else:
        arguments = "x c" if kind in one else data.draw(st.sampled_from(["x c", "c x", "x x"]))
    options = {"Mod": {"fmod": data.draw(st.integers(0, 1))}}
    options["BitShift"] = {"direction": data.draw(st.sampled_from(["LEFT", "RIGHT"]))}
    node = (kind, arguments, "y", options.get(kind, {}))
    model = model_of([node], {"x": ["N", 3]}, ["y"], constants, 21, TYPES[type_])
    assert_same(model, x=whole(rng, type_, (EVENTS, 3)))


@pytest.mark.parametrize("source", TYPES)
@pytest.mark.parametrize("target", TYPES)
@pytest.mark.parametrize("between", [False, True])
def test_casts_wrap(source, target, between, model_of, assert_same, rng):
    x = whole(rng, source, (EVENTS, 2))
    x = x % 2**20 if source == "int32" else x  # what float32 holds
    middle = [("Cast", "x", "f", {"to": TensorProto.FLOAT})] if between else []
    cast = ("Cast", "f" if between else "x", "y", {"to": TYPES[target]})
    model = model_of([*middle, cast], {"x": ["N", 2]}, ["y"], {}, 21, TYPES[source])
    assert_same(model, x=x)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_mean_of_whole_numbers_is_one_rounded_towards_zero(
    axis, keepdims, model_of, assert_same, rng
):
    nodes = [("ReduceMean", "x axes", "y", {"keepdims": keepdims})]
    axes = {"axes": np.array([axis])}
    model = model_of(nodes, {"x": ["N", 3, 4]}, ["y"], axes, 21, TensorProto.INT32)
    assert_same(model, x=rng.integers(-9, 10, (EVENTS, 3, 4)).astype(np.int32))


@pytest.mark.parametrize(("divisor", "says"), [([2, 3, 5], "one whole number"), ([0], "by zero")])
def test_rests_that_are_refused(divisor, says, model_of):
    constants = {"c": np.array(divisor, np.int32)}
    model = model_of(
        [("Mod", "x c", "y")], {"x": ["N", 3]}, ["y"], constants, 21, TensorProto.INT32
    )
    with pytest.raises(Error, match=rf"\(Mod\).*{says}"):
        load(model)
