"""XGBoost models, live and from both kinds of file, against XGBoost's own margins and leaves."""

import json

import numpy as np
import pandas
import pytest
import xgboost
from conformance import agree, events, labels

from edgetrig.errors import ModelError
from edgetrig.frontends.trees import read_file, read_model

OBJECTIVES = {
    "reg:squarederror": "regression",
    "reg:squaredlogerror": "positive",
    "reg:pseudohubererror": "regression",
    "reg:absoluteerror": "regression",
    "reg:quantileerror": "regression",
    "reg:gamma": "positive",
    "reg:tweedie": "positive",
    "reg:logistic": "share",
    "count:poisson": "positive",
    "survival:cox": "positive",
    "survival:aft": "positive",
    "binary:logistic": "binary",
    "binary:logitraw": "binary",
    "binary:hinge": "binary",
    "multi:softmax": "multiclass",
    "multi:softprob": "multiclass",
    "rank:ndcg": "multiclass",
    "rank:pairwise": "multiclass",
    "rank:map": "binary",
}
PLAIN = {"max_depth": 3, "nthread": 1, "verbosity": 0}


def train(x, objective="reg:squarederror", rounds=4, y=None, matrix=None, **options):
    y = labels(x, OBJECTIVES[objective]) if y is None else y
    data = xgboost.DMatrix(x, y, **(matrix or {}))
    if objective == "survival:aft":
        data = xgboost.DMatrix(x)
        data.set_float_info("label_lower_bound", y)
        data.set_float_info("label_upper_bound", y + 1)
    if objective.startswith("rank"):
        data.set_group([100] * (len(x) // 100))
    if objective.startswith("multi"):
        options["num_class"] = 3
    if objective == "reg:quantileerror":
        options["quantile_alpha"] = [0.2, 0.7]
    return xgboost.train({"objective": objective, **PLAIN, **options}, data, rounds)


def compare(forest, booster, x, matrix=None):
    def margins(at):
        return booster.predict(xgboost.DMatrix(at, **(matrix or {})), output_margin=True)

    def leaves(at):
        return booster.predict(xgboost.DMatrix(at, **(matrix or {})), pred_leaf=True)

    agree(forest, x, margins, leaves, tolerance=1e-6)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective(objective, missing):
    booster = train(events(missing=missing), objective)
    compare(read_model(booster), booster, events(1, missing=missing))


@pytest.mark.parametrize("objective", ["binary:logistic", "count:poisson", "multi:softprob"])
def test_given_base_score(objective):
    booster = train(events(), objective, base_score=0.3)
    compare(read_model(booster), booster, events(1))


def test_base_score_of_labels_of_one_class():
    booster = train(events(), "binary:logistic", y=np.ones(300))
    compare(read_model(booster), booster, events(1))


@pytest.mark.parametrize(
    "options",
    [
        {"max_depth": 1},
        {"max_depth": 7},
        {"max_depth": 0, "grow_policy": "lossguide", "max_leaves": 11},
        {"tree_method": "exact"},
        {"tree_method": "approx"},
        {"booster": "dart", "rate_drop": 0.5, "one_drop": 1},
        {"num_parallel_tree": 3, "subsample": 0.5},
        {"max_depth": 6, "gamma": 1.0},  # prunes: nodes are deleted
        {"monotone_constraints": "(1,0,0,0,0)"},
    ],
    ids=str,
)
def test_every_kind_of_tree(options):
    x = events(missing=True)
    booster = train(x, **options)
    compare(read_model(booster), booster, events(1, missing=True))


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_several_targets(strategy):
    x = events(missing=True)
    y = np.stack([labels(x), -2 * labels(x, seed=5)], axis=1)
    booster = train(x, y=y, multi_strategy=strategy)
    forest = read_model(booster)
    assert forest.outputs == 2
    compare(forest, booster, events(1, missing=True))


@pytest.mark.parametrize("one_hot", [1, 100])
@pytest.mark.parametrize("objective", ["reg:squarederror", "multi:softprob"])
def test_categories(objective, one_hot):
    x = events(missing=True)
    matrix = {"feature_types": ["q", "q", "c", "q", "q"], "enable_categorical": True}
    booster = train(x, objective, matrix=matrix, max_cat_to_onehot=one_hot)
    forest = read_model(booster)
    assert forest.categories
    other = events(1, missing=True)
    other[:50, 2] = 1 + 2 * np.arange(50) % 40  # never seen in training
    compare(forest, booster, other, matrix)


@pytest.mark.parametrize("suffix", ["json", "ubj"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"objective": "multi:softmax"},
        {"booster": "dart"},
        {"multi_strategy": "multi_output_tree", "targets": 2},
    ],
    ids=str,
)
def test_files(tmp_path, suffix, options):
    options = dict(options)
    x = events(missing=True)
    y = np.stack([labels(x)] * 2, axis=1) if options.pop("targets", 1) > 1 else None
    booster = train(x, y=y, **options)
    booster.feature_names = [f"feature {i}" for i in range(5)]
    path = tmp_path / f"model.{suffix}"
    booster.save_model(path)
    forest = read_file(path)
    assert forest.features == tuple(booster.feature_names)
    live = read_model(booster)
    x = events(1, missing=True)
    np.testing.assert_array_equal(forest.scores(x), live.scores(x))


def test_base_score_as_versions_before_3_1_wrote_it(tmp_path):
    booster = train(events(), "binary:logistic")
    document = json.loads(booster.save_raw("json"))
    parameters = document["learner"]["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    compare(read_file(path), booster, events(1))


def test_one_base_score_is_for_all_classes(tmp_path):
    booster = train(events(), "multi:softprob")
    document = json.loads(booster.save_raw("json"))
    document["learner"]["learner_model_param"]["base_score"] = "5E-1"
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    booster.load_model(path)
    forest = read_file(path)
    np.testing.assert_array_equal(forest.base, [0.5, 0.5, 0.5])
    compare(forest, booster, events(1))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (xgboost.XGBClassifier, "binary"),
        (xgboost.XGBClassifier, "multiclass"),
        (xgboost.XGBRegressor, "regression"),
        (xgboost.XGBRFClassifier, "binary"),
        (xgboost.XGBRFRegressor, "regression"),
    ],
)
def test_wrappers(kind, target):
    x = events(missing=True)
    model = kind(n_estimators=4, max_depth=3, n_jobs=1).fit(x, labels(x, target))
    forest = read_model(model)
    agree(forest, events(1), lambda at: model.predict(at, output_margin=True), model.apply, 1e-6)


def test_ranker():
    x = events()
    model = xgboost.XGBRanker(n_estimators=4, max_depth=3, n_jobs=1)
    model.fit(x, labels(x, "multiclass"), group=[150, 150])
    agree(read_model(model), events(1), model.predict, model.apply, 1e-6)


@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_early_stopping_predicts_as_the_model_does(tmp_path, target):
    x, other = events(), events(7)
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=3, n_jobs=1, max_depth=4)
    wrong = np.random.default_rng(0).permutation(labels(other, target))
    model.fit(x, labels(x, target), eval_set=[(other, wrong)], verbose=False)
    booster = model.get_booster()
    assert model.best_iteration + 1 < booster.num_boosted_rounds()
    compare(read_model(booster), booster, events(1))  # a booster predicts with all rounds

    def margins(at):
        return model.predict(at, output_margin=True)

    forest = read_model(model)
    assert "early stopping" in forest.notes[0]
    agree(forest, events(1), margins, model.apply, 1e-6)
    for path in tmp_path / "model.json", tmp_path / "model.ubj":
        model.save_model(path)
        agree(read_file(path), events(1), margins, model.apply, 1e-6)


def test_linear_booster_is_refused():
    booster = train(events(), booster="gblinear", max_depth=None)
    with pytest.raises(ModelError, match="'gblinear' has no trees"):
        read_model(booster)


def test_model_that_is_not_trained():
    with pytest.raises(ModelError, match="XGBClassifier: cannot be saved"):
        read_model(xgboost.XGBClassifier())


def test_numbers_that_stand_for_missing_values_are_refused():
    x = events()
    model = xgboost.XGBRegressor(n_estimators=2, missing=-999.0, n_jobs=1).fit(x, labels(x))
    with pytest.raises(ModelError, match="takes -999 for a missing value; train on NaN"):
        read_model(model)


def test_pandas_categories_are_noted():
    x = pandas.DataFrame(events())
    x[2] = pandas.Categorical(x[2].astype(int))
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, enable_categorical=True, n_jobs=1)
    forest = read_model(model.fit(x, labels(events())))
    assert forest.categories
    assert "takes codes of its categories: 0 = 0, 1 = 2" in forest.notes[0]
    codes = x.copy()
    codes[2] = x[2].cat.codes
    ours = forest.scores(codes.to_numpy(np.float64))[:, 0]
    np.testing.assert_allclose(ours, model.predict(x), atol=1e-5)
