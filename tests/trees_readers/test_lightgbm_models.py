"""LightGBM models, live and from text, against LightGBM's own margins and leaves."""

import lightgbm
import numpy as np
import pytest
from conformance import agree, events, labels

from edgetrig.errors import ModelError
from edgetrig.frontends.trees import read_file, read_model

OBJECTIVES = {
    "regression": "regression",
    "regression_l1": "regression",
    "huber": "regression",
    "fair": "regression",
    "quantile": "regression",
    "mape": "regression",
    "poisson": "positive",
    "gamma": "positive",
    "tweedie": "positive",
    "binary": "binary",
    "cross_entropy": "share",
    "cross_entropy_lambda": "share",
    "multiclass": "multiclass",
    "multiclassova": "multiclass",
    "lambdarank": "multiclass",
    "rank_xendcg": "multiclass",
}
PLAIN = {
    "num_leaves": 9,
    "min_data_in_leaf": 5,
    "min_data_per_group": 2,
    "cat_smooth": 1,
    "num_threads": 1,
    "verbose": -1,
}


def train(x, objective="regression", rounds=4, categorical=(), **options):
    group = [100] * (len(x) // 100) if "rank" in objective else None
    y = labels(x, OBJECTIVES[objective])
    if objective.startswith("multi"):
        options["num_class"] = 3
    data = lightgbm.Dataset(x, y, group=group, categorical_feature=list(categorical))
    return lightgbm.train({"objective": objective, **PLAIN, **options}, data, rounds)


def compare(forest, booster, x, share=1.0):
    def margins(at):
        return share * booster.predict(at, raw_score=True)

    copies = bool(booster.params.get("zero_as_missing"))  # needs several comparisons at a split
    agree(forest, x, margins, lambda at: booster.predict(at, pred_leaf=True), copies=copies)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective(objective, missing):
    booster = train(events(missing=missing), objective)
    compare(read_model(booster), booster, events(1, missing=True))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"zero_as_missing": True},
        {"zero_as_missing": True, "num_leaves": 31},
        {"zero_as_missing": True, "max_depth": 2},
        {"use_missing": False},
        {"boosting": "dart", "drop_rate": 0.5},
        {"extra_trees": True, "num_leaves": 31},
        {"boost_from_average": False},
        {"max_depth": 1},
        {"num_leaves": 2},
        {"min_data_in_leaf": 400},  # trees of one leaf
        {"data_sample_strategy": "goss"},
        {"linear_tree": False, "path_smooth": 1.0},
    ],
    ids=str,
)
def test_every_kind_of_tree(options, missing):
    booster = train(events(missing=missing), **options)
    compare(read_model(booster), booster, events(1, missing=True))


@pytest.mark.parametrize(
    "options", [{}, {"zero_as_missing": True}, {"use_missing": False}], ids=str
)
@pytest.mark.parametrize("objective", ["regression", "multiclass"])
def test_categories(objective, options):
    booster = train(events(missing=True), objective, categorical=[2], **options)
    forest = read_model(booster)
    assert forest.categories
    x = events(1, missing=True)
    x[:50, 2] = 1 + 20 * np.arange(50)  # never seen in training
    x[50:60, 2] = -3
    compare(forest, booster, x)


@pytest.mark.parametrize("objective", ["regression", "multiclass"])
def test_random_forest_averages(objective):
    booster = train(events(), objective, boosting="rf", bagging_freq=1, bagging_fraction=0.6)
    compare(read_model(booster), booster, events(1), share=1 / 4)
    if objective == "regression":
        x = events(1)
        np.testing.assert_allclose(read_model(booster).scores(x)[:, 0], booster.predict(x))


def test_square_root_of_the_label():
    booster = train(events(), reg_sqrt=True)
    forest = read_model(booster)
    assert forest.link == "square"
    compare(forest, booster, events(1))


@pytest.mark.parametrize("suffix", ["txt", "model"])
def test_files(tmp_path, suffix):
    booster = train(events(missing=True), "multiclass", categorical=[2])
    path = tmp_path / f"model.{suffix}"
    booster.save_model(path)
    forest = read_file(path)
    assert forest.features == tuple(booster.feature_name())
    assert forest.link == "softmax"
    compare(forest, booster, events(1, missing=True))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (lightgbm.LGBMClassifier, "binary"),
        (lightgbm.LGBMClassifier, "multiclass"),
        (lightgbm.LGBMRegressor, "regression"),
    ],
)
def test_wrappers(kind, target):
    x = events(missing=True)
    model = kind(n_estimators=4, num_leaves=7, n_jobs=1, verbose=-1).fit(x, labels(x, target))
    compare(read_model(model), model.booster_, events(1))


def test_ranker():
    x = events()
    model = lightgbm.LGBMRanker(n_estimators=4, num_leaves=7, n_jobs=1, verbose=-1)
    model.fit(x, labels(x, "multiclass"), group=[150, 150])
    compare(read_model(model), model.booster_, events(1))


@pytest.mark.parametrize("objective", ["binary", "multiclass"])
def test_early_stopping_predicts_as_the_model_does(tmp_path, objective):
    x, other = events(), events(7)
    wrong = np.random.default_rng(0).permutation(labels(other, objective))
    options = {"objective": objective, "num_class": 3 if objective == "multiclass" else 1}
    booster = lightgbm.train(
        {**PLAIN, **options, "num_leaves": 15},
        lightgbm.Dataset(x, labels(x, objective)),
        60,
        valid_sets=[lightgbm.Dataset(other, wrong)],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
    )
    assert booster.best_iteration < 60
    compare(read_model(booster), booster, events(1))
    booster.save_model(tmp_path / "model.txt")
    compare(read_file(tmp_path / "model.txt"), booster, events(1))


def test_pandas_categories_are_noted(tmp_path):
    booster = train(events(), categorical=[2])
    path = tmp_path / "model.txt"
    booster.save_model(path)
    text = path.read_text().replace("pandas_categorical:null", "pandas_categorical:[[10, 20]]")
    path.write_text(text)
    assert "categories: 0 = 10, 1 = 20" in read_file(path).notes[0]
    path.write_text(text.replace("[[10, 20]]", "[[10, 20], ['a']]".replace("'", '"')))
    assert read_file(path).notes == (
        "categorical features take codes, in the order of [[10, 20], ['a']]",
    )
    path.write_text(text.replace("[[10, 20]]", "[10, 20]"))
    with pytest.raises(ModelError, match="'pandas_categorical' is no list of lists"):
        read_file(path)


def test_linear_trees_are_refused():
    booster = train(events(), linear_tree=True)
    with pytest.raises(ModelError, match=r"tree \d+: has linear models in its leaves; train with"):
        read_model(booster)


def test_model_that_is_not_trained():
    with pytest.raises(ModelError, match="LGBMRegressor: cannot be saved"):
        read_model(lightgbm.LGBMRegressor())
