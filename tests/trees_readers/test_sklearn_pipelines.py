"""Pipelines of scikit-learn against their own predictions: trees, linear models, perceptrons."""

import numpy as np
import pandas
import pytest
import xgboost
from conformance import agree, events, labels
from sklearn import decomposition, ensemble, linear_model, svm
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from threadpoolctl import threadpool_limits

import edgetrig
from edgetrig.circuit import fixed_input
from edgetrig.errors import ModelError
from edgetrig.frontends import read
from edgetrig.frontends.quantization.floating import float_outputs
from edgetrig.frontends.trees import translate


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


PREPARATIONS = {
    "standard": lambda: [StandardScaler()],
    "standard without mean": lambda: [StandardScaler(with_mean=False)],
    "range": lambda: [MinMaxScaler((-1, 3))],
    "clipped": lambda: [MinMaxScaler(clip=True)],
    "largest": lambda: [MaxAbsScaler()],
    "largest clipped": lambda: [MaxAbsScaler(clip=True)],
    "robust": lambda: [RobustScaler()],
    "two scalers": lambda: [StandardScaler(), make_pipeline("passthrough", MinMaxScaler())],
    "nothing, then a scaler": lambda: ["passthrough", StandardScaler()],
    "selection": lambda: [SelectKBest(k=3), StandardScaler(), FunctionTransformer()],
    "columns": lambda: [
        ColumnTransformer(
            [
                ("a", StandardScaler(), [3, 0]),
                ("b", "drop", [4]),
                ("c", RobustScaler(), slice(1, 2)),
            ],
            remainder="passthrough",
        )
    ],
    "weighted columns": lambda: [
        ColumnTransformer(
            [("a", MinMaxScaler(clip=True), [3, 0]), ("b", StandardScaler(), [1, 2])],
            remainder="passthrough",
            transformer_weights={"a": 0.3, "remainder": 7.0},
        )
    ],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("inner", ["gradient", "histogram", "xgboost", "forest"])
@pytest.mark.parametrize("name", PREPARATIONS)
def test_trees_behind_a_preparation(name, inner):
    """Every decision is the pipeline's own, on thresholds and one float64 beside them too."""
    x = events().astype(np.float64)
    kinds = {
        "gradient": ensemble.GradientBoostingClassifier(n_estimators=3),
        "histogram": ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=3),
        "xgboost": xgboost.XGBClassifier(n_estimators=3, max_depth=4),
        "forest": ensemble.RandomForestClassifier(4, max_depth=5, random_state=0),
    }
    pipeline = make_pipeline(*PREPARATIONS[name](), kinds[inner]).fit(x, labels(x, "binary"))

    def margins(at):
        if inner == "forest":
            return pipeline.predict_proba(at)[:, 1]
        if inner == "xgboost":
            prepared = pipeline[:-1].transform(at)
            return pipeline[-1].predict(prepared, output_margin=True)
        return pipeline.decision_function(at)

    forest = read(pipeline)
    agree(forest, events(1), margins, tolerance=1e-6 if inner == "xgboost" else 1e-12)


@pytest.mark.parametrize("kind", [ensemble.GradientBoostingRegressor, xgboost.XGBRegressor])
def test_missing_values_are_filled_in(kind):
    x = events(missing=True).astype(np.float64)
    steps = SimpleImputer(strategy="median"), StandardScaler(), kind(n_estimators=3)
    pipeline = make_pipeline(*steps).fit(x, labels(x))
    agree(read(pipeline), events(1, missing=True), pipeline.predict, tolerance=1e-6)


def test_missing_values_are_filled_in_where_an_imputer_stands():
    """The others stay missing: once no column counted as filled in unless all were."""
    x = events(missing=True).astype(np.float64)
    filled = ColumnTransformer([("a", SimpleImputer(), [2, 0])], remainder="passthrough")
    pipeline = make_pipeline(filled, xgboost.XGBRegressor(n_estimators=4)).fit(x, labels(x))
    agree(read(pipeline), events(1, missing=True), pipeline.predict, tolerance=1e-6)


def test_columns_by_name_and_a_search():
    x = pandas.DataFrame(events().astype(np.float64), columns=["pt", "eta", "phi", "m", "q"])
    chosen = ColumnTransformer(
        [("scaled", StandardScaler(), ["m", "pt"]), ("eta", "passthrough", ["eta"])]
    )
    pipeline = make_pipeline(chosen, ensemble.GradientBoostingRegressor(n_estimators=3))
    search = GridSearchCV(pipeline, {"gradientboostingregressor__max_depth": [2, 3]}, cv=2)
    search.fit(x, labels(x.to_numpy()))
    forest = read(search)
    assert forest.features == ("pt", "eta", "phi", "m", "q")

    def margins(at):
        return search.predict(pandas.DataFrame(at, columns=x.columns))

    agree(forest, events(1), margins)


def test_a_pipeline_to_gates():
    x = np.random.default_rng(0).integers(0, 64, (400, 4)).astype(np.float64)
    y = (x[:, 0] + x[:, 1] > 60).astype(int)
    model = ensemble.GradientBoostingClassifier(n_estimators=4, max_depth=3)
    pipeline = make_pipeline(StandardScaler(), model).fit(x, y)
    port = fixed_input("x", 4, signed=0, integer=6, fraction=0)
    design = edgetrig.compile(translate(read(pipeline), inputs=port, leaf_bits=16))
    scores = design.predict(x).reshape(-1)
    np.testing.assert_allclose(scores, pipeline.decision_function(x), atol=1e-3)


NETWORKS = {
    "logistic, binary": (linear_model.LogisticRegression(), "binary", "predict_proba"),
    "logistic": (linear_model.LogisticRegression(), "multiclass", "predict_proba"),
    "ridge": (linear_model.Ridge(), "regression", "predict"),
    "quantile": (linear_model.QuantileRegressor(alpha=0.01), "regression", "predict"),
    "pursuit": (linear_model.OrthogonalMatchingPursuit(), "regression", "predict"),
    "support vectors": (svm.LinearSVC(), "multiclass", "decision_function"),
    "perceptron": (
        MLPRegressor(hidden_layer_sizes=(8, 4), activation="tanh", max_iter=30),
        "regression",
        "predict",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("preparation", ["none", *PREPARATIONS])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_behind_a_preparation(name, preparation):
    x, other = events().astype(np.float64), events(1).astype(np.float64)
    model, target, method = NETWORKS[name]
    before = [] if preparation == "none" else PREPARATIONS[preparation]()
    pipeline = make_pipeline(*before, model).fit(x, labels(x, target))
    wanted = getattr(pipeline, method)(other).reshape(len(other), -1)
    wanted = wanted[:, 1:] if wanted.shape[1] == 2 else wanted
    found = float_outputs(read(pipeline if before else model), other)["scores"]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_perceptron_is_quantised_and_ranks_as_its_own_probabilities():
    x = events(count=600).astype(np.float64)
    y = labels(x, "multiclass")
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier(hidden_layer_sizes=(12,), max_iter=60)
    ).fit(x, y)
    quantised = edgetrig.quantize(pipeline, x, bits=12)
    assert quantised.dropped == {"scores": "softmax"}
    design = edgetrig.compile(quantised)
    scores = design.predict(x)
    assert (scores.argmax(axis=1) == pipeline.predict(x)).mean() > 0.98
    assert {row.layer for row in quantised.table} >= {"x", "scale", "dense_1", "dense_2"}


def refused(model, line):
    with pytest.raises(ModelError, match=line) as caught:
        read(model)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_what_is_refused():
    x = events().astype(np.float64)
    y = labels(x, "binary")
    trees = ensemble.GradientBoostingClassifier(n_estimators=2)
    refused(make_pipeline(StandardScaler(), trees), "Pipeline: is not fitted")
    mixed = make_pipeline(decomposition.NMF(2, init="random"), trees).fit(np.abs(x), y)
    refused(mixed, "step NMF is not read; those that are: StandardScaler, MinMax")
    own = make_pipeline(FunctionTransformer(np.sort), trees).fit(x, y)
    refused(own, "step FunctionTransformer applies a function that is not read")
    refused(linear_model.LogisticRegression(), "LogisticRegression: is not fitted")
    refused(GridSearchCV(trees, {"max_depth": [2]}), "GridSearchCV: is not fitted")
    filled = make_pipeline(SimpleImputer(), linear_model.Ridge()).fit(x, y)
    refused(filled, "missing values have no place in hardware")
    turned = ColumnTransformer([("a", StandardScaler(), [0])], transformer_weights={"a": -1.0})
    refused(make_pipeline(turned, trees).fit(x, y), "has a weight of -1; above 0 is read")
