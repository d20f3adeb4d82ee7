"""Float models get types: hardware equals the batch arithmetic, and comes close to the floats."""

import keras
import numpy as np
import pytest

from edgetrig import compile, quantize
from edgetrig.emulate import Emulator
from edgetrig.errors import DataError, ModelError
from edgetrig.frontends import load, read
from edgetrig.frontends.quantization import Quantized, float_outputs


def test_float_outputs_are_keras_own(float_model, random_data):
    assert_float_outputs(float_model, random_data(float_model))


def assert_float_outputs(model, x):
    expected = model.predict(x, verbose=0)
    got = float_outputs(read(model), x).values()
    expected = expected if isinstance(expected, list) else [expected]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_layers_with_inner_parts(float_layers, random_data, quantized_and_checked):
    x = random_data(float_layers, events=400)
    assert_float_outputs(float_layers, x)
    result = quantized_and_checked(float_layers, x, tolerance=0.1, budget=60)
    assert result.loss < 0.15


def test_search_meets_the_tolerance(float_model, random_data, quantized_and_checked):
    x = random_data(float_model)
    result = quantized_and_checked(float_model, x, tolerance=0.03, budget=120)
    assert result.loss <= result.tolerance == 0.03
    assert all(row.type for row in result.table)


@pytest.mark.parametrize("bits", [3, 12])
def test_one_width(float_model, random_data, quantized_and_checked, bits):
    result = quantized_and_checked(float_model, random_data(float_model), bits=bits)
    assert isinstance(result, Quantized)
    if bits == 12:
        assert result.loss < 0.02
        assert result.agreement > 0.98


def test_nothing_is_cut_off_by_rule_all(float_model, random_data, quantized_and_checked):
    x = random_data(float_model)
    result = quantized_and_checked(float_model, x, bits=14, ranges="all")
    assert all(row.saturated == 0 for row in result.table)


def rows(result):
    return {f"{row.layer}.{row.role}": row for row in result.table}


def test_all_events_judge_what_some_of_them_chose(float_models, random_data, monkeypatch):
    from edgetrig.frontends.quantization import post_training

    monkeypatch.setattr(post_training, "SEARCH_EVENTS", 40)
    model = float_models("mlp")
    x = random_data(model)
    y = model.predict(x, verbose=0).argmax(axis=1)
    assert quantize(model, x, y, tolerance=0.03).loss <= 0.03


def test_rare_numbers_are_not_cut_off_where_bits_suffice(float_models, random_data):
    """A sample of the numbers misses the few largest; they count all the same."""
    model = float_models("mlp")
    x = random_data(model, 4000)
    x[1::1000] *= 20
    assert quantize(model, x, bits=16).loss < 0.003


def test_users_choose_types_by_name(float_models, random_data, quantized_and_checked):
    model = float_models("batch norm")
    precision = {
        "*": "fixed<14,5>",
        "out": "fixed<12,4>",
        "out.weight": "fixed<6,2>",
        "ac*.result": "ufixed<9,3>",
        "input": "fixed<8,4,TRN,WRAP>",
        "norm.result": "fixed<10,4,RND_CONV,SAT_SYM>",
    }
    chosen = rows(quantized_and_checked(model, random_data(model), precision=precision))
    name = read(model).inputs[0].name
    assert chosen[f"{name}.result"].type == "fixed<8,4,TRN,WRAP>"
    assert chosen["out.kernel"].type == "fixed<6,2>"
    assert chosen["out.bias"].type == "fixed<12,4>"
    assert chosen["norm.result"].type == "fixed<10,4,RND_CONV,SAT_SYM>"
    assert chosen["linear.kernel"].type == "fixed<14,5>"
    assert chosen["act.result"].type == "ufixed<9,3>"


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        ({"lineer": "fixed<8,4>"}, r"nothing is named 'lineer'; the nearest are linear"),
        ({"out.wieght": "fixed<8,4>"}, r"nothing is named 'out.wieght'; .*out.weight"),
        ({"out.result": "fixed<8,4>"}, r"nothing is named 'out.result'"),
        ({"out": "float16"}, r"'float16' is no type; write fixed<12,4>"),
    ],
)
def test_wrong_names_and_types(float_models, random_data, precision, message):
    model = float_models("batch norm")
    with pytest.raises(ModelError, match=message):
        quantize(model, random_data(model), precision=precision)


def test_wrong_options_and_data(float_models, random_data):
    model = float_models("mlp")
    x = random_data(model)
    for options, message in (
        ({"bits": 1}, "bits=1: use 2 to 32"),
        ({"table_bits": 30}, "table_bits=30"),
        ({"ranges": "max"}, "use mse or all"),
        ({"tolerance": -1}, "tolerance=-1"),
    ):
        with pytest.raises(ModelError, match=message):
            quantize(model, x, **options)
    with pytest.raises(DataError, match=r"shape \(1500, 15\)"):
        quantize(model, x[:, :15])
    with pytest.raises(DataError, match="NaN"):
        quantize(model, np.where(x > 1, np.nan, x))
    with pytest.raises(DataError, match="y has 3 events"):
        quantize(model, x, [0, 1, 2])
    with pytest.raises(DataError, match="does not fit outputs"):
        quantize(model, x, np.zeros((1500, 7)))
    with pytest.raises(DataError, match="0 events"):
        quantize(model, x[:0])


def test_accuracy_is_kept(float_models, random_data, quantized_and_checked):
    model = float_models("mlp")
    x = random_data(model)
    y = model.predict(x, verbose=0).argmax(axis=1)
    y[::10] = 0
    result = quantized_and_checked(model, x, y, tolerance=0.02, budget=150)
    assert result.measure == "accuracy lost"
    assert result.loss - result.uncertainty <= 0.02
    assert (result.judged, result.unseen) == (750, True)
    assert "events that the search did not see (allowed 0.02)" in str(result)
    few = quantize(model, x[:200], y[:200], tolerance=0.1)  # too few to part
    assert (few.judged, few.unseen) == (200, False)
    one_hot = np.eye(5)[y]
    assert quantize(model, x, one_hot, bits=8).loss == quantize(model, x, y, bits=8).loss


def test_metric_of_the_user(float_models, random_data):
    model = float_models("binary")
    x = random_data(model)

    def efficiency(y, outputs):
        return np.mean(outputs[y == 1] > 0)

    y = (model.predict(x, verbose=0)[:, 0] > 0.6).astype(int)
    result = quantize(model, x, y, metric=efficiency, tolerance=0.05, budget=100)
    assert result.measure == "efficiency lost"
    assert result.loss + result.uncertainty <= 0.05
    assert result.unseen
    # A metric that knows the truth by itself gets all events, in their order.
    whole = quantize(model, x, metric=lambda _, z: efficiency(y, z), tolerance=0.05, budget=50)
    assert (whole.judged, whole.unseen) == (len(x), False)


def test_the_loss_holds_on_new_events():
    """Labels that no feature tells: a search that may keep what suits its events loses on others.

    None may lose more on 20,000 new events than was allowed and two standard errors of its judges.
    """
    import keras
    from keras import layers

    worse = 0
    for seed in range(4):
        keras.utils.set_random_seed(seed)
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(23_000, 6)).astype("float32")
        model = keras.Sequential([keras.Input((6,)), layers.Dense(12, "relu"), layers.Dense(3)])
        logits = np.asarray(model(x))
        y = (2 * logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        result = quantize(model, x[:3000], y[:3000], tolerance=0.01, budget=150)
        new = Emulator(result.circuit).predict(x[3000:]).argmax(axis=1)
        lost = np.mean(logits[3000:].argmax(axis=1) == y[3000:]) - np.mean(new == y[3000:])
        worse += lost > 0.01 + 2 * result.uncertainty
    assert worse == 0


def test_regression(float_models, random_data):
    model = float_models("residual")
    x = random_data(model)
    y = model.predict(x, verbose=0) + 0.1
    assert quantize(model, x, y, bits=10).loss < 0.02
    assert "targets" in quantize(model, x, y, bits=10).measure


def test_narrower_under_a_looser_tolerance(float_models, random_data):
    model = float_models("mlp")
    x = random_data(model)
    bits = [
        sum(int(row.type.split("<")[1].split(",")[0]) for row in result.table)
        for result in (quantize(model, x, tolerance=t, budget=200) for t in (0.003, 0.03, 0.2))
    ]
    assert bits[0] > bits[1] > bits[2]


def test_hopeless_tolerance_is_said(float_models, random_data):
    model = float_models("tables")
    result = quantize(model, random_data(model), tolerance=1e-9, max_bits=8)
    assert any("above the 1e-09 allowed" in note for note in result.notes)


def test_batch_norm_is_folded(float_models, random_data, quantized_and_checked):
    model = float_models("batch norm")
    result = quantized_and_checked(model, random_data(model), bits=10)
    names = set(rows(result))
    assert {"linear.result", "norm.scale", "last.scale", "out.result"} & names == set()
    assert {"norm.bias", "norm.result", "linear.kernel"} <= names


def test_the_table_and_the_design(float_models, random_data):
    model = float_models("mlp")
    x = random_data(model)
    result = quantize(model, x, bits=8, precision={"dense*.bias": "fixed<9,3>"})
    text = str(result)
    assert text.splitlines()[0].split() == [
        "layer", "role", "range", "type", "saturated", "loss", "bound",
    ]  # fmt: skip
    assert "same first choice as the float model" in text
    assert all(len(line) < 160 for line in text.splitlines())
    design = compile(result)
    assert design.predict(x).shape == (1500, 5)
    assert result.types[f"{result.table[-1].layer}.bias"] == "fixed<9,3>"


def test_blocks_do_not_matter(float_models, random_data, monkeypatch):
    from edgetrig.frontends.quantization import floating

    model = float_models("tables")
    x = random_data(model)
    whole = quantize(model, x, bits=9, ranges="all")
    monkeypatch.setattr(floating, "EVENTS", 100)
    parts = quantize(model, x, bits=9, ranges="all")
    assert whole.types == parts.types
    assert whole.loss == pytest.approx(parts.loss)


def test_quantised_models_keep_their_types():
    import keras
    from hgq.config import QuantizerConfig
    from hgq.layers import QDense, Quantizer

    rng = np.random.default_rng(0)
    first = Quantizer(QuantizerConfig("kif", "datalane", k0=1, i0=3, f0=3, overflow_mode="SAT"))
    stack = [first, QDense(6, activation="relu", name="q"), QDense(3, name="end")]
    model = keras.Sequential([keras.Input((5,)), *stack])
    x = rng.normal(0, 2, (300, 5)).astype("float32")
    result = quantize(model, x)
    assert result.table == ()
    own = Emulator(load(model).circuit)
    np.testing.assert_array_equal(Emulator(result.circuit).predict(x), own.predict(x))


def test_float_layers_behind_quantised_ones(quantized_and_checked):
    import keras
    from hgq.config import QuantizerConfig
    from hgq.layers import QDense, Quantizer
    from keras import layers

    first = Quantizer(QuantizerConfig("kif", "datalane", k0=1, i0=3, f0=3, overflow_mode="SAT"))
    own = QDense(6, activation="relu", name="own")
    stack = [first, own, layers.Dense(4, activation="tanh", name="mine"), layers.Dense(2)]
    model = keras.Sequential([keras.Input((5,)), *stack])
    x = np.random.default_rng(0).normal(0, 2, (300, 5)).astype("float32")
    result = quantized_and_checked(model, x, bits=8)
    assert not any(row.layer in ("own", read(model).inputs[0].name) for row in result.table)
    named = quantized_and_checked(model, x, bits=8, precision={"own.result": "fixed<7,3>"})
    assert rows(named)["own.result"].type == "fixed<7,3>"


def test_numbers_beyond_float64_are_noted(float_models, random_data):
    model = float_models("mlp")
    result = quantize(model, random_data(model, 200), bits=30)
    assert any("the hardware is exact" in note for note in result.notes)


def test_standardised_inputs(random_data, quantized_and_checked):
    """Any mean and deviation: the factor is a constant with a type a feature."""
    import keras
    from keras import layers

    rng = np.random.default_rng(1)
    scale = np.array([0.02, 1.0, 30.0, 4000.0])
    x = (rng.normal(1, 1, (800, 4)) * scale).astype("float32")
    norm = layers.Normalization(name="norm")
    norm.adapt(x)
    model = keras.Sequential([keras.Input((4,)), norm, layers.Dense(3, activation="relu")])
    assert_float_outputs(model, x)
    result = quantized_and_checked(model, x, tolerance=0.02)
    assert result.loss < 0.03
    chosen = rows(result)
    assert ".." in chosen["norm.scale"].type
    assert ".." in chosen[f"{read(model).inputs[0].name}.result"].type
    with pytest.raises(ModelError, match="powers of two"):
        load(keras.Sequential([keras.Input((4,)), keras.layers.Identity(), norm]))


def test_outputs_that_are_all_the_same():
    """A network that no event wakes up: its loss is relative to the outputs' size."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="d")(inputs))
    model.get_layer("d").set_weights([np.zeros((3, 2)), np.float32([0.3, 0.7])])
    x = np.random.default_rng(0).normal(0, 1, (300, 3)).astype("float32")
    assert quantize(model, x, bits=8).loss < 0.01
