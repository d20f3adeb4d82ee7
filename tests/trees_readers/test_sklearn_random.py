"""Random pipelines: what is read predicts as the library, on other events than it was fitted on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import calibration, decomposition, ensemble, linear_model, naive_bayes, preprocessing
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from threadpoolctl import threadpool_limits

from edgetrig.frontends import Forest, read
from edgetrig.frontends.quantization.floating import float_outputs

pytestmark = pytest.mark.filterwarnings("ignore")
WIDTH = 4


def bins(encode):
    return preprocessing.KBinsDiscretizer(3, encode=encode, quantile_method="averaged_inverted_cdf")


def single_transformers():
    """Draw a transformer that takes any number of columns, one at least."""
    functions = [None, np.tanh, np.abs, np.cos, np.square]
    return st.one_of(
        st.just("passthrough"),
        st.builds(preprocessing.StandardScaler),
        st.builds(preprocessing.MinMaxScaler, clip=st.booleans()),
        st.builds(preprocessing.PowerTransformer),
        st.builds(preprocessing.QuantileTransformer, n_quantiles=st.just(15)),
        st.builds(preprocessing.Binarizer, threshold=st.floats(-1, 1)),
        st.builds(bins, st.sampled_from(["ordinal", "onehot-dense"])),
        st.builds(preprocessing.FunctionTransformer, st.sampled_from(functions)),
        st.builds(decomposition.PCA, st.just(1), whiten=st.booleans()),
        st.builds(SelectKBest, k=st.just(1)),
    )


def joined(children):
    def columns(first, second, cut):
        parts = [("a", first, list(range(cut))), ("b", second, list(range(WIDTH - 1, cut - 1, -1)))]
        return ColumnTransformer(parts)

    def union(first, second, weight):
        parts = [("a", first), ("b", second)]
        return FeatureUnion(parts, transformer_weights={"a": weight})

    return st.one_of(
        st.builds(columns, children, children, st.integers(1, WIDTH - 1)),
        st.builds(union, children, children, st.sampled_from([0.5, 3.0])),
    )


TRANSFORMERS = st.recursive(single_transformers(), joined, max_leaves=2)
MODELS = st.one_of(
    st.builds(linear_model.LogisticRegression),
    st.builds(naive_bayes.GaussianNB, var_smoothing=st.just(1e-3)),
    st.builds(ensemble.GradientBoostingClassifier, n_estimators=st.just(2)),
    st.builds(ensemble.HistGradientBoostingClassifier, max_iter=st.just(2)),
    st.builds(ensemble.RandomForestClassifier, st.just(2), max_depth=st.just(3)),
    st.builds(MLPClassifier, hidden_layer_sizes=st.just((3,)), max_iter=st.just(10)),
)
ENSEMBLES = st.one_of(
    MODELS,
    st.builds(
        lambda a, b: ensemble.VotingClassifier([("a", a), ("b", b)], voting="soft"), MODELS, MODELS
    ),
    st.builds(
        lambda a, b: ensemble.StackingClassifier([("a", a)], b, cv=2, passthrough=True),
        MODELS,
        MODELS,
    ),
    st.builds(calibration.CalibratedClassifierCV, MODELS, cv=st.just(2), ensemble=st.booleans()),
)


def events(random, count=200):
    x = random.normal(size=(count, WIDTH))
    x[:, 1] = np.round(x[:, 1], 1)
    return x


def probabilities(found, x):
    """Return what is read, behind its link; of two classes the second's."""
    if not isinstance(found, Forest):
        return float_outputs(found, x)["scores"]
    scores = found.scores(x)
    return 1 / (1 + np.exp(-scores)) if found.link == "sigmoid" else scores


@settings(max_examples=25, deadline=None)
@given(st.lists(TRANSFORMERS, max_size=1), ENSEMBLES, st.integers(0, 1000))
def test_random_pipelines(before, model, seed):
    random = np.random.default_rng(seed)
    x = events(random)
    y = x[:, 0] + x[:, 1] * x[:, 2] > 0
    with threadpool_limits(1):
        pipeline = make_pipeline(*before, model).fit(x, y)
        other = events(random) + 0.003  # off the edges and thresholds, which are training events
        wanted = pipeline.predict_proba(other)[:, 1:]
    np.testing.assert_allclose(probabilities(read(pipeline), other), wanted, rtol=0, atol=1e-4)
