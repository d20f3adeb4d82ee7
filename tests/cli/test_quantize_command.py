"""``edgetrig quantize``: a float model and a file of events become a design."""

import keras
import pytest
from keras import layers

from edgetrig import Design


@pytest.fixture(scope="module")
def float_model(folder):
    stack = [layers.Dense(4, activation="tanh", name="first"), layers.Dense(2, name="last")]
    model = keras.Sequential([keras.Input((3,)), *stack, layers.Softmax()])
    model.save(folder / "float.keras")
    return folder / "float.keras"


def test_a_float_model_becomes_a_design(run, float_model, events, folder):
    result = run(
        "quantize", float_model, "--data", events, "--label", "label", "--tolerance", 0.05,
        "--precision", "first=fixed<9,3>", "--precision", "last.weight=fixed<5,2>",
        "--classes", "no,yes", "--out", folder / "float.edgetrig",
    )  # fmt: skip
    assert "fixed<9,3>" in result.output
    assert "fixed<5,2>" in result.output
    assert "accuracy lost" in result.output
    assert Design.load(folder / "float.edgetrig").classes == ("no", "yes")
    run("predict", folder / "float.edgetrig", events, "--columns", "pt,eta,mass", "--out",
        folder / "scores.csv")  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--precision", "first"), "--precision first: write NAME=TYPE"),
        (("--precision", "firts=fixed<8,4>"), "nothing is named 'firts'; the nearest are first"),
        (("--bits", 1), "bits=1: use 2 to 32"),
        (("--columns", "pt,eta"), "input"),
        (("--out", "x.keras"), "designs are written as .edgetrig"),
    ],
)
def test_wrong_arguments(run, float_model, events, arguments, message):
    result = run("quantize", float_model, "--data", events, "--label", "label", *arguments, code=2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_compile_says_what_works(run, float_model):
    result = run("compile", float_model, code=2)
    assert "edgetrig.quantize(model, x)" in result.output


def test_trees(run, events, folder):
    import xgboost

    from edgetrig.physics import read_table

    table = read_table(events, ("pt", "eta", "mass"), "label")
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2)
    model.fit(table.features, table.labels).save_model(folder / "trees.json")
    result = run(
        "quantize", folder / "trees.json", "--data", events, "--label", "label", "--out",
        folder / "trees.edgetrig",
    )  # fmt: skip
    assert "leaves" in result.output
    result = run(
        "quantize", folder / "trees.json", "--data", events, "--precision", "f0=fixed<8,4>", code=2
    )
    assert "--precision is for networks" in result.output
