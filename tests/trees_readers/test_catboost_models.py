"""CatBoost models, live and from JSON, against CatBoost's own margins and leaves."""

import catboost
import numpy as np
import pandas
import pytest
from conformance import agree, events, labels

from edgetrig.errors import ModelError
from edgetrig.frontends.trees import read_file, read_model

PLAIN = {"iterations": 4, "depth": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
REGRESSIONS = ["RMSE", "MAE", "Quantile", "Poisson", "Tweedie:variance_power=1.5"]
CLASSES = {"Logloss": "binary", "MultiClass": "multiclass", "MultiClassOneVsAll": "multiclass"}


def train(x, loss="RMSE", y=None, **options):
    if loss in CLASSES:
        y = labels(x, CLASSES[loss])
        return catboost.CatBoostClassifier(loss_function=loss, **{**PLAIN, **options}).fit(x, y)
    y = np.exp(0.3 * labels(x)) if y is None else y
    return catboost.CatBoostRegressor(loss_function=loss, **{**PLAIN, **options}).fit(x, y)


def compare(forest, model, x):
    agree(
        forest,
        x,
        lambda at: model.predict(at, prediction_type="RawFormulaVal"),
        model.calc_leaf_indexes,
    )


@pytest.mark.parametrize("missing", [None, "Min", "Max"])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise", "Lossguide"])
@pytest.mark.parametrize("loss", [*REGRESSIONS, *CLASSES])
def test_every_objective_and_kind_of_tree(loss, policy, missing):
    options = {"nan_mode": missing} if missing else {}
    x = events(missing=missing is not None)
    model = train(x, loss, grow_policy=policy, **options)
    forest = read_model(model)
    assert forest.outputs == (3 if CLASSES.get(loss) == "multiclass" else 1)
    compare(forest, model, events(1, missing=missing is not None))


@pytest.mark.parametrize("depth", [1, 8])
def test_depths(depth):
    model = train(events(), depth=depth)
    compare(read_model(model), model, events(1))


def test_several_targets():
    y = np.stack([labels(events()), -labels(events(), seed=3)], axis=1)
    model = train(events(), "MultiRMSE", y=y)
    compare(read_model(model), model, events(1))


def test_scale_and_bias():
    model = train(events())
    model.set_scale_and_bias(0.25, 1.5)
    compare(read_model(model), model, events(1))


def test_ranker_and_plain_model():
    x = events()
    model = catboost.CatBoostRanker(loss_function="YetiRank", **PLAIN)
    model.fit(x, labels(x, "multiclass"), group_id=np.repeat(np.arange(3), 100))
    agree(read_model(model), events(1), model.predict, model.calc_leaf_indexes)
    model = catboost.CatBoost({"loss_function": "RMSE", **PLAIN}).fit(x, labels(x))
    compare(read_model(model), model, events(1))


def test_early_stopping():
    other = events(7)
    wrong = np.random.default_rng(0).permutation(labels(other))
    model = catboost.CatBoostRegressor(**{**PLAIN, "iterations": 50}, early_stopping_rounds=3)
    model.fit(events(), labels(events()), eval_set=(other, wrong))
    assert model.tree_count_ < 50
    compare(read_model(model), model, events(1))


@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
def test_files(tmp_path, policy):
    model = train(events(missing=True), "MultiClass", grow_policy=policy)
    path = tmp_path / "model.json"
    model.save_model(path, format="json")
    forest = read_file(path)
    assert forest.link == "softmax"
    compare(forest, model, events(1, missing=True))


def categorical(one_hot_limit, **options):
    """A model whose column 2 is categorical, and its frame of events."""
    options |= {"one_hot_max_size": one_hot_limit, "cat_features": [2]}
    x = events()
    x[:, 2] *= 11  # categories of one to three digits
    frame = frame_of(x)
    return catboost.CatBoostClassifier(**PLAIN, **options).fit(frame, (x[:, 2] % 33 == 0))


def frame_of(x):
    frame = pandas.DataFrame(x)
    frame[2] = frame[2].astype(int)
    return frame


@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
def test_categories_by_one_hot(policy):
    model = categorical(20, grow_policy=policy)
    forest = read_model(model)
    assert forest.categories
    x = events(1).astype(np.float32)
    x[:, 2] = np.arange(300)
    theirs = model.predict(frame_of(x), prediction_type="RawFormulaVal")
    np.testing.assert_allclose(forest.scores(x)[:, 0], theirs, atol=1e-12)


def test_statistics_of_categories_are_refused():
    with pytest.raises(
        ModelError, match=r"tree \d: splits on statistics of a category; train with"
    ):
        read_model(categorical(2))


def test_categories_that_are_no_small_integers_are_refused():
    frame = frame_of(events())
    frame[2] = frame[2].astype(str) + "x"
    options = {"one_hot_max_size": 20, "cat_features": [2]}
    model = catboost.CatBoostRegressor(**PLAIN, **options).fit(frame, frame[2] == "6x")
    with pytest.raises(ModelError, match="splits on a category that is no integer from 0 to 999"):
        read_model(model)


def test_model_that_is_not_trained():
    with pytest.raises(ModelError, match="CatBoostRegressor: cannot be saved"):
        read_model(catboost.CatBoostRegressor())


def test_its_binary_format_is_refused(tmp_path):
    path = tmp_path / "model.cbm"
    train(events()).save_model(path)
    with pytest.raises(ModelError, match=r"model\.cbm: is CatBoost's binary format; save it with"):
        read_file(path)
