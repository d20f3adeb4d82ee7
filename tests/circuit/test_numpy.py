"""Traced NumPy functions against NumPy itself, on whole numbers and on exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_codes, random_programs, split_codes
from edgetrig.circuit import Array, check, fixed_input, trace
from edgetrig.errors import CircuitError
from edgetrig.verify.reference import evaluate

VECTOR = fixed_input("x", 5, integer=[3, 5, 2, 4, 3], fraction=0)
MATRIX = fixed_input("x", (3, 4), integer=4, fraction=0)
CUBE = fixed_input("x", (2, 3, 2), integer=3, fraction=0)
W = np.array([[3, -1, 0, 4], [0, 7, -8, 1], [1, 0, 0, 0]])


def assert_same_as_numpy(function, port, events=12):
    """Trace a function, and run it on the same whole numbers with NumPy."""
    circuit = trace(function, port)
    check(circuit)
    codes = random_codes(circuit, events)
    results = evaluate(str(circuit), codes.tolist(), check_intervals=True)
    (output,) = circuit.outputs
    for event, result in zip(split_codes(circuit, codes)[0], results, strict=True):
        wanted = np.asarray(function(event))
        got = np.ldexp(np.array(result, float), -output.fraction.ravel()).reshape(output.shape)
        assert output.shape == wanted.shape
        np.testing.assert_array_equal(got, wanted)


ELEMENTWISE = {
    "add": lambda x: x + 3,
    "add reflected": lambda x: 3 + x,
    "array on the left": lambda x: np.arange(5) + x,
    "scalar on the left": lambda x: np.int64(3) * x,
    "subtract": lambda x: x - np.array([0, 1, -2, 64, 5]),
    "subtract reflected": lambda x: 7 - x,
    "subtract from zero": lambda x: np.array([0, 1, 0, 2, 0]) - x,
    "multiply": lambda x: x * np.array([0, 1, -1, 6, -12]),
    "multiply itself": lambda x: x * x[::-1],
    "divide": lambda x: x / np.array([1, 4, -2, 0.5, -0.25]),
    "floor divide": lambda x: x // 4,
    "power": lambda x: x**3,
    "power 0": lambda x: x**0,
    "power 5": lambda x: np.power(x, 5),
    "square": np.square,
    "negative": lambda x: -x,
    "positive": lambda x: +x,
    "abs": abs,
    "absolute": np.abs,
    "sign": np.sign,
    "maximum": lambda x: np.maximum(x, 2),
    "minimum": lambda x: np.minimum(x[::-1], x),
    "fmax": lambda x: np.fmax(x, -1),
    "floor": lambda x: np.floor(x / 8),
    "ceil": lambda x: np.ceil(x / 8),
    "less": lambda x: x < 2,
    "less reflected": lambda x: x > 2,
    "less or equal": lambda x: x <= x[0],
    "greater": lambda x: x > x[0],
    "greater or equal": lambda x: x >= 0.5,
    "equal": lambda x: x == 3,
    "not equal": lambda x: x != x[::-1],
    "logical not": np.logical_not,
    "logical and": lambda x: np.logical_and(x, x > 1),
    "logical or": lambda x: np.logical_or(x > 3, x < -3),
    "logical xor": lambda x: np.logical_xor(x > 3, x),
    "not of and": lambda x: ~((x > -2) & (x < 2)),
    "not of or": lambda x: ~((x > 3) | (x < -3)) ^ (x == 0),
    "bitwise and": lambda x: x & 6,
    "bitwise or": lambda x: x | np.array([1, 2, 4, 8, 16]),
    "bitwise xor": lambda x: x ^ x[0],
    "invert": lambda x: ~x,
    "invert multiple of four": lambda x: ~(4 * x) & 8,
    "left shift": lambda x: x << np.array([0, 1, 2, 3, 4]),
    "right shift": lambda x: x >> 2,
    "where": lambda x: np.where(x > 0, x, 2),
    "where of constants": lambda x: np.where(x > 0, 1, -1),
    "where of a known condition": lambda x: np.where(np.arange(5) > 2, x, 2 * x),
    "clip": lambda x: np.clip(x, -3, 5),
    "clip below": lambda x: np.clip(x, 0, None),
    "clip by name": lambda x: np.clip(x, max=4, min=-4),
    "clip crossed": lambda x: np.clip(x, 4, -4),
}

REDUCTIONS = {
    "sum": np.sum,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "any": np.any,
    "all": np.all,
}

SHAPES = {
    "reshape": lambda x: x.reshape(2, -1),
    "np.reshape": lambda x: np.reshape(x, (2, 6)),
    "transpose": lambda x: x.T,
    "np.transpose": lambda x: np.transpose(x, (1, 0)),
    "ravel": np.ravel,
    "expand": lambda x: np.expand_dims(x, 1),
    "squeeze": lambda x: np.squeeze(x[None]),
    "broadcast": lambda x: np.broadcast_to(x, (2, 3, 4)),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "take": lambda x: np.take(x, [2, 0, 2], axis=1),
    "flip": lambda x: np.flip(x, axis=0),
    "roll": lambda x: np.roll(x, 1, axis=1),
    "repeat": lambda x: np.repeat(x, 2, axis=0),
    "tile": lambda x: np.tile(x, (1, 2)),
    "diagonal": np.diagonal,
    "slice": lambda x: x[1:, ::-2],
    "mask": lambda x: x[np.arange(12).reshape(3, 4) % 3 == 0],
    "positions": lambda x: x[[0, 2], [1, 3]],
    "new axis": lambda x: x[..., None, 0],
    "concatenate": lambda x: np.concatenate([x, [[1, 2, 3, 4]], x[:1]]),
    "concatenate columns": lambda x: np.concatenate([x, x], axis=-1),
    "concatenate all": lambda x: np.concatenate([x, x[0]], axis=None),
    "stack": lambda x: np.stack([x[0], x[1], np.arange(4)], axis=1),
    "split": lambda x: np.split(x, [1, 3], axis=1)[1],
    "array split": lambda x: np.array_split(x, 3, axis=1)[0],
    "iterate": lambda x: np.stack([row * k for k, row in enumerate(x)]),
    "pad": lambda x: np.pad(x, 1),
    "pad value": lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=-5),
    "pad edge": lambda x: np.pad(x, 1, mode="edge"),
    "pad reflect": lambda x: np.pad(x, 1, mode="reflect"),
    "pad wrap": lambda x: np.pad(x, 2, mode="wrap"),
    "shape": lambda x: x.reshape(np.size(x) // np.shape(x)[0], -1, np.ndim(x) - 1),
}

PRODUCTS = {
    "matmul": lambda x: x @ W.T,
    "matmul from the left": lambda x: W[:, :3] @ x,
    "matmul vector": lambda x: x @ W[0],
    "vector matmul": lambda x: W[:, 0] @ x,
    "vector vector": lambda x: x[0] @ W[0],
    "matmul itself": lambda x: x @ x.T,
    "dot": lambda x: np.dot(x, W[1]),
    "dot scalar": lambda x: np.dot(3, x),
    "einsum matmul": lambda x: np.einsum("ij,kj->ki", x, W),
    "einsum three": lambda x: np.einsum("ij,kj,k->i", x, W, np.array([1, -2, 3])),
    "einsum trace": lambda x: np.einsum("ij,ij->", x, W),
    "einsum outer": lambda x: np.einsum("ij,kl->ijkl", x[:2, :2], W[:2, :2]),
    "einsum transpose": lambda x: np.einsum("ij->ji", x),
    "einsum sum": lambda x: np.einsum("ij->j", x),
}

STACKED = {
    "stack @ matrix": lambda x: x @ W[:2],
    "matrix @ stack": lambda x: W[:2, :3] @ x,
    "stack @ stack": lambda x: x @ np.swapaxes(x, 1, 2),
    "vector @ stack": lambda x: np.array([1, -2, 3]) @ x,
    "sort": np.sort,
    "argmax": lambda x: np.argmax(x, axis=1),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name):
    assert_same_as_numpy(ELEMENTWISE[name], VECTOR)


@pytest.mark.parametrize("name", SHAPES)
def test_moving_elements(name):
    assert_same_as_numpy(SHAPES[name], MATRIX)


@pytest.mark.parametrize("name", PRODUCTS)
def test_contractions(name):
    assert_same_as_numpy(PRODUCTS[name], MATRIX)


@pytest.mark.parametrize("name", STACKED)
def test_stacks(name):
    assert_same_as_numpy(STACKED[name], CUBE)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, axis, keepdims):
    assert_same_as_numpy(lambda x: REDUCTIONS[name](x, axis=axis, keepdims=keepdims), CUBE, 6)


@pytest.mark.parametrize(
    "function",
    [
        np.add.reduce,
        lambda x: np.maximum.reduce(x, axis=1),
        lambda x: np.multiply.reduce(x, axis=None),
        lambda x: np.bitwise_or.reduce(x, axis=(0, 1)),
        lambda x: np.logical_and.reduce(x, axis=2),
        lambda x: x.sum(axis=0) + x.max(0) - x.min(axis=0, keepdims=False),
        lambda x: np.sum(x > 0),
        lambda x: np.any(x[:1, :1, :1] - 1),
        lambda x: np.mean(x[:, :2], axis=1),
        lambda x: np.mean(x[:, :2], axis=(0, 1), keepdims=True),
    ],
)
def test_other_reductions(function):
    assert_same_as_numpy(function, CUBE)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 11])
def test_sort_and_positions_of_any_length(count):
    port = fixed_input("x", (count, 2), integer=2, fraction=0)  # few values: many ties
    assert_same_as_numpy(lambda x: np.sort(x, axis=0), port, 40)
    assert_same_as_numpy(lambda x: np.sort(x, axis=None), port, 40)
    assert_same_as_numpy(lambda x: np.argmax(x, axis=0), port, 40)
    assert_same_as_numpy(lambda x: np.argmin(x, axis=-2), port, 40)
    assert_same_as_numpy(np.argmax, port, 40)


def test_sort_of_mixed_binary_points():
    port = fixed_input("x", 6, integer=2, fraction=[0, 3, 1, -1, 2, 5])
    circuit = trace(np.sort, port)
    check(circuit)
    codes = random_codes(circuit, 50)
    values = np.ldexp(codes.astype(float), -port.fraction)
    got = np.array(evaluate(str(circuit), codes.tolist(), check_intervals=True))
    got = np.ldexp(got.astype(float), -circuit.outputs[0].fraction)
    np.testing.assert_array_equal(got, np.sort(values, axis=1))


def test_intervals_know_what_was_compared():
    def program(x):
        signed = x[0]
        return {
            "relu": np.maximum(signed, 0),
            "abs": abs(signed),
            "kept": np.where(signed >= 0, signed, 0),
            "largest": np.maximum(signed, -2),
        }

    circuit = trace(program, VECTOR)  # x[0] in [-8, 7]
    ends = {p.name: (int(circuit.rows.lo[p.rows]), int(circuit.rows.hi[p.rows]))
            for p in circuit.outputs}  # fmt: skip
    assert ends == {"relu": (0, 7), "abs": (0, 8), "kept": (0, 7), "largest": (-2, 7)}


def test_in_place_operators_name_a_new_array():
    def program(x):
        y = x
        y += 1
        y *= 2
        y -= np.arange(5)
        return {"changed": y, "kept": x}

    circuit = trace(program, VECTOR)
    ((*changed, a, b, c, d, e),) = evaluate(str(circuit), [[1, 2, 3, 4, 5]])
    assert [a, b, c, d, e] == [1, 2, 3, 4, 5]
    points = circuit.outputs[0].fraction.tolist()
    assert [v * 2**-f for v, f in zip(changed, points, strict=True)] == [4, 5, 6, 7, 8]


@given(random_programs(), st.integers(0, 99))
def test_random_programs(program, seed):
    check(program.circuit)
    codes = random_codes(program.circuit, 12, seed)
    results = evaluate(str(program.circuit), codes.tolist(), check_intervals=True)
    assert results == program.expected(codes), program.steps


# ---- what cannot be traced says so in one line --------------------------------------------------


def _choose(x):
    return x if x[0] > 0 else -x


ERRORS = {
    "no circuit for exp": (np.exp, "np.exp has no exact hardware form"),
    "no circuit for cumsum": (np.cumsum, "np.cumsum cannot be traced"),
    "if": (_choose, "np.where, not if"),
    "NaN": (lambda x: x * np.nan, "NaN or infinite"),
    "infinity": (lambda x: x + np.array([1, 2, 3, 4, np.inf]), "NaN or infinite"),
    "complex": (lambda x: x * 1j, "not a real number"),
    "text": (lambda x: x + "one", "not a real number"),
    "None": (lambda x: x + None, "not a real number"),
    "ragged": (lambda x: x * [[1], [1, 2]], "not an array|cannot be traced"),
    "shapes": (lambda x: x + np.ones(4), "np.add .*shape mismatch"),
    "matmul shapes": (lambda x: x @ np.ones((4, 2)), "matmul of shapes"),
    "matmul scalar": (lambda x: np.matmul(x, 3), "matmul of shapes"),
    "division": (lambda x: x / 3, "power of two"),
    "division by a value": (lambda x: 1 / x, "power of two"),
    "division by zero": (lambda x: x / 0, "power of two"),
    "root": (lambda x: x**0.5, "exponent of 0.5"),
    "negative power": (lambda x: x**-1, "exponent of -1"),
    "large power": (lambda x: x**17, "exponent of 17"),
    "power of a value": (lambda x: 2**x, "one constant"),
    "shift by a value": (lambda x: x << x, "constant number of bits"),
    "negative shift": (lambda x: x >> -1, "constant number of bits"),
    "mean of five": (np.mean, "mean over 5 elements"),
    "axis": (lambda x: np.sum(x, axis=1), "axis 1 is out of bounds"),
    "no elements": (lambda x: np.max(x[:0]), "no elements"),
    "no best": (lambda x: np.argmax(x[:0]), "no elements"),
    "bits of fractions": (lambda x: (x / 2) & 1, "whole numbers"),
    "output array": (lambda x: np.add(x, 1, out=np.zeros(5)), "out=..."),
    "accumulate": (np.add.accumulate, r"np.add.accumulate\("),
    "unknown argument": (lambda x: np.argmax(x, keepdims=True), "np.argmax cannot be traced"),
    "pad by values": (lambda x: np.pad(x, 1, mode="maximum"), "mode='maximum'"),
    "where of one": (lambda x: np.where(x > 0), "np.where cannot be traced"),
    "einsum without result": (lambda x: np.einsum("i,i", x, x), "write every index"),
    "einsum unknown": (lambda x: np.einsum("i->j", x), "takes each index of operands once"),
    "einsum diagonal": (lambda x: np.einsum("i->ii", x), "takes each index of operands once"),
    "clip into": (lambda x: np.clip(x, 0, 1, out=x), "out= is none of its arguments"),
    "einsum misfit": (lambda x: np.einsum("ij->i", x), "does not fit an array"),
    "split": (lambda x: np.split(x, 2)[0], "np.split cannot be traced.*equal division"),
    "array of values": (lambda x: np.array([x[0], x[1]]), "np.stack"),
    "index": (lambda x: np.arange(5)[x], "no numbers yet|symbolic"),
    "tuple": (lambda x: (x, x), "returns a tuple"),
    "nothing": (lambda x: None, "returns a NoneType"),
    "port names": (lambda x: {"x": x}, "same name"),
    "length": (lambda x: len(x[0]), "no length"),
    "beyond 4096 bits": (lambda x: ((x**16) ** 16) ** 16, "4096 bits"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    function, message = ERRORS[name]
    with pytest.raises(CircuitError, match=message) as caught:
        trace(function, VECTOR)
    assert "\n" not in str(caught.value)


def test_two_traces_do_not_mix():
    kept: list[Array] = []
    trace(lambda x: kept.append(x) or x, VECTOR)
    with pytest.raises(CircuitError, match="two different traces"):
        trace(lambda x: x + kept[0], VECTOR)


def test_constants_keep_every_bit():
    numbers = [2**63 - 1, -(2**63), 2**62, -(2**62), 2**62 - 1, 0, 1, -1, 6, 2**70 + 2]
    for values in (
        np.array(numbers[:-1], np.int64),
        np.array([2**64 - 1, 2**63], np.uint64),
        np.array(numbers, object),
        np.array([0.1, -3e-310, 1.5e300, 2.0**63]),
        np.array([0.1, -2.5], np.float32),
    ):
        circuit = trace(lambda x, values=values: x[:1] * 0 + values, VECTOR)
        check(circuit)
        (result,) = evaluate(str(circuit), [[0] * 5], check_intervals=True)
        points = circuit.outputs[0].fraction.tolist()
        exact = [Fraction(v) / Fraction(2) ** f for v, f in zip(result, points, strict=True)]
        assert exact == [Fraction(value) for value in values.tolist()]
