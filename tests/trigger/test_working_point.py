"""Thresholds and efficiencies from data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrig import DataError
from edgetrig.trigger import choose_working_point, measure_working_point, roc, wilson


@st.composite
def samples(draw):
    count = draw(st.integers(2, 60))
    scores = draw(st.lists(st.integers(-4, 4), min_size=count, max_size=count))
    truth = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    truth[0], truth[1] = True, False
    return np.array(scores) / 2, np.array(truth)


@given(samples(), st.floats(0.05, 0.95))
def test_working_point_is_the_loosest_within_its_acceptance(sample, acceptance):
    scores, truth = sample
    try:
        point = choose_working_point(scores, truth, acceptance)
    except DataError:
        assert (scores[~truth] == scores.max()).mean() > acceptance
        return
    passed = scores >= point.threshold
    assert point.acceptance == passed[~truth].mean() <= acceptance
    assert point.efficiency == passed[truth].mean()
    looser = scores[scores < point.threshold]
    if len(looser):
        assert (scores >= looser.max())[~truth].mean() > acceptance


@given(samples(), samples(), st.floats(0.05, 0.95))
def test_measured_on_other_events(sample, other, acceptance):
    try:
        point = choose_working_point(*sample, acceptance, 3)
    except DataError:
        return
    scores, truth = other
    measured = measure_working_point(point, scores, truth)
    assert measured.independent
    assert not point.independent
    assert (measured.threshold, measured.signal) == (point.threshold, 3)
    assert measured.acceptance == (scores >= point.threshold)[~truth].mean()
    assert measured.efficiency == (scores >= point.threshold)[truth].mean()
    assert measure_working_point(point, *sample).acceptance == point.acceptance


@given(samples())
def test_roc_grows_and_its_area_is_the_chance_to_rank_a_pair_right(sample):
    scores, truth = sample
    curve = roc(scores, truth)
    assert (np.diff(curve.acceptance) >= 0).all()
    assert (np.diff(curve.efficiency) >= 0).all()
    assert (np.diff(curve.threshold) < 0).all()
    assert curve.acceptance[-1] == curve.efficiency[-1] == 1
    pairs = np.sign(scores[truth][:, None] - scores[~truth][None, :])
    assert curve.area == pytest.approx(((pairs + 1) / 2).mean())


@given(st.integers(1, 10**7), st.data())
def test_wilson_interval_holds_the_rate(total, data):
    passed = data.draw(st.integers(0, total))
    low, high = wilson(passed, total)
    assert 0 <= low <= passed / total + 1e-12
    assert passed / total - 1e-12 <= high <= 1
    assert wilson(passed, total, 2)[0] <= low


def test_wilson_interval_reaches_the_ends():
    assert wilson(0, 1039)[0] == wilson(0, 1039, 2)[0] == 0
    assert wilson(1039, 1039)[1] == wilson(7, 7, 3)[1] == 1


def test_wilson_against_published_value():
    # Newcombe, Statist. Med. 17 (1998) 857, table I: 15 of 148, 95 %.
    low, high = wilson(15, 148, 1.959964)
    assert low == pytest.approx(0.0624, abs=5e-5)
    assert high == pytest.approx(0.1605, abs=5e-5)


@pytest.mark.parametrize(
    ("scores", "truth", "acceptance", "word"),
    [
        ([1.0, 2.0], [True, False], 1.5, "between 0 and 1"),
        ([1.0, np.nan], [True, False], 0.5, "NaN"),
        ([1.0, 2.0], [True, True], 0.5, "both"),
        ([1.0, 2.0, 3.0], [True, False], 0.5, "differ"),
        ([1.0, 1.0], [True, False], 0.5, "no threshold"),
    ],
)
def test_bad_input_is_one_clear_line(scores, truth, acceptance, word):
    with pytest.raises(DataError, match=word) as error:
        choose_working_point(scores, truth, acceptance)
    assert "\n" not in str(error.value)
