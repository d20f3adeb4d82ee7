"""Categories that are words or negative numbers: the model's codes, and a note that lists them."""

import lightgbm
import numpy as np
import pandas
import pytest
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier

import edgetrig
from edgetrig.frontends import read

DETECTORS = ["barrel", "endcap", "forward"]
CHARGES = [-1, 0, 1]


def frame(seed=0, count=400):
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3, (count, 2))
    pt = random.normal(size=count)
    return codes, pandas.DataFrame(
        {
            "pt": pt,
            "detector": pandas.Categorical.from_codes(codes[:, 0], DETECTORS),
            "charge": pandas.Categorical.from_codes(codes[:, 1], CHARGES),
        }
    )


def trained(kind):
    codes, x = frame()
    y = ((codes[:, 0] == 1) & (codes[:, 1] > 0)) | (x["pt"] > 1)
    if kind == "histogram":
        return HistGradientBoostingClassifier(max_iter=4).fit(x, y)
    if kind == "xgboost":
        options = {"enable_categorical": True, "max_cat_to_onehot": 2}
        return xgboost.XGBClassifier(n_estimators=4, **options).fit(x, y)
    return lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=2, verbose=-1).fit(x, y)


def margins(model, x):
    if isinstance(model, xgboost.XGBClassifier):
        return model.predict(x, output_margin=True)
    if isinstance(model, lightgbm.LGBMClassifier):
        return model.predict(x, raw_score=True)
    return model.decision_function(x)


@pytest.mark.parametrize("kind", ["histogram", "xgboost", "lightgbm"])
def test_codes_are_listed_and_decide_as_the_model(kind):
    model = trained(kind)
    forest = read(model)
    assert forest.categories
    codes, x = frame(1)
    events = np.column_stack([x["pt"], codes])
    np.testing.assert_allclose(forest.scores(events)[:, 0], margins(model, x), atol=1e-6)
    words = "detector takes codes of its categories: 0 = 'barrel', 1 = 'endcap', 2 = 'forward'"
    numbers = "charge takes codes of its categories: 0 = -1, 1 = 0, 2 = 1; any other: -1"
    design = edgetrig.compile(edgetrig.quantize(model, events))
    for line in (words, numbers):
        assert any(line in note for note in design.notes)


def test_words_stay_within_their_line():
    codes, x = frame()
    x["detector"] = x["detector"].cat.rename_categories(["a\nb", "*/ endmodule", "c"])
    y = codes[:, 0] == 1
    model = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True).fit(x, y)
    (note,) = (note for note in read(model).notes if "detector" in note)
    assert r"0 = 'a\nb', 1 = '*/ endmodule', 2 = 'c'" in note
    # XGBoost writes too few bytes of words that are not ASCII.
    x["detector"] = x["detector"].cat.rename_categories(["a", "\u03bc", "c"])
    model = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True).fit(x, y)
    (note,) = (note for note in read(model).notes if "detector" in note)
    assert note == "feature detector takes the codes of the column that it was trained on"
