"""The design: from a traced function to an accept bit, with one set of numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrig import CircuitError, Design, Error, compile, fixed_input, origin, quantize, trace
from edgetrig.circuit import Op
from edgetrig.verify import evaluate

RNG = np.random.default_rng(7)
WEIGHTS = RNG.integers(-15, 16, (6, 4)) / 8, RNG.integers(-15, 16, (4, 3)) / 8


def network(x):
    with origin("hidden"):
        x = quantize(np.maximum(x @ WEIGHTS[0], 0), 0, 3, 2, "RND", "SAT")
    with origin("scores"):
        return x @ WEIGHTS[1] + 0.375


@pytest.fixture(scope="module")
def design():
    circuit = trace(network, fixed_input("x", 6, integer=2, fraction=3))
    return compile(circuit, name="net", classes=("a", "b", "c"), clock_ns=4.0)


@pytest.fixture(scope="module")
def events():
    return RNG.normal(0, 2, (400, 6))


def plain(x):
    codes = np.clip(np.floor(x * 8 + 0.5), -32, 31) / 8
    hidden = np.maximum(codes @ WEIGHTS[0], 0)
    hidden = np.minimum(np.floor(hidden * 4 + 0.5) / 4, 7.75)
    return hidden @ WEIGHTS[1] + 0.375


def test_predict_is_what_the_function_computes(design, events):
    assert np.array_equal(design.predict(events), plain(events))


def test_scores_are_margins(design, events):
    values = plain(events)
    others = np.maximum(values[:, 0], values[:, 2])
    assert np.array_equal(design.scores(events, "b"), values[:, 1] - others)


@given(at=st.integers(-160, 160).map(lambda k: k / 32), signal=st.integers(0, 2))
def test_accept_bit_is_the_score_compared(design, events, at, signal):
    accepted = design.threshold(signal, at=at).predict(events)
    assert np.array_equal(accepted, design.scores(events, signal) >= at)


def test_accepts_fall_with_the_threshold(design, events):
    accepted = [design.threshold("a", at=at).predict(events).sum() for at in (-4, -1, 0, 1, 4)]
    assert accepted == sorted(accepted, reverse=True)


def test_working_point_is_kept_by_the_hardware(design, events):
    labels = RNG.integers(0, 3, len(events))
    point = design.working_point(events, labels, signal="c", acceptance=0.1)
    accepted = design.threshold(point).predict(events).astype(bool)
    assert accepted[labels != 2].mean() == point.acceptance <= 0.1
    assert accepted[labels == 2].mean() == point.efficiency


def test_threshold_on_one_output_removes_the_sigmoid():
    from edgetrig import lookup

    def function(x):
        score = quantize(x @ np.array([0.5, -1.25]), 1, 3, 4, "RND", "SAT")
        return lookup(score, lambda v: 1 / (1 + np.exp(-v)), 0, 0, 10)

    design = compile(trace(function, fixed_input("x", 2, integer=2, fraction=4)))
    assert design.circuit.count(Op.TABLE) == 1
    bit = design.threshold(1, at=0.75)
    assert bit.circuit.count(Op.TABLE) == 0
    x = RNG.normal(0, 2, (500, 2))
    assert np.array_equal(bit.predict(x), design.predict(x) >= 0.75)


@pytest.mark.parametrize("classes", [(), ("tau",), ("jet", "tau")])
def test_one_output_scores_class_1_against_class_0(classes):
    circuit = trace(lambda x: x[0] - 2 * x[1], fixed_input("x", 2, integer=4, fraction=2))
    design = compile(circuit, classes=classes)
    labels = RNG.integers(0, 2, 4000)
    x = RNG.normal(0, 1, (4000, 2)) + labels[:, None] * [2, -1]
    signal = classes[-1] if classes else 1
    point = design.working_point(x, labels, signal=signal, acceptance=0.1)
    accepted = design.threshold(point).predict(x).astype(bool)
    assert accepted[labels == 1].mean() == point.efficiency > 0.5
    assert accepted[labels == 0].mean() == point.acceptance <= 0.1
    assert design.measure(point, x, labels).efficiency == point.efficiency
    with pytest.raises(CircuitError, match="class 0: one output scores class 1"):
        design.working_point(x, labels, signal=0, acceptance=0.1)


def test_latency_targets(design):
    assert design.retarget(latency=0).latency == 0
    for cycles in (1, 2, 5):
        assert design.retarget(latency=cycles).latency == cycles
    fast, slow = (design.retarget(clock_ns=ns) for ns in (2.0, 8.0))
    assert fast.latency > slow.latency
    assert fast.estimated_clock_ns <= 2.0


def test_optimised_circuit_equals_the_traced_one(design, events):
    codes = np.clip(np.floor(events[:50] * 8 + 0.5), -32, 31).astype(int).tolist()
    assert evaluate(str(design.circuit), codes) == evaluate(str(design.traced), codes)
    assert evaluate(str(design.pipelined), codes) == evaluate(str(design.traced), codes)


def test_a_design_is_saved_by_its_suffix_only(design, tmp_path):
    with pytest.raises(Error, match=r"top\.bin: designs are written as \.edgetrig files"):
        design.save(tmp_path / "top.bin")
    assert not list(tmp_path.iterdir())


def test_a_layer_is_called_by_its_name_and_the_rest_inputs(design):
    named = {row["origin"]: row["layer"] for row in design.layers()}
    assert named.pop("") == "inputs"
    assert named
    assert all(origin == layer for origin, layer in named.items())
    assert "  inputs: " in design.summary()
    plain = compile(trace(lambda x: x + 1, fixed_input("x", 2, integer=3, fraction=2)))
    assert "  unnamed: " in plain.summary()  # its sums are no inputs


def test_saved_design_is_the_same(design, events, tmp_path):
    file = tmp_path / "net.edgetrig"
    design.save(file)
    again = Design.load(file)
    assert (again.name, again.classes, again.target) == (design.name, design.classes, design.target)
    assert str(again.circuit) == str(design.circuit)
    hurried = compile(file, clock_ns=2.0, part="ecp5")
    assert (hurried.target.clock_ns, hurried.target.part) == (2.0, "ecp5")
    hurried.save(file)
    assert compile(file, effort=2).target == replace(hurried.target, effort=2)
    with pytest.raises(Error, match="compile the model anew"):
        compile(file, input_type="fixed<8,4>")
    assert np.array_equal(again.predict(events), design.predict(events))


def test_summary_names_the_layers(design):
    text = design.summary()
    assert "hidden" in text
    assert "scores" in text
    assert f"{design.latency} clock cycles of {design.target.clock_ns:g} ns, " in text
    assert "longer than the clock" not in text
    assert "longer than the clock asked for" in design.retarget(latency=1, clock_ns=1.0).summary()
    assert "  no registers, " in design.retarget(latency=0).summary()
    assert repr(design).startswith(f"<Design {design.name}: ")
    assert len(repr(design)) < 200


def test_notebooks_show_results_as_they_are_printed(design, events):
    shown = []
    estimate = design.estimate()
    point = design.working_point(
        events, RNG.integers(0, 3, len(events)), signal="c", acceptance=0.1
    )
    for result in (estimate, point):
        result._repr_pretty_(type("Printer", (), {"text": shown.append}), False)
    assert shown == [str(estimate), str(point)]


def test_verification_needs_vectors(design):
    with pytest.raises(Error, match="-1 vectors: at least 1"):
        design.verify(-1)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda d: d.threshold("top", at=0.0), "classes: a, b, c"),
        (lambda d: d.threshold(7, at=0.0), "does not exist"),
        (lambda d: d.threshold("a"), "working point"),
        (lambda d: d.threshold("a", at=float("nan")), "nan: a finite"),
        (lambda d: d.retarget(part="z80"), "z80"),
        (lambda d: d.retarget(part=7), "part '7' is unknown"),
        (lambda d: d.retarget(clock_ns=float("nan")), "nan ns: use a number above 0"),
        (lambda d: d.retarget(clock_ns="5"), "'5' ns: use a number above 0"),
        (lambda d: d.retarget(latency=1.5), "1.5 clock cycles: use a whole number"),
        (lambda d: d.retarget(latency=10_000_000), "from 0 to 10,000"),
        (lambda d: d.retarget(effort=-1), "effort of -1"),
        (lambda d: d.retarget(clock_ns=0.01).pipelined, "no time for logic"),
        (lambda d: compile(d.traced, classes=("a",)), "3 outputs"),
        (lambda d: compile("model.docx"), "model.docx"),
        (lambda d: compile(3), "int"),
    ],
)
def test_bad_calls_are_one_clear_line(design, call, word):
    with pytest.raises(Error, match=word) as error:
        call(design)
    assert "\n" not in str(error.value)


def test_a_circuit_file_is_no_design(design, tmp_path):
    from edgetrig.circuit import save

    save(design.traced, tmp_path / "c.edgetrig")
    with pytest.raises(CircuitError, match="not a saved design"):
        Design.load(tmp_path / "c.edgetrig")
