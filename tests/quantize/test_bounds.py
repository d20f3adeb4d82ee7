"""The bound that types imply is never exceeded where nothing saturates."""

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import layers

from edgetrig.emulate import Emulator
from edgetrig.frontends import read
from edgetrig.frontends.quantization import float_outputs, quantize_model
from edgetrig.frontends.quantization.bounded import Bounded
from edgetrig.frontends.quantization.bounds import Bounding
from edgetrig.frontends.quantization.fixed import Fixed
from edgetrig.frontends.quantization.floating import computed
from edgetrig.frontends.values import Pending

ACTIVATIONS = ["linear", "relu", "tanh", "sigmoid", "elu", "softplus", "silu", "relu6"]


def logits(model, x):
    """Return float outputs without a last softmax, which hardware leaves out."""
    from edgetrig.frontends.batch import Batch
    from edgetrig.frontends.model import replay
    from edgetrig.frontends.quantization.survey import Waiting

    class Plain(Waiting):
        def output(self, value):
            return (
                value if isinstance(value, Pending) and value.function is None else computed(value)
            )

    (value,) = replay(model, [Batch(x.astype(float))], lambda name: Plain())
    return (value.array if isinstance(value, Pending) else value).values


def saturates(result):
    return any(row.saturated for row in result.table)


def assert_within(result, model, x):
    (bound,) = result.bound.values()
    error = np.abs(Emulator(result.circuit).predict(x) - logits(model, x))
    assert (error.max(axis=0) <= bound + 1e-9).all()


@settings(max_examples=12)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    activations=st.lists(st.sampled_from(ACTIVATIONS), min_size=3, max_size=3),
    bits=st.integers(5, 14),
    seed=st.integers(0, 10**6),
)
def test_errors_stay_within_the_bound(sizes, activations, bits, seed):
    rng = np.random.default_rng(seed)
    stack = [
        layers.Dense(size, activation=name, name=f"d{k}")
        for k, (size, name) in enumerate(zip(sizes, activations, strict=False))
    ]
    model = keras.Sequential([keras.Input((4,)), *stack, layers.Dense(2, name="last")])
    for variable in model.variables:
        variable.assign(rng.normal(0, 1, variable.shape))
    x = rng.normal(0, 2, (400, 4)).astype("float32")
    result = quantize_model(read(model), x, ranges="all", bits=bits)
    # Ranges cover the float model's numbers; earlier roundings may lead out of them.
    assume(not saturates(result))
    assert_within(result, read(model), x)


def inner_softmax(first, rng):
    return layers.Softmax(name="softmax", axis=int(rng.choice([1, -1])))(first)


def inner_log_softmax(first, rng):
    return layers.Activation("log_softmax", name="log_softmax")(first)


def layer_norm(first, rng):
    x = layers.Dense(4, name="linear")(first)
    return layers.LayerNormalization(epsilon=float(rng.choice([1e-3, 0.1])), name="norm")(x)


def rms_norm(first, rng):
    return layers.RMSNormalization(epsilon=0.01, name="norm")(first)


def unit_norm(first, rng):
    return layers.UnitNormalization(name="norm")(layers.Dense(4, name="linear")(first))


def attention(first, rng):
    return layers.MultiHeadAttention(2, 3, name="attention")(first, first)


def causal_attention(first, rng):
    heads = layers.MultiHeadAttention(2, 3, name="attention")
    return heads(first, first, use_causal_mask=True)


INNER = [
    *(inner_softmax, inner_log_softmax, layer_norm, rms_norm, unit_norm),
    *(attention, causal_attention),
]


@settings(max_examples=12)
@given(
    inner=st.sampled_from(INNER),
    size=st.integers(2, 5),
    scale=st.sampled_from([0.2, 0.6, 2.0]),
    bits=st.integers(6, 16),
    seed=st.integers(0, 10**6),
)
def test_bounds_through_softmax_and_norms(inner, size, scale, bits, seed):
    rng = np.random.default_rng(seed)
    first = keras.Input((3, size))
    model = keras.Model(first, layers.Dense(2, name="last")(inner(first, rng)))
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(rng.normal(0, scale, variable.shape))
    x = rng.normal(0, rng.choice([0.1, 1, 5]), (300, 3, size)).astype("float32")
    result = quantize_model(read(model), x, ranges="all", bits=bits)
    assume(not saturates(result))
    (bound,) = result.bound.values()
    error = np.abs(Emulator(result.circuit).predict(x) - float_outputs(read(model), x)["last"])
    assert (error.max(axis=0) <= bound + 1e-9).all()


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@given(
    sources=st.integers(1, 6),
    size=st.sampled_from([0.01, 0.3, 3.0]),
    spread=st.sampled_from([0.1, 2.0, 20.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_bound_of_weighted_sums_against_the_worst_changes(sources, size, spread, seed):
    """Scores moved up for the largest values and down for the others, and at random."""
    rng = np.random.default_rng(seed)
    scores, values = rng.normal(0, spread, (2, sources)), rng.normal(0, 1, (sources, 3))
    moved = rng.uniform(0, size, scores.shape)
    off = rng.uniform(0, 0.1, values.shape)
    weights = softmax(scores)
    rounded = weights + rng.uniform(-1e-3, 1e-3, weights.shape)
    bounding = Bounding(Fixed({}, {}))
    found = bounding.attended(
        lambda _: Bounded(rounded, rounded, np.abs(rounded - weights)),
        Bounded(scores, scores, moved),
        Bounded(values, values, off),
    )
    mine = rounded @ values
    assert (found.low <= mine).all()
    assert (mine <= found.high).all()
    signs = [np.where(values[:, 0] >= np.sort(values[:, 0])[k], 1, -1) for k in range(sources)]
    signs += [rng.choice([-1, 1], sources) for _ in range(10)]
    for sign in signs:
        for sense in (-1, 1):
            changed = softmax(scores + sense * sign * moved)
            theirs = changed @ (values + sense * off)
            assert (np.abs(theirs - mine) <= found.error + 1e-12).all()
            assert (found.bottom <= theirs + 1e-12).all()
            assert (theirs <= found.top + 1e-12).all()


def test_bound_of_weighted_sums_is_reached():
    """Odds that change from one side of even to the other."""
    error, values = 0.7, np.array([[1.0], [-1.0]])
    here = np.array([[error / 2, -error / 2]])
    weights = softmax(here)
    found = Bounding(Fixed({}, {})).attended(
        lambda _: Bounded(weights, weights, 0 * weights),
        Bounded(here, here, np.full((1, 2), error)),
        Bounded(values, values, 0 * values),
    )
    farthest = np.abs((softmax(here - [error, -error]) - weights) @ values)
    assert np.isclose(found.error, farthest).all()


@pytest.mark.parametrize(
    ("inner", "most"),
    [
        (inner_softmax, 0.01),
        (layer_norm, 4),
        (rms_norm, 6),
        (unit_norm, 3),
        (attention, 1),
        (causal_attention, 1),
    ],
)
def test_bounds_through_softmax_and_norms_say_something(inner, most):
    rng = np.random.default_rng(1)
    first = keras.Input((3, 4))
    model = keras.Model(first, inner(first, rng))
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(rng.uniform(0.1, 0.6, variable.shape))
    x = rng.normal(0, 1, (300, 3, 4)).astype("float32")
    result = quantize_model(read(model), x, ranges="all", bits=14)
    (bound,) = result.bound.values()
    assert 0 < bound.max() < most


@pytest.mark.parametrize("name", ["mlp", "batch norm", "residual", "flatten", "tables"])
def test_bounds_of_whole_models(float_models, random_data, name):
    model = float_models(name)
    x = random_data(model)
    result = quantize_model(read(model), x, ranges="all", bits=11)
    assert not saturates(result)
    assert_within(result, read(model), x)
    assert "(bound)" in str(result)
    results = [row for row in result.table if row.role == "result"]
    assert all(row.bound is not None for row in results)


def test_more_bits_tighter_bound(float_models, random_data):
    model = float_models("mlp")
    x = random_data(model)
    widths = (6, 9, 12)
    bounds = [quantize_model(read(model), x, bits=n, ranges="all").bound for n in widths]
    largest = [error.max() for bound in bounds for error in bound.values()]
    assert largest[0] > 4 * largest[1] > 16 * largest[2]


def test_float_outputs_take_many_inputs(float_models, random_data):
    model = float_models("two inputs")
    x = random_data(model)
    by_name = dict(zip(("a", "b"), x, strict=True))
    one, other = float_outputs(read(model), x), float_outputs(read(model), by_name)
    assert all(np.array_equal(one[name], other[name]) for name in one)
