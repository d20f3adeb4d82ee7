"""Operators of ai.onnx.ml, alone and in pipelines as skl2onnx writes them, against ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto
from skl2onnx import to_onnx
from sklearn import calibration, decomposition, ensemble, linear_model, neural_network, svm
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

import edgetrig
from edgetrig.errors import ModelError
from edgetrig.frontends import read
from edgetrig.frontends.quantization.floating import float_outputs
from edgetrig.frontends.trees import Forest


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(3)  # scikit-learn's models draw from it


MANY = [float(k) for k in range(5000)]
LABELS = {"classlabels_ints": [5, 3, 9]}
LINEAR = {"coefficients": [0.5, -1.0, 2.0, 1.0, 0.25, 0.0, -1.0, 1.0, 0.5]}
SUMS = {"intercepts": [0.25, 0.0, -1.0]}


def forest(kind, ids, weights, **attributes):
    """Return two trees of one comparison, whose leaves have weights for some classes each."""
    leaves = len(weights) // 2
    role = "class" if kind.endswith("Classifier") else "target"
    columns = {
        "nodes_treeids": [0, 0, 0, 1, 1, 1], "nodes_nodeids": [0, 1, 2, 0, 1, 2],
        "nodes_featureids": [1, 0, 0, 2, 0, 0], "nodes_values": [0.5, 0.0, 0.0, -0.25, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"] * 2,
        "nodes_truenodeids": [1, 0, 0, 1, 0, 0], "nodes_falsenodeids": [2, 0, 0, 2, 0, 0],
        f"{role}_treeids": [0] * leaves + [1] * leaves,
        f"{role}_nodeids": ([1] * (leaves // 2) + [2] * (leaves // 2)) * 2,
        f"{role}_ids": ids * 4, f"{role}_weights": weights,
    }  # fmt: skip
    return kind, columns | attributes


ONE = [0.25, 0.5, 0.125, 0.375]
SIGNED = [-0.5, 0.5, -0.125, 0.375]
THREE = [0.5, -0.25, 0.0, 1.0, 0.25, 0.75, -0.5, 0.0, 0.125, 0.25, 0.5, 0.5]
TWO = {"classlabels_int64s": [4, 2]}

KERNEL = {"kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0]}

OPERATORS = [
    ("Scaler", {"offset": [1.0, -2.0, 0.5], "scale": [2.0, 0.25, -1.0]}),
    ("Scaler", {"offset": [0.5], "scale": [4.0]}),
    ("Scaler", {"offset": [0.0] * 3, "scale": [1.0, 2.0, 0.5]}),
    ("Binarizer", {"threshold": 0.5}),
    ("Binarizer", {}),
    ("Imputer", {"imputed_value_floats": [1.0, 2.0, 3.0], "replaced_value_float": 0.5}),
    ("Imputer", {"imputed_value_floats": [7.0], "replaced_value_float": -1.0}),
    ("Imputer", {"imputed_value_floats": [7.0]}),  # of 0
    ("LabelEncoder", {"keys_floats": [0.5, -1.0], "values_floats": [3.0, 4.0]}),
    ("LabelEncoder", {"keys_floats": [0.5], "values_floats": [3.0], "default_float": 2.5}),
    ("LinearRegressor", {"coefficients": [1.0, 2.0, -0.5], "intercepts": [0.25]}),
    ("LinearRegressor", {"coefficients": [1.0, 2.0, -0.5]}),
    ("LinearRegressor", {**LINEAR, **SUMS, "targets": 3}),
    ("SVMRegressor", {"coefficients": [1.0, 2.0, -0.5], "rho": [0.5], **KERNEL}),
    ("SVMRegressor", {"coefficients": [1.0, -2.0], "rho": [0.5], "n_supports": 2, **KERNEL,
                      "support_vectors": [1.0, 2.0, -1.0, 0.5, 0.0, 3.0]}),
    *[("Normalizer", {"norm": norm}) for norm in ("L1", "L2")],
    forest("TreeEnsembleRegressor", [0], ONE, n_targets=1),
    forest("TreeEnsembleRegressor", [0, 1, 2], THREE, n_targets=3, base_values=[0.5, 0.0, 1.0]),
]  # fmt: skip

CLASSIFIERS = [
    *[("LinearClassifier", {**LINEAR, **SUMS, **LABELS, "post_transform": transform})
      for transform in ("NONE", "LOGISTIC", "SOFTMAX")],
    ("LinearClassifier", {**LINEAR, "intercepts": [0.0] * 3, "classlabels_ints": [0, 1, 2]}),
    *[("LinearClassifier", {"coefficients": [1.0, 2.0, -0.5], "intercepts": [0.25],
                            "classlabels_ints": [7, 2], "post_transform": transform})
      for transform in ("NONE", "LOGISTIC")],
    *[forest("TreeEnsembleClassifier", [0], weights, **TWO, post_transform=transform)
      for weights in (ONE, SIGNED) for transform in ("NONE", "LOGISTIC")],
    *[forest("TreeEnsembleClassifier", [0, 1, 2], THREE, classlabels_int64s=[5, 3, 9],
             post_transform=transform) for transform in ("NONE", "LOGISTIC", "SOFTMAX")],
]  # fmt: skip


def events(rng, features=3, count=200):
    """Return numbers in steps of a quarter: ties occur, and float32 sums of them are exact."""
    x = rng.integers(-12, 13, (count, features)).astype(np.float32) / 4
    x[0] = 0
    return x


def agree(model, x, expected, labels=()):
    """Demand the outputs of the model in floats; ``labels`` where no two classes are as likely."""
    clear = np.ones(len(x), bool)
    for theirs in expected:
        if np.ndim(theirs) == 2 and theirs.shape[1] > 1:
            second, first = np.sort(theirs, axis=1)[:, -2:].T
            clear = first - second > 1e-6
    for (name, values), theirs in zip(float_outputs(read(model), x).items(), expected, strict=True):
        if name in labels:
            np.testing.assert_array_equal(values.ravel()[clear], np.ravel(theirs)[clear])
        else:
            np.testing.assert_allclose(values, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("kind", "attributes"), OPERATORS)
def test_operators(kind, attributes, model_of, runtime, rng):
    # What falls with the features in front, so that a graph of trees is more than its trees.
    model = model_of([("Neg", "x", "v"), (kind, "v", "y", attributes)], {"x": ["N", 3]}, ["y"])
    x = events(rng)
    agree(model, x, runtime(model, x=x))


@pytest.mark.parametrize(("kind", "attributes"), CLASSIFIERS)
def test_classifiers(kind, attributes, model_of, runtime, rng):
    nodes = [("Neg", "x", "v"), (kind, "v", "label scores", attributes)]
    model = model_of(nodes, {"x": ["N", 3]}, ["label", "scores"])
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    x = events(rng)
    found = float_outputs(read(model), x)
    label, scores = runtime(model, x=x)
    np.testing.assert_array_equal(found["label"], label)  # ties too
    np.testing.assert_allclose(found["scores"], scores, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("first", ["label", "scores"])
def test_one_output_of_a_classifier(first, model_of, runtime, rng):
    attributes = {**LINEAR, **SUMS, **LABELS}
    nodes = [("LinearClassifier", "x", "label scores", attributes)]
    model = model_of(nodes, {"x": ["N", 3]}, [first])
    x = events(rng)
    agree(model, x, runtime(model, x=x), labels=["label"])


def test_columns_side_by_side(model_of, runtime, rng):
    sizes = {"inputdimensions": [2, 3]}
    nodes = [
        ("ArrayFeatureExtractor", "x two", "v"),
        ("FeatureVectorizer", "v x", "y", sizes),
    ]
    model = model_of(nodes, {"x": ["N", 3]}, ["y"], {"two": np.array([2, 0])})
    x = events(rng)
    agree(model, x, runtime(model, x=x))


@pytest.mark.parametrize("zeros", [1, 0])
def test_one_hot_encoder(zeros, model_of, runtime, rng):
    attributes = {"cats_int64s": [3, 0, 5], "zeros": zeros}
    model = model_of(
        [("OneHotEncoder", "x", "y", attributes)], {"x": ["N", 2]}, ["y"], type_=TensorProto.INT64
    )
    x = rng.choice([0, 3, 5, 4] if zeros else [0, 3, 5], (50, 2))
    (expected,) = runtime(model, x=x)
    np.testing.assert_array_equal(float_outputs(read(model), x)["y"], expected)


def test_whole_numbers_are_encoded(model_of, runtime):
    attributes = {"keys_int64s": [-2, 7, 0], "values_int64s": [1, -5, 3], "default_int64": 9}
    nodes = [("LabelEncoder", "x", "y", attributes)]
    model = model_of(nodes, {"x": ["N", 2]}, ["y"], type_=TensorProto.INT64)
    x = np.array([[-2, 7], [0, 1], [-7, 2]])
    (expected,) = runtime(model, x=x)
    np.testing.assert_array_equal(float_outputs(read(model), x)["y"], expected)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("Scaler", {"offset": [1.0, -2.0, 0.5], "scale": [2.0, 0.25, -1.0]}),
        ("LinearRegressor", {**LINEAR, **SUMS, "targets": 3}),
        ("LinearClassifier", {**LINEAR, **SUMS, **LABELS}),
        forest("TreeEnsembleRegressor", [0], ONE, n_targets=1),
        forest("TreeEnsembleClassifier", [0, 1, 2], THREE, classlabels_int64s=[5, 3, 9]),
    ],
)
def test_hardware_has_every_bit(kind, attributes, model_of, assert_same, rng):
    """Behind a quantiser, with numbers that are short: no float is left to round."""
    results = "label y" if kind.endswith("Classifier") else "y"
    nodes = [
        ("QuantizeLinear", "x s z", "q"),
        ("DequantizeLinear", "q s z", "v"),
        (kind, "v", results, attributes),
    ]
    constants = {"s": np.float32(0.25), "z": np.int8(0)}
    model = model_of(nodes, {"x": ["N", 3]}, results.split(), constants)
    if results != "y":
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    assert_same(model, x=events(rng))


def pipelines():
    logistic = linear_model.LogisticRegression
    return {
        "standard, logistic": (make_pipeline(StandardScaler(), logistic()), 2),
        "standard, logistic, three": (make_pipeline(StandardScaler(), logistic()), 3),
        "range, network": (
            make_pipeline(MinMaxScaler(), neural_network.MLPClassifier((6,), max_iter=30)), 2,
        ),
        "range, network, three": (
            make_pipeline(MaxAbsScaler(), neural_network.MLPClassifier((6,), max_iter=30)), 3,
        ),
        "components, boosting": (
            make_pipeline(
                decomposition.PCA(2), ensemble.GradientBoostingClassifier(n_estimators=4)
            ), 2,
        ),
        "components, boosting, three": (
            make_pipeline(
                decomposition.PCA(3), ensemble.GradientBoostingClassifier(n_estimators=3)
            ), 3,
        ),
        "components, forest": (
            make_pipeline(
                decomposition.PCA(3), ensemble.RandomForestClassifier(4, max_depth=4)
            ), 2,
        ),
        "support vectors": (make_pipeline(RobustScaler(), svm.LinearSVR()), 0),
        "norm": (make_pipeline(Normalizer(), logistic()), 2),
        "bits": (make_pipeline(Binarizer(), logistic()), 2),
        "bins": (make_pipeline(KBinsDiscretizer(3, encode="onehot-dense"), logistic()), 2),
        "discriminant": (LinearDiscriminantAnalysis(), 3),
        "densities": (GaussianNB(), 3),
        "calibrated": (calibration.CalibratedClassifierCV(logistic(), cv=2), 2),
        "stack": (
            ensemble.StackingClassifier(
                [("a", logistic()), ("b", ensemble.GradientBoostingClassifier(n_estimators=3))]
            ), 2,
        ),
        "bagging": (ensemble.BaggingClassifier(n_estimators=3, max_features=3), 2),
        "columns": (
            make_pipeline(
                ColumnTransformer(
                    [("a", StandardScaler(), [0, 2]), ("b", MinMaxScaler(), [1])]
                ), logistic(),
            ), 2,
        ),
        "imputer": (make_pipeline(SimpleImputer(), SelectKBest(k=2), linear_model.Ridge()), 0),
        "products": (
            make_pipeline(PolynomialFeatures(2), linear_model.LinearRegression()), 0,
        ),
        "components, boosting, regression": (
            make_pipeline(decomposition.PCA(3), ensemble.GradientBoostingRegressor(n_estimators=3)),
            0,
        ),
    }  # fmt: skip


def target(x, classes):
    sums = x[:, 0] - 0.5 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3]
    ends = {0: sums, 2: np.digitize(sums, [0.0]), 3: np.digitize(sums, [-0.6, 0.6])}
    return ends[classes]


def exported(pipeline, classes, rng, **options):
    x = rng.normal(size=(300, 4)).astype(np.float32)
    pipeline.fit(x, target(x, classes))
    return to_onnx(pipeline, x[:1], **options), rng.normal(size=(300, 4)).astype(np.float32)


def outputs_of_runtime(model, x):
    """Return what ONNX Runtime gives, probabilities by class in one array."""
    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": x})
    return [np.array([[*v.values()] for v in f]) if isinstance(f, list) else f for f in found]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", pipelines())
def test_pipelines_as_skl2onnx_writes_them(name, rng):
    pipeline, classes = pipelines()[name]
    model, x = exported(pipeline, classes, rng)
    labels = [model.graph.output[0].name] if classes else []
    agree(model, x, outputs_of_runtime(model, x), labels)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name",
    [
        "standard, logistic",
        "components, boosting, three",
        "range, network, three",
        "components, forest",
    ],
)
def test_pipelines_in_hardware(name, rng):
    """The class is right but next to a tie, and no table is spent on a last activation."""
    pipeline, classes = pipelines()[name]
    model, x = exported(pipeline, classes, rng)
    quantized = edgetrig.quantize(model, x)
    design = edgetrig.compile(quantized)
    label, scores = design.predict(x).values()
    assert np.mean(label.ravel() == outputs_of_runtime(model, x)[0]) > 0.98
    assert scores.shape == (len(x), classes)
    expected = np.argmax(scores, axis=1) == label.ravel()
    assert expected.all()
    dropped = any("is left out" in note for note in design.notes)
    assert dropped == (name != "components, forest")


@pytest.mark.parametrize(
    "steps",
    [
        lambda: [StandardScaler()],
        lambda: [MinMaxScaler()],
        lambda: [RobustScaler(), StandardScaler(with_mean=False)],
        lambda: [SelectKBest(f_regression, k=2), StandardScaler()],
        lambda: [SimpleImputer(), MaxAbsScaler()],
    ],
)
def test_trees_behind_scaled_columns_are_trees(steps, rng):
    """Every decision is ONNX Runtime's own, on thresholds and one float32 beside them too."""
    x = rng.normal(size=(300, 4)).astype(np.float32)
    inner = ensemble.GradientBoostingRegressor(n_estimators=5, random_state=0)
    pipeline = make_pipeline(*steps(), inner).fit(x, target(x, 0))
    model = to_onnx(pipeline, x[:1])
    found = read(model)
    assert isinstance(found, Forest)
    assert len(found.features) == 4
    for feature in range(4):
        near = found.thresholds(feature).astype(np.float32)
        beside = [np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf)]
        chosen = rng.choice([*near, *np.ravel(beside), 0], len(x))
        x[:, feature] = np.where(rng.random(len(x)) < 0.8, chosen, x[:, feature])
    if isinstance(pipeline[0], SimpleImputer):
        x[::3, 1] = np.nan
    (expected,) = outputs_of_runtime(model, x)
    np.testing.assert_allclose(found.scores(x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("Scaler", {"offset": [0.5], "scale": [-2.0]}),
        ("Scaler", {"offset": [0.0, 1.0, 2.0], "scale": [2.0, 0.0, 1.0]}),
        ("Imputer", {"imputed_value_floats": [7.0], "replaced_value_float": 0.5}),
    ],
)
def test_trees_behind_other_columns_are_a_layer(kind, attributes, model_of, runtime, rng):
    trees, weights = forest("TreeEnsembleRegressor", [0], ONE, n_targets=1)
    nodes = [(kind, "x", "v", attributes), (trees, "v", "y", weights)]
    model = model_of(nodes, {"x": ["N", 3]}, ["y"])
    x = events(rng)
    agree(model, x, runtime(model, x=x))


@pytest.mark.filterwarnings("ignore")
def test_words_are_counted(rng):
    x = rng.normal(size=(200, 3)).astype(np.float32)
    words = np.array(["top", "bottom", "charm"])[np.digitize(x[:, 0], [-0.5, 0.5])]
    for pipeline in (
        make_pipeline(StandardScaler(), linear_model.LogisticRegression()),
        make_pipeline(StandardScaler(), neural_network.MLPClassifier((4,), max_iter=20)),
    ):
        model = read(to_onnx(pipeline.fit(x, words), x[:1]))
        (note,) = model.notes
        assert "0 = 'bottom', 1 = 'charm', 2 = 'top'" in note
        found = float_outputs(model, x)["output_label"].astype(int).ravel()
        np.testing.assert_array_equal(pipeline.classes_[found], pipeline.predict(x))


def test_support_vectors_raw_scores(rng):
    x = rng.normal(size=(300, 4)).astype(np.float32)
    pipeline = make_pipeline(StandardScaler(), svm.LinearSVC()).fit(x, target(x, 3))
    model = to_onnx(pipeline, x[:1], options={svm.LinearSVC: {"raw_scores": True}})
    agree(model, x, outputs_of_runtime(model, x), labels=[model.graph.output[0].name])


def test_missing_values_are_none_in_hardware(model_of):
    absent = {"imputed_value_floats": [7.0], "replaced_value_float": float("nan")}
    nodes = [("Imputer", "x", "v", absent), ("Relu", "v", "y")]
    model = read(model_of(nodes, {"x": ["N", 3]}, ["y"]))
    assert model.notes == ("layer Imputer_0 fills in missing values; in hardware none is missing",)


@pytest.mark.parametrize(
    ("kind", "attributes", "words"),
    [
        ("LinearRegressor", {**LINEAR, "targets": 3, "post_transform": "PROBIT"}, "PROBIT"),
        ("LinearRegressor", {**LINEAR, "targets": 2}, "do not make 2 sums"),
        ("LinearRegressor", {**LINEAR, "targets": 3, "intercepts": [1.0]}, "do not fit 3 sums"),
        ("LinearRegressor", {}, "coefficients is missing"),
        ("LinearClassifier", {**LINEAR, "intercepts": [0.0] * 3}, "no labels"),
        ("LinearClassifier", {**LINEAR, **LABELS, "post_transform": "SOFTMAX_ZERO"},
         "SOFTMAX_ZERO is not supported"),
        ("SVMRegressor", {"coefficients": [1.0] * 3, "kernel_type": "RBF"}, "not linear"),
        ("SVMClassifier", {}, "vote by pairs"),
        ("Normalizer", {"norm": "MAX"}, "only norms L1 and L2"),
        ("OneHotEncoder", {"cats_strings": ["a"]}, "words"),
        ("LabelEncoder", {"keys_strings": ["a"], "values_floats": [1.0]}, "words"),
        ("DictVectorizer", {"string_vocabulary": ["a"]}, "words"),
        (*forest("TreeEnsembleClassifier", [1], ONE, **TWO), "second of two classes alone"),
        (*forest("TreeEnsembleRegressor", [0], ONE, post_transform="LOGISTIC"), "sigmoid"),
        (*forest("TreeEnsembleRegressor", [0], ONE, aggregate_function="MIN"), "is no sum"),
    ],
)  # fmt: skip
def test_what_is_refused(kind, attributes, words, model_of):
    outputs = ["label", "y"] if kind.endswith("Classifier") else ["y"]
    nodes = [("Neg", "x", "v"), (kind, "v", " ".join(outputs), attributes)]
    model = model_of(nodes, {"x": ["N", 3]}, outputs)
    with pytest.raises(ModelError, match=rf"\({kind}") as caught:
        read(model)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_nodes_are_one_line(model_of):
    for nodes in (
        [("Scaler", "", "y", {"scale": [2.0], "offset": [1.0]}), ("Add", "x y", "o")],
        [("TreeEnsembleClassifier", "x", "o", {"classlabels_int64s": [0, 1]})],
        [("ArgMax", "", "y"), ("Add", "x y", "o")],
        [("Imputer", "x", "v", {"replaced_value_float": "a"}), ("TreeEnsembleRegressor", "v", "o")],
        [("Imputer", "x", "o", {"replaced_value_float": "a"})],
        [("LabelEncoder", "x", "o", {"keys_floats": MANY, "values_floats": MANY})],
        [("Sigmoid", "x", "p"), ("Sub", "one p", "q"), ("Concat", "q p", "o", {"axis": "a"})],
    ):
        with pytest.raises(ModelError) as caught:
            read(model_of(nodes, {"x": ["N", 3]}, ["o"], {"one": np.float32(1)}))
        assert "\n" not in str(caught.value)
