"""A batch of N events is N separate NumPy evaluations, for every function that also traces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.circuit import numpy_functions
from edgetrig.frontends import batch
from edgetrig.frontends.batch import Batch

C = np.arange(-6, 6).reshape(3, 4) / 4.0
V = np.array([0.5, -1.0, 2.0, 0.25])

FUNCTIONS = {
    "operators": lambda x: (x + C) * 2 - V / 4 + (-x) * x - 3 + abs(x),
    "constant with more axes": lambda x: x[0] + np.ones((2, 3, 4)),
    "comparisons": lambda x: np.where((x > V) | ~(x <= 0), x, C),
    "booleans count": lambda x: np.where(x > 0, 1.0, 0.0) + np.sum(x > 0, axis=1, keepdims=True),
    "bits": lambda x: (
        np.bitwise_and(np.floor(x).astype(int), 3)
        if isinstance(x, np.ndarray)
        else np.bitwise_and(np.floor(x), 3)
    ),
    "matrix": lambda x: x @ V + (C @ x.T)[0, 0] + V @ x.T,
    "matrices": lambda x: x @ C.T + C @ x.T,
    "matmul of two": lambda x: x @ x.T,
    "vectors": lambda x: x[0] @ x[1] + np.dot(x[0], V) + np.dot(x, V)[0],
    "stack of matrices": lambda x: x @ np.ones((2, 4, 5)),
    "stack of rows": lambda x: x.reshape(3, 2, 2) @ np.array([[1.0, 2.0], [0.5, 1.0]]),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, C) + np.einsum("ij,kj->ik", x, x),
    "einsum with events": lambda x: np.einsum("Aij,jk->Aki", x[None], C.T @ C)[0],
    "reductions": lambda x: np.sum(x) + np.max(x, axis=0) + np.min(x, axis=-2) + np.mean(x, axis=0),
    "kept axes": lambda x: x - np.max(x, axis=1, keepdims=True) + x.sum(axis=(0, 1)),
    "products": lambda x: np.prod(x, axis=0) + np.add.reduce(x) + np.maximum.reduce(x, axis=0),
    "any and all": lambda x: np.any(x > 1, axis=0) & np.all(x < 9, axis=0),
    "arg": lambda x: np.argmax(x, axis=0) + np.argmin(x, axis=-2) + np.argmax(x),
    "sort": lambda x: np.sort(x, axis=0) + np.sort(x) + np.sort(x, axis=None)[0],
    "clip": lambda x: np.clip(x, -1, 2) + np.clip(x, 0, None) + np.maximum(x, V),
    "moving": lambda x: np.moveaxis(np.swapaxes(x, 0, 1), 0, 1) + np.flip(x, 0) + np.roll(x, 1),
    "axes": lambda x: np.squeeze(np.expand_dims(x, 1), 1) + np.transpose(np.transpose(x, (1, 0))),
    "repeats": lambda x: np.repeat(x, 2, axis=0) + np.tile(x, (2, 1)),
    "take": lambda x: np.take(x, [[0, 2], [1, 1]], axis=1)[..., 0] + np.diagonal(x[:, :3])[:, None],
    "broadcast": lambda x: np.broadcast_to(x[:, None], (3, 2, 4)) + np.shape(x)[0] + np.ndim(x),
    "index": lambda x: x[[0, 2, 1]][:, ::-1] + x[:, [3, 2, 1, 0]] + x[..., -1:],
    "apart": lambda x: x.reshape(3, 2, 2)[[0, 1], :, [0, 1]] + x[None, 0, :2],
    "masks": lambda x: x[np.array([True, False, True])],
    "windows": lambda x: x.ravel()[np.arange(4)[:, None] + np.arange(3)],
    "join": lambda x: np.concatenate([x, C, x[:1]], axis=0)[:, None],
    "join flat": lambda x: np.concatenate([x, C], axis=None),
    "stack": lambda x: np.stack([x, C], axis=-1),
    "pad": lambda x: np.pad(x, ((1, 0), (0, 2)))[1:, :4] + np.pad(x, 1, mode="edge")[1:-1, 1:-1],
    "pad with a number": lambda x: np.pad(x, [(0, 1), (2, 0)], constant_values=-3.5),
    "split": lambda x: np.split(x, 2, axis=1)[1] + np.array_split(x, 2, axis=1)[0],
    "iteration": lambda x: [*x][1] + len(x) + x.size + x.ndim,
    "powers": lambda x: x**2 + np.square(x) + np.sign(x) + np.ceil(x) + x // 2,
    "methods": lambda x: x.max(axis=0) + x.min() + x.transpose(1, 0).T[0] + x.reshape((4, 3))[0, 0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=15)
@given(codes=st.lists(st.integers(-40, 40), min_size=12, max_size=60))
def test_a_batch_is_its_events(name, codes):
    events = len(codes) // 12
    x = np.array(codes[: 12 * events]).reshape(events, 3, 4) / 8.0
    got = FUNCTIONS[name](Batch(x))
    expected = np.stack([FUNCTIONS[name](event) for event in x])
    assert got.shape == expected.shape[1:]
    np.testing.assert_array_equal(got.values, expected)


def test_every_function_that_traces_takes_a_batch():
    assert set(numpy_functions._FUNCTIONS) <= set(batch._FUNCTIONS)


def test_a_batch_is_no_array():
    with pytest.raises(TypeError, match="no single array"):
        np.asarray(Batch(np.zeros((2, 3))))
    with pytest.raises(TypeError):
        np.linalg.norm(Batch(np.zeros((2, 3))))
    with pytest.raises(TypeError, match=r"np\.where"):
        bool(Batch(np.zeros(2)) > 1)
