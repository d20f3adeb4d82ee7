"""Models of tree libraries through the one door, `edgetrig.compile`."""

import numpy as np
import pytest

import edgetrig
from edgetrig.errors import ModelError


@pytest.fixture(scope="module")
def model():
    xgboost = pytest.importorskip("xgboost")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3)).astype(np.float32)
    labels = (x[:, 0] > x[:, 1]).astype(int) + (x[:, 2] > 0.5)
    return xgboost.XGBClassifier(n_estimators=4, max_depth=3).fit(x, labels), x


@pytest.mark.parametrize("suffix", [".json", ".ubj", ".model"])
def test_a_file_compiles_as_it_is(tmp_path, model, suffix):
    trained, x = model
    path = tmp_path / f"model{suffix}"
    path.write_bytes(trained.get_booster().save_raw("json" if suffix == ".json" else "ubj"))
    design = edgetrig.compile(path, classes=["a", "b", "c"])
    margin = trained.predict(x, output_margin=True)
    bound = float(
        next(n for n in design.notes if "at most" in n).split("at most ")[1].split(";")[0]
    )
    assert np.abs(design.predict(x) - margin).max() <= bound + 1e-5
    assert design.classes == ("a", "b", "c")


def test_a_live_model_of_scikit_learn_compiles():
    ensemble = pytest.importorskip("sklearn.ensemble")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(int)
    trained = ensemble.GradientBoostingClassifier(n_estimators=3, max_depth=2).fit(x, y)
    design = edgetrig.compile(trained)
    off = np.abs(design.predict(x).ravel() - trained.decision_function(x))
    assert off.max() < 0.1


def test_a_threshold_on_the_score_ends_in_one_bit(model):
    trained, x = model
    design = edgetrig.compile(trained)
    bit = design.threshold(2, at=0.25)
    scores = design.predict(x)
    wanted = (scores[:, [2]] - 0.25 >= scores[:, :2]).all(axis=1)
    assert (bit.predict(x).ravel() == wanted).all()


def test_other_json_is_refused_in_one_line(tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"a": 1}')
    with pytest.raises(ModelError, match=r"other\.json"):
        edgetrig.compile(path)
