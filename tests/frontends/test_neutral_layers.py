"""The layers that all front ends share, against plain loops and on symbolic arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.circuit import Array, fixed_input, trace
from edgetrig.emulate import Emulator
from edgetrig.frontends.layers import convolution as conv
from edgetrig.frontends.layers import pooling, selection
from edgetrig.frontends.layers.inner import divided
from edgetrig.frontends.quantizer import Quantizer


def both(function, x):
    """Return a function's result on floats and on the traced circuit."""
    port = fixed_input("x", x.shape[1:], signed=1, integer=4, fraction=2)
    circuit = trace(lambda v: {"y": function(v)}, port)
    got = Emulator(circuit).predict({"x": x})
    return np.stack([np.asarray(function(v)) for v in x]), got


def samples(rng, *shape):
    return rng.integers(-64, 64, (5, *shape)) / 4.0


pairs = st.tuples(st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_convolution_is_its_definition(data):
    n, k, s, d = (data.draw(st.integers(1, top)) for top in (7, 3, 3, 2))
    groups, inner, outer = (data.draw(st.integers(1, 2)) for _ in range(3))
    pad = data.draw(pairs)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, w = samples(rng, n, groups * inner), rng.integers(-3, 4, (k, inner, groups * outer)) / 2
    count = (n + sum(pad) - d * (k - 1) - 1) // s + 1
    arguments = {"strides": (s,), "dilation": (d,), "groups": groups}
    if n + sum(pad) < d * (k - 1) + 1:
        with pytest.raises(ValueError, match="does not fit"):
            conv.convolution(x[0], w, padding=(pad,), **arguments)
        return
    got, traced = both(lambda v: conv.convolution(v, w, padding=(pad,), **arguments), x)
    want = np.zeros((5, count, groups * outer))
    for o, t, g in np.ndindex(count, k, groups):
        i = o * s + t * d - pad[0]
        if 0 <= i < n:
            part = slice(g * outer, (g + 1) * outer)
            want[:, o, part] += x[:, i, g * inner : (g + 1) * inner] @ w[t, :, part]
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(traced, want)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_transposed_convolution_is_its_definition(data):
    n, k, s, d = (data.draw(st.integers(1, top)) for top in (4, 3, 3, 2))
    before, after = data.draw(st.tuples(st.integers(0, 1), st.integers(-2, 1)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, w = samples(rng, n, 2), rng.integers(-3, 4, (k, 2, 3)) / 2
    full = (n - 1) * s + d * (k - 1) + 1
    arguments = {"strides": (s,), "padding": ((before, after),), "dilation": (d,)}
    if full - before - after < 1:
        with pytest.raises(ValueError, match="leaves nothing"):
            conv.transposed_convolution(x[0], w, **arguments)
        return
    got, traced = both(lambda v: conv.transposed_convolution(v, w, **arguments), x)
    want = np.zeros((5, full + 2, 3))
    for i, t in np.ndindex(n, k):
        want[:, i * s + t * d] += x[:, i] @ w[t]
    want = want[:, before : full - after]
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(traced, want)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_quotients_are_rounded_as_if_they_were_exact(data):
    count = data.draw(st.integers(1, 40))
    rounding = data.draw(st.sampled_from(["TRN", "RND", "RND_CONV", "RND_ZERO"]))
    fraction = np.array([data.draw(st.integers(-3, 6)) for _ in range(3)])
    quantizer = Quantizer(np.array(1), np.array(3), fraction, rounding, "SAT")
    port = fixed_input("x", (3,), signed=1, integer=5, fraction=data.draw(st.integers(-2, 3)))

    def function(v):
        value = divided(v, count)
        return quantizer(value) if isinstance(value, Array) else value.quantized(quantizer)

    circuit = trace(lambda v: {"y": function(v)}, port)
    codes = np.arange(port.lo.min(), port.hi.max() + 1)
    x = np.repeat(np.ldexp(codes, -int(port.fraction[0]))[:, None], 3, axis=1)
    want = np.stack([np.asarray(quantizer(v / count)) for v in x])
    np.testing.assert_array_equal(Emulator(circuit).predict({"x": x}), want)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_pooling_is_its_definition(data):
    n, k, s, d = (data.draw(st.integers(1, top)) for top in (7, 4, 3, 2))
    ceil, counted = data.draw(st.booleans()), data.draw(st.booleans())
    pad = data.draw(st.integers(0, k // 2))
    x = samples(np.random.default_rng(n), n, 2)
    reach = d * (k - 1) + 1
    if n + 2 * pad < reach:
        return
    count = -(-(n + 2 * pad - reach) // s) + 1 if ceil else (n + 2 * pad - reach) // s + 1
    if (count - 1) * s >= n + pad:
        count -= 1
    windows = [[o * s + t * d - pad for t in range(k)] for o in range(count)]
    inside = [[i for i in window if 0 <= i < n] for window in windows]
    arguments = ((k,), (s,), ((pad, pad),), (d,), ceil)
    if all(inside):
        got, traced = both(lambda v: pooling.max_pool(v, *arguments), x)
        want = np.stack([x[:, window].max(axis=1) for window in inside], axis=1)
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(traced, want)
    total = np.stack([x[:, window].sum(axis=1) for window in inside], axis=1)
    np.testing.assert_array_equal(both(lambda v: pooling.sum_pool(v, *arguments), x)[1], total)
    sizes = [
        len([i for i in w if i < n + pad]) if counted else len(w)
        for w in (windows if counted else inside)
    ]
    if all(sizes):
        mean = pooling.average_pool(x[0], *arguments, counted)
        value = mean.function(mean.array) if hasattr(mean, "function") else mean
        np.testing.assert_allclose(value, total[0] / np.array(sizes)[:, None], rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(0, 99), st.booleans())
def test_top_k_breaks_ties_for_the_first(size, seed, largest):
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (5, size, 2)) * 1.0
    k = int(rng.integers(1, size + 1))
    order = np.argsort(-x if largest else x, axis=1, kind="stable")[:, :k]
    want = np.take_along_axis(x, order, axis=1)
    for part, expected in enumerate((want, order)):
        got, traced = both(lambda v, p=part: selection.top_k(v, k, 0, largest)[p], x)
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(traced, expected)


def test_embedding_and_one_hot(rng):
    table = rng.normal(0, 1, (6, 3)).astype(np.float32)
    port = fixed_input("i", (4,), signed=0, integer=3, fraction=0)
    index = rng.integers(0, 8, (20, 4)) * 1.0
    rows = trace(lambda i: {"y": selection.embedding(i, table)}, port)
    expected = table[np.minimum(index, 5).astype(int)]
    np.testing.assert_array_equal(Emulator(rows).predict({"i": index}), expected)
    hot = trace(lambda i: {"y": selection.one_hot(i, 6)}, port)
    expected = (index[..., None] == np.arange(6)) * 1.0
    np.testing.assert_array_equal(Emulator(hot).predict({"i": index}), expected)
