"""scikit-learn's estimators against their own margins and leaves."""

import numpy as np
import pandas
import pytest
from conformance import agree, events, labels
from sklearn import ensemble, tree
from sklearn.linear_model import LinearRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from threadpoolctl import threadpool_limits

from edgetrig.errors import ModelError
from edgetrig.frontends.trees import read_model


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def second_class(model):
    return lambda x: model.predict_proba(x)[:, 1]


@pytest.mark.parametrize("init", [None, "zero"])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_gradient_boosting_regressor(loss, init):
    x = events()
    model = ensemble.GradientBoostingRegressor(loss=loss, init=init, n_estimators=4, subsample=0.8)
    model.fit(x, labels(x))
    agree(read_model(model), events(1), model.predict, model.apply)


@pytest.mark.parametrize("init", [None, "zero"])
@pytest.mark.parametrize(
    ("loss", "target"),
    [("log_loss", "binary"), ("log_loss", "multiclass"), ("exponential", "binary")],
)
def test_gradient_boosting_classifier(loss, target, init):
    x = events()
    model = ensemble.GradientBoostingClassifier(loss=loss, init=init, n_estimators=4)
    model.fit(x, labels(x, target))
    agree(read_model(model), events(1), model.decision_function, model.apply)


def test_gradient_boosting_that_stops_early():
    x = events()
    model = ensemble.GradientBoostingRegressor(n_estimators=200, n_iter_no_change=2)
    model.fit(x, labels(x))
    forest = read_model(model)
    assert len(forest.roots) == model.n_estimators_ < 200
    agree(forest, events(1), model.predict, model.apply)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        ensemble.RandomForestClassifier,
        ensemble.ExtraTreesClassifier,
        tree.DecisionTreeClassifier,
        tree.ExtraTreeClassifier,
    ],
)
@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_averaging_classifiers(kind, target, missing):
    x = events(missing=missing)
    options = {"n_estimators": 4} if hasattr(kind(), "n_estimators") else {}
    model = kind(max_depth=5, class_weight="balanced", random_state=0, **options)
    model.fit(x, labels(x, target))
    margins = second_class(model) if target == "binary" else model.predict_proba
    forest = read_model(model)
    assert forest.link == "average"
    agree(forest, events(1, missing=missing), margins, model.apply)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        ensemble.RandomForestRegressor,
        ensemble.ExtraTreesRegressor,
        tree.DecisionTreeRegressor,
        tree.ExtraTreeRegressor,
    ],
)
def test_averaging_regressors(kind, missing):
    x = events(missing=missing)
    options = {"n_estimators": 4} if hasattr(kind(), "n_estimators") else {}
    model = kind(max_depth=None, min_samples_leaf=3, random_state=0, **options).fit(x, labels(x))
    agree(read_model(model), events(1, missing=missing), model.predict, model.apply)


@pytest.mark.parametrize(
    "kind",
    [ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor, tree.DecisionTreeRegressor],
)
def test_regressors_of_several_targets(kind):
    x = events()
    targets = np.stack([labels(x), -2 * labels(x, seed=3), x[:, 0]], axis=1)
    model = kind(max_depth=4, random_state=0).fit(x, targets)
    agree(read_model(model), events(1), model.predict, model.apply)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_adaptive_boosting(target, depth):
    x = events()
    inner = tree.DecisionTreeClassifier(max_depth=depth)
    model = ensemble.AdaBoostClassifier(inner, n_estimators=6, random_state=0)
    model.fit(x, labels(x, target))
    agree(read_model(model), events(1), model.decision_function)


@pytest.mark.parametrize("columns", [1.0, 0.6])
@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_bagging(target, columns):
    x = events()
    trees = tree.DecisionTreeRegressor, tree.DecisionTreeClassifier
    kinds = ensemble.BaggingRegressor, ensemble.BaggingClassifier
    classes = target != "regression"
    inner = trees[classes](max_depth=4, random_state=0)
    model = kinds[classes](inner, n_estimators=5, max_features=columns, random_state=0)
    model.fit(x, labels(x, target))
    margins = {"binary": second_class(model), "regression": model.predict}
    agree(read_model(model), events(1), margins.get(target) or model.predict_proba)


def test_voting():
    x = events()
    regressors = [
        ("boosted", ensemble.GradientBoostingRegressor(n_estimators=3)),
        ("left out", "drop"),
        ("single", tree.DecisionTreeRegressor(max_depth=3)),
    ]
    model = ensemble.VotingRegressor(regressors, weights=[3, 2, 1]).fit(x, labels(x))
    agree(read_model(model), events(1), model.predict)
    classifiers = [
        ("forest", ensemble.RandomForestClassifier(3, max_depth=3)),
        ("extra", ensemble.ExtraTreesClassifier(3, max_depth=3)),
    ]
    for members in classifiers, [("left out", "drop"), *classifiers]:
        model = ensemble.VotingClassifier(members, voting="soft").fit(x, labels(x, "multiclass"))
        agree(read_model(model), events(1), model.predict_proba)


def test_one_model_for_each_target_or_class():
    x = events()
    inner = ensemble.GradientBoostingRegressor(n_estimators=3)
    model = MultiOutputRegressor(inner).fit(x, np.stack([labels(x), x[:, 0]], axis=1))
    agree(read_model(model), events(1), model.predict)
    inner = ensemble.GradientBoostingClassifier(n_estimators=3)
    model = OneVsRestClassifier(inner).fit(x, labels(x, "multiclass"))
    agree(read_model(model), events(1), model.decision_function)
    targets = np.stack([labels(x, "binary"), x[:, 0] > 0], axis=1)
    model = MultiOutputClassifier(inner).fit(x, targets)

    def margins(at):
        return np.stack([member.decision_function(at) for member in model.estimators_], axis=1)

    agree(read_model(model), events(1), margins)


@pytest.mark.parametrize("columns", [1.0, 0.5])
@pytest.mark.parametrize("samples", [16, "auto"])
def test_isolation_forest(samples, columns):
    x = events()
    model = ensemble.IsolationForest(
        n_estimators=10,
        max_samples=samples,
        max_features=columns,
        contamination=0.1,
        random_state=0,
    ).fit(x)
    forest = read_model(model)

    def margins(at):
        return -np.log2(-model.score_samples(at))

    agree(forest, events(1), margins)
    # The mapping of thresholds that the reader's page states.
    x = events(2)
    inside = forest.scores(x)[:, 0] >= -np.log2(-model.offset_)
    np.testing.assert_array_equal(inside, model.predict(x) == 1)


@pytest.mark.parametrize("categorical", [None, [2], [1, 2]])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "gamma", "poisson", "quantile"]
)
def test_histogram_regressor(loss, missing, categorical):
    x, other = histogram_events(0, missing), histogram_events(1, missing)
    model = ensemble.HistGradientBoostingRegressor(
        loss=loss,
        quantile=0.6,
        max_iter=4,
        max_leaf_nodes=8,
        min_samples_leaf=3,
        categorical_features=categorical,
    ).fit(x, np.exp(0.3 * labels(events())))
    forest = read_model(model)
    assert bool(forest.categories) == (categorical is not None)
    logarithm = loss in ("gamma", "poisson")
    agree(forest, other, lambda at: np.log(model.predict(at)) if logarithm else model.predict(at))


@pytest.mark.parametrize("categorical", [None, [2], [1, 2]])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_histogram_classifier(target, missing, categorical):
    x, other = histogram_events(0, missing), histogram_events(1, missing)
    model = ensemble.HistGradientBoostingClassifier(
        max_iter=4, max_leaf_nodes=8, min_samples_leaf=3, categorical_features=categorical
    ).fit(x, labels(events(), target))
    agree(read_model(model), other, model.decision_function)


def histogram_events(seed, missing):
    """Column 1 and 2 are integers; those of other seeds have values the first has not."""
    x = events(seed, missing=missing).astype(np.float64)
    x[:, 1] = np.abs(np.round(3 * x[:, 1]))
    if seed:
        x[:50, 1:3] = np.arange(100).reshape(50, 2)
    return x


def test_names_of_features():
    x = pandas.DataFrame(events(), columns=["pt", "eta", "phi", "mass", "b"])
    model = tree.DecisionTreeRegressor(max_depth=3).fit(x, labels(events()))
    assert read_model(model).features == ("pt", "eta", "phi", "mass", "b")


def refused(model, line):
    with pytest.raises(ModelError, match=line) as caught:
        read_model(model)
    assert "\n" not in str(caught.value)


def test_what_is_refused():
    x = events()
    y = labels(x, "binary")
    both = np.stack([y, y], axis=1)
    refused(tree.DecisionTreeClassifier(), "DecisionTreeClassifier: is not fitted")
    refused(tree.DecisionTreeClassifier().fit(x, both), "sorts by 2 targets; fit one model")
    refused(ensemble.AdaBoostRegressor(n_estimators=2).fit(x, y), "a weighted median of its trees")
    refused(LinearRegression().fit(x, y), "is not among scikit-learn's models read")
    boosted = ensemble.GradientBoostingClassifier(n_estimators=1)
    refused(
        ensemble.BaggingClassifier(boosted, 2).fit(x, y), "gives behind its sigmoid; RandomForest"
    )
    hard = ensemble.VotingClassifier([("one", tree.DecisionTreeClassifier())], voting="hard")
    refused(hard.fit(x, y), "counts votes; fit with voting='soft'")
    start = tree.DecisionTreeRegressor(max_depth=1)
    model = ensemble.GradientBoostingRegressor(init=start, n_estimators=2).fit(x, y)
    refused(model, r"starts from another model \(init=DecisionTreeRegressor\)")
    refused({}, "cannot read trees from a dict; known: models of xgboost, lightgbm, catboost")


def test_categories_that_are_no_integers_take_codes():
    x = histogram_events(0, missing=False)
    x[:, 2] -= 0.5
    model = ensemble.HistGradientBoostingRegressor(max_iter=2, categorical_features=[2])
    forest = read_model(model.fit(x, labels(x)))
    assert "feature x2 takes codes of its categories: 0 = -0.5, 1 = 1.5, " in forest.notes[0]
    codes = x.copy()
    codes[:, 2] = np.unique(x[:, 2], return_inverse=True)[1]
    np.testing.assert_allclose(forest.scores(codes)[:, 0], model.predict(x), atol=1e-12)
