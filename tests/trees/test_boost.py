"""Boosting with rounded leaves."""

import numpy as np
import pytest

import edgetrig
from edgetrig.circuit import fixed_input
from edgetrig.errors import DataError
from edgetrig.frontends.trees.gates import translate
from edgetrig.training import boost

pytest.importorskip("xgboost")


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(3)
    x = rng.integers(0, 64, (3000, 4))
    labels = (x[:, 0] + x[:, 1] > 64).astype(int) + (x[:, 2] * x[:, 3] > 1200)
    return x, labels


def test_leaves_are_multiples_of_their_last_bit_and_hardware_adds_them_exactly(events):
    x, labels = events
    forest = boost(x, labels, rounds=6, depth=3, leaf_bits=2)
    assert forest.outputs == 3
    assert (forest.value * 4 == np.rint(forest.value * 4)).all()
    port = fixed_input("x", 4, signed=0, integer=6, fraction=0)
    design = edgetrig.compile(translate(forest, inputs=port))
    assert (design.predict(x) == forest.scores(x)).all()
    assert any("exact" in note for note in design.notes)
    assert (forest.scores(x).argmax(axis=1) == labels).mean() > 0.85


def test_later_trees_make_up_for_rounding(events):
    xgboost = pytest.importorskip("xgboost")
    from edgetrig.frontends.trees import read_model

    x, labels = events
    given = {"max_depth": 3, "learning_rate": 0.6, "n_estimators": 12}
    plain = read_model(xgboost.XGBClassifier(**given).fit(x, labels))
    rounded = translate(plain, leaf_bits=1)
    after = (edgetrig.compile(rounded).predict(x).argmax(axis=1) == labels).mean()
    forest = boost(x, labels, rounds=12, depth=3, learning_rate=0.6, leaf_bits=1)
    assert (forest.scores(x).argmax(axis=1) == labels).mean() > after


def test_dropped_bits_are_not_looked_at_and_two_classes_have_one_margin(events):
    x, labels = events
    forest = boost(x, labels > 0, rounds=3, depth=2, drop_bits=[3, 0, 1, 0], names="abcd")
    assert forest.outputs == 1
    assert forest.features == ("a", "b", "c", "d")
    assert (forest.thresholds(0) % 8 == 0).all()
    changed = x ^ np.array([7, 0, 1, 0])
    assert (forest.scores(x) == forest.scores(changed)).all()


def test_the_same_arguments_give_the_same_trees(events):
    made = [boost(*events, rounds=3, depth=3, seed=5, subsample=0.5) for _ in range(2)]
    for name in ("feature", "threshold", "value", "left", "roots"):
        assert (getattr(made[0], name) == getattr(made[1], name)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": [[0.5]]}, "whole numbers"),
        ({"features": [[-1]]}, "0 to"),
        ({"labels": [[0]]}, "one class an event"),
        ({"labels": [0, 3], "classes": 2}, "there are 2 classes"),
        ({"labels": [0, 0]}, "all events are of class 0"),
        ({"classes": 2.5}, "classes=2.5: a whole number"),
        ({"rounds": 0}, "rounds=0"),
        ({"leaf_bits": 17}, "leaf_bits=17"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"drop_bits": -1}, "drop_bits"),
        ({"rounds": 2.5}, "rounds=2.5: a whole number"),
        ({"seed": -1}, "seed=-1"),
        ({"names": ["a", "b"]}, "one of its own for each of 1 features"),
        ({"eta": 0.1}, "eta=0.1: boost sets it by its own arguments"),
        ({"objective": "reg:squarederror"}, "objective=reg:squarederror: boost sets it"),
    ],
)
def test_unusable_arguments_are_refused_in_one_line(change, words):
    given = {"features": [[1], [2]], "labels": [0, 1], **change}
    with pytest.raises(DataError, match=words) as caught:
        boost(given.pop("features"), given.pop("labels"), **given)
    assert "\n" not in str(caught.value)
