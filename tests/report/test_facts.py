"""The facts agree with the design and the data they speak of."""

import json

import numpy as np
import pytest
from report_data import EVENTS, NASTY

from edgetrig import DataError, Error
from edgetrig.circuit import Op
from edgetrig.report import FORMAT, VERSION, Hardware, Sample, collect


def test_facts_are_json(facts):
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["format"], facts["version"]) == (FORMAT, VERSION)


def test_sections_without_facts_are_left_out(bare):
    assert not {"sample", "working_point", "training"} & set(bare)
    assert not {"cost", "verification"} & set(bare["hardware"][0])
    assert bare["title"] == "net"


def test_verdict_has_the_figures(facts, point):
    last = facts["hardware"][-1]
    for words in (
        "One accept bit",
        f"{last['latency_cycles']} clock cycles ({last['latency_ns']:g} ns)",
        f"{last['cost']['lut']} LUTs on xcvu13p",
        f"{100 * point.efficiency:.1f} % of b kept at {100 * point.acceptance:.2f} %",
        "13,000 vectors",
    ):
        assert words in facts["verdict"]


def test_curve_goes_through_the_working_point(facts, point):
    curve = facts["sample"]["roc"]["hardware"]
    assert np.all(np.diff(curve["acceptance"]) > 0)
    assert np.all(np.diff(curve["efficiency"]) >= 0)
    nearest = np.argmin(np.abs(np.array(curve["acceptance"]) - point.acceptance))
    assert curve["efficiency"][nearest] == pytest.approx(point.efficiency, abs=0.02)
    assert facts["sample"]["roc_by_class"][1]["area"] == curve["area"]


def test_confusion_and_accuracy_count_every_event(facts, design, labels):
    sample = facts["sample"]
    matrix = np.array(sample["confusion"])
    assert matrix.sum(axis=1).tolist() == sample["events_by_class"]
    assert np.trace(matrix) / matrix.sum() == pytest.approx(sample["accuracy"]["hardware"])
    assert sample["accuracy"]["hardware"] == sample["accuracy"]["quantized"]
    found = design.predict(EVENTS).argmax(axis=1)
    assert matrix[2, 0] == ((labels == 2) & (found == 0)).sum()


def test_hardware_scores_are_those_of_the_design(facts, design, labels, point):
    accepted = design.threshold(point).predict(EVENTS).astype(bool)
    assert accepted[labels == 1].mean() == facts["working_point"]["efficiency"]


def test_stages_hold_the_registers_and_the_time(facts, design):
    described = facts["hardware"][0]
    stages = described["stages"]
    assert len(stages) == design.latency == described["latency_cycles"]
    assert sum(s["register_bits"] for s in stages) == described["register_bits"]
    assert max(s["delay_ns"] for s in stages) == pytest.approx(design.estimated_clock_ns)
    assert max(s["delay_ns"] for s in stages) <= 2.0
    assert stages[-1]["register_bits"] == described["output_bits"]
    adders = design.circuit.count(Op.ADD, Op.SUB, Op.NEG)
    assert 0 < max(s["adders"] for s in stages) <= adders


def test_combinational_design_has_one_stage(design):
    facts = collect([Hardware(design.retarget(latency=0))])["hardware"][0]
    assert len(facts["stages"]) == 1
    assert facts["latency_cycles"] == facts["register_bits"] == 0
    assert facts["stages"][0]["delay_ns"] == pytest.approx(facts["estimated_clock_ns"])


def test_layers_have_the_names_of_the_cost(facts):
    for described in facts["hardware"]:
        layers = described["layers"]
        assert (layers[0]["layer"], layers[0]["origin"]) == ("inputs", "")
        assert {layer["origin"] for layer in layers} == set(described["cost"]["by_layer"])
        assert layers[0]["widths"] == [{"bits": 6, "values": 6}]


def test_inputs_are_named_after_the_columns(facts, bare):
    named = facts["hardware"][0]["inputs"]
    assert named[0] == {"name": "feature 0", "bits": 6, "lsb": 0.125, "low": -4.0, "high": 3.875}
    assert named[5]["name"] == NASTY
    assert bare["hardware"][0]["inputs"][2]["name"] == "x[2]"


def test_seeds_and_versions_are_kept(facts):
    assert facts["seeds"] == {"training": 4}
    versions = facts["versions"]
    assert (versions["verilator"], versions["yosys"], versions["keras"]) == ("5.99", "9.99", "3.99")
    assert {"python", "edgetrig", "numpy", "numba"} <= set(versions)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outputs": {"magic": np.zeros((4, 2))}}, "outputs of magic"),
        ({"outputs": {"hardware": np.zeros((3, 2))}}, r"shape \(3, 2\), \(4, 2\) is needed"),
        ({"labels": np.zeros((4, 1), int)}, r"labels of shape \(4, 1\)"),
        ({"labels": np.zeros(4)}, "one class number an event"),
    ],
)
def test_samples_that_do_not_fit(design, change, words):
    given = {"labels": np.arange(4) % 2, "outputs": {"hardware": np.zeros((4, 2))}, **change}
    with pytest.raises(DataError, match=words):
        collect([Hardware(design)], sample=Sample("x", classes=("a", "b"), **given))


def test_a_report_needs_a_design():
    with pytest.raises(DataError, match="at least one design"):
        collect([])


def test_binary_output(design):
    scores = np.array([0.0, 1.0, 2.0, 3.0])
    given = ("x", [0, 0, 1, 1], {"hardware": scores})
    facts = collect([Hardware(design)], sample=Sample(*given, classes=("jet", "tau"), signal=1))
    assert facts["sample"]["roc"]["hardware"]["area"] == 1.0
    assert "confusion" not in facts["sample"]
    with pytest.raises(Error, match="one output scores class 1"):
        collect([Hardware(design)], sample=Sample(*given, classes=("jet", "tau"), signal=0))
