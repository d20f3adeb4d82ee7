"""scikit-learn's models that become steps of a network, against their own predictions."""

import numpy as np
import pytest
import xgboost
from conformance import agree, events, labels
from sklearn import (
    calibration,
    cluster,
    covariance,
    decomposition,
    discriminant_analysis,
    ensemble,
    linear_model,
    mixture,
    naive_bayes,
    neighbors,
    svm,
)
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from threadpoolctl import threadpool_limits

import edgetrig
from edgetrig.errors import ModelError
from edgetrig.frontends import Forest, Model, read
from edgetrig.frontends.quantization.floating import float_outputs

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def data(kind="binary", seed=0, count=300):
    x = np.abs(events(seed, count).astype(np.float64)[:, :4]) + 0.01 * np.arange(4)
    return x, labels(x, kind)


def prediction(model, x):
    """Return probabilities, of two classes the second's; else a decision or a value."""
    if hasattr(model, "predict_proba"):
        share = model.predict_proba(x)
        return share[:, 1] if share.shape[1] == 2 else share
    return model.decision_function(x) if hasattr(model, "decision_function") else model.predict(x)


def steps_agree(model, x, wanted, tolerance=1e-5):
    found = read(model)
    assert isinstance(found, Model)
    scores = float_outputs(found, x)["scores"]
    wanted = np.asarray(wanted, np.float64).reshape(len(x), -1)
    assert scores.shape == wanted.shape
    scale = max(1.0, np.abs(wanted).max())
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=tolerance * scale)
    return found


def bins(encode):
    return KBinsDiscretizer(4, encode=encode, quantile_method="averaged_inverted_cdf")


MIXING = {
    "components": lambda: [StandardScaler(), decomposition.PCA(3)],
    "white components": lambda: [decomposition.PCA(2, whiten=True)],
    "singular values": lambda: [decomposition.TruncatedSVD(2)],
    "factors": lambda: [decomposition.FactorAnalysis(2)],
    "independent": lambda: [decomposition.FastICA(2, random_state=0)],
    "discriminants": lambda: [discriminant_analysis.LinearDiscriminantAnalysis()],
    "products": lambda: [StandardScaler(), PolynomialFeatures(3)],
    "interactions": lambda: [PolynomialFeatures(interaction_only=True, include_bias=False)],
    "one bit a bin": lambda: [bins("onehot")],
    "union": lambda: [
        FeatureUnion(
            [("a", decomposition.PCA(2)), ("b", StandardScaler()), ("c", "drop")],
            transformer_weights={"a": 0.5},
        )
    ],
    "columns": lambda: [
        ColumnTransformer(
            [
                ("a", make_pipeline(StandardScaler(), decomposition.PCA(1)), [3, 0]),
                ("b", FunctionTransformer(np.log1p), [1]),
            ],
            remainder="passthrough",
        )
    ],
    "cosine": lambda: [FunctionTransformer(np.cos), StandardScaler()],
}
BENDING = {
    "logarithm": lambda: [FunctionTransformer(np.log1p), StandardScaler()],
    "power": lambda: [PowerTransformer()],
    "box": lambda: [
        ColumnTransformer([("a", PowerTransformer("box-cox"), [1, 3]), ("b", MinMaxScaler(), [0])])
    ],
    "quantiles": lambda: [QuantileTransformer(n_quantiles=20, output_distribution="normal")],
    "number of the bin": lambda: [bins("ordinal")],
    "bits": lambda: [Binarizer(threshold=0.5)],
    "a column twice": lambda: [
        FeatureUnion([("a", StandardScaler()), ("b", FunctionTransformer(np.sqrt))])
    ],
}


@pytest.mark.parametrize("name", [*MIXING, *BENDING])
def test_preparations_in_front_of_a_linear_model(name):
    x, y = data()
    pipeline = make_pipeline(*(MIXING | BENDING)[name](), linear_model.Ridge()).fit(x, y)
    steps_agree(pipeline, data(seed=1)[0], pipeline.predict(data(seed=1)[0]))


@pytest.mark.parametrize("name", MIXING)
def test_trees_behind_what_mixes_columns_are_a_step(name):
    x, y = data()
    model = ensemble.GradientBoostingClassifier(n_estimators=3)
    pipeline = make_pipeline(*MIXING[name](), model).fit(x, y)
    steps_agree(pipeline, data(seed=1)[0], pipeline.predict_proba(data(seed=1)[0])[:, 1])


@pytest.mark.parametrize("inner", ["gradient", "xgboost"])
@pytest.mark.parametrize("name", BENDING)
def test_trees_behind_what_bends_columns_take_the_raw_ones(name, inner):
    x, y = data()
    kinds = {
        "gradient": ensemble.GradientBoostingClassifier(n_estimators=3),
        "xgboost": xgboost.XGBClassifier(n_estimators=3, max_depth=4),
    }
    pipeline = make_pipeline(*BENDING[name](), kinds[inner]).fit(x, y)
    forest = read(pipeline)
    assert isinstance(forest, Forest)

    def wanted(at):
        if inner == "gradient":
            return pipeline.decision_function(at)
        return pipeline[-1].predict(pipeline[:-1].transform(at), output_margin=True)

    agree(forest, data(seed=1)[0], wanted, tolerance=1e-6)


LINEAR = {
    "support vectors": (svm.SVC(kernel="linear"), "binary"),
    "support, regression": (svm.SVR(kernel="linear"), "regression"),
    "one class": (svm.OneClassSVM(kernel="linear"), "binary"),
    "one class, online": (linear_model.SGDOneClassSVM(random_state=0), "binary"),
    "ransac": (linear_model.RANSACRegressor(random_state=0), "regression"),
    "bayes": (naive_bayes.GaussianNB(), "multiclass"),
    "quadratic": (
        discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
        "multiclass",
    ),
    "quadratic, two classes": (
        discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
        "binary",
    ),
    "envelope": (covariance.EllipticEnvelope(random_state=0, support_fraction=0.9), "binary"),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_models_and_densities(name):
    model, target = LINEAR[name]
    x, y = data(target)
    x = x + np.random.default_rng(5).normal(size=x.shape)
    model = model.fit(x, y)
    steps_agree(model, x, prediction(model, x))


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("count", [1, 3])
def test_mixtures(kind, count):
    x = data()[0]
    model = mixture.GaussianMixture(count, covariance_type=kind, reg_covar=0.05, random_state=0)
    model.fit(x)
    steps_agree(model, x, model.score_samples(x))


def test_nearest_centres():
    x, y = data("multiclass")
    other = data(seed=1)[0]
    for target in (y, y > 0):
        model = neighbors.NearestCentroid().fit(x, target)
        scores = float_outputs(read(model), other)["scores"]
        found = scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0
        np.testing.assert_array_equal(found, model.predict(other))
    model = cluster.KMeans(5, random_state=0, n_init=1).fit(x)
    steps_agree(model, other, -(model.transform(other) ** 2))


def logistic():
    return linear_model.LogisticRegression()


ENSEMBLES = {
    "votes of several kinds": ensemble.VotingClassifier(
        [
            ("trees", ensemble.GradientBoostingClassifier(n_estimators=2)),
            ("linear", make_pipeline(StandardScaler(), logistic())),
            ("none", "drop"),
            ("net", MLPClassifier(hidden_layer_sizes=(4,), max_iter=20, random_state=0)),
        ],
        voting="soft",
        weights=[2, 1, 5, 1],
    ),
    "bags of perceptrons": ensemble.BaggingClassifier(
        MLPClassifier(hidden_layer_sizes=(3,), max_iter=20), 3, max_features=0.7, random_state=0
    ),
    "bags of lines": ensemble.BaggingRegressor(linear_model.Ridge(), 3, random_state=0),
    "mean of several kinds": ensemble.VotingRegressor(
        [("a", ensemble.GradientBoostingRegressor(n_estimators=2)), ("b", linear_model.Ridge())]
    ),
    "stack": ensemble.StackingClassifier(
        [("a", ensemble.RandomForestClassifier(3, max_depth=3)), ("b", logistic())],
        cv=2,
        passthrough=True,
    ),
    "stack of margins": ensemble.StackingClassifier(
        [("a", svm.LinearSVC()), ("b", logistic())],
        final_estimator=ensemble.GradientBoostingClassifier(n_estimators=2),
        cv=2,
        stack_method="decision_function",
    ),
    "stack of values": ensemble.StackingRegressor(
        [("a", linear_model.Ridge()), ("b", MLPRegressor(hidden_layer_sizes=(3,), max_iter=20))],
        cv=2,
    ),
    "calibrated": calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2),
    "calibrated trees": calibration.CalibratedClassifierCV(
        ensemble.RandomForestClassifier(3, max_depth=3), cv=2, method="isotonic"
    ),
    "several targets": MultiOutputRegressor(linear_model.Ridge()),
    "target": TransformedTargetRegressor(linear_model.Ridge(), transformer=StandardScaler()),
    "one against all": OneVsRestClassifier(svm.LinearSVC()),
}


def cases():
    """Yield every ensemble with the kinds of target that it takes."""
    for name, model in ENSEMBLES.items():
        if is_classifier(model) and not name.startswith("calibrated"):
            yield name, "multiclass"
        yield name, "binary" if is_classifier(model) else "regression"


@pytest.mark.parametrize(("name", "target"), [*cases()])
def test_models_of_models(name, target):
    model = ENSEMBLES[name]
    x, y = data(target)
    y = np.stack([y, -y], axis=1) if name == "several targets" else y
    model = model.fit(x, y)
    other = data(seed=1)[0]
    steps_agree(model, other, prediction(model, other))


def test_a_calibration_of_one_model_has_its_log_odds():
    x, y = data()
    model = calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2, ensemble=False).fit(x, y)
    steps_agree(model, x, model.predict_proba(x)[:, 1])
    assert edgetrig.frontends.load(read(model), input_type="fixed<12,6>").dropped


def test_logarithms_are_noted():
    x = data()[0]
    model = linear_model.PoissonRegressor().fit(x, x[:, 0])
    found = steps_agree(model, x, np.log(model.predict(x)))
    assert found.notes == ("scores are the logarithm of what the model predicts",)


def test_sparse_coefficients():
    x, y = data()
    model = logistic().fit(x, y)
    steps_agree(model.sparsify(), x, model.predict_proba(x)[:, 1])


def test_trees_behind_components_to_gates():
    x, y = data(count=1000)
    model = ensemble.GradientBoostingClassifier(n_estimators=8, max_depth=3)
    pipeline = make_pipeline(StandardScaler(), decomposition.PCA(3), model).fit(x, y)
    quantised = edgetrig.quantize(pipeline, x, y, max_bits=12)
    assert {row.role for row in quantised.table} >= {"kernel", "leaves"}
    design = edgetrig.compile(quantised)
    same = (design.predict(x).reshape(-1) > 0) == pipeline.predict(x)
    assert same.mean() > 0.95
    assert design.verify(vectors=200).passed


def test_a_mixture_to_gates():
    x = data()[0]
    model = mixture.GaussianMixture(2, covariance_type="diag", random_state=0).fit(x[:, :2])
    design = edgetrig.compile(edgetrig.quantize(model, x[:, :2], tolerance=0.05))
    wanted = model.score_samples(x[:, :2])
    assert np.corrcoef(design.predict(x[:, :2]).reshape(-1), wanted)[0, 1] > 0.99


def refused(model, line):
    with pytest.raises(ModelError, match=line) as caught:
        read(model)
    assert "\n" not in str(caught.value)


def test_what_is_refused():
    x, y = data()
    refused(svm.SVC().fit(x, y), "SVC: kernel='rbf' keeps every support vector")
    three = data("multiclass")[1]
    refused(svm.SVC(kernel="linear").fit(x, three), "votes between pairs of classes")
    calibrated = calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2).fit(x, three)
    refused(calibrated, "compile the model inside it")
    votes = ensemble.VotingClassifier([("a", logistic())]).fit(x, y)
    refused(votes, "VotingClassifier: counts votes; fit with voting='soft'")
    ridge = ensemble.VotingClassifier([("a", svm.SVC(kernel="linear"))], voting="soft")
    ridge.estimators_ = [svm.SVC(kernel="linear").fit(x, y)]
    refused(ridge, "a SVC inside gives no probabilities that are read")
    centroid = neighbors.NearestCentroid(metric="manhattan").fit(x, y)
    refused(centroid, "is read with metric='euclidean'")
    own = make_pipeline(FunctionTransformer(lambda v: v), logistic()).fit(x, y)
    refused(own, "applies a function that is not read; those that are: np.log")
    sparse = make_pipeline(bins("onehot"), xgboost.XGBClassifier(n_estimators=2)).fit(x, y)
    refused(sparse, "takes the zeros of a sparse matrix for missing values; fit with encode=")
    refused(make_pipeline(StandardScaler(), "passthrough").fit(x), "Pipeline: ends in no model")
    counts = TransformedTargetRegressor(linear_model.PoissonRegressor(), transformer=MinMaxScaler())
    refused(counts.fit(x, x[:, 0]), r"scales back what is behind a link \(exp\)")
    refused(neighbors.KNeighborsClassifier().fit(x, y), "is not among scikit-learn's models read")
