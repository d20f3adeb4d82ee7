"""Turn-on curves: intervals against SciPy, curves as counted event by event."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from edgetrig.errors import DataError, MenuError
from edgetrig.trigger.menu import TurnOn, clopper_pearson, measure_turn_on, usual_edges


def counted(most):
    return st.integers(0, most).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(counted(5000), min_size=1, max_size=8), st.floats(0.01, 0.9999))
def test_intervals_are_those_of_the_beta_distribution(counts, coverage):
    passed, total = np.array(counts).T
    low, high = clopper_pearson(passed, total, coverage)
    tail = (1 - coverage) / 2
    for k, n, left, right in zip(passed, total, low, high, strict=True):
        assert left == (0 if k == 0 else pytest.approx(beta.ppf(tail, k, n - k + 1), rel=1e-9))
        assert right == (1 if k == n else pytest.approx(beta.isf(tail, k + 1, n - k), rel=1e-9))


def test_intervals_cover_at_least_as_often_as_asked_for():
    count = 40
    low, high = clopper_pearson(np.arange(count + 1), np.full(count + 1, count), 0.9)
    for efficiency in np.linspace(0, 1, 101):
        chance = binom.pmf(np.arange(count + 1), count, efficiency)
        assert chance[(low <= efficiency) & (efficiency <= high)].sum() >= 0.9 - 1e-9


def test_a_million_events():
    low, high = clopper_pearson([3, 500_000, 999_999], [1_000_000] * 3)
    tail = (1 - 0.6826894921370859) / 2
    np.testing.assert_allclose(low, beta.ppf(tail, [3, 500_000, 999_999], [999_998, 500_001, 2]))
    np.testing.assert_allclose(high, beta.isf(tail, [4, 500_001, 1_000_000], [999_997, 500_000, 1]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([2], [1]), "0 <= passed <= total"),
        (([-1], [1]), "0 <= passed <= total"),
        (([1, 2], [3]), "integer counts of one shape"),
        (([0.5], [1.0]), "integer counts of one shape"),
        (([1], [2], 1.0), "coverage 1: a number between 0 and 1"),
    ],
)
def test_counts_that_are_none(arguments, words):
    with pytest.raises(DataError, match=words):
        clopper_pearson(*arguments)


events = st.lists(
    st.tuples(st.integers(0, 9), st.booleans(), st.integers(-2, 2)), min_size=1, max_size=60
)


@given(events, st.lists(st.integers(0, 9), min_size=2, unique=True), st.integers(0, 60))
def test_a_curve_is_what_the_events_say(rows, edges, cut):
    edges = sorted(edges)
    value, fired, eta = (np.array(column) for column in zip(*rows, strict=True))
    whole = {"true_pt": value.astype(np.float32), "true_eta": eta, "bit": fired}
    blocks = [{k: v[part] for k, v in whole.items()} for part in (slice(cut), slice(cut, None))]

    def decide(block):
        return np.stack([np.ones(len(block["bit"]), bool), block["bit"]], axis=1)

    def measured(some):
        within = {"true_eta": (-1, 1)}
        return measure_turn_on(decide, some, ["a", "b"], "b", "true_pt", edges, within)

    curve = measured(blocks)
    for k, (low, high) in enumerate(pairwise(edges)):
        inside = [bit for pt, bit, eta in rows if low < pt <= high and abs(eta) <= 1]
        assert (curve.passed[k], curve.total[k]) == (sum(inside), len(inside))
        expected = sum(inside) / len(inside) if inside else np.nan
        assert curve.efficiency[k] == pytest.approx(expected, nan_ok=True)
    parts = measured(blocks[:1]) + measured(blocks[1:])
    assert parts.to_dict() == curve.to_dict()
    assert len(str(curve).splitlines()) == len(edges)


def test_what_cannot_be_counted():
    def curve(column, edges=(0, 1, 2), seed="a"):
        block = {"x": np.asarray(column)}
        return measure_turn_on(lambda b: np.ones((3, 1), bool), [block], ["a"], seed, "x", edges)

    assert curve([0, 1, 2]).total.tolist() == [1, 1]
    with pytest.raises(DataError, match="column 'x', event 1 of its block: nan"):
        curve([0, np.nan, 2])
    with pytest.raises(DataError, match=r"column 'x' has the shape \(3, 2\) and the type"):
        curve(np.ones((3, 2)))
    with pytest.raises(DataError, match="must be finite and rise"):
        curve([0, 1, 2], (0, 1, 1))
    with pytest.raises(DataError, match="bins need 2 to 10001 edges"):
        curve([0, 1, 2], (1,))
    with pytest.raises(MenuError, match="no seed 'b' among a"):
        curve([0, 1, 2], seed="b")
    with pytest.raises(MenuError, match="cannot be added"):
        _ = curve([0, 1, 2]) + curve([0, 1, 2], (0, 1, 3))


@given(
    st.lists(
        st.floats(0, 1e6, allow_subnormal=False) | st.integers(-50, 50), min_size=1, max_size=50
    )
)
def test_usual_bins_hold_nearly_all(values):
    numbers = np.array(values, float)
    numbers = numbers[(numbers == 0) | (abs(numbers) > 1e-3)]
    if not numbers.any():
        with pytest.raises(DataError, match="all values are 0"):
            usual_edges(numbers)
        return
    edges = usual_edges(numbers)
    assert len(edges) == 21
    assert (np.diff(edges) > 0).all()
    assert edges[0] == (-edges[-1] if (numbers < 0).any() else 0)
    most = np.quantile(abs(numbers[numbers != 0]), 0.95)
    assert most <= edges[-1] * (1 + 1e-9) <= 3 * max(abs(numbers))


def test_an_empty_bin_has_no_efficiency():
    curve = TurnOn("a", "x", np.array([0.0, 1, 2]), np.array([0, 1]), np.array([0, 4]))
    assert curve.to_dict()["efficiency"] == [None, 0.25]
    assert curve.interval()[1][0] == 1
