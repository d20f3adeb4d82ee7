"""Splits are fair and repeatable; the cost controller reaches its target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrig.errors import DataError
from edgetrig.training import split
from edgetrig.training.schedule import CostController, learning_rate, pace


@given(
    st.lists(st.integers(0, 4), max_size=300),
    st.integers(0, 2**32 - 1),
    st.sampled_from([(0.7, 0.15, 0.15), (1.0, 0.0, 0.0), (0.2, 0.3, 0.5)]),
)
def test_split_is_a_fair_partition(labels, seed, fractions):
    values = np.array(labels, np.int64)
    parts = split(values, seed, fractions)
    again = split(values, seed, fractions)
    sets = (parts.train, parts.validation, parts.test)
    np.testing.assert_array_equal(np.sort(np.concatenate(sets)), np.arange(len(values)))
    for part, twin in zip(sets, (again.train, again.validation, again.test), strict=True):
        np.testing.assert_array_equal(part, twin)
    for label in np.unique(values):
        for part, share in zip(sets, fractions, strict=True):
            count = (values[part] == label).sum()
            assert abs(count - share * (values == label).sum()) <= 1


def test_splits_of_other_seeds_differ():
    labels = np.arange(100) % 5
    assert (split(labels, 1).train != split(labels, 2).train).any()


@pytest.mark.parametrize(
    "fractions",
    [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (0.5, 0.5), (np.nan, 0.5, 0.5), (0.5, 0.5, np.nan)],
)
def test_bad_fractions_are_refused(fractions):
    with pytest.raises(DataError, match="are not three shares that sum to 1"):
        split([0, 1], 0, fractions)


def test_bad_labels_are_refused():
    with pytest.raises(DataError, match=r"labels have shape \(1, 2\)"):
        split([[0, 1]])
    with pytest.raises(DataError, match="event 1 has the label NaN"):
        split([0.0, np.nan, 1.0])


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, True])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(DataError, match=f"seed={seed}: "):
        split([0, 1], seed)


def test_learning_rate_warms_up_holds_and_falls():
    rates = [learning_rate(epoch, 400, 1.0) for epoch in range(400)]
    assert rates[0] < 0.2
    assert set(rates[10:300]) == {1.0}
    assert rates[300:] == sorted(rates[300:], reverse=True)
    assert rates[-1] == pytest.approx(0.01, abs=0.01)


def costs_of_a_crude_network(target, epochs):
    """Its cost falls with the pressure, slowly, and recovers without it."""
    controller = CostController(target, epochs, pace=pace(epochs))
    cost, costs = 12000.0, []
    for epoch in range(epochs):
        beta = controller.next(epoch, cost)
        settled = 0.3 / beta
        cost += 0.1 * (min(settled, 20000.0) - cost)
        costs.append(cost)
    return np.array(costs)


@pytest.mark.parametrize("epochs", [120, 240, 600, 2000])
@pytest.mark.parametrize("target", [100.0, 1000.0, 10000.0])
def test_controller_reaches_its_target(target, epochs):
    last = costs_of_a_crude_network(target, epochs)[-epochs // 6 :]
    assert np.abs(np.log(last / target)).max() < 0.2


@pytest.mark.parametrize("epochs", [60, 90])
def test_a_short_training_gets_below_its_target(epochs):
    assert costs_of_a_crude_network(1000.0, epochs).min() < 1000.0
