"""Forests as circuits: the same decision for every event, ties included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_forests import forests, margins

import edgetrig
from edgetrig.circuit import Op, fixed_input, widths
from edgetrig.design import Design
from edgetrig.errors import DataError, ModelError
from edgetrig.frontends.trees.gates import translate
from edgetrig.frontends.trees.simplify import simplified
from edgetrig.verify import evaluate

GRID = np.arange(-28, 56) / 4.0


def scores(loaded, x):
    """Return what the emulator computes, as exact numbers."""
    return Design(loaded.circuit).predict(x)


def judged(loaded, x):
    """Return what the plain reference makes of the traced circuit."""
    design = Design(loaded.circuit)
    names = [port.name for port in loaded.circuit.inputs]
    given = x if len(names) > 1 else {names[0]: x}
    codes = design.emulator.input_codes(given if len(names) > 1 else x)
    made = evaluate(str(loaded.circuit), np.asarray(codes).tolist())
    return np.array(made) * 2.0 ** -loaded.circuit.outputs[0].fraction.ravel()


def events(draw, forest, values):
    seed = draw(st.integers(0, 1 << 30))
    return np.random.default_rng(seed).choice(values, (40, len(forest.features)))


def exact(forest, x):
    return np.array([[float(v) for v in margins(forest, event)] for event in x])


@settings(max_examples=30)
@given(st.data())
def test_every_event_gets_the_models_scores_with_exact_ports(data):
    forest = data.draw(forests())
    near = np.concatenate([GRID, np.nextafter(GRID.astype(np.float32), np.float32(99))])
    near = np.concatenate([near, np.nextafter(GRID.astype(np.float32), np.float32(-99))])
    near[np.abs(near) < 1e-30] = 0.0  # "<= 0" would need 149 bits to tell subnormal numbers from 0
    x = events(data.draw, forest, np.concatenate([near, [1e30, -1e30, 0.1]]).astype(np.float32))
    loaded = translate(forest)
    assert (scores(loaded, x) == exact(forest, x)).all()
    assert (judged(loaded, x) == exact(forest, x)).all()


@settings(max_examples=30)
@given(st.data())
def test_hardware_integers_are_used_as_they_are(data):
    forest = data.draw(forests())
    port = fixed_input("x", len(forest.features), integer=4, fraction=2)
    x = events(data.draw, forest, np.arange(-64, 64) / 4.0)
    loaded = translate(forest, inputs=port)
    assert loaded.circuit.inputs[0] is port
    assert (scores(loaded, x) == exact(forest, x)).all()


@settings(max_examples=30)
@given(st.data(), st.integers(2, 6))
def test_narrow_ports_decide_as_the_model_does_on_what_they_carry(data, bits):
    forest = data.draw(forests())
    loaded = translate(forest, bits=bits)
    port = loaded.circuit.inputs[0]
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    codes = rng.integers(port.lo, port.hi + 1, (40, len(forest.features)))
    x = np.ldexp(codes.astype(float), -port.fraction.astype(np.int32))
    assert (scores(loaded, x) == exact(forest, x)).all()
    assert (widths(port.lo, port.hi) <= bits).all()


@settings(max_examples=30)
@given(st.data())
def test_missing_features_and_categories_go_where_the_model_sends_them(data):
    forest = data.draw(forests(categorical=True))
    x = events(data.draw, forest, np.append(np.arange(-2.0, 9.0), np.nan))
    loaded = translate(forest, missing=True)
    given_x = {"x": np.nan_to_num(x), "missing": np.isnan(x)}
    assert (scores(loaded, given_x) == exact(forest, x)).all()
    assert (judged(loaded, given_x) == exact(forest, x)).all()


@settings(max_examples=30)
@given(st.data(), st.integers(0, 5))
def test_rounded_leaves_are_the_integers_of_a_plain_walk(data, leaf_bits):
    forest = data.draw(forests(quarter=False))
    x = events(data.draw, forest, GRID)
    loaded = translate(forest, leaf_bits=leaf_bits)
    made = scores(loaded, x)
    small = simplified(forest, missing=False)
    walked = [[float(v) for v in margins(small, event, leaf_bits)] for event in x]
    assert (made == np.array(walked)).all()
    bound = (1 + len(forest.roots)) * 2.0 ** -(leaf_bits + 1)
    assert (np.abs(made - exact(forest, x)) <= bound + 1e-12).all()


def forest_of(feature, threshold, left, right, value, base=0.0, **more):
    count = len(feature)
    from edgetrig.frontends.trees import Forest

    return Forest(
        np.array(feature, np.int32),
        np.array(threshold, np.float64),
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(value, np.float64)[:, None],
        np.array([0], np.int32),
        np.array([base]),
        more.pop("inclusive", False),
        np.zeros(count, np.bool_),
        tuple(f"f{k}" for k in range(max(feature) + 1)),
        **more,
    ).check()


STUMP = forest_of([0, -1, -1], [2.5, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0.25, -0.5])
"""One comparison."""


def test_an_exact_port_has_only_the_codes_that_tell_thresholds_apart():
    port = translate(STUMP).circuit.inputs[0]
    assert (port.lo, port.hi, port.fraction) == (4, 5, 1)
    assert (port.rounding, port.overflow) == ("TRN", "SAT")
    assert scores(translate(STUMP), [[2.4999], [2.5], [-1e9], [1e9]]).ravel().tolist() == [
        0.25,
        -0.5,
        0.25,
        -0.5,
    ]


def test_a_tie_goes_left_only_where_the_model_includes_it():
    inclusive = forest_of(
        [0, -1, -1], [2.5, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0.25, -0.5], inclusive=True
    )
    above = np.nextafter(np.float32(2.5), np.float32(3))
    x = np.array([[2.5], [above]], np.float32)
    assert scores(translate(STUMP), x).ravel().tolist() == [-0.5, -0.5]
    assert scores(translate(inclusive), x).ravel().tolist() == [0.25, -0.5]


def test_each_comparison_is_made_once():
    value = [0, 0, 0.25, 0.5, 0, 0.75, 1.0]
    tree = forest_of(
        [0, 1, -1, -1, 1, -1, -1],
        [2, 5, 0, 0, 5, 0, 0],
        [1, 2, -1, -1, 5, -1, -1],
        [4, 3, -1, -1, 6, -1, -1],
        value,
    )
    assert translate(tree).circuit.count(Op.LT) == 2


def test_features_that_no_split_uses_have_no_bits():
    tree = forest_of([2, -1, -1], [2.5, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0.25, -0.5])
    port = translate(tree).circuit.inputs[0]
    assert port.shape == (3,)
    assert (port.hi - port.lo).tolist() == [0, 0, 1]


def test_events_to_calibrate_on_keep_accuracy_with_few_bits():
    xgboost = pytest.importorskip("xgboost")
    from edgetrig.frontends.trees import read_model

    rng = np.random.default_rng(0)
    x = rng.integers(0, 64, (4000, 5))
    y = (x[:, 0] * x[:, 1] > 900) + (x[:, 2] + x[:, 3] > 70)
    model = xgboost.XGBClassifier(n_estimators=12, max_depth=3, random_state=0).fit(x, y)
    forest = read_model(model)
    port = fixed_input("x", 5, signed=0, integer=6, fraction=0)
    plain = translate(forest, inputs=port, leaf_bits=1)
    tuned = translate(forest, inputs=port, leaf_bits=1, data=x)
    margin = forest.scores(x)
    off = [np.sqrt(np.mean((scores(form, x) - margin) ** 2)) for form in (plain, tuned)]
    assert off[1] < 0.8 * off[0]
    few = translate(forest, inputs=port, data=x, tolerance=0.01)
    changed = scores(few, x).argmax(axis=1) != margin.argmax(axis=1)
    assert changed.mean() <= 0.01


def test_hardware_of_a_forest_is_verified_and_proved():
    xgboost = pytest.importorskip("xgboost")
    from edgetrig.frontends.trees import read_model

    rng = np.random.default_rng(1)
    x = rng.integers(0, 32, (1000, 4))
    y = x[:, 0] + x[:, 1] > x[:, 2] + 16
    model = xgboost.XGBClassifier(n_estimators=6, max_depth=3, random_state=0).fit(x, y)
    port = fixed_input("x", 4, signed=0, integer=5, fraction=0)
    loaded = translate(read_model(model), inputs=port, leaf_bits=3)
    design = Design(loaded.circuit)
    assert design.verify(500, events=x, prove=True).proof.complete


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"inputs": fixed_input("x", 3, integer=3, fraction=0)}, "one element a feature"),
        ({"bits": 0}, "2 to 48"),
        ({"leaf_bits": -1}, "0 to 40"),
        ({"tolerance": 0.1}, "give data="),
        ({"bits": 4, "inputs": fixed_input("x", 1, integer=3, fraction=0)}, "not both"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_one_line(arguments, words):
    with pytest.raises(ModelError, match=words) as caught:
        translate(STUMP, **arguments)
    assert "\n" not in str(caught.value)


def test_missing_values_are_refused_unless_asked_for():
    with pytest.raises(DataError, match="missing=True"):
        translate(STUMP, data=[[np.nan]])
    assert any("missing=True" in note for note in translate(STUMP).notes)
    with pytest.raises(edgetrig.Error, match="nan"):
        scores(translate(STUMP), [[np.nan]])


def test_thresholds_far_apart_give_up_the_finest_steps_and_say_so():
    tree = forest_of(
        [0, 0, -1, -1, -1],
        [1e20, 1e-20, 0, 0, 0],
        [1, 2, -1, -1, -1],
        [4, 3, -1, -1, -1],
        [0, 0, 0.25, 0.5, 0.75],
    )
    loaded = translate(tree)
    assert any("thresholds of f0 need more" in note for note in loaded.notes)
    assert scores(loaded, [[-1e20], [1e19], [1e21]]).ravel().tolist() == [0.25, 0.5, 0.75]
    assert translate(tree, bits=8).circuit.inputs[0].shape == (1,)


def test_leaves_beyond_62_bits_are_refused():
    forest = forest_of([0, -1, -1], [0.5, 0, 0], [1, -1, -1], [2, -1, -1], [0, 1e19, -1e19])
    with pytest.raises(ModelError, match=r"leaves up to 2e\+19 with 0 bits"):
        translate(forest)
