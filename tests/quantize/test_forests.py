"""Trees get types for features and leaves from data."""

import numpy as np
import pytest
import xgboost

from edgetrig import quantize
from edgetrig.emulate import Emulator
from edgetrig.errors import DataError, ModelError
from edgetrig.frontends.quantization.sample import halves


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 3000)
    x = rng.normal(0, 1, (3000, 5)) + np.eye(3, 5)[y] * 1.5
    return (x * [1, 10, 0.1, 500, 1]).astype("float32"), y


@pytest.fixture(scope="module")
def classifier(events):
    return xgboost.XGBClassifier(n_estimators=8, max_depth=3).fit(*events)


def accuracy(result, x, y):
    return np.mean(Emulator(result.circuit).predict(x).argmax(axis=1) == y)


def test_bits_of_features_and_leaves(classifier, events):
    x, y = events
    result = quantize(classifier, x, y, tolerance=0.02)
    judge = halves(len(x))[1]
    own = np.mean(classifier.predict(x[judge]) == y[judge])
    assert result.loss == pytest.approx(own - accuracy(result, x[judge], y[judge]), abs=1e-6)
    assert result.loss - result.uncertainty <= 0.02
    assert (result.judged, result.unseen) == (1500, True)
    assert "in 1,500 events that the search did not see" in str(result)
    assert result.table[-1].role == "leaves"
    assert "accuracy lost" in str(result)
    wide = quantize(classifier, x, y, tolerance=0)
    assert wide.loss <= 0
    assert sum(port.hi.sum() - port.lo.sum() for port in result.circuit.inputs) < sum(
        port.hi.sum() - port.lo.sum() for port in wide.circuit.inputs
    )


def test_decisions_without_labels(classifier, events):
    x, _ = events
    result = quantize(classifier, x, tolerance=0.03)
    assert result.measure == "decisions changed"
    x = x[halves(len(x))[1]]
    changed = 1 - accuracy(result, x, classifier.predict(x))
    assert result.loss == pytest.approx(changed, abs=2e-3)  # ties of float32 sums
    assert changed <= 0.035


def test_regression_and_options(events):
    x, y = events
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=3).fit(x, y.astype(float))
    result = quantize(model, x, bits=9, leaf_bits=6)
    x = x[halves(len(x))[1]]
    got = Emulator(result.circuit).predict(x)[:, 0]
    expected = model.predict(x)
    spread = np.std(expected)
    assert result.loss == pytest.approx(np.sqrt(np.mean((got - expected) ** 2)) / spread, rel=1e-2)


def test_missing_features(classifier, events):
    x, y = events
    x = np.where(np.random.default_rng(1).random(x.shape) < 0.1, np.nan, x)
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=3).fit(x, y)
    result = quantize(model, x, y, tolerance=0.02)
    assert {port.name for port in result.circuit.inputs} == {"x", "missing"}


def test_wrong_data(classifier, events):
    x, y = events
    with pytest.raises(DataError, match=r"needs \(events, 5\)"):
        quantize(classifier, x[:, :4])
    with pytest.raises(DataError, match="y has 2 events"):
        quantize(classifier, x, y[:2])
    with pytest.raises(ModelError, match="max_bits=1"):
        quantize(classifier, x, y, max_bits=1)
    with pytest.raises(ModelError, match="precision= is for networks: trees take bits="):
        quantize(classifier, x, y, precision={"x": "fixed<8,4>"})
