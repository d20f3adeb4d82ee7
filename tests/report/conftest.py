"""Facts of a small design with everything that a report can show."""

import pytest
from report_data import EVENTS, NASTY, RNG, cost, network, verification

from edgetrig import compile, fixed_input, trace
from edgetrig.report import Hardware, Sample, collect


@pytest.fixture(scope="session")
def design():
    circuit = trace(network, fixed_input("x", 6, integer=2, fraction=3))
    return compile(circuit, name="net", classes=("a", "b", NASTY), clock_ns=2.0)


@pytest.fixture(scope="session")
def labels(design):
    noise = RNG.gumbel(0, 1.0, (len(EVENTS), 3))
    return (design.predict(EVENTS) + noise).argmax(axis=1)


@pytest.fixture(scope="session")
def point(design, labels):
    return design.working_point(EVENTS, labels, signal="b", acceptance=0.05)


@pytest.fixture(scope="session")
def bare(design):
    return collect([Hardware(design)])


@pytest.fixture(scope="session")
def facts(design, labels, point):
    scores = design.predict(EVENTS)
    bit = design.threshold(point)
    epochs = range(30)
    return collect(
        [
            Hardware(design, "all scores", verification(design), cost(design)),
            Hardware(bit, "one accept bit", verification(bit), cost(bit)),
        ],
        title=f"A test {NASTY}",
        sample=Sample(
            name="made-up events",
            labels=labels,
            outputs={"hardware": scores, "quantized": scores, "float": scores + 0.01},
            classes=design.classes,
            signal=1,
            columns=[f"feature {k}" for k in range(5)] + [NASTY],
            comparison={"events": 3000, "equal": 2999, "different": 1, "explanation": "A cause."},
        ),
        working_point=point,
        training={
            "history": {
                "loss": [1 / (k + 1) for k in epochs],
                "validation_accuracy": [0.7 - 0.3 / (k + 1) for k in epochs],
                "ebops": [5000 / (k + 1) for k in epochs],
            },
            "accuracy": {"float": 0.7, "quantized": 0.69},
            "cost_target": 200.0,
            "ebops": 190,
            "best_epoch": 29,
            "versions": {"keras": "3.99"},
        },
        command="edgetrig demo jets --out 'a & b'",
        seeds={"training": 4},
    )
